/** `windhover zone history|diff|revert`: who changed what, what differs, and the way back. */
import { parseArgs } from "node:util";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { formatName, parseName } from "../../wire/name.ts";
import type { CommandContext } from "../command.ts";
import { oneArgument } from "../command.ts";
import { withQuery, zonePath } from "../zone-path.ts";

interface ShownRecords {
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** Records that are not shown. */
  readonly omitted: number;
}

interface HistoryEntry extends ShownRecords {
  readonly sequence: number;
  readonly fromSerial: number;
  readonly toSerial: number;
  readonly time: string;
  readonly actor: string;
  readonly door: string;
  readonly address: string;
  readonly note?: string;
  /** It went back. */
  readonly revert?: { readonly change?: number; readonly to?: number; readonly for?: string };
}

interface RefusedUpdate {
  readonly time: string;
  readonly first: string;
  readonly actor: string;
  readonly door: string;
  readonly address: string;
  readonly reason: string;
  readonly detail: string;
  readonly count: number;
}

interface Reverted extends ShownRecords {
  readonly status: "applied" | "unchanged";
  readonly serial: number;
  readonly change?: number;
  readonly to?: { readonly serial: number; readonly sequence: number };
  readonly names?: readonly string[];
}

/** Entries of one answer, so that none is large. */
const PAGE = 100;

export async function showHistory(args: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      limit: { type: "string", default: "20" },
      json: { type: "boolean", default: false },
      refused: { type: "boolean", default: false },
      name: { type: "string" },
      type: { type: "string" },
      actor: { type: "string" },
      address: { type: "string" },
      since: { type: "string" },
      until: { type: "string" },
    },
  });
  const origin = oneArgument(positionals, "the zone's origin");
  const { limit, json, refused, ...search } = values;
  const count = wholeNumber("--limit", limit);
  if (refused) return showRefused(origin, { count, json, search }, context);
  const entries = await readEntries(context, origin, count, search);
  if (json) context.out.write(`${JSON.stringify(entries, null, 2)}\n`);
  else if (entries.length > 0) context.out.write(entries.map(formatEntry).join("\n"));
  else context.err.write(`no change of ${origin} was found\n`);
}

async function readEntries(
  { client }: CommandContext,
  origin: string,
  count: number,
  search: Readonly<Record<string, string | undefined>>,
): Promise<readonly HistoryEntry[]> {
  const server = client();
  const entries: HistoryEntry[] = [];
  let before: number | undefined;
  do {
    const limit = Math.min(PAGE, count - entries.length);
    const path = withQuery(`${zonePath(origin)}/history`, { ...search, limit, before });
    const page = await server.json<{ entries: HistoryEntry[]; next?: number }>({
      method: "GET",
      path,
    });
    entries.push(...page.entries);
    before = page.next;
  } while (before !== undefined && entries.length < count);
  return entries;
}

function formatEntry(entry: HistoryEntry): string {
  const { sequence, fromSerial, toSerial, time, note } = entry;
  const who = formatWho(entry) + formatRevert(entry);
  const head = `#${sequence}  ${time}  ${fromSerial} → ${toSerial}  ${who}\n`;
  return head + formatRecords(entry) + (note === undefined ? "" : `  ${note}\n`);
}

function formatWho({ actor, door, address }: Pick<HistoryEntry, "actor" | "door" | "address">) {
  return `${actor} by ${door}${address === "" ? "" : ` from ${address}`}`;
}

function formatRevert({ revert }: HistoryEntry): string {
  if (revert === undefined) return "";
  if (revert.change !== undefined) return `, revert of #${revert.change}`;
  return `, revert to #${revert.to}${revert.for === undefined ? "" : ` for ${revert.for}`}`;
}

