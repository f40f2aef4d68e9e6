/** The journal of one zone in LMDB: read in order, and shortened by the commits that add to it. */
import { Limits } from "../base/limits.ts";
import type { Name } from "../wire/name.ts";
import { readJournalRecord, readJournalTime, writeJournalRecord } from "./journal-record.ts";
import { countExpired, type JournalRetention } from "./journal-retention.ts";
import type { LmdbEnvironment } from "./lmdb-environment.ts";
import { journalKey, readJournalKey, zonePrefix } from "./lmdb-keys.ts";
import type { JournalEntry, JournalRange } from "./store.ts";

export function readEntries(
  { journal, place }: LmdbEnvironment,
  id: number,
  origin: Name,
  range: JournalRange,
): JournalEntry[] {
  const start = journalKey(id, range.afterSequence + 1);
  const limit = Math.min(range.limit, Limits.journalPage);
  const entries: JournalEntry[] = [];
  for (const { key, value } of journal.getRange({ start, end: zonePrefix(id + 1), limit })) {
    entries.push(readJournalRecord(value, origin, readJournalKey(key, place), place));
  }
  return entries;
}

/** What puts these entries under the id of a zone that nobody sees yet, as much at once as one transaction takes. */
export async function* journalWrites(
  { journal }: LmdbEnvironment,
  id: number,
  entries: AsyncIterable<JournalEntry> | Iterable<JournalEntry>,
): AsyncGenerator<() => void, void, undefined> {
  let records: (readonly [key: Uint8Array, record: Uint8Array])[] = [];
  let bytes = 0;
  const put = () => {
    const written = records;
    records = [];
    bytes = 0;
    return () => {
      for (const [key, record] of written) journal.put(key, record);
    };
  };
  for await (const entry of entries) {
    const record = writeJournalRecord(entry);
    records.push([journalKey(id, entry.sequence), record]);
    bytes += record.length;
    if (records.length >= Limits.storeBatch || bytes >= Limits.storeBatchBytes) yield put();
  }
  if (records.length > 0) yield put();
}

/** Keys of the entries that go when so many are added, the newest of them with this sequence and time. */
export function expiredKeys(
  { journal, place }: LmdbEnvironment,
  retention: JournalRetention,
  id: number,
  added: { readonly sequence: number; readonly newestMs: number; readonly count: number },
): Uint8Array[] {
  const { sequence, newestMs } = added;
  let oldest = sequence;
  const range = { start: zonePrefix(id), end: zonePrefix(id + 1), limit: 1 };
  for (const key of journal.getKeys(range)) oldest = readJournalKey(key, place);
  const expired = countExpired(retention, {
    count: sequence - oldest + 1,
    added: added.count,
    newestMs,
    timeMs: (olderOnes) => {
      const record = journal.get(journalKey(id, oldest + olderOnes));
      return record && readJournalTime(record);
    },
  });
  return Array.from({ length: expired }, (_, at) => journalKey(id, oldest + at));
}
