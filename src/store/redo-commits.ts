/** From what the log holds to commits of the store below it (`logged-store.ts`). */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { formatName, type Name, nameKey } from "../wire/name.ts";
import { type LogFile, readCommitLog } from "./commit-log.ts";
import { readLogRecords } from "./commit-record.ts";
import { readJournalTime } from "./journal-record.ts";
import { isOfZone, type SetAside } from "./set-aside.ts";
import type { ZoneVersion } from "./store.ts";
import type { WrittenCommit, WrittenRRset, WrittenStore } from "./written-commit.ts";
import { isSameVersion } from "./zone-version.ts";

/**
 * Does what the log and the files of zones set aside hold. A zone that it cannot be done with is set aside (again); when
 * the store leads to no zone of the log, the two do not belong together, and that is thrown.
 */
export async function redoLog(
  inner: WrittenStore,
  file: LogFile,
  aside: SetAside,
  place: string,
): Promise<void> {
  const kept = await aside.read();
  const known = new Set(kept.flatMap(([first]) => (first ? [nameKey(first.origin)] : [])));
  const apart: (readonly [commits: readonly WrittenCommit[], problem: WindhoverError])[] = [];
  let mismatch: WindhoverError | undefined;
  let led = known.size;
  for (const [key, commits] of await readLoggedCommits(file, kept, place)) {
    const { problem, isMismatch } = await redoCommits(inner, commits, place);
    if (problem !== undefined) apart.push([commits, problem]);
    else led++;
    if (problem === undefined && known.has(key))
      await aside.forget((commits[0] as WrittenCommit).origin);
    if (isMismatch) mismatch = problem;
  }
  if (led === 0 && mismatch !== undefined) throw mismatch;
  for (const [commits, problem] of apart) await aside.add(commits, problem);
}

/**
 * By zone, in order: what was set aside, then what the log has behind it; without what the log says is done, which no
 * zone set aside has.
 */
async function readLoggedCommits(
  file: LogFile,
  kept: readonly (readonly WrittenCommit[])[],
  place: string,
): Promise<Map<string, WrittenCommit[]>> {
  const zones = new Map<string, WrittenCommit[]>();
  for (const commit of kept.flat()) addCommit(zones, commit);
  for (const payload of await readCommitLog(file)) {
    for (const record of readLogRecords(payload, place)) {
      if (record.kind === "done") zones.delete(nameKey(record.origin));
      else addCommit(zones, record.commit);
    }
  }
  return zones;
}

/** What is there already is passed over: a crash leaves in the log what had just been set aside. */
export function addCommit(zones: Map<string, WrittenCommit[]>, commit: WrittenCommit): void {
  const key = nameKey(commit.origin);
  const commits = zones.get(key);
  if (commits === undefined) zones.set(key, [commit]);
  else if (commit.next.sequence > (commits.at(-1) as WrittenCommit).next.sequence) {
    commits.push(commit);
  }
}

interface Redone {
  /** Why the zone cannot take them; `undefined` when they are done. */
  readonly problem?: WindhoverError;
  /** It stands elsewhere. */
  readonly isMismatch?: boolean;
}

/** All are of one zone, in order; those that are done already are passed over. */
async function redoCommits(
  inner: WrittenStore,
  commits: readonly WrittenCommit[],
  place: string,
): Promise<Redone> {
  const [{ origin }] = commits as [WrittenCommit];
  try {
    const found = await inner.findZone(origin);
    const last = commits.at(-1) as WrittenCommit;
    if (found !== undefined && isSameVersion(found, last.next)) return {};
    const first = commits.findIndex(
      ({ expected }) => found !== undefined && isSameVersion(found, expected),
    );
    if (first < 0)
      return { problem: doesNotFit(place, origin, last.next, found), isMismatch: true };
    for (let at = first; at < commits.length; ) {
      at += await commitNext(inner, commits.slice(at), place);
    }
    return {};
  } catch (error) {
    if (!isOfZone(error)) throw error;
    return { problem: error };
  }
}

/**
 * Does as many of the commits as one may hold and returns how many of them are done then; all are of one zone, in order.
 * One that failed before may have been done all the same. Throws when the store below stands elsewhere, which it never
 * does by itself.
 */
export async function commitNext(
  inner: WrittenStore,
  commits: readonly WrittenCommit[],
  place: string,
): Promise<number> {
  const { commit, count } = joinCommits(commits, 0);
  const outcome = await inner.commitWritten(commit);
  if (outcome.status === "committed") return count;
  const { actual } = outcome;
  const done = actual && commits.findIndex(({ next }) => isSameVersion(next, actual)) + 1;
  if (done) return done;
  throw doesNotFit(place, commit.origin, commit.next, actual);
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
      `${logged.sequence}, which the store beside it does not lead to: there the zone ${there}. The two belong ` +
      "together: if data.mdb was restored, restore commits.log of the same backup, or, if that has none, move " +
      "commits.log away and start again, which gives these changes up; if data.mdb was lost, put it back",
  );
}

/** Milliseconds between the entries of commits that are made one: a journal is kept by age, judged commit by commit. */
const JOINED_MS = 500;

/** As many commits as one may hold, from `first` on, as one; all are of one zone. */
export function joinCommits(
  commits: readonly WrittenCommit[],
  first: number,
): { readonly commit: WrittenCommit; readonly count: number } {
  const { origin, expected } = commits[first] as WrittenCommit;
  const journal: Uint8Array[] = [];
  const rrsets: WrittenRRset[] = [];
  let next = expected;
  let count = 0;
  for (let at = first; at < commits.length; at++, count++) {
    const each = commits[at] as WrittenCommit;
    if (count > 0 && !fits(journal, each.journal)) break;
    for (const record of each.journal) journal.push(record);
    for (const rrset of each.rrsets) rrsets.push(rrset);
    next = each.next;
  }
  return { commit: { origin, expected, next, journal, rrsets }, count };
}

function fits(journal: readonly Uint8Array[], more: readonly Uint8Array[]): boolean {
  const firstMs = readJournalTime(journal[0] as Uint8Array) ?? 0;
  const lastMs = readJournalTime(more.at(-1) as Uint8Array) ?? 0;
  const isClose = Math.abs(lastMs - firstMs) <= JOINED_MS;
  return isClose && journal.length + more.length <= Limits.updateBatch;
}
