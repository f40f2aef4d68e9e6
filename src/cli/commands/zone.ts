/** `windhover zone`: zones of the running server, and zone files checked without one. */
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";
import { formatName, parseName } from "../../wire/name.ts";
import type { Command, CommandContext } from "../command.ts";
import { oneArgument, subcommand } from "../command.ts";
import type { SocketRequest } from "../socket-client.ts";
import { formatTable } from "../text-table.ts";
import { readZoneFile, zoneLines, zoneSerial } from "../zone-file-source.ts";
import { withQuery, zonePath } from "../zone-path.ts";
import { diffZone, revertZone, showHistory } from "./zone-history.ts";
import { labelZone } from "./zone-label.ts";
import { recoverZone } from "./zone-recover.ts";

interface ListedZone {
  readonly origin: string;
  readonly serial: number;
  readonly sequence: number;
  readonly names: number;
}

export function zoneCommand(args: readonly string[], context: CommandContext): Promise<void> {
  return subcommand("zone", COMMANDS, args, context);
}

function originAndFile(args: readonly string[]): [origin: string, file: string] {
  const [origin, file, extra] = args;
  if (origin === undefined || file === undefined || extra !== undefined) {
    throw new WindhoverError(ErrorCode.badRequest, "name the zone's origin and its file");
  }
  return [origin, file];
}

async function importZone(
  args: readonly string[],
  { client, out, err }: CommandContext,
): Promise<void> {
  const [origin, file] = originAndFile(args);
  const text = Readable.from(zoneLines(readZoneFile(origin, file, err)));
  const path = `${zonePath(origin)}/import`;
  const done = await client().json<{ status: string; serial: number }>({
    method: "POST",
    path,
    text,
  });
  out.write(`${done.status} ${formatName(parseName(origin))} serial ${done.serial}\n`);
}

async function exportZone(args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { at: { type: "string" }, journal: { type: "string" } },
  });
  const path = zonePath(oneArgument(positionals, "the zone's origin"));
  const { at, journal } = values;
  const server = client();
  const zone: SocketRequest = { method: "GET", path: withQuery(`${path}/export`, { at }) };
  if (journal === undefined) return void (await server.copyText(zone, out));
  await writeFile(journal, async (file) => {
    const headers = await server.copyText(zone, out);
    // By its sequence, so that the journal ends where the zone that was written stands.
    const to = `#${headers["windhover-sequence"]}`;
    const call: SocketRequest = { method: "GET", path: withQuery(`${path}/journal`, { to }) };
    for await (const chunk of (await server.open(call)).chunks) await file.appendFile(chunk);
  });
}

/** What goes wrong with the file names it. */
async function writeFile(name: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    const file = await open(name, "w");
    await write(file).finally(() => file.close());
  } catch (error) {
    if (error instanceof WindhoverError) throw error;
    throw new WindhoverError(ErrorCode.badRequest, `cannot write ${name}: ${errorMessage(error)}`);
  }
}

async function showZone(args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { at: { type: "string" }, name: { type: "string" }, type: { type: "string" } },
  });
  const path = zonePath(oneArgument(positionals, "the zone's origin"));
  await client().copyText({ method: "GET", path: withQuery(`${path}/export`, values) }, out);
}

async function list(_args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const zones = await client().json<ListedZone[]>({ method: "GET", path: "/v1/zones" });
  const rows = zones.map((zone) => [
    zone.origin,
    String(zone.serial),
    String(zone.names),
    String(zone.sequence),
  ]);
  out.write(formatTable(["ZONE", "SERIAL", "NAMES", "CHANGES"], rows));
}

async function check(args: readonly string[], { out, err }: CommandContext): Promise<void> {
  const [origin, file] = originAndFile(args);
  const zone = readZoneFile(origin, file, err);
  const facts = `${zone.recordCount} records, serial ${zoneSerial(zone)}`;
  out.write(`${file}: ${formatName(zone.origin)} is good: ${facts}
`);
}

async function remove(args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const origin = oneArgument(args, "the zone's origin");
  await client().json({ method: "DELETE", path: zonePath(origin) });
  out.write(`deleted ${formatName(parseName(origin))}\n`);
}

const COMMANDS: Readonly<Record<string, Command>> = {
  import: importZone,
  export: exportZone,
  list,
  check,
  delete: remove,
  show: showZone,
  history: showHistory,
  diff: diffZone,
  revert: revertZone,
  recover: recoverZone,
  label: labelZone,
};
