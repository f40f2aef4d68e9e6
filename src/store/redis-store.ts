/**
 * Zones in a plain Redis (6 or newer, or Valkey), shared by any number of processes. Its keys are drawn in
 * `redis/redis-keys.ts`; every change of a zone is one script in `redis/`.
 *
 * As durable as that Redis: an acknowledged commit survives a crash of Redis only with `appendonly yes` and
 * `appendfsync always`.
 */
import { randomBytes } from "node:crypto";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import {
  checkBeginning,
  checkCommit,
  checkDocumentId,
  deletedMeanwhile,
  zoneExists,
} from "./check-commit.ts";
import { readJournalRecord } from "./journal-record.ts";
import { DEFAULT_RETENTION, type JournalRetention } from "./journal-retention.ts";
import { OpenWork } from "./open-work.ts";
import { unreadable } from "./record-bytes.ts";
import { createClient } from "./redis/redis-client.ts";
import { commitArguments } from "./redis/redis-commit.ts";
import { RedisConnection, type StateListener } from "./redis/redis-connection.ts";
import { RedisCreation } from "./redis/redis-creation.ts";
import { RedisDeletions } from "./redis/redis-deletions.ts";
import { RedisDocuments, type RedisDocumentsParts } from "./redis/redis-documents.ts";
import { tellHazards } from "./redis/redis-hazards.ts";
import { formatZoneHint } from "./redis/redis-hint.ts";
import {
  createRedisKeys,
  DEFAULT_PREFIX,
  formatOrigin,
  formatVersion,
  journalId,
  parseOrigin,
  type RedisKeys,
  readVersion,
} from "./redis/redis-keys.ts";
import { parseRedisLocation, type RedisLocation } from "./redis/redis-location.ts";
import { RedisWatcher } from "./redis/redis-watcher.ts";
import { beginZoneLoad } from "./redis/redis-zone-load.ts";
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

export interface RedisStoreOptions {
  readonly retention?: JournalRetention;
  /** Before every key, so that several servers can share one Redis. */
  readonly prefix?: string;
  /** Replicas that must have a change before it is acknowledged, and the milliseconds that they get. */
  readonly waitReplicas?: number;
  readonly waitMs?: number;
  readonly onState?: StateListener;
  /** Told after each connection what about this Redis may lose acknowledged updates. */
  readonly onWarnings?: (warnings: readonly string[]) => void;
  /** Told what was put back that Redis had lost. */
  readonly log?: Pick<Logger, "error">;
}

/** Connects, or rejects with `store-unavailable`, `store-format` or `bad-config` saying why not. */
export async function openRedisStore(
  url: string,
  options: RedisStoreOptions = {},
): Promise<RedisStore> {
  const location = parseRedisLocation(url);
  const keys = createRedisKeys(options.prefix || DEFAULT_PREFIX, location.database);
  const { waitReplicas = 0, waitMs = Limits.redisCommandMs } = options;
  const connection = new RedisConnection(location, { replicas: waitReplicas, waitMs });
  await connection.connect(keys);
  if (options.onState !== undefined) connection.onState(options.onState);
  const onRepair = tellHazards(connection, {
    keys,
    isCluster: location.kind === "cluster",
    onWarnings: options.onWarnings ?? (() => {}),
  });
  const { retention = DEFAULT_RETENTION, log } = options;
  return new RedisStore({ connection, keys, location, retention, onRepair, log });
}

interface RedisStoreParts {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  readonly location: RedisLocation;
  readonly retention: JournalRetention;
  readonly onRepair: RedisDocumentsParts["onRepair"];
  readonly log: RedisDocumentsParts["log"];
}

export class RedisStore implements Store {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  /** Where one command must not touch keys of several zones. */
  readonly #isCluster: boolean;
  readonly #retention: JournalRetention;
  readonly #work = new OpenWork();
  /** Marks the hints of this store, so that it does not hear itself. */
  readonly #writer = randomBytes(8).toString("hex");
  readonly #documents: RedisDocuments;
  readonly #deletions: RedisDeletions;
  readonly #watcher: RedisWatcher;
  /** Version keys of zones whose last change was refused, or is under way: in a Cluster one part may take changes while another does not. */
  readonly #refused = new Set<string>();
  readonly confirm?: NonNullable<Store["confirm"]>;

