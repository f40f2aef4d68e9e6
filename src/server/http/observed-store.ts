/** A store whose commits are timed, and that remembers whether its last use succeeded. */
import type { Clock } from "../../base/clock.ts";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import type { CommitOutcome, Store, ZoneCommit } from "../../store/store.ts";

export interface ObservedStore extends Store {
  /** False from a use that found the store unavailable until the next that did not. */
  isUp(): boolean;
}

export interface StoreObserver {
  readonly clock: Clock;
  readonly observeCommit: (updates: number, seconds: number) => void;
}

export function observeStore(store: Store, { clock, observeCommit }: StoreObserver): ObservedStore {
  let isUp = true;
  const watched = async <T>(use: Promise<T>): Promise<T> => {
    try {
      const outcome = await use;
      isUp = true;
      return outcome;
    } catch (error) {
      isUp = isAnswer(error);
      throw error;
    }
  };
  const commit = async (batch: ZoneCommit): Promise<CommitOutcome> => {
    const startMs = clock.monotonicMs();
    const outcome = await watched(store.commit(batch));
    if (outcome.status === "committed") {
      observeCommit(batch.entries.length, (clock.monotonicMs() - startMs) / 1_000);
    }
    return outcome;
  };
  return {
    isUp: () => isUp,
    commit,
    listZones: () => watched(store.listZones()),
    createZone: (entry, rrsets) => watched(store.createZone(entry, rrsets)),
    loadZone: (origin) => watched(store.loadZone(origin)),
    deleteZone: (origin) => watched(store.deleteZone(origin)),
    readJournal: (origin, range) => watched(store.readJournal(origin, range)),
    watch: (changed) => store.watch(changed),
    readDocuments: (kind) => watched(store.readDocuments(kind)),
    writeDocument: (kind, id, json) => watched(store.writeDocument(kind, id, json)),
    close: () => store.close(),
  };
}

/** `zone-exists` and the like are answers of a store that is there. */
function isAnswer(error: unknown): boolean {
  return error instanceof WindhoverError && error.code !== ErrorCode.storeUnavailable;
}
