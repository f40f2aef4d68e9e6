/**
 * The embedded store, the default: one LMDB directory, one process. Its tables are drawn in `lmdb-keys.ts`;
 * why its writes are durable and share flushes stands in `lmdb-environment.ts`.
 *
 * A zone too large for one transaction is made, and taken away, in several: its id stands in `leftovers`
 * meanwhile, and only the `zones` record makes it visible. What a dead process left there is removed at open.
 */
import { join } from "node:path";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import type { RRsetPack } from "../zone/rrset-pack.ts";
import { openAsideFiles } from "./aside-files.ts";
import {
  checkBeginning,
  checkCommit,
  checkDocumentId,
  checkPastDeletion,
  zoneExists,
} from "./check-commit.ts";
import type { LogFile } from "./commit-log.ts";
import { DEFAULT_RETENTION, type JournalRetention } from "./journal-retention.ts";
import { commitWrites } from "./lmdb-commit.ts";
import {
  isLmdbError,
  type LmdbEnvironment,
  openEnvironment,
  storeError,
} from "./lmdb-environment.ts";
import { journalWrites, readEntries } from "./lmdb-journal.ts";
import {
  deletedValue,
  documentKey,
  PRESENT,
  readDeletedValue,
  readDocument,
  readOrigin,
  readVersion,
  readZonePrefix,
  readZoneValue,
  versionKey,
  zonePrefix,
  zoneValue,
} from "./lmdb-keys.ts";
import { removeLeftovers, removeZone } from "./lmdb-leftovers.ts";
import { LmdbZoneReader, packWrites, type Snapshot } from "./lmdb-packs.ts";
import { openLogFile } from "./log-file.ts";
import { openLoggedStore } from "./logged-store.ts";
import { OpenWork } from "./open-work.ts";
import { unreadable } from "./record-bytes.ts";
import type {
  CommitOutcome,
  DocumentKind,
  JournalEntry,
  JournalRange,
  LoadedZone,
  Store,
  StoreDocument,
  StoredZone,
  ZoneCommit,
  ZonePast,
  ZoneVersion,
} from "./store.ts";
import { type WrittenCommit, type WrittenStore, writeCommit } from "./written-commit.ts";

/**
 * Opens the directory, making it when there is none, removes what a dead process left half made, and does what it had
 * acknowledged. Commits go through the log beside the tables (`logged-store.ts`).
 */
export async function openLmdbStore(
  directory: string,
  retention: JournalRetention = DEFAULT_RETENTION,
): Promise<Store> {
  const environment = await openEnvironment(directory);
  let file: LogFile | undefined;
  try {
    const store = new LmdbStore(environment, retention);
    await removeLeftovers(environment);
    const path = join(directory, "commits.log");
    file = await openLogFile(path);
    return await openLoggedStore(store, file, openAsideFiles(directory), path);
  } catch (error) {
    await Promise.allSettled([file?.close(), environment.close()]);
    throw storeError(environment.place, error);
  }
}

export class LmdbStore implements WrittenStore {
  readonly #tables: LmdbEnvironment;
  readonly #retention: JournalRetention;
  readonly #snapshots = new Set<Snapshot>();
  readonly #work: OpenWork;
  #nextId = 1;

