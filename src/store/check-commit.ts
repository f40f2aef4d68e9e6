/** What every store may take for granted about a commit; anything else is a mistake of the caller's code. */
import { assert } from "../base/assert.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { equalNames, formatName, type Name } from "../wire/name.ts";
import type { JournalEntry, ZoneCommit, ZoneVersion } from "./store.ts";
import { isCreation } from "./zone-version.ts";

export function checkCommit({ origin, expected, next, entries }: ZoneCommit): void {
  assert(entries.length > 0, "a commit has a journal entry");
  assert(next.sequence === expected.sequence + entries.length, "one sequence step per entry");
  for (const [at, entry] of entries.entries()) {
    assert(equalNames(entry.origin, origin), "a commit's entries are of its zone");
    assert(entry.sequence === expected.sequence + at + 1, "a commit's entries are in order");
  }
}

/** The version that a zone has at its creation. */
export function checkCreation(entry: JournalEntry): ZoneVersion {
  assert(entry.sequence >= 1, "a zone's journal begins with 1, or goes on where it was deleted");
  assert(isCreation(entry), "a zone's first entry is no step from another serial");
  return { serial: entry.toSerial, sequence: entry.sequence };
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
