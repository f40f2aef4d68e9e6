/** What every store may take for granted about a commit; anything else is a mistake of the caller's code. */
import { assert } from "../base/assert.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { equalNames, formatName, type Name } from "../wire/name.ts";
import type { JournalEntry, ZoneCommit, ZonePast, ZoneVersion } from "./store.ts";
import { isCreation, markOf, storedVersion } from "./zone-version.ts";

export function checkCommit({ origin, expected, next, entries }: ZoneCommit): void {
  assert(entries.length > 0, "a commit has a journal entry");
  assert(next.sequence === expected.sequence + entries.length, "one sequence step per entry");
  for (const [at, entry] of entries.entries()) {
    assert(equalNames(entry.origin, origin), "a commit's entries are of its zone");
    assert(entry.sequence === expected.sequence + at + 1, "a commit's entries are in order");
  }
}

/** What a zone is made of beside its RRsets. */
export type ZoneBeginning = JournalEntry | ZonePast;

/** Where a zone that is made stands, and the journal that it has. */
export interface Beginning {
  readonly version: ZoneVersion;
  readonly journal: AsyncIterable<JournalEntry> | Iterable<JournalEntry>;
}

export function checkBeginning(beginning: ZoneBeginning): Beginning {
  if ("journal" in beginning) {
    const { serial, sequence } = beginning;
    const version = storedVersion(serial, sequence, markOf(beginning));
    return { version, journal: checkedJournal(beginning) };
  }
  const { toSerial, sequence } = beginning;
  assert(sequence >= 1, "a zone's journal begins with 1, or goes on where it was deleted");
  assert(isCreation(beginning), "a zone's first entry is no step from another serial");
  return { version: { serial: toSerial, sequence }, journal: [beginning] };
}

/**
 * Throws where the sequence of a new zone was used before it was deleted, which another writer did meanwhile. One that
 * stood elsewhere brings its own.
 */
export function checkPastDeletion(
  beginning: ZoneBeginning,
  deleted: ZoneVersion | undefined,
): void {
  if (deleted === undefined || beginning.sequence > deleted.sequence || "journal" in beginning)
    return;
  throw deletedMeanwhile(beginning.origin);
}

export function deletedMeanwhile(origin: Name): WindhoverError {
  const message = `zone ${formatName(origin)} was made and deleted elsewhere meanwhile; try again`;
  return new WindhoverError(ErrorCode.conflict, message);
}

/** A journal from elsewhere, as far as it leads to the zone's version; what does not is an error at its end. */
async function* checkedJournal({ origin, serial, sequence, journal }: ZonePast) {
  let last: JournalEntry | undefined;
  for await (const entry of journal) {
    if (last !== undefined && entry.sequence !== last.sequence + 1) {
      throw brokenJournal(origin, `#${last.sequence} is followed by #${entry.sequence}`);
    }
    last = entry;
    yield entry;
  }
  if (last === undefined || (last.sequence === sequence && last.toSerial === serial)) return;
  const end = `it ends with serial ${last.toSerial} (#${last.sequence})`;
  throw brokenJournal(origin, `${end}, and the zone has ${serial} (#${sequence})`);
}

function brokenJournal(origin: Name, problem: string): WindhoverError {
  const message = `the journal of ${formatName(origin)} does not lead to the zone: ${problem}`;
  return new WindhoverError(ErrorCode.storeFormat, message);
}

export function zoneExists(origin: Name): WindhoverError {
  return new WindhoverError(
    ErrorCode.zoneExists,
    `the store holds the zone ${formatName(origin)} already; delete it first or import into it`,
  );
}

/** Identifiers are names people and programs gave: not empty, and short enough for every store's keys. */
export function checkDocumentId(id: string): void {
  const length = Buffer.byteLength(id, "utf8");
  if (length > 0 && length <= Limits.documentId) return;
  throw new WindhoverError(
    ErrorCode.limit,
    `a stored document's identifier has 1 to ${Limits.documentId} octets, not ${length}`,
  );
}
