/** `windhover key`: TSIG keys of the running server. */
import { parseArgs } from "node:util";
import type { KeyText } from "../../identity/keyring.ts";
import type { CommandContext } from "../command.ts";
import { oneArgument, subcommand } from "../command.ts";
import { GRANT_OPTIONS, grantsFromOptions, requireGrants } from "../grant-options.ts";
import { formatTable } from "../text-table.ts";

export function keyCommand(args: readonly string[], context: CommandContext): Promise<void> {
  return subcommand("key", { add, list, remove }, args, context);
}

async function add(args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      algorithm: { type: "string", default: "hmac-sha256" },
      secret: { type: "string" },
      ...GRANT_OPTIONS,
    },
  });
  const name = oneArgument(positionals, "the key");
  const grants = grantsFromOptions(values);
  requireGrants(grants);
  const { algorithm, secret } = values;
  const body = { name, algorithm, grants, ...(secret === undefined ? {} : { secret }) };
  const key = await client().json<KeyText>({ method: "POST", path: "/v1/keys", body });
  const shown = key.name.replace(/\.$/, "");
  out.write(`key "${shown}" {\n  algorithm ${key.algorithm};\n  secret "${key.secret}";\n};\n`);
}

async function list(_args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const keys = await client().json<(Omit<KeyText, "secret"> & { source: string })[]>({
    method: "GET",
    path: "/v1/keys",
  });
  const rows = keys.map((key) => [
    key.name,
    key.algorithm,
    key.source,
    key.grants.map(formatGrantLine).join("; "),
  ]);
  out.write(formatTable(["KEY", "ALGORITHM", "FROM", "GRANTS"], rows));
}

async function remove(args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const name = oneArgument(args, "the key");
  await client().json({ method: "DELETE", path: `/v1/keys/${encodeURIComponent(name)}` });
  out.write(`removed key ${name}\n`);
}

/** A grant on one line: `update *.alice.dyn.example.com. A,AAAA`. */
export function formatGrantLine(grant: KeyText["grants"][number]): string {
  const scope = grant.name ?? (grant.zone === undefined ? "" : `zone ${grant.zone}`);
  return [grant.allow.join("+"), scope, grant.types?.join(",") ?? ""].filter(Boolean).join(" ");
}