/** What ended and what began, each RRset in one place. */
function formatRecords({ removed, added, omitted }: ShownRecords): string {
  const rrsets = new Map<string, string[]>();
  const keep = (sign: string, record: string) => {
    const [owner, , , rrtype] = record.split(" ");
    const key = `${owner} ${rrtype}`;
    rrsets.set(key, [...(rrsets.get(key) ?? []), `  ${sign} ${record}\n`]);
  };
  for (const record of removed) keep("-", record);
  for (const record of added) keep("+", record);
  const more = omitted === 0 ? "" : `  and ${omitted} other record${omitted === 1 ? "" : "s"}\n`;
  return [...rrsets.values()].flat().join("") + more;
}

interface RefusedOptions {
  readonly count: number;
  readonly json: boolean;
  readonly search: Readonly<Record<string, string | undefined>>;
}

async function showRefused(
  origin: string,
  { count, json, search }: RefusedOptions,
  { client, out, err }: CommandContext,
): Promise<void> {
  const [option] = Object.keys(search);
  if (option !== undefined) throw badArguments(`--refused cannot be searched by --${option}`);
  const path = `${zonePath(origin)}/refused`;
  const all = await client().json<RefusedUpdate[]>({ method: "GET", path });
  const refused = all.slice(0, count);
  if (json) out.write(`${JSON.stringify(refused, null, 2)}\n`);
  else if (refused.length > 0) out.write(refused.map(formatRefused).join("\n"));
  else err.write(`this server refused no update of ${origin} lately\n`);
}

function formatRefused(refused: RefusedUpdate): string {
  const { time, first, reason, detail, count } = refused;
  const times = count === 1 ? "" : `  ${count} times since ${first}`;
  return `${time}  ${formatWho(refused)}${times}\n  refused (${reason}): ${detail}\n`;
}

export async function diffZone(
  args: readonly string[],
  { client, out }: CommandContext,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "boolean", default: false } },
  });
  const [origin, from, to, extra] = positionals;
  if (origin === undefined || from === undefined || extra !== undefined) {
    const hint = 'write "#5" in quotes: the shell takes a plain #5 for a comment';
    throw badArguments(`name the zone's origin, a point, and maybe a second one (${hint})`);
  }
  const format = values.json ? "json" : "text";
  const path = withQuery(`${zonePath(origin)}/diff`, { from, to, format });
  await client().copyText({ method: "GET", path }, out);
  if (values.json) out.write("\n");
}

export async function revertZone(
  args: readonly string[],
  { client, out }: CommandContext,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      to: { type: "string" },
      name: { type: "string", multiple: true },
      change: { type: "string" },
      force: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const origin = oneArgument(positionals, "the zone's origin");
  const { to, name, change, force, "dry-run": dryRun, json } = values;
  if ((to === undefined) === (change === undefined)) {
    throw badArguments("say --to POINT or --change SEQUENCE");
  }
  const which = change === undefined ? { to } : { change: sequenceOf(change) };
  const body = { ...which, force, dryRun, ...(name === undefined ? {} : { names: name }) };
  const path = `${zonePath(origin)}/revert`;
  const done = await client().json<Reverted>({ method: "POST", path, body });
  if (json) out.write(`${JSON.stringify(done, null, 2)}\n`);
  else out.write(formatReverted(formatName(parseName(origin)), done, dryRun));
}

function formatReverted(origin: string, done: Reverted, isDryRun: boolean): string {
  const what =
    done.to === undefined
      ? `change #${done.change} of ${origin}`
      : `${done.names?.join(", ") ?? origin} to serial ${done.to.serial} (#${done.to.sequence})`;
  const isSame = done.removed.length + done.added.length === 0;
  if (isSame) return `nothing to revert: ${origin} is so already (serial ${done.serial})\n`;
  const records = formatRecords(done);
  if (isDryRun) return `would revert ${what}:\n${records}`;
  return `reverted ${what} by serial ${done.serial}:\n${records}`;
}

function sequenceOf(text: string): number {
  return wholeNumber("--change", text.replace(/^[#@]/, ""));
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw badArguments(`${option} takes a number from 1, not "${text}"`);
}

function badArguments(message: string): WindhoverError {
  return new WindhoverError(ErrorCode.badRequest, message);
}
