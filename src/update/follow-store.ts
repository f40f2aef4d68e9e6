/**
 * Brings the table to where the store is: after another writer changed a zone, after a commit whose outcome is
 * unknown, and at start. The journal leads there in small steps; where it no longer reaches, or does not fit, the
 * zone is loaded whole. Queries are answered from the old version until the new one is published.
 */

import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { ErrorCode, expected, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type {
  JournalEntry,
  JournalRange,
  LoadedZone,
  Store,
  StoredZone,
  ZoneVersion,
} from "../store/store.ts";
import {
  isCreation,
  isSameVersion,
  markOf,
  storedVersion,
  versionAfter,
} from "../store/zone-version.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, type Name } from "../wire/name.ts";
import { applyChangeset } from "../zone/changeset.ts";
import { Overlay } from "../zone/overlay.ts";
import type { RRset } from "../zone/rrset.ts";
import { RRsetPack } from "../zone/rrset-pack.ts";
import { isSerialAfter, nextSerial } from "../zone/serial.ts";
import { withSerial } from "../zone/soa.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { withoutNewer, ZoneComparison } from "./lost-changes.ts";
import type { LostLedger } from "./lost-ledger.ts";
import { entriesSinceFork, leadsTo } from "./shown-versions.ts";
import type { ZoneTable, ZoneTableLoader } from "./zone-table.ts";

export interface FollowParts {
  readonly store: Store;
  readonly lost: LostLedger;
  readonly table: ZoneTable;
  readonly clock: Clock;
  readonly log: Logger;
}

export type Followed =
  /** The table is where the store is. `entries` led there; empty after a load of the whole zone. */
  | {
      readonly status: "following";
      /** The versions passed on the way, the last of them where the table is now; none when it was there already. */
      readonly versions: readonly ZoneVersion[];
      readonly entries: readonly JournalEntry[];
      readonly isReloaded: boolean;
    }
  /** The store has no such zone (any more). */
  | { readonly status: "gone" };

/** How often a load that takes long says so. */
const PROGRESS_MS = 5_000;

/**
 * `shown` are the versions that the table has shown, oldest first, the last of them now; none when it has no such
 * zone. Rejects when the store cannot be read.
 */
export async function followStore(
  parts: FollowParts,
  origin: Name,
  shown: readonly ZoneVersion[],
): Promise<Followed> {
  const known = shown.at(-1);
  let wasBehind = false;
  for (let attempt = 0; attempt < Limits.commitAttempts; attempt++) {
    const followed = known && (await followJournal(parts, origin, known));
    if (followed !== undefined) return followed;
    const zone = await parts.store.loadZone(origin);
    if (known === undefined) return zone === undefined ? { status: "gone" } : reload(parts, zone);
    if (zone === undefined) {
      if (await isDeleted(parts, origin, known)) return { status: "gone" };
      await putBack(parts, origin, known);
    } else if (!isSerialAfter(zone.serial, known.serial)) {
      wasBehind = true;
      await liftSerial(parts, zone, known);
    } else {
      const isApart = wasBehind || (await isApartFrom(parts, zone, known));
      return reload(parts, zone, isApart ? shown : undefined);
    }
  }
  throw new WindhoverError(
    ErrorCode.conflict,
    `zone ${formatName(origin)} changes faster in the store than it can be followed; it will be tried again`,
  );
}

function viewOf(table: ZoneTable, origin: Name): ZoneView {
  const view = table.view(origin);
  assert(view !== undefined, "a zone that has a version is in the table");
  return view;
}

/** In small steps to where the store was at the first look; `undefined` when the journal does not lead there. */
async function followJournal(
  parts: FollowParts,
  origin: Name,
  known: ZoneVersion,
): Promise<Followed | undefined> {
  const stored = await parts.store.findZone(origin);
  if (stored === undefined) return undefined;
  const unchanged = { status: "following", isReloaded: false } as const;
  if (isSameVersion(known, stored)) return { ...unchanged, versions: [], entries: [] };
  const entries = await readEntries(parts, stored, known.sequence);
  if (!leadsTo(known, entries, stored)) return undefined;
  if (!publishEntries(parts.table, origin, entries)) return undefined;
  const versions: ZoneVersion[] = [];
  for (const entry of entries) versions.push(versionAfter(versions.at(-1) ?? known, entry));
  return { ...unchanged, versions, entries };
}

/** What the journal still has after this sequence, up to the version the zone was found at. */
async function readEntries(
  parts: FollowParts,
  zone: StoredZone,
  afterSequence: number,
): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = [];
  let reached = afterSequence;
  while (reached < zone.sequence) {
    const range = { afterSequence: reached, limit: Limits.journalPage };
    const page = await readPage(parts, zone.origin, range);
    entries.push(...page.filter(({ sequence }) => sequence <= zone.sequence));
    const last = page.at(-1);
    if (last === undefined) break;
    reached = last.sequence;
  }
  return entries;
}

