/**
 * A store as a service across a network: the reference store, in front of it everything that can happen to a call, and
 * behind it what happens to a server: restarts with nothing, with an old snapshot, with a replica that lagged.
 */
import { ErrorCode, WindhoverError } from "../../src/base/errors.ts";
import { compareFollower } from "../../src/store/compare-follower.ts";
import { createMemoryState, type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import type {
  CommitOutcome,
  DocumentKind,
  JournalEntry,
  JournalRange,
  LoadedZone,
  Store,
  StoredZone,
  StoreWatcher,
  ZoneCommit,
  ZonePast,
} from "../../src/store/store.ts";
import { formatName, type Name } from "../../src/wire/name.ts";
import type { RRset } from "../../src/zone/rrset.ts";
import { cloneState } from "./clone-state.ts";
import { type Failover, Replicas, type ReplicaTerms } from "./replicas.ts";
import type { World } from "./world.ts";

/** RRsets of one piece of a load: few, so that much can happen between. */
const PIECE = 4;

/** Chances in a thousand, of each call. */
export interface NetworkFaults {
  requestLost: number;
  replyLost: number;
  hintLost: number;
  hintTwice: number;
}

export interface StoreServiceParts {
  readonly world: World;
  /** Hears of every write into the state, at once. */
  readonly onChange: (state: MemoryState) => void;
  /** Hears of every state that is in as many places as is asked for. */
  readonly onConfirmed: (state: MemoryState) => void;
  readonly replicas: ReplicaTerms;
}

export class StoreService {
  readonly world: World;
  readonly onChange: (state: MemoryState) => void;
  readonly faults: NetworkFaults = { requestLost: 0, replyLost: 0, hintLost: 0, hintTwice: 0 };
  readonly clients = new Set<StoreClient>();
  readonly #partitioned = new Set<number>();
  #state: MemoryState = createMemoryState();
  #store: Store = new MemoryStore(this.#state);
  /** One more whenever another state takes the place of this one. */
  epoch = 0;
  isDown = false;
  /** Why nothing may be written; `undefined` while it may. */
  refusal: string | undefined;
  #copies: MemoryState[] = [];
  readonly replicas: Replicas;

  constructor({ world, onChange, onConfirmed, replicas }: StoreServiceParts) {
    this.world = world;
    this.onChange = onChange;
    this.replicas = new Replicas({ world, primary: () => this.#state, onConfirmed }, replicas);
  }

  get state(): MemoryState {
    return this.#state;
  }

  get store(): Store {
    return this.#store;
  }

  isReachable(node: number): boolean {
    return !this.isDown && !this.#partitioned.has(node);
  }

  cut(node: number): void {
    this.#partitioned.add(node);
  }

  join(node: number): void {
    this.#partitioned.delete(node);
  }

  /** What a replica has by now, or a snapshot. */
  copy(): void {
    this.#copies.push(cloneState(this.#state));
  }

  get copies(): number {
    return this.#copies.length;
  }

  /** Another state takes the place of this one: the newest copy (a failover), the oldest (a restore), or nothing. */
  replace(by: "newest" | "oldest" | "nothing"): void {
    const copy = by === "newest" ? this.#copies.at(-1) : this.#copies[0];
    this.#become(by === "nothing" || copy === undefined ? createMemoryState() : cloneState(copy));
    this.replicas.startAgain();
  }

  /** A replica takes the primary's place. */
  failOver(to: "best" | "any"): Failover | undefined {
    const failover = this.replicas.failOver(to);
    if (failover !== undefined) this.#become(cloneState(failover.state));
    return failover;
  }

  #become(state: MemoryState): void {
    this.#state = state;
    this.#store = new MemoryStore(state);
    this.epoch++;
  }

  /** The journal keeps only the newest entries. */
  trimJournal(keep: number): void {
    for (const { journal } of this.#state.zones.values()) {
      for (const sequence of journal.keys()) if (journal.size > keep) journal.delete(sequence);
    }
  }

  heal(): void {
    this.isDown = false;
    this.refusal = undefined;
    this.#partitioned.clear();
    this.replicas.impatience = 0;
    this.replicas.joinAll();
    Object.assign(this.faults, { requestLost: 0, replyLost: 0, hintLost: 0, hintTwice: 0 });
  }

  /** Tells all others of a change: maybe twice, maybe not. */
  tell(from: StoreClient, hint: (watcher: StoreWatcher) => void, what: string): void {
    for (const client of this.clients) {
      if (client === from || !this.isReachable(client.node)) continue;
      if (this.#strikes(this.faults.hintLost)) continue;
      const copies = this.#strikes(this.faults.hintTwice) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const run = () => client.watchers.forEach(hint);
        this.world.later({ node: client.node, label: `hears of ${what}`, run });
      }
    }
  }

  #strikes(chance: number): boolean {
    return this.world.random.below(1_000) < chance;
  }

  loses(which: "requestLost" | "replyLost"): boolean {
    return this.#strikes(this.faults[which]);
  }
}

function unavailable(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.storeUnavailable, problem);
}

