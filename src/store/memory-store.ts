/**
 * The reference implementation: what a store means, without files or sockets. It keeps encoded records, as
 * the others do, so that nobody can change what was stored, and it forgets everything with the process.
 * Several handles on one `MemoryState` behave as several processes on one store.
 */
import { bytesKey, keyBytes } from "../base/bytes.ts";
import { Limits } from "../base/limits.ts";
import { formatName, type Name, nameKey } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import {
  checkBeginning,
  checkCommit,
  checkDocumentId,
  checkPastDeletion,
  zoneExists,
} from "./check-commit.ts";
import { readJournalRecord, readJournalTime, writeJournalRecord } from "./journal-record.ts";
import { countExpired, DEFAULT_RETENTION, type JournalRetention } from "./journal-retention.ts";
import { OpenWork } from "./open-work.ts";
import { readRRsetKey, readRRsetValue, writeRRsetKey, writeRRsetValue } from "./rrset-record.ts";
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
import { isSameVersion } from "./zone-version.ts";

interface MemoryZone {
  readonly origin: Name;
  version: ZoneVersion;
  /** Values by `bytesKey` of the RRset key. */
  readonly rrsets: Map<string, Uint8Array>;
  /** Records by sequence, oldest first. */
  readonly journal: Map<number, Uint8Array>;
}

/** What all handles see. */
export interface MemoryState {
  readonly zones: Map<string, MemoryZone>;
  /** Where zones stood when they were deleted. */
  readonly deleted: Map<string, { readonly origin: Name; readonly version: ZoneVersion }>;
  readonly documents: Map<DocumentKind, Map<string, string>>;
  readonly handles: Set<MemoryStore>;
}

export function createMemoryState(): MemoryState {
  return { zones: new Map(), deleted: new Map(), documents: new Map(), handles: new Set() };
}

export class MemoryStore implements Store {
  readonly #state: MemoryState;
  readonly #retention: JournalRetention;
  readonly #watchers = new Set<StoreWatcher>();
  readonly #work = new OpenWork();

  constructor(
    state: MemoryState = createMemoryState(),
    retention: JournalRetention = DEFAULT_RETENTION,
  ) {
    this.#state = state;
    this.#retention = retention;
    state.handles.add(this);
  }

  listZones(): Promise<readonly StoredZone[]> {
    return this.#work.run(async () =>
      [...this.#state.zones.values()].map(({ origin, version }) => ({ origin, ...version })),
    );
  }

  listOrigins(): Promise<readonly Name[]> {
    return this.#work.run(async () => [...this.#state.zones.values()].map(({ origin }) => origin));
  }