  constructor(environment: LmdbEnvironment, retention: JournalRetention) {
    this.#tables = environment;
    this.#retention = retention;
    this.#work = new OpenWork(
      (error) => (isLmdbError(error) ? storeError(environment.place, error) : error),
      () => environment.checkLock(),
    );
    for (const { key, value } of environment.zones.getRange()) {
      const id = readZoneValue(value, readOrigin(key, environment.place), environment.place);
      this.#nextId = Math.max(this.#nextId, id + 1);
    }
    for (const key of environment.leftovers.getKeys()) {
      this.#nextId = Math.max(this.#nextId, readZonePrefix(key, environment.place) + 1);
    }
  }

  listZones(): Promise<readonly StoredZone[]> {
    return this.#work.run(async () => {
      const zones: StoredZone[] = [];
      const { place } = this.#tables;
      for (const { key, value } of this.#tables.zones.getRange()) {
        const origin = readOrigin(key, place);
        const id = readZoneValue(value, origin, place);
        zones.push({ origin, ...this.#readVersion(id, origin) });
      }
      return zones;
    });
  }

  listOrigins(): Promise<readonly Name[]> {
    return this.#work.run(async () =>
      [...this.#tables.zones.getKeys()].map((key) => readOrigin(key, this.#tables.place)),
    );
  }

  findZone(origin: Name): Promise<StoredZone | undefined> {
    return this.#work.run(async () => {
      const id = this.#findId(origin);
      return id === undefined ? undefined : { origin, ...this.#readVersion(id, origin) };
    });
  }

  createZone(
    beginning: JournalEntry | ZonePast,
    rrsets: AsyncIterable<RRset> | Iterable<RRset>,
  ): Promise<void> {
    return this.#work.run(async () => {
      const { origin } = beginning;
      const { version, journal } = checkBeginning(beginning);
      if (this.#findId(origin) !== undefined) throw zoneExists(origin);
      const id = this.#nextId++;
      const { leftovers, zones, versions, deleted } = this.#tables;
      await this.#tables.write(() => leftovers.put(zonePrefix(id), PRESENT));
      try {
        await this.#writeEach(packWrites(this.#tables, id, origin, rrsets));
        await this.#writeEach(journalWrites(this.#tables, id, journal));
        checkPastDeletion(beginning, this.#readDeleted(origin));
        const isNew = await this.#tables.writeIfAbsent(zones, origin, () => {
          zones.put(origin, zoneValue(id));
          versions.put(versionKey(id, version), PRESENT);
          leftovers.remove(zonePrefix(id));
          deleted.remove(origin);
        });
        if (!isNew) throw zoneExists(origin);
      } catch (error) {
        await this.#forget(id);
        throw error;
      }
    });
  }

  /** The next write is put together while one is on its way to the disk. */
  async #writeEach(writes: AsyncIterable<() => void>): Promise<void> {
    let written: Promise<void> | undefined;
    try {
      for await (const put of writes) {
        await written;
        written = this.#tables.write(put);
      }
    } finally {
      await written;
    }
  }

  /**
   * After a failure, which is what the caller shall hear: what is still there, the next open removes. A zone that was
   * made though its write failed stays.
   */
  async #forget(id: number): Promise<void> {
    try {
      await removeZone(this.#tables, id);
    } catch (error) {
      if (!(error instanceof WindhoverError || isLmdbError(error))) throw error;
    }
  }

  loadZone(origin: Name): Promise<LoadedZone | undefined> {
    return this.#work.run(async () => {
      const id = this.#findId(origin);
      if (id === undefined) return undefined;
      const snapshot = this.#tables.rrsets.useReadTransaction();
      this.#snapshots.add(snapshot);
      try {
        const version = this.#readVersion(id, origin, snapshot);
        const zone = { origin, ...version };
        return { ...zone, batches: this.#batches(id, zone, snapshot) };
      } catch (error) {
        this.#release(snapshot);
        throw error;
      }
    });
  }

  /**
   * The snapshot is held, and with it the disk space of what changed since, until the last batch, until the
   * caller stops, or until the store is closed.
   */
  async *#batches(
    id: number,
    zone: StoredZone,
    transaction: Snapshot,
  ): AsyncGenerator<RRsetPack, void, undefined> {
    try {
      const reader = new LmdbZoneReader(this.#tables, id, zone.origin, transaction);
      for (const pack of reader.packs()) {
        yield pack;
        await eventLoopTurn();
        this.#work.check();
      }
      await this.#sweep(id, zone, reader.uselessKeys());
    } finally {
      this.#release(transaction);
    }
  }

  /** Only while the zone is as it was read: later, one of the keys may be of use again. */
  async #sweep(id: number, version: ZoneVersion, keys: readonly Uint8Array[]): Promise<void> {
    const { versions, rrsets } = this.#tables;
    if (keys.length === 0) return;
    await this.#tables.writeIfExists(versions, versionKey(id, version), () => {
      for (const key of keys) rrsets.remove(key);
    });
  }

  #release(snapshot: Snapshot): void {
    if (this.#snapshots.delete(snapshot)) snapshot.done();
  }

  deleteZone(origin: Name): Promise<boolean> {
    return this.#work.run(async () => {
      for (let attempt = 0; attempt < Limits.commitAttempts; attempt++) {
        const id = this.#findId(origin);
        if (id === undefined) return false;
        if (!(await this.#hideZone(id, origin))) continue;
        await removeZone(this.#tables, id);
        return true;
      }
      throw new WindhoverError(
        ErrorCode.conflict,
        `the zone ${formatName(origin)} changed again and again while it was to be deleted; try again`,
      );
    });
  }

  /** False when another change of the zone came first. */
  async #hideZone(id: number, origin: Name): Promise<boolean> {
    const { zones, versions, leftovers, deleted } = this.#tables;
    const version = this.#readVersion(id, origin);
    const current = versionKey(id, version);
    return this.#tables.writeIfExists(versions, current, () => {
      versions.remove(current);
      zones.remove(origin);
      deleted.put(origin, deletedValue(version));
      leftovers.put(zonePrefix(id), PRESENT);
    });
  }

  deletedVersion(origin: Name): Promise<ZoneVersion | undefined> {
    return this.#work.run(async () => this.#readDeleted(origin));
  }

  #readDeleted(origin: Name): ZoneVersion | undefined {
    const value = this.#tables.deleted.get(origin);
    return value && readDeletedValue(value, origin, this.#tables.place);
  }

  listDeleted(): Promise<readonly StoredZone[]> {
    return this.#work.run(async () => {
      const { deleted, place } = this.#tables;
      return [...deleted.getRange()].map(({ key, value }) => {
        const origin = readOrigin(key, place);
        return { origin, ...readDeletedValue(value, origin, place) };
      });
    });
  }

  rememberDeleted(zone: StoredZone): Promise<void> {
    return this.#work.run(async () => {
      const { zones, deleted, place } = this.#tables;
      const { origin } = zone;
      const value = deleted.get(origin);
      if (value && readDeletedValue(value, origin, place).sequence >= zone.sequence) return;
      await this.#tables.writeIfAbsent(zones, origin, () => {
        deleted.put(origin, deletedValue(zone));
      });
    });
  }

  async commit(commit: ZoneCommit): Promise<CommitOutcome> {
    checkCommit(commit);
    return this.commitWritten(writeCommit(commit));
  }

  commitWritten(commit: WrittenCommit): Promise<CommitOutcome> {
    return this.#work.run(async () => {
      const { origin, expected } = commit;
      const id = this.#findId(origin);
      if (id === undefined) return { status: "conflict", actual: undefined };
      const writes = commitWrites(this.#tables, this.#retention, id, commit);
      const condition = versionKey(id, expected);
      const { versions } = this.#tables;
      const isCommitted = await this.#tables.writeIfExists(versions, condition, () => {
        for (const [table, key, value] of writes) {
          if (value === undefined) table.remove(key);
          else table.put(key, value);
        }
      });
      if (isCommitted) return { status: "committed" };
      const isGone = this.#findId(origin) !== id;
      return { status: "conflict", actual: isGone ? undefined : this.#readVersion(id, origin) };
    });
  }

  readJournal(origin: Name, range: JournalRange): Promise<readonly JournalEntry[]> {
    return this.#work.run(async () => {
      const id = this.#findId(origin);
      return id === undefined ? [] : readEntries(this.#tables, id, origin, range);
    });
  }

  probe(): Promise<void> {
    return this.#work.run(async () => this.#tables.checkUsable());
  }

  /** One process owns the directory, so no other one can change a zone: there is nothing to call back about. */
  watch(): () => void {
    this.#work.check();
    return () => {};
  }

  readDocuments(kind: DocumentKind): Promise<readonly StoreDocument[]> {
    return this.#work.run(async () => {
      const { documents, place } = this.#tables;
      const start = documentKey(kind, "");
      const end = documentKey(kind, "\u{10ffff}");
      const found: StoreDocument[] = [];
      for (const { key, value } of documents.getRange({ start, end })) {
        const id = Buffer.from(key.subarray(start.length)).toString("utf8");
        found.push({ id, json: readDocument(value, () => `${place}: the ${kind} "${id}"`) });
      }
      return found;
    });
  }

  writeDocument(kind: DocumentKind, id: string, json: string | undefined): Promise<void> {
    return this.#work.run(async () => {
      checkDocumentId(id);
      const { documents } = this.#tables;
      const key = documentKey(kind, id);
      await this.#tables.write(() => {
        if (json === undefined) documents.remove(key);
        else documents.put(key, Buffer.from(json, "utf8"));
      });
    });
  }

  async close(): Promise<void> {
    if (this.#work.isClosed) return;
    await this.#work.close();
    for (const snapshot of this.#snapshots) this.#release(snapshot);
    await this.#tables.close();
  }

  /** As it is written: what this process remembered would be wrong after a write that failed and was done all the same. */
  #findId(origin: Name): number | undefined {
    const { zones, place } = this.#tables;
    const value = zones.get(origin);
    return value && readZoneValue(value, origin, place);
  }

  #readVersion(id: number, origin: Name, transaction?: Snapshot): ZoneVersion {
    const { versions, place } = this.#tables;
    const range = { start: zonePrefix(id), end: zonePrefix(id + 1), limit: 1 };
    const options = transaction === undefined ? range : { ...range, transaction };
    for (const { key, value } of versions.getRange(options)) return readVersion(key, value, place);
    throw unreadable(() => `${place}: the zone ${formatName(origin)}`, "its version is missing");
  }
}

/** Lets everything else in this thread have its turn. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