type Work<T> = (store: Store) => Promise<T>;

/** What other nodes hear of a change. */
interface Hint {
  readonly hint: (watcher: StoreWatcher) => void;
  readonly what: string;
}

interface Written<T> {
  readonly outcome: T;
  readonly unconfirmed: string | undefined;
}

/** The store as one life of one node sees it. */
export class StoreClient implements Store {
  readonly node: number;
  readonly watchers = new Set<StoreWatcher>();
  readonly #service: StoreService;
  readonly confirm?: NonNullable<Store["confirm"]>;
  #isEnded = false;

  constructor(service: StoreService, node: number) {
    this.#service = service;
    this.node = node;
    if (service.replicas.areWanted) this.confirm = () => this.#confirm();
    service.clients.add(this);
  }

  listZones() {
    return this.#ask("listZones", (store) => store.listZones());
  }

  listOrigins() {
    return this.#ask("listOrigins", async (store) =>
      (await store.listZones()).map(({ origin }) => origin),
    );
  }

  findZone(origin: Name) {
    return this.#ask("findZone", (store) => store.findZone(origin));
  }

  deletedVersion(origin: Name) {
    return this.#ask("deletedVersion", (store) => store.deletedVersion(origin));
  }

  listDeleted() {
    return this.#ask("listDeleted", (store) => store.listDeleted());
  }

  rememberDeleted(zone: StoredZone) {
    return this.#ask("rememberDeleted", (store) => store.rememberDeleted(zone));
  }

  readJournal(origin: Name, range: JournalRange) {
    return this.#ask("readJournal", (store) => store.readJournal(origin, range));
  }

  readDocuments(kind: DocumentKind) {
    return this.#ask("readDocuments", (store) => store.readDocuments(kind));
  }

  async loadZone(origin: Name): Promise<LoadedZone | undefined> {
    const { epoch } = this.#service;
    const found = await this.#ask("loadZone", async (store) => {
      const zone = await store.loadZone(origin);
      if (zone === undefined) return undefined;
      const rrsets: RRset[] = [];
      for await (const batch of zone.batches) rrsets.push(...batch);
      return { zone, rrsets };
    });
    return found && { ...found.zone, batches: this.#pieces(found.rrsets, epoch) };
  }

  async *#pieces(rrsets: readonly RRset[], epoch: number): AsyncGenerator<readonly RRset[]> {
    for (let at = 0; at < rrsets.length; at += PIECE) {
      yield await this.#ask("loads a piece", async () => {
        if (this.#service.epoch !== epoch) throw unavailable("the load was forgotten");
        return rrsets.slice(at, at + PIECE);
      });
    }
  }

  createZone(
    beginning: JournalEntry | ZonePast,
    rrsets: AsyncIterable<RRset> | Iterable<RRset>,
  ): Promise<void> {
    const { origin } = beginning;
    return this.#writeSurely(
      "createZone",
      (store) => store.createZone(beginning, rrsets),
      this.#zoneHint(origin),
    );
  }

  deleteZone(origin: Name): Promise<boolean> {
    const hint = this.#zoneHint(origin);
    return this.#writeSurely("deleteZone", (store) => store.deleteZone(origin), hint);
  }

  async commit(commit: ZoneCommit): Promise<CommitOutcome> {
    const hint = this.#zoneHint(commit.origin);
    const { outcome, unconfirmed } = await this.#write(
      "commit",
      (store) => store.commit(commit),
      hint,
    );
    if (outcome.status === "conflict" || unconfirmed === undefined) return outcome;
    return { ...outcome, unconfirmed };
  }

  /** A value that is written over itself, and waited for. */
  async #confirm(): Promise<string | undefined> {
    return (await this.#write("confirm", async () => {}, undefined)).unconfirmed;
  }

  writeDocument(kind: DocumentKind, id: string, json: string | undefined): Promise<void> {
    const hint = (watcher: StoreWatcher) => watcher.documents?.(kind);
    return this.#writeSurely("writeDocument", (store) => store.writeDocument(kind, id, json), {
      hint,
      what: `documents ${kind}`,
    });
  }

  watch(watcher: StoreWatcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** The periodic look: what a store does for its watchers from time to time. */
  async compare(): Promise<void> {
    const zones = await this.listZones();
    for (const { zones: follower, documents } of this.watchers) {
      if (follower !== undefined) compareFollower(follower, zones);
      documents?.("lost");
    }
  }

  /** The process is gone, and with it its connection. */
  end(): void {
    this.#isEnded = true;
    this.#service.clients.delete(this);
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  #zoneHint(origin: Name): Hint {
    const hint = ({ zones }: StoreWatcher) => zones?.changed(origin);
    return { hint, what: formatName(origin) };
  }

  /** Rejects where too few replicas have what was done all the same. */
  async #writeSurely<T>(label: string, work: Work<T>, hint: Hint): Promise<T> {
    const { outcome, unconfirmed } = await this.#write(label, work, hint);
    if (unconfirmed !== undefined) throw unavailable(`done, but ${unconfirmed}`);
    return outcome;
  }

  async #write<T>(label: string, work: Work<T>, hint: Hint | undefined): Promise<Written<T>> {
    const service = this.#service;
    let write = 0;
    const change = async (store: Store) => {
      if (service.refusal !== undefined) throw unavailable(service.refusal);
      const outcome = await work(store);
      write = service.replicas.wrote();
      if (hint === undefined) return outcome;
      service.onChange(service.state);
      service.tell(this, hint.hint, hint.what);
      return outcome;
    };
    let unconfirmed: string | undefined;
    const wait = async (epoch: number) => {
      unconfirmed = await this.#wait(label, write, epoch);
    };
    const outcome = await this.#ask(label, change, service.replicas.areWanted ? wait : undefined);
    return { outcome, unconfirmed };
  }

  /** WAIT: looks from time to time, until it is known, or the connection is gone. */
  async #wait(label: string, write: number, epoch: number): Promise<string | undefined> {
    const { world, replicas } = this.#service;
    for (;;) {
      const found = await world.step(this.node, `${label} waits for replicas`, () =>
        this.#service.epoch === epoch ? replicas.look(write) : { unconfirmed: "nobody knows" },
      );
      if (found !== "waits") return found.unconfirmed;
    }
  }

  /**
   * Two steps: the request arrives and is answered; the answer arrives. Either may be lost. Between them is what `wait`
   * waits for, when the request was answered well.
   */
  async #ask<T>(label: string, work: Work<T>, wait?: (epoch: number) => Promise<void>): Promise<T> {
    const service = this.#service;
    const { world } = service;
    const arrived = await world.step(this.node, `${label} arrives`, () => {
      if (!service.isReachable(this.node)) return { error: unavailable("connection refused") };
      if (service.loses("requestLost")) return { error: unavailable("request lost") };
      return { outcome: settled(work(service.store)) };
    });
    const outcome =
      arrived.outcome === undefined ? { error: arrived.error } : await arrived.outcome;
    if (this.#isEnded) return new Promise(() => {});
    const { epoch } = service;
    if (wait !== undefined && "value" in outcome) await wait(epoch);
    return world.step(this.node, `${label} is answered`, () => {
      const isCut = !service.isReachable(this.node) || service.epoch !== epoch;
      if (isCut || service.loses("replyLost")) throw unavailable("connection lost");
      if ("error" in outcome) throw outcome.error;
      return outcome.value;
    });
  }
}

function settled<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
