/** What lies under the ids of zones that were being made, or that are taken away (`leftovers` in `lmdb-keys.ts`). */
import { Limits } from "../base/limits.ts";
import type { LmdbEnvironment } from "./lmdb-environment.ts";
import { readZonePrefix, zonePrefix } from "./lmdb-keys.ts";

/** At open, before anybody else uses the store: what a dead process left. */
export async function removeLeftovers(tables: LmdbEnvironment): Promise<void> {
  const { leftovers, place } = tables;
  const ids = [...leftovers.getKeys()].map((key) => readZonePrefix(key, place));
  for (const id of ids) await removeZone(tables, id);
}

/** Removes everything under an id, a bounded piece at a time, each only while the id stands in `leftovers`. */
export async function removeZone(tables: LmdbEnvironment, id: number): Promise<void> {
  const { packs, rrsets, journal, leftovers } = tables;
  const mark = zonePrefix(id);
  for (const table of [packs, rrsets, journal]) {
    const range = { start: mark, end: zonePrefix(id + 1), limit: Limits.storeBatch };
    for (;;) {
      const keys = [...table.getKeys({ ...range })];
      if (keys.length === 0) break;
      const isLeft = await tables.writeIfExists(leftovers, mark, () => {
        for (const key of keys) table.remove(key);
      });
      if (!isLeft) return;
    }
  }
  await tables.write(() => leftovers.remove(mark));
}
