/**
 * One zone's way to the store: a bounded queue, one commit at a time, and whatever waited meanwhile in the next.
 * Zones have a lane each and do not wait for one another.
 *
 *      submit ─► waiting, drafted ─► store.commit ─► table.publish ─► the next commit begins ─► verdicts
 *                           ▲             │ conflict, or outcome unknown
 *                           └── follow ◄──┘
 *
 * What comes while a commit is under way is drafted on top of it: the store never waits for drafts, nor for replies.
 */
import { assert } from "../base/assert.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { checkBeginning, type ZoneBeginning } from "../store/check-commit.ts";
import type { CommitOutcome, JournalEntry, ZoneCommit, ZoneVersion } from "../store/store.ts";
import { Rcode } from "../wire/code-points.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { PackedRRsets } from "../zone/rrset-pack.ts";
import { CommitDraft, type DraftGround } from "./commit-draft.ts";
import { ConfirmedVersion, inDoubt } from "./confirmed-version.ts";
import { type FollowParts, followStore } from "./follow-store.ts";
import type { Change, Intent } from "./judge-change.ts";
import { loadEach, zoneExists } from "./new-zone.ts";
import { checkStranger } from "./policy.ts";
import { noSuchZone, type Refusal, refuse } from "./refusal.ts";
import { ShownVersions } from "./shown-versions.ts";
import { errorText, logApplied, logFollowed } from "./update-log.ts";
import { UpdateQueue, type Waiting } from "./update-queue.ts";
import type { Verdict } from "./update-request.ts";
import { roomOf } from "./zone-room.ts";
import type { ZoneTableLoader } from "./zone-table.ts";

export interface LaneParts extends FollowParts {
  /** RRsets that a zone may have. */
  readonly zoneRRsets: number;
  /** After a change is visible: ours, with its entries; another writer's; none after a load of the whole zone. */
  readonly onCommit: (origin: Name, entries: readonly JournalEntry[]) => void;
  readonly onRefused: (intent: Intent, refusal: Refusal) => void;
  /** The store has no such zone (any more), and nothing is waiting: the lane may be forgotten. */
  readonly onGone: (lane: ZoneLane) => void;
  /** Runs a task after what is being read at the moment. */
  readonly defer: (task: () => void) => void;
}

type Acknowledge = () => void;

interface CommitAttempt {
  readonly commit: ZoneCommit;
  readonly status: CommitOutcome["status"] | "failed";
  readonly unconfirmed?: string;
  readonly refusal?: Refusal;
}

