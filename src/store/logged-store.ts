/**
 * A store behind a log: a commit is acknowledged when it stands in the log (`commit-log.ts`), which is one flush, and
 * is done in the store below soon after, many at once. Everything else waits until what was acknowledged is there.
 *
 *     commit ─► version fits ─► waiting ─► log.append ─► acknowledged ─► logged ─► inner.commit
 *                               one frame for all that waits            one half   many as one, the half is free
 *
 * Here commits are acknowledged; what does them below, half of the log by half, is in `logged-commits.ts`. What is in the
 * log of a dead process is done at open, known by version. A zone that the store below cannot take is set aside
 * (`set-aside.ts`), and the others go on.
 */
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { type Name, nameKey } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import type { AsideFiles } from "./aside-files.ts";
import { checkCommit } from "./check-commit.ts";
import { beginCommitLog, type CommitLog, type LogFile } from "./commit-log.ts";
import { writeCommitRecord, writeDoneRecord } from "./commit-record.ts";
import { LoggedCommits } from "./logged-commits.ts";
import { OpenWork } from "./open-work.ts";
import { redoLog } from "./redo-commits.ts";
import { SetAside } from "./set-aside.ts";
import type {
  CommitOutcome,
  DocumentKind,
  JournalEntry,
  JournalRange,
  LoadedZone,
  Store,
  StoreDocument,
  StoredZone,
  StoreWatcher,
  ZoneCommit,
  ZonePast,
  ZoneVersion,
} from "./store.ts";
import { type WrittenCommit, type WrittenStore, writeCommit } from "./written-commit.ts";
import { isSameVersion, markOf, storedVersion } from "./zone-version.ts";

/** What is to stand in the log. */
interface Waiting {
  readonly record: Uint8Array;
  /** To be applied then. */
  readonly commit: WrittenCommit | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Does what the log says and the store below has not done, then empties it; zones that it cannot be done with are set
 * aside. The store and the file are the logged store's to close from then on. `place` names the log in errors.
 */
export async function openLoggedStore(
  inner: WrittenStore,
  file: LogFile,
  files: AsideFiles,
  place: string,
): Promise<LoggedStore> {
  const aside = new SetAside(files);
  await redoLog(inner, file, aside, place);
  return new LoggedStore(inner, await beginCommitLog(file), aside, place);
}

const NOTHING = new Uint8Array(0);

export class LoggedStore implements Store {
  readonly #inner: WrittenStore;
  readonly #log: CommitLog;
  readonly #logged: LoggedCommits;
  readonly #aside: SetAside;
  readonly #watchers = new Set<StoreWatcher>();
  readonly #place: string;
  readonly #work = new OpenWork();
  /** Where zones stand with all that was accepted; one that is not here stands where the store below says. */
  readonly #versions = new Map<string, ZoneVersion>();
  /** Zones to which something is done past the log: whoever comes meanwhile waits for it. */
  readonly #gates = new Map<string, Promise<unknown>>();
  #waiting: Waiting[] = [];
  /** Writes what waits, while anything does. */
  #writing: Promise<void> | undefined;
  /** The log or the store below failed: both must work again before anything new is accepted. */
  #isBroken = false;
  #mending: Promise<void> | undefined;

  constructor(inner: WrittenStore, log: CommitLog, aside: SetAside, place: string) {
    this.#inner = inner;
    this.#log = log;
    this.#aside = aside;
    this.#place = place;
    this.#logged = new LoggedCommits({
      inner,
      log,
      aside,
      place,
      failed: () => {
        this.#isBroken = true;
      },
      zoneSetAside: (origin) => {
        for (const { zones } of this.#watchers) zones?.changed(origin);
      },
    });
  }

  commit(commit: ZoneCommit): Promise<CommitOutcome> {
    return this.#work.run(async () => {
      checkCommit(commit);
      const { origin, expected, next } = commit;
      const key = nameKey(origin);
      this.#aside.check(origin);
      while (!this.#isReady(key)) {
        if (!(await this.#prepare(origin))) return { status: "conflict", actual: undefined };
        this.#aside.check(origin);
      }
      const actual = this.#versions.get(key) as ZoneVersion;
      if (!isSameVersion(actual, expected)) return { status: "conflict", actual };
      const written = writeCommit(commit);
      const record = writeCommitRecord(written);
      if (record.length > Limits.loggedCommit) {
        return this.#alone(origin, () => this.#inner.commitWritten(written));
      }
      this.#versions.set(key, next);
      await this.#append(record, written);
      return { status: "committed" };
    });
  }

