/** A store with nobody answering from it: for a restore where no server runs. */
import { systemClock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { openStore, type StoreOptions } from "../store/open-store.ts";
import { createTableMemory } from "../table/table-memory.ts";
import { TableWriter } from "../table/table-writer.ts";
import { createUpdateEngine } from "../update/update-engine.ts";
import type { RestoreParts } from "./restore-backup.ts";

export interface OfflineStore extends RestoreParts {
  close(): Promise<void>;
}

export interface OfflineOptions {
  readonly store: StoreOptions;
  /** RRsets that a zone may have. */
  readonly zoneRRsets: number;
  readonly log: Logger;
}

/** Rejects as `openStore` does: for a directory that a server has open, too. */
export async function openOffline(
  location: string,
  options: OfflineOptions,
): Promise<OfflineStore> {
  const { log, zoneRRsets } = options;
  const store = await openStore(location, options.store);
  const engine = createUpdateEngine({
    store,
    writer: new TableWriter(createTableMemory()),
    clock: systemClock,
    log,
    zoneRRsets: () => zoneRRsets,
  });
  const close = async () => {
    await engine.close();
    await store.close();
  };
  try {
    await engine.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { engine, store, log, reloadIdentities: async () => {}, close };
}
