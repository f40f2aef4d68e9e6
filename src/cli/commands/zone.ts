/** `windhover zone`: zones of the running server, and zone files checked without one. */
import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { formatName, parseName } from "../../wire/name.ts";
import type { CommandContext } from "../command.ts";
import { oneArgument, subcommand } from "../command.ts";
import { formatTable } from "../text-table.ts";
import { readZoneFile, zoneLines, zoneSerial } from "../zone-file-source.ts";

interface ListedZone {
  readonly origin: string;
  readonly serial: number;
  readonly sequence: number;
  readonly names: number;
}

interface HistoryEntry {
  readonly sequence: number;
  readonly fromSerial: number;
  readonly toSerial: number;
  readonly time: string;
  readonly actor: string;
  readonly door: string;
  readonly address: string;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

export function zoneCommand(args: readonly string[], context: CommandContext): Promise<void> {
  const commands = { import: importZone, export: exportZone, list, check, delete: remove, history };
  return subcommand("zone", commands, args, context);
}

function zonePath(origin: string): string {
  return `/v1/zones/${encodeURIComponent(formatName(parseName(origin)))}`;
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
  const origin = oneArgument(args, "the zone's origin");
  await client().copyText({ method: "GET", path: `${zonePath(origin)}/export` }, out);
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

async function history(args: readonly string[], { client, out }: CommandContext): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      limit: { type: "string", default: "20" },
      json: { type: "boolean", default: false },
    },
  });
  const origin = oneArgument(positionals, "the zone's origin");
  if (!/^[1-9]\d{0,5}$/.test(values.limit)) {
    throw new WindhoverError(
      ErrorCode.badRequest,
      `--limit takes a number from 1, not "${values.limit}"`,
    );
  }
  const path = `${zonePath(origin)}/history?limit=${values.limit}`;
  const entries = await client().json<HistoryEntry[]>({ method: "GET", path });
  if (values.json) out.write(`${JSON.stringify(entries, null, 2)}\n`);
  else out.write(entries.map(formatEntry).join("\n"));
}

function formatEntry(entry: HistoryEntry): string {
  const from = entry.address === "" ? "" : ` from ${entry.address}`;
  const head = `${entry.time}  ${entry.fromSerial} → ${entry.toSerial}  ${entry.actor} by ${entry.door}${from}`;
  const lines = [
    ...entry.removed.map((each) => `- ${each}`),
    ...entry.added.map((each) => `+ ${each}`),
  ];
  return `${head}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