export class ZoneLane {
  readonly origin: Name;
  readonly #parts: LaneParts;
  readonly #queue = new UpdateQueue();
  readonly #tasks: (() => Promise<Acknowledge | undefined>)[] = [];
  readonly #idleListeners: (() => void)[] = [];
  /** Woken: `#run` comes soon. */
  #state: "idle" | "woken" | "running" = "idle";
  #isFollowAsked = false;
  /** The store may be past the table: look before the next commit. */
  #isStale = true;
  /** The store was seen without the zone. */
  #isGone = false;
  readonly #shown = new ShownVersions();
  readonly #confirmed: ConfirmedVersion;
  /** What waits, each drafted when it came, unless something that waits could not be drafted yet. */
  #ahead: CommitDraft | undefined;
  /** Its commit is being made. */
  #underWay: CommitDraft | undefined;

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
    const refused = checkStranger(principal, this.origin) ?? this.#queue.check(principal);
    if (refused !== undefined) return Promise.resolve(this.#refused(change, refused));
    this.#draftAhead(change);
    const verdict = this.#verdictAtOnce();
    if (verdict?.status === "refused") return Promise.resolve(this.#refused(change, verdict));
    if (verdict !== undefined) return Promise.resolve(verdict);
    return new Promise((resolve) => {
      this.#queue.put({ change, resolve });
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

  /** Where it can be known what the change will find: nothing is under way, or a commit is. */
  #draftAhead(change: Change): void {
    const isKnown = this.#state === "running" ? this.#underWay !== undefined : !this.#isStale;
    const drafted = this.#ahead?.verdicts.length ?? 0;
    if (!isKnown || drafted < this.#queue.length || drafted === Limits.updateBatch) return;
    this.#ahead ??= this.#newDraft(this.#underWay?.ground ?? this.#shownGround());
    this.#ahead.add(change);
  }

  /**
   * With nothing under way, an update that would commit nothing has its verdict now: routers repeat themselves far
   * more often than their addresses change, and that costs no turn of the loop.
   */
  #verdictAtOnce(): Verdict | undefined {
    const ahead = this.#ahead;
    if (this.#state !== "idle" || !ahead?.changesNothing) return undefined;
    if (!this.#confirmed.covers(this.version as ZoneVersion)) return undefined;
    this.#ahead = undefined;
    return ahead.verdicts[0];
  }

  #draft(batch: readonly Waiting[]): CommitDraft {
    const draft = this.#newDraft(this.#shownGround());
    for (const { change } of batch) draft.add(change);
    return draft;
  }

  #newDraft(ground: DraftGround): CommitDraft {
    const { clock, log } = this.#parts;
    const onFault = ({ intent }: Change, error: unknown) =>
      log.error({ zone: formatName(intent.origin), error: errorText(error) }, "an update threw");
    return new CommitDraft(ground, { clock, onFault });
  }

  #shownGround(): DraftGround {
    const { table, zoneRRsets } = this.#parts;
    const { version } = this;
    const view = table.view(this.origin);
    assert(version !== undefined && view !== undefined, "a zone that is not stale is loaded");
    return { view, version, room: roomOf(table, this.origin, zoneRRsets) };
  }

  /** Another writer may have changed the zone: looks soon, between commits. */
  followSoon(): void {
    if (this.#isFollowAsked) return;
    this.#isFollowAsked = true;
    this.#tasks.push(async () => {
      this.#isFollowAsked = false;
      this.#isStale = true;
      await this.#follow();
      return undefined;
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
    if (this.#state === "idle") return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.push(resolve));
  }

  /** Names that have data. */
  names(): number {
    return this.#parts.table.zoneUsage(this.origin).names;
  }

  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(async () => {
        await task().then(resolve, reject);
        return undefined;
      });
      this.#wake();
    });
  }

  /** Begins after what is being read at the moment, so that those which came together go into one commit. */
  #wake(): void {
    if (this.#state !== "idle") return;
    this.#state = "woken";
    this.#parts.defer(() => void this.#run());
  }

  /** What is done is told when the next is on its way. */
  async #run(): Promise<void> {
    this.#state = "running";
    let acknowledge: Acknowledge | undefined;
    for (;;) {
      const next = this.#begin();
      acknowledge?.();
      if (next === undefined) break;
      acknowledge = await next;
    }
    this.#state = "idle";
    if (this.#isGone) this.#parts.onGone(this);
    for (const listener of this.#idleListeners.splice(0)) listener();
  }

  #begin(): Promise<Acknowledge | undefined> | undefined {
    const task = this.#tasks.shift();
    if (task !== undefined) return task();
    if (this.#queue.length === 0) return undefined;
    return this.#commitBatch(this.#queue.takeBatch(), this.#ahead);
  }

  /**
   * The fixed order, never another: policy → prerequisites → changeset → checks and limits (`CommitDraft`) →
   * commit, zone and journal in one step → publish → acknowledge. Durable, then visible, then acknowledged. A change
   * that is durable but not in as many places as was asked for is visible, as it is on other nodes, and not acknowledged.
   */
  async #commitBatch(batch: readonly Waiting[], ahead?: CommitDraft): Promise<Acknowledge> {
    this.#ahead = undefined;
    for (let attempt = 0; attempt < Limits.commitAttempts; attempt++) {
      const blocked = this.#isStale ? await this.#follow() : undefined;
      if (blocked !== undefined) return () => this.#settle(batch, [], blocked);
      const prepared = (batch[0] as Waiting).change.prepare?.(this.version as ZoneVersion);
      if (prepared !== undefined) await prepared;
      const isAhead = ahead?.verdicts.length === batch.length && ahead.expected === this.version;
      const draft = isAhead ? ahead : this.#draft(batch);
      if (draft.changesNothing) return this.#confirmNothing(batch, draft);
      const { status, commit, unconfirmed, refusal } = await this.#commit(draft);
      if (status === "conflict") continue;
      const failed = refusal ?? this.#publish(commit);
      if (failed !== undefined) {
        const held = this.#confirmed.unasked(draft.expected, draft.held);
        return () => this.#settle(batch, held, failed);
      }
      const doubt = this.#confirmed.take(commit.next, unconfirmed);
      return () => {
        for (const entry of commit.entries) logApplied(this.#parts.log, entry);
        this.#settle(batch, inDoubt(draft.verdicts, doubt));
        this.#tellOfCommit(commit.entries);
      };
    }
    const detail = `other writers were first ${Limits.commitAttempts} times; try again`;
    const refusal = refuse(Rcode.servFail, "store-unavailable", detail);
    return () => this.#settle(batch, [], refusal);
  }

  async #confirmNothing(batch: readonly Waiting[], { verdicts }: CommitDraft) {
    const doubt = await this.#confirmed.ask(this.version as ZoneVersion);
    if (doubt !== undefined) this.followSoon();
    return () => this.#settle(batch, inDoubt(verdicts, doubt));
  }

  /**
   * After a conflict, and after a failure whose outcome nobody knows, the store has to be looked at before the next
   * commit; after a failure soon, because there may be no next one.
   */
  async #commit(draft: CommitDraft): Promise<CommitAttempt> {
    const commit = draft.commit();
    this.#underWay = draft;
    try {
      const outcome = await this.#parts.store.commit(commit);
      if (outcome.status === "conflict") this.#missed();
      return { ...outcome, commit };
    } catch (error) {
      this.#missed();
      this.followSoon();
      return { status: "failed", commit, refusal: this.#storeFailed(error) };
    } finally {
      this.#underWay = undefined;
    }
  }

  /** What was drafted on top of it is worth nothing either. */
  #missed(): void {
    this.#isStale = true;
    this.#ahead = undefined;
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
    this.#ahead?.rest(this.#shownGround());
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
