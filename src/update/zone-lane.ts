/**
 * One zone's way to the store: a bounded queue, one commit at a time, and whatever waited meanwhile in the next.
 * Zones have a lane each and do not wait for one another.
 *
 *      submit ─► waiting ─► draft ─► store.commit ─► table.publish ─► verdicts
 *                              ▲          │ conflict, or outcome unknown
 *                              └─ follow ◄┘
 */
import { assert } from "../base/assert.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Principal } from "../identity/principal.ts";
import { checkBeginning, type ZoneBeginning } from "../store/check-commit.ts";
import type { CommitOutcome, JournalEntry, ZoneCommit, ZoneVersion } from "../store/store.ts";
import { Rcode } from "../wire/code-points.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { PackedRRsets } from "../zone/rrset-pack.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { ConfirmedVersion, inDoubt } from "./confirmed-version.ts";
import { type Draft, draftCommit } from "./draft-commit.ts";
import { type FollowParts, followStore } from "./follow-store.ts";
import type { Change, Intent } from "./judge-change.ts";
import { loadEach, zoneExists } from "./new-zone.ts";
import { checkStranger } from "./policy.ts";
import { noSuchZone, type Refusal, refuse } from "./refusal.ts";
import { ShownVersions } from "./shown-versions.ts";
import { errorText, logApplied, logFollowed } from "./update-log.ts";
import type { Verdict } from "./update-request.ts";
import type { ZoneRoom } from "./zone-room.ts";
import type { ZoneTableLoader } from "./zone-table.ts";

export interface LaneParts extends FollowParts {
  /** RRsets that a zone may have. */
  readonly zoneRRsets: number;
  /** After a change is visible: ours, with its entries; another writer's; none after a load of the whole zone. */
  readonly onCommit: (origin: Name, entries: readonly JournalEntry[]) => void;
  readonly onRefused: (intent: Intent, refusal: Refusal) => void;
  /** The store has no such zone (any more), and nothing is waiting: the lane may be forgotten. */
  readonly onGone: (lane: ZoneLane) => void;
  /** Runs a task after this turn's messages. */
  readonly defer: (task: () => void) => void;
}

interface Waiting {
  readonly change: Change;
  readonly resolve: (verdict: Verdict) => void;
}

interface CommitAttempt {
  readonly status: CommitOutcome["status"] | "failed";
  readonly unconfirmed?: string;
  readonly refusal?: Refusal;
}

export class ZoneLane {
  readonly origin: Name;
  readonly #parts: LaneParts;
  #waiting: Waiting[] = [];
  /** How many of them each actor has. */
  readonly #waitingOf = new Map<string, number>();
  readonly #tasks: (() => Promise<void>)[] = [];
  readonly #idleListeners: (() => void)[] = [];
  #isRunning = false;
  #isFollowAsked = false;
  /** The store may be past the table: look before the next commit. */
  #isStale = true;
  /** The store was seen without the zone. */
  #isGone = false;
  readonly #shown = new ShownVersions();
  readonly #confirmed: ConfirmedVersion;
  /** What the first update of a batch would do, drafted when it came. */
  #early: { readonly change: Change; readonly draft: Draft } | undefined;

  constructor(origin: Name, parts: LaneParts) {
    this.origin = origin;
    this.#parts = parts;
    this.#confirmed = new ConfirmedVersion(origin, parts.store);
  }

  /** What the table shows; `undefined` while the zone is not loaded. */
  get version(): ZoneVersion | undefined {
    return this.#shown.newest;
  }

