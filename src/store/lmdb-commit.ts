/** What a commit writes into LMDB, put together before the transaction, so that nothing can fail half-way through it. */
import { readJournalTime } from "./journal-record.ts";
import type { JournalRetention } from "./journal-retention.ts";
import type { LmdbEnvironment, Table } from "./lmdb-environment.ts";
import { expiredKeys } from "./lmdb-journal.ts";
import { ENDED, journalKey, PRESENT, rrsetKey, versionKey } from "./lmdb-keys.ts";
import type { WrittenCommit } from "./written-commit.ts";

/** A key without a value is removed. */
export type Write = readonly [table: Table, key: Uint8Array, value: Uint8Array | undefined];

/** For the zone of this id, whose version is still the one that the commit expects. */
export function commitWrites(
  tables: LmdbEnvironment,
  retention: JournalRetention,
  id: number,
  { expected, next, journal, rrsets }: WrittenCommit,
): readonly Write[] {
  const writes: Write[] = [
    [tables.versions, versionKey(id, expected), undefined],
    [tables.versions, versionKey(id, next), PRESENT],
  ];
  for (const { key, value = ENDED } of rrsets) {
    writes.push([tables.rrsets, rrsetKey(id, key), value]);
  }
  for (const [at, record] of journal.entries()) {
    writes.push([tables.journal, journalKey(id, expected.sequence + 1 + at), record]);
  }
  const newestMs = readJournalTime(journal.at(-1) as Uint8Array) ?? 0;
  const added = { sequence: next.sequence, newestMs, count: journal.length };
  const expired = expiredKeys(tables, retention, id, added);
  for (const key of expired) writes.push([tables.journal, key, undefined]);
  return writes;
}