  constructor({ connection, keys, location, retention, onRepair, log }: RedisStoreParts) {
    this.#retention = retention;
    this.#connection = connection;
    this.#keys = keys;
    this.#isCluster = location.kind === "cluster";
    if (connection.isReplicated) this.confirm = (origin) => this.#confirm(origin);
    this.#deletions = new RedisDeletions(connection, keys);
    const writer = this.#writer;
    this.#documents = new RedisDocuments({ connection, keys, writer, log, onRepair });
    this.#watcher = new RedisWatcher({
      subscriber: createClient(location, () => !this.#watcher.isStopped),
      keys,
      writer,
      source: {
        scanOrigins: (cursor) => this.#scanOrigins(cursor),
        readVersions: (origins) => this.#readVersions(origins),
        readHistory: (kind) => this.#documents.readHistory(kind),
        knowsMore: (kind, history) => this.#documents.knowsMore(kind, history),
      },
      onLoss: (kind) => this.#documents.tellLoss(kind),
    });
  }

  /** Hears when the connection is lost or back. Returns the way to stop. */
  onState(listener: StateListener): () => void {
    return this.#connection.onState(listener);
  }

  get isUp(): boolean {
    return this.#connection.isUp;
  }

  listZones(): Promise<readonly StoredZone[]> {
    return this.#work.run(async () => {
      const texts = await this.#readOrigins();
      const zones: StoredZone[] = [];
      for (let at = 0; at < texts.length; at += Limits.storeBatch) {
        const part = texts.slice(at, at + Limits.storeBatch);
        const found = await Promise.all(part.map((text) => this.#findZone(text)));
        for (const zone of found) if (zone !== undefined) zones.push(zone);
      }
      return zones;
    });
  }

  listOrigins(): Promise<readonly Name[]> {
    return this.#work.run(async () => {
      const texts = await this.#readOrigins();
      return texts.flatMap((text) => parseOrigin(text) ?? []);
    });
  }

  #readOrigins(): Promise<string[]> {
    const { client } = this.#connection;
    const { zones } = this.#keys;
    return this.#connection.ask(() => client.smembers(zones), [zones]);
  }

  findZone(origin: Name): Promise<StoredZone | undefined> {
    return this.#work.run(() => this.#readZone(origin));
  }

  async #findZone(text: string): Promise<StoredZone | undefined> {
    const origin = parseOrigin(text);
    if (origin === undefined) {
      const where = `${this.#connection.place}, key ${this.#keys.zones}: the origin "${text}"`;
      throw unreadable(() => where, "it is not a name");
    }
    return this.#readZone(origin);
  }

  #scanOrigins(cursor: string): Promise<[cursor: string, origins: string[]]> {
    const { client } = this.#connection;
    const count = Limits.redisComparePage;
    return this.#connection.ask(() => client.sscan(this.#keys.zones, cursor, "COUNT", count));
  }

  async #readVersions(origins: readonly Name[]): Promise<(string | null)[]> {
    if (origins.length === 0) return [];
    const { client } = this.#connection;
    const keys = origins.map((origin) => this.#keys.zone(origin).version);
    return this.#connection.ask(() =>
      this.#isCluster ? Promise.all(keys.map((key) => client.get(key))) : client.mget(keys),
    );
  }

  async #readZone(origin: Name): Promise<StoredZone | undefined> {
    const { version } = this.#keys.zone(origin);
    const found = await this.#connection.ask(() => this.#connection.client.get(version), [version]);
    return found === null ? undefined : { origin, ...this.#readVersion(found, version) };
  }

  createZone(
    beginning: JournalEntry | ZonePast,
    rrsets: AsyncIterable<RRset> | Iterable<RRset>,
  ): Promise<void> {
    return this.#work.run(async () => {
      const { origin } = beginning;
      const { version, journal } = checkBeginning(beginning);
      const keys = this.#keys.zone(origin);
      const creation = new RedisCreation(this.#connection, keys);
      const past = "journal" in beginning ? "" : beginning.sequence;
      await this.#register(origin);
      try {
        const count = await creation.addRRsets(origin, rrsets);
        const entries = await creation.addJournal(journal);
        const outcome = await this.#connection.writeSurely(
          "createZone",
          [
            keys.version,
            keys.rrsets,
            keys.journal,
            keys.loads,
            creation.rrsets,
            creation.journal,
            keys.deleted,
          ],
          [formatVersion(version), count, entries, past, ...this.#hint(origin)],
        );
        if (outcome === 0) throw zoneExists(origin);
        if (outcome === -2) throw deletedMeanwhile(origin);
        if (outcome !== 1) throw this.#lostCreation(origin);
        await this.#register(origin);
      } catch (error) {
        await creation.forget();
        throw error;
      }
    });
  }

  /** Once before the zone exists, so that no crash leaves it unlisted, and once after, against a deletion. */
  #register(origin: Name): Promise<unknown> {
    const { client } = this.#connection;
    return this.#connection.ask(() => client.sadd(this.#keys.zones, formatOrigin(origin)));
  }

  #lostCreation(origin: Name): WindhoverError {
    return new WindhoverError(
      ErrorCode.storeUnavailable,
      `${this.#connection.place} lost RRsets or changes of ${formatName(origin)} while it was being made; try again`,
    );
  }

  loadZone(origin: Name): Promise<LoadedZone | undefined> {
    return this.#work.run(async () => {
      const keys = this.#keys.zone(origin);
      const check = () => this.#work.check();
      const load = await beginZoneLoad(this.#connection, keys, origin, check);
      if (load === undefined) return undefined;
      return { origin, ...this.#readVersion(load.version, keys.version), batches: load.batches };
    });
  }

  deleteZone(origin: Name): Promise<boolean> {
    return this.#work.run(async () => {
      const keys = this.#keys.zone(origin);
      await this.#deletions.register(origin);
      const { reply, unconfirmed } = await this.#connection.write(
        "deleteZone",
        [keys.version, keys.rrsets, keys.journal, keys.loads, keys.deleted],
        [keys.before, ...this.#hint(origin)],
      );
      await this.#unregister(origin, keys.version);
      this.#connection.insist(unconfirmed);
      return reply === 1;
    });
  }

  deletedVersion(origin: Name): Promise<ZoneVersion | undefined> {
    return this.#work.run(() => this.#deletions.version(origin));
  }

  listDeleted(): Promise<readonly StoredZone[]> {
    return this.#work.run(() => this.#deletions.list());
  }

  rememberDeleted(zone: StoredZone): Promise<void> {
    return this.#work.run(() => this.#deletions.remember(zone));
  }

  /** Another process may just have made the zone again: then it stays listed. */
  async #unregister(origin: Name, version: string): Promise<void> {
    const { client } = this.#connection;
    await this.#connection.ask(() => client.srem(this.#keys.zones, formatOrigin(origin)));
    if (await this.#connection.ask(() => client.exists(version))) await this.#register(origin);
  }

  commit(commit: ZoneCommit): Promise<CommitOutcome> {
    return this.#work.run(async () => {
      checkCommit(commit);
      const { origin } = commit;
      const keys = this.#keys.zone(origin);
      const [channel, hint] = this.#hint(origin, commit.next);
      this.#refused.add(keys.version);
      const { reply, unconfirmed } = await this.#connection.write(
        "commit",
        [keys.version, keys.rrsets, keys.journal, keys.loads],
        commitArguments(commit, { keys, retention: this.#retention, channel, hint }),
      );
      this.#refused.delete(keys.version);
      if (reply === 1) {
        return { status: "committed", ...(unconfirmed === undefined ? {} : { unconfirmed }) };
      }
      const actual =
        reply === null ? undefined : this.#readVersion((reply as Buffer).toString(), keys.version);
      return { status: "conflict", actual };
    });
  }

  /** Writes what is there over itself: a full memory, a read-only replica and their like refuse that too. */
  probe(): Promise<void> {
    return this.#work.run(async () => {
      await this.#connection.keepSchema(this.#keys);
      for (const version of this.#refused) {
        await this.#connection.write("confirm", [version], []);
        this.#refused.delete(version);
      }
    });
  }

  #confirm(origin: Name): Promise<string | undefined> {
    return this.#work.run(async () => {
      const { version } = this.#keys.zone(origin);
      return (await this.#connection.write("confirm", [version], [])).unconfirmed;
    });
  }

  readJournal(
    origin: Name,
    { afterSequence, limit }: JournalRange,
  ): Promise<readonly JournalEntry[]> {
    return this.#work.run(async () => {
      const { journal } = this.#keys.zone(origin);
      const { client, place } = this.#connection;
      const count = Math.min(limit, Limits.journalPage);
      if (count <= 0) return [];
      const first = journalId(afterSequence + 1);
      const items = await this.#connection.ask(
        () => client.xrangeBuffer(journal, first, "+", "COUNT", count),
        [journal],
      );
      return items.map(([id, fields]) => {
        const sequence = Number.parseInt(id.toString("latin1"), 10);
        const record = fields[1] ?? Buffer.alloc(0);
        return readJournalRecord(record, origin, sequence, `${place}, key ${journal}`);
      });
    });
  }

  watch(watcher: StoreWatcher): () => void {
    this.#work.check();
    return this.#watcher.add(watcher);
  }

  readDocuments(kind: DocumentKind): Promise<readonly StoreDocument[]> {
    return this.#work.run(() => this.#documents.read(kind));
  }

  writeDocument(kind: DocumentKind, id: string, json: string | undefined): Promise<void> {
    return this.#work.run(async () => {
      checkDocumentId(id);
      await this.#documents.write(kind, id, json);
    });
  }

  async close(): Promise<void> {
    if (this.#work.isClosed) return;
    await this.#work.close();
    this.#watcher.stop();
    await this.#connection.close();
  }

  #hint(origin: Name, version?: ZoneVersion): [channel: string, hint: string] {
    return [this.#keys.changes, formatZoneHint(this.#writer, origin, version)];
  }

  #readVersion(text: string, key: string): ZoneVersion {
    return readVersion(text, this.#connection.place, key);
  }
}
