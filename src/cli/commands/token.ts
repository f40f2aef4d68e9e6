/** `windhover token`: update tokens of the running server, and argon2id hashes for the configuration. */
import { parseArgs } from "node:util";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import type { GrantText } from "../../identity/grant-text.ts";
import { hashPassword } from "../../identity/password.ts";
import type { CommandContext } from "../command.ts";
import { oneArgument, subcommand } from "../command.ts";
import { GRANT_OPTIONS, grantsFromOptions, requireGrants } from "../grant-options.ts";
import { formatTable } from "../text-table.ts";
import { formatGrantLine } from "./key.ts";

interface ListedToken {
  readonly id: string;
  readonly label: string;
  readonly host?: string;
  readonly grants: readonly GrantText[];
  readonly created: string;
}

export function tokenCommand(args: readonly string[], context: CommandContext): Promise<void> {
  return subcommand("token", { add, list, revoke, hash }, args, context);
}

async function add(args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { label: { type: "string" }, host: { type: "string" }, ...GRANT_OPTIONS },
  });
  const hostGrant: GrantText[] =
    values.host === undefined
      ? []
      : [{ allow: ["update"], name: values.host, types: ["A", "AAAA"] }];
  const grants = [...hostGrant, ...grantsFromOptions(values)];
  requireGrants(grants);
  const { label = "", host } = values;
  const body = { label, grants, ...(host === undefined ? {} : { host }) };
  const token = await client().json<{ id: string; secret: string }>({
    method: "POST",
    path: "/v1/tokens",
    body,
  });
  out.write(`${token.secret}\n`);
  out.write(
    `# token ${token.id}: shown once, stored only as a hash; \`windhover token revoke ${token.id}\` ends it\n`,
  );
}

async function list(_args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const tokens = await client().json<ListedToken[]>({ method: "GET", path: "/v1/tokens" });
  const rows = tokens.map((token) => [
    token.id,
    token.label,
    token.created,
    token.grants.map(formatGrantLine).join("; "),
  ]);
  out.write(formatTable(["TOKEN", "LABEL", "CREATED", "GRANTS"], rows));
}

async function revoke(args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const id = oneArgument(args, "the token's id, as `windhover token list` shows it");
  await client().json({ method: "DELETE", path: `/v1/tokens/${encodeURIComponent(id)}` });
  out.write(`revoked token ${id}\n`);
}

async function hash(_args: readonly string[], { input, out }: CommandContext): Promise<void> {
  let password = "";
  for await (const chunk of input) password += String(chunk);
  password = password.replace(/\r?\n$/, "");
  if (password === "") {
    throw new WindhoverError(ErrorCode.badRequest, "give the password on standard input");
  }
  out.write(`${await hashPassword(password)}\n`);
}
