/**
 * Where zones live between restarts. Three implementations keep the same promises, proven by one suite
 * (`test/store`): memory (the reference), LMDB (embedded, the default) and Redis.
 *
 * Promises:
 *  - `commit` is atomic and durable when its promise resolves: RRsets, journal and version, or nothing.
 *  - `commit` compares and swaps on the zone's version: a commit against another version changes nothing
 *    and answers with the version there is.
 *  - Commits of different zones, and several commits waiting at once, may share one flush (group commit).
 *  - A rejected promise means that nothing was acknowledged; after `store-unavailable` the caller does not
 *    know whether it happened, and must load the version again.
 *  - Values that cannot be read are reported (`store-format`), never skipped and never overwritten.
 */
import type { Name } from "../wire/name.ts";
import type { Changeset, RRsetChange } from "../zone/changeset.ts";
import type { RRset } from "../zone/rrset.ts";

/**
 * Where a zone stands. `sequence` counts journal entries since the zone was made first and never goes back, not even
 * when the zone is deleted and made again.
 */
export interface ZoneVersion {
  readonly serial: number;
  readonly sequence: number;
  /** Which history led here (`zone-version.ts`); none at the creation. */
  readonly mark?: number;
}

export interface StoredZone extends ZoneVersion {
  readonly origin: Name;
}

/** One change as history keeps it: what, when, who, through which door and from where. */
export interface JournalEntry extends Changeset {
  /** Position in the zone's journal: 1 for the first creation, then one more each. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** The credential's name: `key:router`, `user:alice`, `token:ab12…`, `local` for the command line. */
  readonly actor: string;
  /** `rfc2136`, `dyndns2`, `rest`, `cli`, `config`, … (`Door` in `update/update-request.ts`). */
  readonly door: string;
  /** The client's address as text without port; empty for the command line. */
  readonly address: string;
}

/** One atomic step: the entries of a drained batch, and the RRsets as they are after the last of them. */
export interface ZoneCommit {
  readonly origin: Name;
  readonly expected: ZoneVersion;
  readonly next: ZoneVersion;
  readonly entries: readonly JournalEntry[];
  readonly changes: readonly RRsetChange[];
}

export type CommitOutcome =
  | {
      readonly status: "committed";
      /**
       * Durable in one place, but not in as many as was asked for, and why: a failover may lose it. It is to be shown,
       * because others see it too, and not to be acknowledged.
       */
      readonly unconfirmed?: string;
    }
  /** Another writer was first, or the zone is gone (`actual` undefined). Nothing was changed. */
  | { readonly status: "conflict"; readonly actual: ZoneVersion | undefined };

export interface LoadedZone extends StoredZone {
  /** Every RRset of the zone once, in batches, in no promised order. A batch may be a pack; it is good until the next. */
  readonly batches: AsyncIterable<Iterable<RRset>>;
}

/** A zone that was elsewhere before, to be made here as it was there. */
export interface ZonePast extends StoredZone {
  /** What is kept of its journal, oldest first: one sequence after the other, the last of them the zone's. */
  readonly journal: AsyncIterable<JournalEntry> | Iterable<JournalEntry>;
}

export interface JournalRange {
  /** Entries with a sequence above this one, oldest first. */
  readonly afterSequence: number;
  readonly limit: number;
}

/** Small named JSON values beside the zones: TSIG keys, tokens, users, hosts, and what a store has lost. */
export const DOCUMENT_KINDS = ["key", "token", "user", "host", "setting", "label", "lost"] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

export interface StoreDocument {
  readonly id: string;
  readonly json: string;
}

/** Who hears of what other processes change in the store. */
export interface StoreWatcher {
  readonly zones?: ZoneFollower;
  /** Documents of this kind were written or deleted: all of them are to be read again. */
  readonly documents?: (kind: DocumentKind) => void;
}

/** Hints can be lost, so the store compares from time to time what the follower has with what there is. */
export interface ZoneFollower {
  origins(): Iterable<Name>;
  /** Where the follower stands; `undefined` when it does not have the zone. */
  version(origin: Name): ZoneVersion | undefined;
  /** The zone was changed, made or deleted by another process, or is not where the follower stands. */
  changed(origin: Name): void;
}

export interface Store {
  listZones(): Promise<readonly StoredZone[]>;
  /** Every zone there may be, also one whose version cannot be read. */
  listOrigins(): Promise<readonly Name[]>;
  /** Where one zone stands, without loading it; `undefined` when there is no such zone. */
  findZone(origin: Name): Promise<StoredZone | undefined>;
  /**
   * Makes a zone whole or not at all; `entry` is its first journal entry, whose `added` may be empty for a zone too
   * large to keep twice. Its sequence is 1, or the next after the version at which the zone was deleted; where that is
   * not so any more, because another writer made and deleted it meanwhile, it throws `conflict`. With a past
   * instead the zone stands where it stood elsewhere, its journal with it; `rrsets` are gone through first, then the
   * journal. Throws `zone-exists`, and `store-format` for a journal with a gap.
   */
  createZone(
    beginning: JournalEntry | ZonePast,
    rrsets: AsyncIterable<RRset> | Iterable<RRset>,
  ): Promise<void>;
  /** `undefined` when there is no such zone. */
  loadZone(origin: Name): Promise<LoadedZone | undefined>;
  /** Zone and journal; false when there was none. Where the zone stood is remembered in the same step. */
  deleteZone(origin: Name): Promise<boolean>;
  /** Where the zone stood when it was deleted, until it is made again. A store with neither zone nor this lost the zone. */
  deletedVersion(origin: Name): Promise<ZoneVersion | undefined>;
  /** Where all zones stood that are deleted and not made again. */
  listDeleted(): Promise<readonly StoredZone[]>;
  /** Of a zone that was deleted elsewhere: remembers where it stood, unless it is there, or was deleted here later than that. */
  rememberDeleted(zone: StoredZone): Promise<void>;
  commit(commit: ZoneCommit): Promise<CommitOutcome>;
  /**
   * Whether the zone as it is now is in as many places as was asked for: `undefined`, or why not. Absent where a commit
   * is durable at once, in the only place there is.
   */
  readonly confirm?: (origin: Name) => Promise<string | undefined>;
  /**
   * Rejects when changes cannot be taken, saying why, after trying to mend that. Asked now and then, so that a fault is
   * known before somebody sends an update, and over without one. Absent where a connection tells by itself.
   */
  readonly probe?: () => Promise<void>;
  /** What is still kept of the journal in this range; empty past the end. */
  readJournal(origin: Name, range: JournalRange): Promise<readonly JournalEntry[]>;
  /** Calls back after another process on the same store changed something. Returns the way to stop. */
  watch(watcher: StoreWatcher): () => void;
  readDocuments(kind: DocumentKind): Promise<readonly StoreDocument[]>;
  /** Writes one document, durable on return; `undefined` json deletes it. */
  writeDocument(kind: DocumentKind, id: string, json: string | undefined): Promise<void>;
  /** Finishes what was begun, then lets go of files and connections. */
  close(): Promise<void>;
}
