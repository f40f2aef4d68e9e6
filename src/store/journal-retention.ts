/**
 * How much of a zone's journal is kept. Every commit removes what is too much, the oldest first and a bounded
 * number, so that a commit costs the same when the bounds were lowered or the zone was idle for a year.
 */
import { Limits } from "../base/limits.ts";

/** Stores read it at each commit: whoever made it may change it. */
export interface JournalRetention {
  readonly entries: number;
  /** Measured back from the newest entry; Infinity keeps entries of any age. */
  readonly ageMs: number;
}

export const DEFAULT_RETENTION: JournalRetention = { entries: 10_000, ageMs: Infinity };

/** A journal as a commit is about to leave it. */
export interface GrownJournal {
  /** Entries, those of the commit included. */
  readonly count: number;
  /** Entries of the commit, which stay whatever their age. */
  readonly added: number;
  readonly newestMs: number;
  /** When the entry was written that has this many older ones; `undefined` when that cannot be read. */
  timeMs(olderOnes: number): number | undefined;
}

/** How many entries a commit may remove at most. */
export function mostExpired(added: number): number {
  return added + Limits.journalTrim;
}

/** How many of the oldest entries go. What cannot be read has no age. */
export function countExpired({ entries, ageMs }: JournalRetention, journal: GrownJournal): number {
  const { count, added, newestMs } = journal;
  const most = mostExpired(added);
  let expired = Math.min(most, Math.max(0, count - entries));
  if (ageMs === Infinity) return expired;
  const isOld = (timeMs = Infinity) => timeMs < newestMs - ageMs;
  while (expired < Math.min(most, count - added) && isOld(journal.timeMs(expired))) expired++;
  return expired;
}
