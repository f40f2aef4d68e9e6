/**
 * The one path for change: every door hands its `UpdateRequest` to `submit`, and only this folder calls
 * `store.commit` and the table's writer. Here is which zones there are; what happens to one of them is in
 * `zone-lane.ts`.
 */
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, expected, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { Principal } from "../identity/principal.ts";
import type { JournalEntry, JournalRange, Store, ZonePast, ZoneVersion } from "../store/store.ts";
import { Rcode } from "../wire/code-points.ts";
import { formatName, type Name, nameKey } from "../wire/name.ts";
import { type Difference, withoutSerialStep } from "../zone/changeset.ts";
import type { RRset } from "../zone/rrset.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { draftImport } from "./import-zone.ts";
import { type Change, changeOfRequest, type Intent } from "./judge-change.ts";
import { LostLedger } from "./lost-ledger.ts";
import { checkNewZone, creationEntry, zoneExists } from "./new-zone.ts";
import { noSuchZone, type Refusal, refuse } from "./refusal.ts";
import { type RefusedUpdate, RefusedUpdates } from "./refused-updates.ts";
import { draftRestore } from "./restore-zone.ts";
import { draftRevert, type Revert } from "./revert-zone.ts";
import { logRefused } from "./update-log.ts";
import type { UpdateRequest, Verdict } from "./update-request.ts";
import { ZoneHistory } from "./zone-history.ts";
import { type LaneParts, ZoneLane } from "./zone-lane.ts";
import { ZoneRecovery } from "./zone-recovery.ts";
import type { ZoneTable } from "./zone-table.ts";

export interface UpdateEngine {
  /** Resolves with the verdict after the commit; never rejects. */
  submit(request: UpdateRequest): Promise<Verdict>;
}

export interface ZoneStatus {
  readonly origin: Name;
  readonly serial: number;
  readonly sequence: number;
  /** Names with data. */
  readonly names: number;
}

export interface RevertedZone extends Difference {
  /** "unchanged" for a dry run. */
  readonly verdict: Verdict;
}

/** The engine as the composition root and the administrative doors see it. */
export interface ZoneEngine extends UpdateEngine {
  /** Loads every zone of the store into the table, one after the other, and follows the store from then on. */
  start(): Promise<void>;
  /**
   * Makes a zone, durable and visible when it resolves. `rrsets` is gone through more than once. Throws
   * `forbidden`, `bad-zone`, `zone-exists`, `limit`, or what the store throws.
   */
  createZone(intent: Intent, rrsets: Iterable<RRset>): Promise<void>;
  /**
   * Makes a zone that was elsewhere stand where it stood there, its journal with it, durable and visible when it
   * resolves. One that was deleted here at a later version begins behind that instead, with the same records and without
   * its journal: then it is false. Throws as `createZone` does, and `store-format` for a journal that does not lead there.
   */
  restoreZone(intent: Intent, past: ZonePast, rrsets: Iterable<RRset>): Promise<boolean>;
  /** Ends a zone and its history. Throws `forbidden` or `no-such-zone`. */
  deleteZone(intent: Intent): Promise<void>;
  /** Makes the zone what `wanted` is by one update with the difference; its serial never goes back. */
  importZone(intent: Intent, wanted: ZoneView): Promise<Verdict>;
  /**
   * Takes the zone back by one update, or says what that would do; its serial goes on. Throws `forbidden`, `no-such-zone`,
   * and why the way back cannot be read.
   */
  revertZone(intent: Intent, revert: Revert, isDryRun: boolean): Promise<RevertedZone>;
  readonly history: ZoneHistory;
  /** Updates of this zone that this server refused lately, the newest first. */
  refusedUpdates(origin: Name): readonly RefusedUpdate[];
  zones(): readonly ZoneStatus[];
  /** Whether the store has the zone and what it has could not be read at the start. */
  isUnreadable(origin: Name): boolean;
  /** Where the published zone stands; `undefined` when there is none. */
  version(origin: Name): ZoneVersion | undefined;
  /** The zone as it is published. */
  view(origin: Name): ZoneView | undefined;
  readJournal(origin: Name, range: JournalRange): Promise<readonly JournalEntry[]>;
  /** What the store has lost and this or another node still had. */
  readonly recovery: ZoneRecovery;
  /** Lets what is waiting finish and refuses what comes later. The store stays open. */
  close(): Promise<void>;
}

export interface EngineParts {
  readonly store: Store;
  readonly writer: ZoneTable;
  readonly clock: Clock;
  readonly log: Logger;
  /** RRsets that a zone may have, where that is less than `Limits.zoneRRsets`; asked anew for each change. */
  readonly zoneRRsets?: () => number;
  /**
   * After a change is visible: this server's or another writer's with its entries; none of them when the zone was
   * loaded whole.
   */
  readonly onCommit?: (origin: Name, entries: readonly JournalEntry[]) => void;
  /** Runs a task after this turn's messages; `setImmediate` unless a test has a turn of its own. */
  readonly defer?: (task: () => void) => void;
}

