/** From what the log holds to commits of the store below it (`logged-store.ts`). */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { RRsetChange } from "../zone/changeset.ts";
import type { JournalEntry, Store, ZoneCommit, ZoneVersion } from "./store.ts";
import { isSameVersion } from "./zone-version.ts";

/** All are of one zone, in order; those that are done already are passed over. */
export async function redoCommits(
  inner: Store,
  commits: readonly ZoneCommit[],
  place: string,
): Promise<void> {
  const [{ origin }] = commits as [ZoneCommit];
  const found = await inner.findZone(origin);
  const last = commits.at(-1) as ZoneCommit;
  if (found !== undefined && isSameVersion(found, last.next)) return;
  const first = commits.findIndex(
    ({ expected }) => found !== undefined && isSameVersion(found, expected),
  );
  if (first < 0) throw doesNotFit(place, origin, last.next, found);
  for (let at = first; at < commits.length; ) {
    const joined = joinCommits(commits, at);
    await commitBelow(inner, joined.commit, place);
    at += joined.count;
  }
}

/** Throws when the store below stands elsewhere, which it never does by itself. */
export async function commitBelow(inner: Store, commit: ZoneCommit, place: string): Promise<void> {
  const outcome = await inner.commit(commit);
  if (outcome.status === "committed") return;
  throw doesNotFit(place, commit.origin, commit.next, outcome.actual);
}

function doesNotFit(
  place: string,
  origin: Name,
  logged: ZoneVersion,
  found: ZoneVersion | undefined,
): WindhoverError {
  const there =
    found === undefined ? "is not there" : `is at serial ${found.serial}, entry ${found.sequence}`;
  return new WindhoverError(
    ErrorCode.storeFormat,
    `${place} holds acknowledged changes of ${formatName(origin)} up to serial ${logged.serial}, entry ` +
      `${logged.sequence}, which the store beside it does not lead to: there the zone ${there}. Restore both from ` +
      "the same backup; removing the log gives these changes up",
  );
}

/** Milliseconds between the entries of commits that are made one: a journal is kept by age, judged commit by commit. */
const JOINED_MS = 500;

/** As many commits as one may hold, from `first` on, as one; all are of one zone. */
export function joinCommits(
  commits: readonly ZoneCommit[],
  first: number,
): { readonly commit: ZoneCommit; readonly count: number } {
  const { origin, expected } = commits[first] as ZoneCommit;
  const entries: JournalEntry[] = [];
  const changes: RRsetChange[] = [];
  let next = expected;
  let count = 0;
  for (let at = first; at < commits.length; at++, count++) {
    const each = commits[at] as ZoneCommit;
    if (count > 0 && !fits(entries, each)) break;
    for (const entry of each.entries) entries.push(entry);
    for (const change of each.changes) changes.push(change);
    next = each.next;
  }
  return { commit: { origin, expected, next, entries, changes }, count };
}

function fits(entries: readonly JournalEntry[], next: ZoneCommit): boolean {
  const first = entries[0] as JournalEntry;
  const last = next.entries.at(-1) as JournalEntry;
  return (
    entries.length + next.entries.length <= Limits.updateBatch &&
    Math.abs(last.timeMs - first.timeMs) <= JOINED_MS
  );
}
