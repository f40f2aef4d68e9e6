/** Who changed what: a journal searched from the newest entry down, in steps that are bounded each. */
import { Limits } from "../base/limits.ts";
import type { JournalEntry } from "../store/store.ts";
import { equalNames, type Name } from "../wire/name.ts";
import { type Difference, withoutSerialStep } from "../zone/changeset.ts";
import type { RRset } from "../zone/rrset.ts";
import { entriesBack, type ZoneJournal } from "./journal-difference.ts";

export interface JournalSearch {
  /** Only entries with a sequence below this one. */
  readonly before?: number | undefined;
  /** Entries at most. */
  readonly limit: number;
  /** Changes of this owner. */
  readonly owner?: Name | undefined;
  readonly rrtype?: number | undefined;
  /** As the journal spells it, or what follows its colon: `key:router` or `router`. */
  readonly actor?: string | undefined;
  /** The client's address. */
  readonly address?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface FoundEntry {
  readonly entry: JournalEntry;
  /** What of the entry was searched for, the SOA only where more than its serial changed. */
  readonly matched: Difference;
  /** RRs of the entry besides the step of the serial, matched or not. */
  readonly records: number;
}

export interface SearchedJournal {
  /** Newest first. */
  readonly entries: readonly FoundEntry[];
  /** What `before` is to be for the rest; `undefined` when there is no more. */
  readonly next: number | undefined;
}

/** Looks at `Limits.historyScan` entries at most; the caller goes on from `next`. */
export async function searchJournal(
  journal: ZoneJournal,
  search: JournalSearch,
): Promise<SearchedJournal> {
  const { before = Infinity, limit, sinceMs = -Infinity } = search;
  const newest = Math.min(before - 1, journal.version.sequence);
  const entries: FoundEntry[] = [];
  let looked = 0;
  let records = 0;
  for await (const entry of entriesBack(journal, newest)) {
    if (entry.timeMs < sinceMs - Limits.historyClockMs) return { entries, next: undefined };
    const isFull = entries.length >= limit || records >= Limits.historyRecords;
    if (isFull || looked >= Limits.historyScan) return { entries, next: entry.sequence + 1 };
    looked += 1;
    const matched = matchEntry(entry, search);
    if (matched === undefined) continue;
    entries.push(matched);
    records += countRecords(matched.matched);
  }
  return { entries, next: undefined };
}

/** `undefined` when the entry is not among those searched for. */
function matchEntry(entry: JournalEntry, search: JournalSearch): FoundEntry | undefined {
  const { owner, rrtype, actor, address, sinceMs = -Infinity, untilMs = Infinity } = search;
  if (entry.timeMs < sinceMs || entry.timeMs > untilMs) return undefined;
  if (actor !== undefined && !isActor(entry.actor, actor)) return undefined;
  if (address !== undefined && entry.address !== address) return undefined;
  const content = withoutSerialStep(entry);
  const records = countRecords(content);
  if (owner === undefined && rrtype === undefined) return { entry, matched: content, records };
  const isMatched = (rrset: RRset) =>
    (owner === undefined || equalNames(rrset.owner, owner)) &&
    (rrtype === undefined || rrset.rrtype === rrtype);
  const removed = content.removed.filter(isMatched);
  const added = content.added.filter(isMatched);
  if (removed.length + added.length === 0) return undefined;
  return { entry, matched: { removed, added }, records };
}

function isActor(actor: string, wanted: string): boolean {
  return actor === wanted || actor.slice(actor.indexOf(":") + 1) === wanted;
}

export function countRecords({ removed, added }: Difference): number {
  let count = 0;
  for (const { rdatas } of removed) count += rdatas.length;
  for (const { rdatas } of added) count += rdatas.length;
  return count;
}