export function createUpdateEngine(parts: EngineParts): ZoneEngine {
  return new Engine(parts);
}

class Engine implements ZoneEngine {
  readonly recovery: ZoneRecovery;
  readonly #lanes = new Map<string, ZoneLane>();
  readonly #laneParts: LaneParts;
  readonly #parts: EngineParts;
  readonly #refusedUpdates = new RefusedUpdates();
  readonly history: ZoneHistory;
  #stopWatching: (() => void) | undefined;
  #isClosing = false;
  #isStarted = false;
  readonly #unreadable = new Set<string>();
  /** Heard of while zones are loaded one after the other: looked at when all are there. */
  readonly #changedMeanwhile = new Map<string, Name>();

  constructor(parts: EngineParts) {
    const { store, writer, clock, log, onCommit, zoneRRsets } = parts;
    const lost = new LostLedger(store, log);
    this.#parts = parts;
    this.#laneParts = {
      store,
      lost,
      table: writer,
      get zoneRRsets() {
        return zoneRRsets?.() ?? Limits.zoneRRsets;
      },
      clock,
      log,
      onCommit: onCommit ?? (() => {}),
      onRefused: (intent, refusal) => this.#noteRefused(intent, refusal),
      onGone: (lane) => this.#forget(lane),
      defer: parts.defer ?? ((task) => process.nextTick(task)),
    };
    const zones = {
      version: (origin: Name) => this.version(origin),
      snapshot: (origin: Name) => writer.snapshot(origin),
      follow: (origin: Name) => this.#lane(origin).load(),
    };
    this.history = new ZoneHistory({ store, clock, log, zones });
    const view = (origin: Name) => this.view(origin);
    this.recovery = new ZoneRecovery({ lost, view, submit: (change) => this.#submit(change) });
  }

  async start(): Promise<void> {
    const { store, clock, log } = this.#parts;
    const { lost } = this.#laneParts;
    this.#stopWatching = store.watch({
      zones: {
        origins: () => [...this.#lanes.values()].map(({ origin }) => origin),
        version: (origin) => this.version(origin),
        changed: (origin) => this.#changed(origin),
      },
      documents: (kind) => {
        if (kind === "lost") void lost.refresh();
      },
    });
    const startMs = clock.monotonicMs();
    let toldMs = startMs;
    let loaded = 0;
    const origins = await store.listOrigins();
    for (const origin of origins) {
      if (await this.#load(origin)) loaded++;
      if (clock.monotonicMs() - toldMs < 5_000) continue;
      toldMs = clock.monotonicMs();
      log.info({ loaded, of: origins.length }, "loading zones");
    }
    await lost.refresh();
    this.#isStarted = true;
    for (const origin of this.#changedMeanwhile.values()) this.#changed(origin);
    this.#changedMeanwhile.clear();
    log.info({ zones: loaded, ms: Math.round(clock.monotonicMs() - startMs) }, "zones loaded");
  }

  /** False for a zone that cannot be read, which must not keep the others from being served. */
  async #load(origin: Name): Promise<boolean> {
    try {
      await this.#lane(origin).load();
      return true;
    } catch (error) {
      if (expected(error, WindhoverError).code !== ErrorCode.storeFormat) throw error;
      const fields = { zone: formatName(origin), problem: errorMessage(error) };
      this.#parts.log.error(fields, "a zone cannot be read and is not served; the others are");
      this.#unreadable.add(nameKey(origin));
      return false;
    }
  }

  submit(request: UpdateRequest): Promise<Verdict> {
    return this.#submit(changeOfRequest(request));
  }

  #submit(change: Change): Promise<Verdict> {
    const { intent } = change;
    const lane = this.#isClosing ? undefined : this.#lanes.get(nameKey(intent.origin));
    return lane === undefined ? this.#turnAway(intent) : lane.submit(change);
  }

