/** Grants from command line options, the same for keys and tokens. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import type { GrantText } from "../identity/grant-text.ts";

/** For `node:util` parseArgs. */
export const GRANT_OPTIONS = {
  "update-zone": { type: "string", multiple: true },
  "update-name": { type: "string", multiple: true },
  "transfer-zone": { type: "string", multiple: true },
  types: { type: "string" },
} as const;

export interface GrantOptions {
  readonly "update-zone"?: string[] | undefined;
  readonly "update-name"?: string[] | undefined;
  readonly "transfer-zone"?: string[] | undefined;
  readonly types?: string | undefined;
}

export function grantsFromOptions(options: GrantOptions): GrantText[] {
  const types = options.types?.split(",").map((each) => each.trim().toUpperCase());
  const narrowed = types === undefined ? {} : { types };
  return [
    ...(options["update-zone"] ?? []).map((zone) => grant("update", { zone, ...narrowed })),
    ...(options["update-name"] ?? []).map((name) => grant("update", { name, ...narrowed })),
    ...(options["transfer-zone"] ?? []).map((zone) => grant("transfer", { zone })),
  ];
}

export function requireGrants(grants: readonly GrantText[]): void {
  if (grants.length > 0) return;
  const message =
    "grant something: --update-zone ZONE, --update-name NAME or --transfer-zone ZONE (see --help)";
  throw new WindhoverError(ErrorCode.badRequest, message);
}

function grant(action: "update" | "transfer", scope: Omit<GrantText, "allow">): GrantText {
  return { allow: [action], ...scope };
}