  findZone(origin: Name): Promise<StoredZone | undefined> {
    return this.#work.run(async () => {
      const zone = this.#state.zones.get(nameKey(origin));
      return zone && { origin, ...zone.version };
    });
  }

  createZone(
    beginning: JournalEntry | ZonePast,
    rrsets: AsyncIterable<RRset> | Iterable<RRset>,
  ): Promise<void> {
    return this.#work.run(async () => {
      const { origin } = beginning;
      const { version, journal: entries } = checkBeginning(beginning);
      const values = new Map<string, Uint8Array>();
      for await (const rrset of rrsets) {
        const key = writeRRsetKey(rrset.owner, rrset.rrtype, origin);
        values.set(bytesKey(key), writeRRsetValue(rrset));
      }
      const journal = new Map<number, Uint8Array>();
      for await (const entry of entries) journal.set(entry.sequence, writeJournalRecord(entry));
      if (this.#state.zones.has(nameKey(origin))) throw zoneExists(origin);
      checkPastDeletion(beginning, this.#state.deleted.get(nameKey(origin))?.version);
      this.#state.zones.set(nameKey(origin), { origin, version, rrsets: values, journal });
      this.#state.deleted.delete(nameKey(origin));
      this.#tellOthers(({ zones }) => zones?.changed(origin));
    });
  }

  loadZone(origin: Name): Promise<LoadedZone | undefined> {
    return this.#work.run(async () => {
      const zone = this.#state.zones.get(nameKey(origin));
      if (zone === undefined) return undefined;
      return { origin, ...zone.version, batches: this.#batches(origin, [...zone.rrsets]) };
    });
  }

  async *#batches(
    origin: Name,
    records: readonly (readonly [key: string, value: Uint8Array])[],
  ): AsyncGenerator<readonly RRset[]> {
    const place = `the memory store, zone ${formatName(origin)}`;
    for (let at = 0; at < records.length; at += Limits.loadBatch) {
      this.#work.check();
      yield records
        .slice(at, at + Limits.loadBatch)
        .map(([key, value]) =>
          readRRsetValue(value, readRRsetKey(keyBytes(key), 0, origin, place), place),
        );
    }
  }

  deleteZone(origin: Name): Promise<boolean> {
    return this.#work.run(async () => {
      const zone = this.#state.zones.get(nameKey(origin));
      if (zone === undefined) return false;
      this.#state.zones.delete(nameKey(origin));
      this.#state.deleted.set(nameKey(origin), { origin, version: zone.version });
      this.#tellOthers(({ zones }) => zones?.changed(origin));
      return true;
    });
  }

  deletedVersion(origin: Name): Promise<ZoneVersion | undefined> {
    return this.#work.run(async () => this.#state.deleted.get(nameKey(origin))?.version);
  }

  listDeleted(): Promise<readonly StoredZone[]> {
    return this.#work.run(async () =>
      [...this.#state.deleted.values()].map(({ origin, version }) => ({ origin, ...version })),
    );
  }

  rememberDeleted({ origin, ...version }: StoredZone): Promise<void> {
    return this.#work.run(async () => {
      const { zones, deleted } = this.#state;
      const key = nameKey(origin);
      if (zones.has(key) || (deleted.get(key)?.version.sequence ?? 0) >= version.sequence) return;
      deleted.set(key, { origin, version });
    });
  }

  commit(commit: ZoneCommit): Promise<CommitOutcome> {
    return this.#work.run(async () => {
      checkCommit(commit);
      const { origin, expected, next, changes, entries } = commit;
      const zone = this.#state.zones.get(nameKey(origin));
      if (zone === undefined || !isSameVersion(zone.version, expected)) {
        return { status: "conflict", actual: zone?.version };
      }
      const values = changes.map(
        ({ owner, rrtype, rrset }) =>
          [
            bytesKey(writeRRsetKey(owner, rrtype, origin)),
            rrset === undefined ? undefined : writeRRsetValue(rrset),
          ] as const,
      );
      const records = entries.map((entry) => [entry.sequence, writeJournalRecord(entry)] as const);
      for (const [key, value] of values) {
        if (value === undefined) zone.rrsets.delete(key);
        else zone.rrsets.set(key, value);
      }
      for (const [sequence, record] of records) zone.journal.set(sequence, record);
      trimJournal(zone.journal, entries, this.#retention);
      zone.version = next;
      this.#tellOthers(({ zones }) => zones?.changed(origin));
      return { status: "committed" };
    });
  }

  readJournal(
    origin: Name,
    { afterSequence, limit }: JournalRange,
  ): Promise<readonly JournalEntry[]> {
    return this.#work.run(async () => {
      const entries: JournalEntry[] = [];
      for (const [sequence, record] of this.#state.zones.get(nameKey(origin))?.journal ?? []) {
        if (entries.length >= Math.min(limit, Limits.journalPage)) break;
        if (sequence <= afterSequence) continue;
        entries.push(readJournalRecord(record, origin, sequence, "the memory store"));
      }
      return entries;
    });
  }

  watch(watcher: StoreWatcher): () => void {
    this.#work.check();
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  readDocuments(kind: DocumentKind): Promise<readonly StoreDocument[]> {
    return this.#work.run(async () =>
      [...(this.#state.documents.get(kind) ?? [])].map(([id, json]) => ({ id, json })),
    );
  }

  writeDocument(kind: DocumentKind, id: string, json: string | undefined): Promise<void> {
    return this.#work.run(async () => {
      checkDocumentId(id);
      const documents = this.#state.documents.get(kind) ?? new Map<string, string>();
      this.#state.documents.set(kind, documents);
      if (json === undefined) documents.delete(id);
      else documents.set(id, json);
      this.#tellOthers(({ documents }) => documents?.(kind));
    });
  }

  async close(): Promise<void> {
    await this.#work.close();
    this.#watchers.clear();
    this.#state.handles.delete(this);
  }

  #tellOthers(tell: (watcher: StoreWatcher) => void): void {
    for (const handle of this.#state.handles) {
      if (handle === this) continue;
      for (const watcher of handle.#watchers) queueMicrotask(() => tell(watcher));
    }
  }
}

function trimJournal(
  journal: Map<number, Uint8Array>,
  entries: readonly JournalEntry[],
  retention: JournalRetention,
): void {
  const [oldest = 0] = journal.keys();
  const expired = countExpired(retention, {
    count: journal.size,
    added: entries.length,
    newestMs: entries.at(-1)?.timeMs as number,
    timeMs: (olderOnes) => {
      const record = journal.get(oldest + olderOnes);
      return record && readJournalTime(record);
    },
  });
  for (let at = 0; at < expired; at++) journal.delete(oldest + at);
}
