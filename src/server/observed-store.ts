/** A store whose commits are timed and whose health is known: what metrics, readiness and the log tell of it. */
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { CommitOutcome, Store, ZoneCommit } from "../store/store.ts";

export interface StoreObserver {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onCommit: (updates: number, seconds: number) => void;
}

export class ObservedStore {
  /** The same store, watched: everybody is handed this one. */
  readonly store: Store;
  readonly #observer: StoreObserver;
  #problem: string | undefined;

  constructor(inner: Store, observer: StoreObserver) {
    this.#observer = observer;
    this.store = this.#watch(inner);
  }

  /** Why the store is not to be relied on; `undefined` while it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Told by every use, and by a connection that notices by itself. */
  setState(isUp: boolean, problem: string): void {
    if (isUp === (this.#problem === undefined)) return;
    const { log } = this.#observer;
    this.#problem = isUp ? undefined : problem;
    if (isUp) log.info({}, "the store is back: updates are taken again");
    else log.error({ problem }, "the store is down: queries go on, updates are refused");
  }

  #watch(inner: Store): Store {
    const confirm = inner.confirm?.bind(inner);
    return {
      ...(confirm && { confirm: (origin) => this.#confirm(confirm(origin)) }),
      commit: (batch) => this.#commit(inner, batch),
      listZones: () => this.#use(inner.listZones()),
      listOrigins: () => this.#use(inner.listOrigins()),
      findZone: (origin) => this.#use(inner.findZone(origin)),
      createZone: (entry, rrsets) => this.#use(inner.createZone(entry, rrsets)),
      loadZone: (origin) => this.#use(inner.loadZone(origin)),
      deletedVersion: (origin) => this.#use(inner.deletedVersion(origin)),
      deleteZone: (origin) => this.#use(inner.deleteZone(origin)),
      readJournal: (origin, range) => this.#use(inner.readJournal(origin, range)),
      watch: (watcher) => inner.watch(watcher),
      readDocuments: (kind) => this.#use(inner.readDocuments(kind)),
      writeDocument: (kind, id, json) => this.#use(inner.writeDocument(kind, id, json)),
      close: () => inner.close(),
    };
  }

  async #commit(inner: Store, batch: ZoneCommit): Promise<CommitOutcome> {
    const { clock, onCommit } = this.#observer;
    const startMs = clock.monotonicMs();
    const outcome = await this.#use(inner.commit(batch));
    if (outcome.status === "committed") {
      if (outcome.unconfirmed !== undefined) this.setState(false, outcome.unconfirmed);
      onCommit(batch.entries.length, (clock.monotonicMs() - startMs) / 1_000);
    }
    return outcome;
  }

  async #confirm(asking: Promise<string | undefined>): Promise<string | undefined> {
    const problem = await this.#use(asking);
    if (problem !== undefined) this.setState(false, problem);
    return problem;
  }

  async #use<T>(use: Promise<T>): Promise<T> {
    try {
      const outcome = await use;
      this.setState(true, "");
      return outcome;
    } catch (error) {
      if (isUnavailable(error)) this.setState(false, errorMessage(error));
      throw error;
    }
  }
}

/** `zone-exists` and the like are answers of a store that is there; what is not ours is a fault of it. */
function isUnavailable(error: unknown): boolean {
  return !(error instanceof WindhoverError) || error.code === ErrorCode.storeUnavailable;
}