  submit(change: Change): Promise<Verdict> {
    const { principal } = change.intent;
    const refused = checkStranger(principal, this.origin) ?? this.#checkQueue(principal);
    if (refused !== undefined) return Promise.resolve(this.#refused(change, refused));
    const verdict = this.#judgeAtOnce(change);
    if (verdict !== undefined) return Promise.resolve(verdict);
    return new Promise((resolve) => {
      this.#waiting.push({ change, resolve });
      this.#waitingOf.set(principal.actor, (this.#waitingOf.get(principal.actor) ?? 0) + 1);
      this.#wake();
    });
  }

  /** Alone in its commit: nothing comes between what the change prepares and what it writes. For operators. */
  submitAlone(change: Change): Promise<Verdict> {
    return new Promise((resolve) => {
      this.#tasks.push(() => this.#commitBatch([{ change, resolve }]));
      this.#wake();
    });
  }

  /** The queue is bounded, and nobody but an operator can fill it alone. */
  #checkQueue({ actor, isOperator }: Principal): Refusal | undefined {
    if (this.#waiting.length >= Limits.updateQueue) {
      const detail = `${Limits.updateQueue} updates are waiting for this zone; try again later`;
      return refuse(Rcode.servFail, "queue-full", detail);
    }
    const own = this.#waitingOf.get(actor) ?? 0;
    if (isOperator || own < Limits.updateQueuePerPrincipal) return undefined;
    const detail = `${own} updates of ${actor} are waiting for this zone; wait for their answers`;
    return refuse(Rcode.servFail, "queue-full", detail);
  }

  /**
   * With nothing under way, an update that would commit nothing has its verdict now: routers repeat themselves far
   * more often than their addresses change, and that costs no turn of the loop. One that would is drafted already.
   */
  #judgeAtOnce(change: Change): Verdict | undefined {
    if (this.#isRunning || this.#isStale) return undefined;
    const draft = this.#draft([change]);
    if (draft.commit !== undefined) {
      this.#early = { change, draft };
      return undefined;
    }
    const verdict = draft.verdicts[0] as Verdict;
    if (!this.#confirmed.covers(this.version as ZoneVersion)) return undefined;
    return verdict.status === "refused" ? this.#refused(change, verdict) : verdict;
  }

  /** The draft made of these changes when the first of them came, if nothing came behind it or between. */
  #takeEarly(changes: readonly Change[]): Draft | undefined {
    const early = this.#early;
    this.#early = undefined;
    const isWhole = changes.length === 1 && changes[0] === early?.change;
    return isWhole && early?.draft.commit?.expected === this.version ? early?.draft : undefined;
  }