  async createZone(intent: Intent, rrsets: Iterable<RRset>): Promise<void> {
    this.#demandOperator(intent.principal, "create", intent.origin);
    const { origin } = intent;
    if (this.#lanes.get(nameKey(origin))?.version !== undefined) throw zoneExists(origin);
    const zone = await checkNewZone(origin, rrsets, this.#laneParts.zoneRRsets);
    const deleted = await this.#parts.store.deletedVersion(origin);
    this.#demandOpen();
    const sequence = (deleted?.sequence ?? 0) + 1;
    const entry = creationEntry(intent, zone, { sequence, timeMs: this.#parts.clock.nowMs() });
    await this.#lane(origin).create(entry, zone.rrsets);
  }

  async restoreZone(intent: Intent, past: ZonePast, rrsets: Iterable<RRset>): Promise<boolean> {
    this.#demandOperator(intent.principal, "restore", intent.origin);
    const { origin } = intent;
    if (this.#lanes.get(nameKey(origin))?.version !== undefined) throw zoneExists(origin);
    const deleted = await this.#parts.store.deletedVersion(origin);
    const terms = { limit: this.#laneParts.zoneRRsets, timeMs: this.#parts.clock.nowMs() };
    const zone = await draftRestore(intent, past, rrsets, { ...terms, deleted });
    this.#demandOpen();
    await this.#lane(origin).create(zone.beginning, zone.rrsets);
    return zone.beginning === past;
  }

  async deleteZone({ origin, principal, door, address }: Intent): Promise<void> {
    this.#demandOperator(principal, "delete", origin);
    const lane = this.#lanes.get(nameKey(origin));
    const existed = (await lane?.delete()) ?? false;
    const zone = formatName(origin);
    if (!existed) throw new WindhoverError(ErrorCode.noSuchZone, `there is no zone ${zone}`);
    await this.history.labels.removeAll(origin);
    this.#parts.log.info({ zone, actor: principal.actor, door, address }, "zone deleted");
  }

  importZone(intent: Intent, wanted: ZoneView): Promise<Verdict> {
    const { origin } = intent;
    const lane = this.#isClosing ? undefined : this.#lanes.get(nameKey(origin));
    if (lane === undefined) return this.#turnAway(intent);
    return lane.submitAlone(draftImport(intent, wanted, () => this.view(origin) as ZoneView));
  }

  async revertZone(intent: Intent, revert: Revert, isDryRun: boolean): Promise<RevertedZone> {
    const { origin, principal } = intent;
    this.#demandOperator(principal, "revert", origin);
    const journal = this.history.journal(origin);
    const draft = draftRevert(intent, journal, revert, isDryRun);
    // Most of the way is read before the zone's updates have to wait for the rest.
    await draft.change.prepare(journal.version);
    const verdict = await this.#lane(origin).submitAlone(draft.change);
    const failure = draft.failure();
    if (failure !== undefined) throw failure;
    return { verdict, ...withoutSerialStep(draft.difference()) };
  }

  refusedUpdates(origin: Name): readonly RefusedUpdate[] {
    return this.#refusedUpdates.list(origin);
  }

  zones(): readonly ZoneStatus[] {
    const zones: ZoneStatus[] = [];
    for (const lane of this.#lanes.values()) {
      if (lane.version === undefined) continue;
      const { serial, sequence } = lane.version;
      zones.push({ origin: lane.origin, serial, sequence, names: lane.names() });
    }
    return zones;
  }

  isUnreadable(origin: Name): boolean {
    return this.#unreadable.has(nameKey(origin));
  }

  version(origin: Name): ZoneVersion | undefined {
    return this.#lanes.get(nameKey(origin))?.version;
  }

  view(origin: Name): ZoneView | undefined {
    return this.#parts.writer.view(origin);
  }

  readJournal(origin: Name, range: JournalRange): Promise<readonly JournalEntry[]> {
    return this.#parts.store.readJournal(origin, range);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#stopWatching?.();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()));
  }

  #lane(origin: Name): ZoneLane {
    const key = nameKey(origin);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new ZoneLane(origin, this.#laneParts);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #changed(origin: Name): void {
    if (this.#isClosing) return;
    if (this.#isStarted) this.#lane(origin).followSoon();
    else this.#changedMeanwhile.set(nameKey(origin), origin);
  }

  #forget(lane: ZoneLane): void {
    this.#lanes.delete(nameKey(lane.origin));
  }

  #turnAway(intent: Intent): Promise<Verdict> {
    const refusal = this.#isClosing
      ? refuse(Rcode.servFail, "shutting-down", "the server is shutting down")
      : noSuchZone(intent.origin);
    this.#noteRefused(intent, refusal);
    return Promise.resolve(refusal);
  }

  #noteRefused(intent: Intent, refusal: Refusal): void {
    const { log, clock } = this.#parts;
    logRefused(log, intent, refusal);
    this.#refusedUpdates.add(intent, refusal, clock.nowMs());
  }

  #demandOpen(): void {
    if (!this.#isClosing) return;
    throw new WindhoverError(ErrorCode.shuttingDown, "the server is shutting down");
  }

  #demandOperator({ actor, isOperator }: Principal, verb: string, origin: Name): void {
    this.#demandOpen();
    if (isOperator) return;
    const message = `${actor} may not ${verb} zone ${formatName(origin)}: only an operator may`;
    throw new WindhoverError(ErrorCode.forbidden, message);
  }
}
