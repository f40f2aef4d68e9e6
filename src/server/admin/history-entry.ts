/** History as people and programs read it: journal entries, points, differences, records as lines. */
import { Limits } from "../../base/limits.ts";
import type { JournalEntry } from "../../store/store.ts";
import { isCreation } from "../../store/zone-version.ts";
import { readDoor } from "../../update/revert-door.ts";
import { countRecords, type FoundEntry } from "../../update/search-journal.ts";
import { type FoundPoint, timeText } from "../../update/zone-point.ts";
import { formatName } from "../../wire/name.ts";
import { formatRdata } from "../../wire/rdata.ts";
import { typeName } from "../../wire/rr-types.ts";
import type { Difference } from "../../zone/changeset.ts";
import type { RRset } from "../../zone/rrset.ts";
import { orderKey } from "../../zone/zone-file-writer.ts";

/** An entry whole, as the exported journal has it. */
export function journalLine(entry: JournalEntry): string {
  const removed = entry.removed.flatMap(recordLines);
  const added = entry.added.flatMap(recordLines);
  return `${JSON.stringify({ ...describeChange(entry), removed, added })}\n`;
}

/** What was searched for in an entry; `omitted` counts its other records, and those beyond the bound. */
export function historyEntry({ entry, matched, records }: FoundEntry) {
  const isUntold = isCreation(entry) && entry.added.length === 0;
  const note = isUntold ? { note: "made with more records than the journal keeps" } : {};
  return { ...describeChange(entry), ...shownRecords(matched, records), ...note };
}

function describeChange(entry: JournalEntry) {
  const { sequence, fromSerial, toSerial, actor, address } = entry;
  const time = timeText(entry.timeMs);
  const { door, revert } = readDoor(entry.door);
  const who = { actor, door, address };
  return { sequence, fromSerial, toSerial, time, ...who, ...(revert && { revert }) };
}

export function describePoint({ serial, sequence, timeMs }: FoundPoint) {
  return { serial, sequence, ...(timeMs === undefined ? {} : { time: timeText(timeMs) }) };
}

/** As many records of a difference as one answer shows, and how many of `all` those are not. */
export function shownRecords(difference: Difference, all = countRecords(difference)) {
  const { removed, added } = difference;
  const ended = firstLines(removed, Limits.historyEntryRecords);
  const begun = firstLines(added, Limits.historyEntryRecords - ended.length);
  return { removed: ended, added: begun, omitted: all - ended.length - begun.length };
}

function firstLines(rrsets: readonly RRset[], most: number): string[] {
  const lines: string[] = [];
  for (const rrset of rrsets) {
    if (lines.length >= most) break;
    lines.push(...recordLines(rrset));
  }
  return lines.slice(0, most);
}

/** The lines of a difference by owner in canonical order, each RRset's end before its beginning. */
export function* differenceLines(
  { removed, added }: Difference,
  signs: { readonly removed: string; readonly added: string },
): Generator<string, void, undefined> {
  const keyed = [
    ...removed.map((rrset) => ({ rrset, sign: signs.removed, key: orderKey(rrset.owner) })),
    ...added.map((rrset) => ({ rrset, sign: signs.added, key: orderKey(rrset.owner) })),
  ];
  // Sorting is stable: what ends stays before what begins.
  keyed.sort((a, b) =>
    a.key === b.key ? a.rrset.rrtype - b.rrset.rrtype : a.key < b.key ? -1 : 1,
  );
  for (const { rrset, sign } of keyed) {
    for (const line of recordLines(rrset)) yield `${sign}${line}`;
  }
}

function recordLines({ owner, ttl, rrtype, rdatas }: RRset): string[] {
  const head = `${formatName(owner)} ${ttl} IN ${typeName(rrtype)}`;
  return rdatas.map((rdata) => `${head} ${formatRdata(rrtype, rdata)}`);
}