/** Empty where an entry cannot be read: then the journal leads nowhere, and the zone itself is looked at. */
async function readPage(
  { store, log }: FollowParts,
  origin: Name,
  range: JournalRange,
): Promise<readonly JournalEntry[]> {
  try {
    return await store.readJournal(origin, range);
  } catch (error) {
    const { code, message } = expected(error, WindhoverError);
    if (code !== ErrorCode.storeFormat) throw error;
    const fields = { zone: formatName(origin), problem: message };
    log.error(fields, "the journal cannot be read: the zone is loaded whole");
    return [];
  }
}

/**
 * Whether the zone in the store is certainly not what became of the version we know: its journal leads elsewhere. One
 * that no longer reaches back, or begins anew, proves nothing.
 */
async function isApartFrom(
  parts: FollowParts,
  zone: StoredZone,
  known: ZoneVersion,
): Promise<boolean> {
  if (zone.sequence <= known.sequence) return true;
  const entries = await readEntries(parts, zone, known.sequence);
  if (entries.length < zone.sequence - known.sequence) return false;
  return !entries.some(isCreation) && !leadsTo(known, entries, zone);
}

/** A zone that the store does not have was deleted when the store knows so, and not since what we know of it. */
async function isDeleted({ store }: FollowParts, origin: Name, known: ZoneVersion) {
  const deleted = await store.deletedVersion(origin);
  return deleted !== undefined && deleted.sequence >= known.sequence;
}

/**
 * The store has neither the zone nor word of its end: it was restarted empty, or lost the zone. What is shown is the
 * newest that anybody knows, so it is put back, at later numbers. One node is first; the others follow it.
 */
async function putBack(
  { store, table, clock, log }: FollowParts,
  origin: Name,
  known: ZoneVersion,
) {
  const view = viewOf(table, origin);
  const serial = nextSerial(known.serial);
  const entry: JournalEntry = {
    ...ourEntry(origin, clock),
    fromSerial: serial,
    toSerial: serial,
    removed: [],
    added: [],
    sequence: known.sequence + 1,
  };
  log.error(
    { zone: formatName(origin), serial },
    "the store has lost the zone without a deletion: it is put back as it is shown here",
  );
  try {
    await store.createZone(entry, rrsetsOf(view, serial));
  } catch (error) {
    // Another node was first, or the zone was deleted meanwhile: the next look tells.
    const { code } = expected(error, WindhoverError);
    if (code !== ErrorCode.zoneExists && code !== ErrorCode.conflict) throw error;
  }
}

function* rrsetsOf(view: ZoneView, serial: number): Generator<RRset> {
  for (const owner of view.owners()) {
    for (const rrset of view.rrsets(owner)) {
      yield rrset.rrtype === Type.SOA ? withSerial(rrset, serial) : rrset;
    }
  }
}

/** Who a change of ours that nobody asked for is by. */
function ourEntry(origin: Name, clock: Clock) {
  return { origin, timeMs: clock.nowMs(), actor: "local", door: "config", address: "" };
}

