/**
 * Hints, as they go over the channel:
 *
 *     <writer> zone <origin> [<version>]     the zone is at this version now; none: it was made or deleted
 *     <writer> documents <kind>              documents of this kind were written or deleted
 */
import type { Name } from "../../wire/name.ts";
import { DOCUMENT_KINDS, type DocumentKind, type ZoneVersion } from "../store.ts";
import { formatOrigin, formatVersion, parseOrigin, parseVersion } from "./redis-keys.ts";

export type Hint =
  | {
      readonly writer: string;
      readonly origin: Name;
      readonly version: ZoneVersion | undefined;
      readonly kind?: undefined;
    }
  | { readonly writer: string; readonly kind: DocumentKind };

export function formatZoneHint(writer: string, origin: Name, version?: ZoneVersion): string {
  const words = [writer, "zone", formatOrigin(origin)];
  return [...words, ...(version === undefined ? [] : [formatVersion(version)])].join(" ");
}

export function formatDocumentsHint(writer: string, kind: DocumentKind): string {
  return `${writer} documents ${kind}`;
}

/** `undefined` for what is no hint of ours. */
export function parseHint(text: string): Hint | undefined {
  const [writer = "", what, subject = "", ...rest] = text.split(" ");
  if (what === "documents") {
    const kind = DOCUMENT_KINDS.find((each) => each === subject);
    return kind && { writer, kind };
  }
  const origin = what === "zone" ? parseOrigin(subject) : undefined;
  return origin && { writer, origin, version: parseVersion(rest.join(" ")) };
}
