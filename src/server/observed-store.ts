/** A store whose commits are timed and whose health is known: what metrics, readiness and the log tell of it. */
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { CommitOutcome, LoadedZone, Store, ZoneCommit } from "../store/store.ts";
import { formatName, type Name, nameKey } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";

const UNREADABLE = "the store holds what cannot be read: the zone goes on as it is shown";

const UNCONFIRMED = "too few replicas have a change: it is shown and not acknowledged";

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
  /**
   * Zones whose last change is not as safe as was asked for, and why; reading says nothing about that, nor does
   * another zone, which may have another primary.
   */
  readonly #unconfirmed = new Map<string, { readonly origin: Name; readonly problem: string }>();
  #hazards: readonly string[] = [];
  readonly #prober: NodeJS.Timeout | undefined;
  /** What could not be read, by what it was read for. */
  readonly #unreadable = new Map<string, string>();

  constructor(inner: Store, observer: StoreObserver) {
    this.#observer = observer;
    this.store = this.#watch(inner);
    if (inner.probe === undefined) return;
    this.#prober = setInterval(() => void this.#probe(inner), Limits.storeProbeMs).unref();
  }

  /** Why the store is not to be relied on; `undefined` while it is. */
  get problem(): string | undefined {
    return this.#problem ?? this.#firstUnconfirmed?.problem;
  }

  get #firstUnconfirmed() {
    return this.#unconfirmed.values().next().value;
  }

  /** What does not keep updates from being taken, but an operator should know: each in a sentence. */
  get warnings(): readonly string[] {
    return [...this.#hazards, ...new Set(this.#unreadable.values())];
  }

  /** What about the store may lose acknowledged updates. */
  setHazards(hazards: readonly string[]): void {
    const known = new Set(this.#hazards);
    this.#hazards = hazards;
    for (const each of hazards) if (!known.has(each)) this.#observer.log.warn({}, each);
  }

  /** Told by every use, and by a connection that notices by itself. */
  setState(isUp: boolean, problem: string): void {
    if (isUp === (this.#problem === undefined)) return;
    const { log } = this.#observer;
    this.#problem = isUp ? undefined : problem;
    if (isUp) log.info({}, "the store is back: updates are taken again");
    else log.error({ problem }, "the store is down: queries go on, updates are refused");
  }

  #setUnconfirmed(origin: Name, problem: string | undefined): void {
    const { log } = this.#observer;
    const before = this.#unconfirmed.size;
    if (problem === undefined) this.#unconfirmed.delete(nameKey(origin));
    else this.#unconfirmed.set(nameKey(origin), { origin, problem });
    const after = this.#unconfirmed.size;
    if (before === 0 && after > 0) log.error({ problem }, UNCONFIRMED);
    if (before > 0 && after === 0) log.info({}, "replicas have the changes");
  }

  #watch(inner: Store): Store {
    const confirm = inner.confirm?.bind(inner);
    return {
      ...(confirm && { confirm: (origin) => this.#confirm(origin, confirm(origin)) }),
      commit: (batch) => this.#commit(inner, batch),
      listZones: () => this.#use(inner.listZones()),
      listOrigins: () => this.#use(inner.listOrigins()),
      findZone: (origin) => this.#read("version", origin, inner.findZone(origin)),
      createZone: (beginning, rrsets) => this.#use(inner.createZone(beginning, rrsets)),
      loadZone: (origin) => this.#load(inner, origin),
      deletedVersion: (origin) => this.#use(inner.deletedVersion(origin)),
      listDeleted: () => this.#use(inner.listDeleted()),
      rememberDeleted: (zone) => this.#use(inner.rememberDeleted(zone)),
      deleteZone: (origin) => this.#use(inner.deleteZone(origin)),
      readJournal: (origin, range) =>
        this.#read("journal", origin, inner.readJournal(origin, range)),
      watch: (watcher) => inner.watch(watcher),
      readDocuments: (kind) => this.#use(inner.readDocuments(kind)),
      writeDocument: (kind, id, json) => this.#use(inner.writeDocument(kind, id, json)),
      close: () => {
        clearInterval(this.#prober);
        return inner.close();
      },
    };
  }

  /** Also whether replicas have by now what they lacked: nobody may send an update to a node that is not ready. */
  async #probe(inner: Store): Promise<void> {
    try {
      await this.#use((async () => inner.probe?.())());
      this.setState(true, "");
      if (inner.confirm) await this.#confirmAll(inner.confirm.bind(inner));
    } catch {
      // `#use` has told it.
    }
  }

  async #commit(inner: Store, batch: ZoneCommit): Promise<CommitOutcome> {
    const { clock, onCommit } = this.#observer;
    const startMs = clock.monotonicMs();
    const outcome = await this.#use(inner.commit(batch));
    if (outcome.status === "committed") {
      this.#setUnconfirmed(batch.origin, outcome.unconfirmed);
      onCommit(batch.entries.length, (clock.monotonicMs() - startMs) / 1_000);
    }
    return outcome;
  }

  async #confirm(origin: Name, asking: Promise<string | undefined>): Promise<string | undefined> {
    const problem = await this.#use(asking);
    this.#setUnconfirmed(origin, problem);
    return problem;
  }

  /** As far as the first that is still not confirmed: with it the server is not ready, whatever the others are. */
  async #confirmAll(confirm: NonNullable<Store["confirm"]>): Promise<void> {
    for (;;) {
      const origin = this.#firstUnconfirmed?.origin;
      if (origin === undefined) return;
      if ((await this.#confirm(origin, confirm(origin))) !== undefined) return;
    }
  }

  async #load(inner: Store, origin: Name): Promise<LoadedZone | undefined> {
    const zone = await this.#read("version", origin, inner.loadZone(origin));
    return zone && { ...zone, batches: this.#batches(zone) };
  }

  async *#batches({ origin, batches }: LoadedZone): AsyncGenerator<Iterable<RRset>> {
    try {
      yield* batches;
      this.#note("RRsets", origin, undefined);
    } catch (error) {
      this.#note("RRsets", origin, error);
      throw error;
    }
  }

  async #read<T>(what: string, origin: Name, use: Promise<T>): Promise<T> {
    try {
      const found = await this.#use(use);
      this.#note(what, origin, undefined);
      return found;
    } catch (error) {
      this.#note(what, origin, error);
      throw error;
    }
  }

  /** A value that cannot be read is a fault of that value alone: it is told until it can be read again. */
  #note(what: string, origin: Name, error: unknown): void {
    const key = `${what} ${nameKey(origin)}`;
    const isUnreadable = error instanceof WindhoverError && error.code === ErrorCode.storeFormat;
    if (!isUnreadable) {
      if (error === undefined) this.#unreadable.delete(key);
      return;
    }
    const { message } = error;
    if (this.#unreadable.get(key) !== message) {
      this.#observer.log.error({ zone: formatName(origin), problem: message }, UNREADABLE);
    }
    this.#unreadable.set(key, message);
  }

  async #use<T>(use: Promise<T>): Promise<T> {
    try {
      const outcome = await use;
      // Where changes are probed, a read proves nothing about them, nor does a commit about other parts of a Cluster.
      if (this.#prober === undefined) this.setState(true, "");
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