/** Writes down what the store has lost of what is shown, before anything else is shown. */
async function tellLost(
  parts: FollowParts,
  zone: LoadedZone,
  shown: readonly ZoneVersion[],
  comparison: ZoneComparison,
): Promise<void> {
  const { lost, clock, log } = parts;
  const { origin, serial, sequence } = zone;
  const known = shown.at(-1) as ZoneVersion;
  const oldest = shown[0] as ZoneVersion;
  const entries = await readEntries(parts, zone, oldest.sequence);
  const different = comparison.finish();
  const rrsets = withoutNewer(origin, different, entriesSinceFork(shown, entries, zone));
  const { dropped } = comparison;
  const fields = { zone: formatName(origin), shown: known.serial, stored: serial };
  if (rrsets.length + dropped === 0) {
    return log.warn(fields, "the store's history of the zone is not ours, but nothing is lost");
  }
  await lost.keep({
    origin,
    shown: known,
    stored: storedVersion(serial, sequence, markOf(zone)),
    timeMs: clock.nowMs(),
    marks: shown.slice(0, -1).map(markOf),
    rrsets,
    dropped,
  });
  const count = { rrsets: rrsets.length, dropped, advice: `windhover zone recover ${fields.zone}` };
  log.error(
    { ...fields, ...count },
    "the store has lost acknowledged changes of the zone; they are kept, and can be recovered",
  );
}

/** False when they do not fit what the table has. */
function publishEntries(table: ZoneTable, origin: Name, entries: readonly JournalEntry[]): boolean {
  const zone = new Overlay(viewOf(table, origin));
  if (!entries.every((entry) => applyChangeset(zone, entry))) return false;
  table.publish(origin, zone.changes());
  return true;
}

function addBatch(loader: ZoneTableLoader, batch: Iterable<RRset>): number {
  if (batch instanceof RRsetPack) return loader.addPack(batch);
  let count = 0;
  for (const rrset of batch) {
    loader.add(rrset);
    count++;
  }
  return count;
}

/** `apart` are the versions shown until now, where what the store has is not what became of them. */
async function reload(
  parts: FollowParts,
  zone: LoadedZone,
  apart?: readonly ZoneVersion[],
): Promise<Followed> {
  const { table, clock, log } = parts;
  const comparison = apart && new ZoneComparison(viewOf(table, zone.origin));
  const loader = table.beginZone(zone.origin);
  const fields = { zone: formatName(zone.origin), serial: zone.serial };
  let rrsets = 0;
  let toldMs = clock.monotonicMs();
  try {
    for await (const batch of zone.batches) {
      rrsets += addBatch(loader, batch);
      comparison?.add(batch);
      if (clock.monotonicMs() - toldMs < PROGRESS_MS) continue;
      toldMs = clock.monotonicMs();
      log.info({ ...fields, rrsets }, "loading zone");
    }
    if (apart && comparison) await tellLost(parts, zone, apart, comparison);
    loader.publish();
  } catch (error) {
    loader.abort();
    throw error;
  }
  log.debug({ ...fields, rrsets }, "zone loaded");
  const version = storedVersion(zone.serial, zone.sequence, markOf(zone));
  return {
    status: "following",
    versions: [version],
    entries: [],
    isReloaded: true,
  };
}

/**
 * The store stands at a serial that is not after the one we have published: it was restored, or it failed over to
 * a copy that lagged. A serial never goes back, so the store is taken past ours by a commit that changes only the
 * SOA; the next look then loads it.
 */
async function liftSerial(
  { store, clock, log }: FollowParts,
  zone: LoadedZone,
  known: ZoneVersion,
): Promise<void> {
  const { origin, serial, sequence } = zone;
  const name = formatName(origin);
  const soa = await findSoa(zone);
  const rrset = withSerial(soa, nextSerial(known.serial));
  const entry: JournalEntry = {
    ...ourEntry(origin, clock),
    fromSerial: serial,
    toSerial: nextSerial(known.serial),
    removed: [soa],
    added: [rrset],
    sequence: sequence + 1,
  };
  log.error(
    { zone: name, stored: serial, published: known.serial, serial: entry.toSerial },
    "the store has an older version of the zone than was published; its serial goes on from ours",
  );
  const expected = storedVersion(serial, sequence, markOf(zone));
  const next = versionAfter(expected, entry);
  const changes = [{ owner: origin, rrtype: Type.SOA, rrset }];
  await store.commit({ origin, expected, next, entries: [entry], changes });
}

async function findSoa(zone: LoadedZone): Promise<RRset> {
  for await (const batch of zone.batches) {
    for (const rrset of batch) if (rrset.rrtype === Type.SOA) return rrset;
  }
  throw new WindhoverError(
    ErrorCode.storeFormat,
    `zone ${formatName(zone.origin)} has no SOA in the store: restore it from a backup`,
  );
}