  /** Another writer may have changed the zone: looks soon, between commits. */
  followSoon(): void {
    if (this.#isFollowAsked) return;
    this.#isFollowAsked = true;
    this.#tasks.push(async () => {
      this.#isFollowAsked = false;
      this.#isStale = true;
      await this.#follow();
    });
    this.#wake();
  }

  /** Brings the zone into the table. Rejects when the store cannot be read. */
  load(): Promise<void> {
    return this.#exclusively(() => this.#followStore());
  }

  /** Makes the zone in the store, which has it once, then in the table. */
  create(beginning: ZoneBeginning, rrsets: PackedRRsets): Promise<void> {
    return this.#exclusively(() => this.#create(beginning, rrsets));
  }

  /** Ends the zone in the store, then in the table. False when the store had none. */
  delete(): Promise<boolean> {
    return this.#exclusively(() => this.#delete());
  }

  /** Resolves when nothing is waiting any more. */
  idle(): Promise<void> {
    if (!this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.push(resolve));
  }

  /** Names that have data. */
  names(): number {
    return this.#parts.table.zoneUsage(this.origin).names;
  }

  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => task().then(resolve, reject));
      this.#wake();
    });
  }

  /** Begins after this turn's messages, so that those which came together go into one commit. */
  #wake(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#parts.defer(() => void this.#run());
  }

  async #run(): Promise<void> {
    for (;;) {
      const task = this.#tasks.shift();
      if (task !== undefined) await task();
      else if (this.#waiting.length > 0) await this.#commitBatch(this.#takeBatch());
      else break;
    }
    this.#isRunning = false;
    if (this.#isGone) this.#parts.onGone(this);
    for (const listener of this.#idleListeners.splice(0)) listener();
  }

  #takeBatch(): Waiting[] {
    const batch = this.#waiting;
    if (batch.length <= Limits.updateBatch) {
      this.#waiting = [];
      this.#waitingOf.clear();
      return batch;
    }
    const taken = batch.splice(0, Limits.updateBatch);
    for (const { change } of taken) {
      const { actor } = change.intent.principal;
      this.#waitingOf.set(actor, (this.#waitingOf.get(actor) as number) - 1);
    }
    return taken;
  }

  /**
   * The fixed order, never another: policy → prerequisites → changeset → checks and limits (`draftCommit`) →
   * commit, zone and journal in one step → publish → acknowledge. Durable, then visible, then acknowledged. A change
   * that is durable but not in as many places as was asked for is visible, as it is on other nodes, and not acknowledged.
   */
  async #commitBatch(batch: readonly Waiting[]): Promise<void> {
    for (let attempt = 0; attempt < Limits.commitAttempts; attempt++) {
      const blocked = this.#isStale ? await this.#follow() : undefined;
      if (blocked !== undefined) return this.#settle(batch, [], blocked);
      await (batch[0] as Waiting).change.prepare?.(this.version as ZoneVersion);
      const changes = batch.map(({ change }) => change);
      const draft = this.#takeEarly(changes) ?? this.#draft(changes);
      const { commit } = draft;
      if (commit === undefined) {
        const doubt = await this.#confirmed.ask(this.version as ZoneVersion);
        if (doubt !== undefined) this.followSoon();
        return this.#settle(batch, inDoubt(draft.verdicts, doubt));
      }
      const { status, unconfirmed, refusal } = await this.#commit(commit);
      if (status === "conflict") continue;
      const failed = refusal ?? this.#publish(commit);
      const held = draft.verdicts.slice(0, draft.firstApplied);
      if (failed !== undefined) return this.#settle(batch, held, failed);
      for (const entry of commit.entries) logApplied(this.#parts.log, entry);
      const doubt = this.#confirmed.take(commit.next, unconfirmed);
      this.#settle(batch, inDoubt(draft.verdicts, doubt));
      return this.#tellOfCommit(commit.entries);
    }
    const detail = `other writers were first ${Limits.commitAttempts} times; try again`;
    this.#settle(batch, [], refuse(Rcode.servFail, "store-unavailable", detail));
  }

  /** The table's view of the zone, which is loaded. */
  #view(): ZoneView {
    const view = this.#parts.table.view(this.origin);
    assert(view !== undefined, "a zone that has a version is in the table");
    return view;
  }

  #draft(changes: readonly Change[]): Draft {
    const { clock, log } = this.#parts;
    const { version } = this;
    assert(version !== undefined, "a zone that is not stale is loaded");
    const onFault = ({ intent }: Change, error: unknown) =>
      log.error({ zone: formatName(intent.origin), error: errorText(error) }, "an update threw");
    const options = { timeMs: clock.nowMs(), room: this.#room(), onFault };
    return draftCommit(this.#view(), version, changes, options);
  }

  #room(): ZoneRoom {
    const { table, zoneRRsets } = this.#parts;
    const { rrsets, bytes } = table.zoneUsage(this.origin);
    return {
      rrsets: zoneRRsets - rrsets,
      bytes: Math.min(Limits.zoneBytes - bytes, table.bytesLeft),
    };
  }

  /**
   * After a conflict, and after a failure whose outcome nobody knows, the store has to be looked at before the next
   * commit; after a failure soon, because there may be no next one.
   */
  async #commit(commit: ZoneCommit): Promise<CommitAttempt> {
    try {
      const outcome = await this.#parts.store.commit(commit);
      if (outcome.status === "conflict") this.#isStale = true;
      return outcome;
    } catch (error) {
      this.#isStale = true;
      this.followSoon();
      return { status: "failed", refusal: this.#storeFailed(error) };
    }
  }

  /** A table that cannot take a durable change is stale: the next update tries to show it again. */
  #publish(commit: ZoneCommit): Refusal | undefined {
    try {
      this.#parts.table.publish(this.origin, commit.changes);
    } catch (error) {
      this.#isStale = true;
      const detail = `the change is stored but cannot be shown: ${errorMessage(error)}`;
      return refuse(Rcode.servFail, "limit", detail);
    }
    this.#shown.add(commit.next);
    return undefined;
  }

  /** Verdicts in the order of the batch; `rest` for all that have none of their own. */
  #settle(batch: readonly Waiting[], verdicts: readonly Verdict[], rest?: Refusal): void {
    for (const [at, { change, resolve }] of batch.entries()) {
      const verdict = verdicts[at] ?? (rest as Refusal);
      if (verdict.status === "refused") this.#refused(change, verdict);
      resolve(verdict);
    }
  }

  #refused(change: Change, refusal: Refusal): Refusal {
    this.#parts.onRefused(change.intent, refusal);
    return refusal;
  }

  #tellOfCommit(entries: readonly JournalEntry[]): void {
    try {
      this.#parts.onCommit(this.origin, entries);
    } catch (error) {
      const fields = { zone: formatName(this.origin), error: errorText(error) };
      this.#parts.log.error(fields, "what follows a commit threw");
    }
  }

  /** A refusal when the zone is gone or cannot be followed. */
  async #follow(): Promise<Refusal | undefined> {
    try {
      await this.#followStore();
    } catch (error) {
      return this.#storeFailed(error);
    }
    return this.version === undefined ? noSuchZone(this.origin) : undefined;
  }

  async #followStore(): Promise<void> {
    const followed = await followStore(this.#parts, this.origin, this.#shown.all);
    if (followed.status === "gone") return this.#retire();
    this.#isStale = false;
    this.#isGone = false;
    if (followed.isReloaded) this.#shown.reset(undefined);
    for (const version of followed.versions) this.#shown.add(version);
    if (!followed.isReloaded && followed.entries.length === 0) return;
    for (const entry of followed.entries) logFollowed(this.#parts.log, entry);
    this.#tellOfCommit(followed.entries);
  }

  async #create(beginning: ZoneBeginning, rrsets: PackedRRsets): Promise<void> {
    const { store, table } = this.#parts;
    if (this.version !== undefined) await this.#followStore();
    if (this.version !== undefined) throw zoneExists(this.origin);
    let loader: ZoneTableLoader | undefined;
    try {
      loader = table.beginZone(this.origin);
      await store.createZone(beginning, loadEach(rrsets, loader));
      loader.publish();
    } catch (error) {
      loader?.abort();
      await this.#follow();
      throw error;
    }
    this.#shown.reset(checkBeginning(beginning).version);
    this.#isStale = false;
    this.#isGone = false;
    const entries = "journal" in beginning ? [] : [beginning];
    for (const entry of entries) logApplied(this.#parts.log, entry);
    this.#tellOfCommit(entries);
  }

  /** A zone that the store has lost is put back first: the store must know that it was ended. */
  async #delete(): Promise<boolean> {
    this.#isStale = true;
    for (let attempt = 0; attempt < Limits.commitAttempts; attempt++) {
      const isDeleted = await this.#parts.store.deleteZone(this.origin);
      if (isDeleted) this.#retire();
      else await this.#followStore();
      if (this.version === undefined) return isDeleted;
    }
    throw new WindhoverError(ErrorCode.storeUnavailable, "the store loses zones again and again");
  }

  #retire(): void {
    this.#isStale = true;
    this.#isGone = true;
    if (this.version !== undefined) this.#parts.table.dropZone(this.origin);
    this.#shown.reset(undefined);
  }

  #storeFailed(error: unknown): Refusal {
    const fields = { zone: formatName(this.origin), error: errorText(error) };
    this.#parts.log.error(fields, "the store failed; queries go on from what was published");
    const detail = `the store is not available: ${errorMessage(error)}`;
    return refuse(Rcode.servFail, "store-unavailable", detail);
  }
}
