/**
 * Brings the table to where the store is: after another writer changed a zone, after a commit whose outcome is
 * unknown, and at start. The journal leads there in small steps; where it no longer reaches, or does not fit, the
 * zone is loaded whole. Queries are answered from the old version until the new one is published.
 */

import type { Clock } from "../base/clock.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { JournalEntry, LoadedZone, Store, StoredZone, ZoneVersion } from "../store/store.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, type Name } from "../wire/name.ts";
import { applyChangeset } from "../zone/changeset.ts";
import { Overlay } from "../zone/overlay.ts";
import type { RRset } from "../zone/rrset.ts";
import { isSerialAfter, nextSerial } from "../zone/serial.ts";
import { withSerial } from "../zone/soa.ts";
import type { ZoneTable } from "./zone-table.ts";

export interface FollowParts {
  readonly store: Store;
  readonly table: ZoneTable;
  readonly clock: Clock;
  readonly log: Logger;
}

export type Followed =
  /** The table is where the store is. `entries` led there; empty after a load of the whole zone. */
  | {
      readonly status: "following";
      readonly version: ZoneVersion;
      readonly entries: readonly JournalEntry[];
      readonly isReloaded: boolean;
      /** How many more names have data, by these entries. */
      readonly ownersAdded: number;
    }
  /** The store has no such zone (any more). */
  | { readonly status: "gone" };

/** How often a load that takes long says so. */
const PROGRESS_MS = 5_000;

/** `known` is what the table shows, `undefined` when it has no such zone. Rejects when the store cannot be read. */
export async function followStore(
  parts: FollowParts,
  origin: Name,
  known: ZoneVersion | undefined,
): Promise<Followed> {
  for (let attempt = 0; attempt < Limits.commitAttempts; attempt++) {
    const followed = known && (await followJournal(parts, origin, known));
    if (followed !== undefined) return followed;
    const zone = await parts.store.loadZone(origin);
    if (zone === undefined) return { status: "gone" };
    if (known === undefined || isSerialAfter(zone.serial, known.serial)) {
      await reload(parts, zone);
      const version = { serial: zone.serial, sequence: zone.sequence };
      return { status: "following", version, entries: [], isReloaded: true, ownersAdded: 0 };
    }
    await liftSerial(parts, zone, known.serial);
  }
  throw new WindhoverError(
    ErrorCode.conflict,
    `zone ${formatName(origin)} changes faster in the store than it can be followed; it will be tried again`,
  );
}

/** In small steps to where the store was at the first look; `undefined` when the journal does not lead there. */
async function followJournal(
  { store, table }: FollowParts,
  origin: Name,
  known: ZoneVersion,
): Promise<Followed | undefined> {
  const stored = await store.findZone(origin);
  if (stored === undefined) return undefined;
  const unchanged = { status: "following", isReloaded: false, ownersAdded: 0 } as const;
  if (isSameVersion(known, stored)) return { ...unchanged, version: known, entries: [] };
  const entries = await readMissing(store, stored, known);
  const ownersAdded = publishEntries(table, origin, entries);
  if (ownersAdded === undefined) return undefined;
  return { ...unchanged, version: endOf(entries.at(-1) as JournalEntry), entries, ownersAdded };
}

function isSameVersion(a: ZoneVersion, b: ZoneVersion): boolean {
  return a.serial === b.serial && a.sequence === b.sequence;
}

function endOf(entry: JournalEntry): ZoneVersion {
  return { serial: entry.toSerial, sequence: entry.sequence };
}

/** The entries from `version` to the zone's own, or none when the journal no longer has them all. */
async function readMissing(
  store: Store,
  zone: StoredZone,
  version: ZoneVersion,
): Promise<readonly JournalEntry[]> {
  const missing: JournalEntry[] = [];
  let reached = version;
  while (reached.sequence < zone.sequence) {
    const range = { afterSequence: reached.sequence, limit: Limits.journalPage };
    const page = await store.readJournal(zone.origin, range);
    if (page.length === 0) return [];
    for (const entry of page) {
      const fits = entry.sequence === reached.sequence + 1 && entry.fromSerial === reached.serial;
      if (!fits) return [];
      missing.push(entry);
      reached = endOf(entry);
    }
  }
  return missing;
}

/**
 * How many more names have data then; `undefined` when there is nothing to publish, or when it does not fit what the
 * table has.
 */
function publishEntries(
  table: ZoneTable,
  origin: Name,
  entries: readonly JournalEntry[],
): number | undefined {
  const view = table.view(origin);
  if (view === undefined || entries.length === 0) return undefined;
  const zone = new Overlay(view);
  if (!entries.every((entry) => applyChangeset(zone, entry))) return undefined;
  const ownersAdded = zone.ownersAdded();
  table.publish(origin, zone.changes());
  return ownersAdded;
}

async function reload({ table, clock, log }: FollowParts, zone: LoadedZone): Promise<void> {
  const loader = table.beginZone(zone.origin);
  const fields = { zone: formatName(zone.origin), serial: zone.serial };
  let rrsets = 0;
  let toldMs = clock.monotonicMs();
  try {
    for await (const batch of zone.batches) {
      for (const rrset of batch) loader.add(rrset);
      rrsets += batch.length;
      if (clock.monotonicMs() - toldMs < PROGRESS_MS) continue;
      toldMs = clock.monotonicMs();
      log.info({ ...fields, rrsets }, "loading zone");
    }
    loader.publish();
  } catch (error) {
    loader.abort();
    throw error;
  }
  log.debug({ ...fields, rrsets }, "zone loaded");
}

/**
 * The store stands at a serial that is not after the one we have published: it was restored, or it failed over to
 * a copy that lagged. A serial never goes back, so the store is taken past ours by a commit that changes only the
 * SOA; the next look then loads it.
 */
async function liftSerial({ store, clock, log }: FollowParts, zone: LoadedZone, published: number) {
  const soa = await findSoa(zone);
  const rrset = withSerial(soa, nextSerial(published));
  const next = { serial: nextSerial(published), sequence: zone.sequence + 1 };
  const { origin, serial, sequence } = zone;
  const entry: JournalEntry = {
    origin,
    fromSerial: serial,
    toSerial: next.serial,
    removed: [soa],
    added: [rrset],
    sequence: next.sequence,
    timeMs: clock.nowMs(),
    actor: "local",
    door: "config",
    address: "",
  };
  const changes = [{ owner: origin, rrtype: Type.SOA, rrset }];
  log.error(
    { zone: formatName(origin), stored: serial, published, serial: next.serial },
    "the store has an older version of the zone than was published: changes may be lost; its serial goes on from ours",
  );
  await store.commit({ origin, expected: { serial, sequence }, next, entries: [entry], changes });
}

async function findSoa(zone: LoadedZone): Promise<RRset> {
  for await (const batch of zone.batches) {
    const soa = batch.find(({ rrtype }) => rrtype === Type.SOA);
    if (soa !== undefined) return soa;
  }
  throw new WindhoverError(
    ErrorCode.storeFormat,
    `zone ${formatName(zone.origin)} has no SOA in the store: restore it from a backup`,
  );
}