  /** Whether a commit of this zone may be compared and logged now. */
  #isReady(key: string): boolean {
    return !this.#isBroken && !this.#gates.has(key) && this.#versions.has(key);
  }

  /** Takes one thing out of the way; false when there is no such zone. */
  async #prepare(origin: Name): Promise<boolean> {
    const key = nameKey(origin);
    if (this.#isBroken) await this.#mend();
    else if (this.#gates.has(key)) await this.#gates.get(key);
    else {
      const found = await this.#inner.findZone(origin);
      if (found === undefined) return false;
      const version = storedVersion(found.serial, found.sequence, markOf(found));
      if (!this.#versions.has(key)) this.#versions.set(key, version);
    }
    return true;
  }

  /**
   * Does something to a zone past the log, after all that was accepted for it, and with nothing beside. The log says so
   * first: what it holds of the zone does not lead from where the zone stands then.
   */
  async #alone<T>(origin: Name, work: () => Promise<T>): Promise<T> {
    const key = nameKey(origin);
    const task = this.#append(NOTHING)
      .then(() => this.#settle(origin))
      .then(() => this.#append(writeDoneRecord(origin)))
      .then(work);
    const gate = task.catch(() => undefined);
    this.#gates.set(key, gate);
    try {
      return await task;
    } finally {
      this.#versions.delete(key);
      if (this.#gates.get(key) === gate) this.#gates.delete(key);
    }
  }

  /** Resolves when the record and all before it are durable. */
  #append(record: Uint8Array, commit?: WrittenCommit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, commit, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** One frame after the other, each of all that waits. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const frame = this.#takeFrame();
      const step = frame.length > 0 ? this.#writeFrame(frame) : this.#logged.apply();
      await step.catch((error: unknown) => this.#fail(error, frame));
    }
    this.#writing = undefined;
  }

  #takeFrame(): readonly Waiting[] {
    let { room } = this.#log;
    let count = 0;
    for (const { record } of this.#waiting) {
      room -= record.length;
      if (room < 0) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeFrame(frame: readonly Waiting[]): Promise<void> {
    const records = frame.map(({ record }) => record).filter(({ length }) => length > 0);
    const writing = records.length > 0 ? this.#log.append(records) : Promise.resolve();
    await this.#logged.add(
      frame.flatMap(({ commit }) => commit ?? []),
      writing,
    );
    for (const { resolve } of frame) resolve();
    this.#logged.applySoon();
  }

  /** Nobody knows what is in the log, or there is no room in it: what waits is not acknowledged. */
  #fail(error: unknown, frame: readonly Waiting[]): void {
    this.#isBroken = true;
    this.#versions.clear();
    const told = this.#told(error);
    for (const { reject } of [...frame, ...this.#waiting.splice(0)]) reject(told);
  }

  #told(error: unknown): WindhoverError {
    if (error instanceof WindhoverError) return error;
    return new WindhoverError(
      ErrorCode.storeUnavailable,
      `${this.#place} cannot be written: ${errorMessage(error)}`,
      { cause: error },
    );
  }

  /** What was accepted before is written, everything acknowledged is done below, and the log begins anew. */
  #mend(): Promise<void> {
    this.#mending ??= Promise.resolve(this.#writing)
      .then(() => this.#settle())
      .then(() => this.#log.clear())
      .catch((error: unknown) => {
        throw this.#told(error);
      })
      .then(() => {
        this.#isBroken = false;
      })
      .finally(() => {
        this.#mending = undefined;
      });
    return this.#mending;
  }

  /** All that was acknowledged is done below, or set aside. Throws when that is so of this zone. */
  async #settle(origin?: Name): Promise<void> {
    await this.#logged.settle();
    if (origin !== undefined) this.#aside.check(origin);
  }

  async #settled<T>(use: () => Promise<T>, origin?: Name): Promise<T> {
    return this.#work.run(async () => {
      await this.#settle(origin);
      return use();
    });
  }

  /** After a failure, in the log or below, it goes on here even if nobody sends an update. */
  probe(): Promise<void> {
    return this.#work.run(async () => {
      await this.#inner.probe?.();
      if (this.#isBroken) await this.#mend();
    });
  }

  listZones(): Promise<readonly StoredZone[]> {
    return this.#settled(() => this.#inner.listZones());
  }

  listOrigins(): Promise<readonly Name[]> {
    return this.#settled(async () => {
      const origins = await this.#inner.listOrigins();
      return [...origins, ...this.#aside.origins(origins)];
    });
  }

  findZone(origin: Name): Promise<StoredZone | undefined> {
    return this.#settled(() => this.#inner.findZone(origin), origin);
  }

  createZone(
    beginning: JournalEntry | ZonePast,
    rrsets: AsyncIterable<RRset> | Iterable<RRset>,
  ): Promise<void> {
    return this.#work.run(async () => {
      this.#aside.check(beginning.origin);
      return this.#inner.createZone(beginning, rrsets);
    });
  }

  loadZone(origin: Name): Promise<LoadedZone | undefined> {
    return this.#settled(() => this.#inner.loadZone(origin), origin);
  }

  deleteZone(origin: Name): Promise<boolean> {
    return this.#work.run(async () => {
      this.#aside.check(origin);
      if (this.#isBroken) await this.#mend();
      return this.#alone(origin, () => this.#inner.deleteZone(origin));
    });
  }

  deletedVersion(origin: Name): Promise<ZoneVersion | undefined> {
    return this.#work.run(() => this.#inner.deletedVersion(origin));
  }

  listDeleted(): Promise<readonly StoredZone[]> {
    return this.#work.run(() => this.#inner.listDeleted());
  }

  rememberDeleted(zone: StoredZone): Promise<void> {
    return this.#work.run(() => this.#inner.rememberDeleted(zone));
  }

  readJournal(origin: Name, range: JournalRange): Promise<readonly JournalEntry[]> {
    return this.#settled(() => this.#inner.readJournal(origin, range), origin);
  }

  watch(watcher: StoreWatcher): () => void {
    const stop = this.#inner.watch(watcher);
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
      stop();
    };
  }

  readDocuments(kind: DocumentKind): Promise<readonly StoreDocument[]> {
    return this.#work.run(() => this.#inner.readDocuments(kind));
  }

  writeDocument(kind: DocumentKind, id: string, json: string | undefined): Promise<void> {
    return this.#work.run(() => this.#inner.writeDocument(kind, id, json));
  }

  /** What cannot be done below now stays in the log, and the next open does it. */
  async close(): Promise<void> {
    if (this.#work.isClosed) return;
    await this.#work.close();
    this.#logged.stop();
    await this.#mend().catch(() => {});
    try {
      await this.#log.close();
    } finally {
      await this.#inner.close();
    }
  }
}
