/** The journal of a zone as it was when the zone was loaded, read while the zone goes on. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { JournalEntry, Store, StoredZone } from "./store.ts";

/**
 * What is kept of it up to the version of the zone, oldest first. Throws `conflict` where its oldest entries went while
 * it was read, or the zone was deleted.
 */
export async function* readWholeJournal(
  store: Store,
  { origin, sequence }: StoredZone,
): AsyncGenerator<JournalEntry, void, undefined> {
  let last: number | undefined;
  for (;;) {
    const range = { afterSequence: last ?? 0, limit: Limits.journalPage };
    const page = await store.readJournal(origin, range);
    for (const entry of page) {
      if (entry.sequence > sequence) break;
      if (last !== undefined && entry.sequence !== last + 1) throw outrun(origin);
      last = entry.sequence;
      yield entry;
    }
    const newest = page.at(-1)?.sequence;
    if (newest === undefined || newest >= sequence) break;
  }
  if (last !== undefined && last !== sequence) throw outrun(origin);
}

function outrun(origin: Name): WindhoverError {
  const message = `the journal of ${formatName(origin)} was shortened faster than it was read`;
  return new WindhoverError(ErrorCode.conflict, `${message}; begin again`);
}
