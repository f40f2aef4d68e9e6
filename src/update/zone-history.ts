/**
 * A zone's journal read as its history: points in time, what changed between two of them, the zone as it was at one.
 * The past is made from the present by going back through the journal, so it costs what has changed since.
 */

import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { JournalEntry, Store, ZoneVersion } from "../store/store.ts";
import { isCreation } from "../store/zone-version.ts";
import type { ZoneSnapshot } from "../table/table-zone-view.ts";
import { Type } from "../wire/code-points.ts";
import { equalNames, formatName, type Name } from "../wire/name.ts";
import {
  applyChangeset,
  type Changeset,
  type Difference,
  invertChangeset,
} from "../zone/changeset.ts";
import { Overlay } from "../zone/overlay.ts";
import type { RRset } from "../zone/rrset.ts";
import { soaSerial } from "../zone/soa.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { JournalDifference, type ZoneJournal } from "./journal-difference.ts";
import { type JournalSearch, type SearchedJournal, searchJournal } from "./search-journal.ts";
import { type ZoneLabel, ZoneLabels } from "./zone-labels.ts";
import { type FoundPoint, findPoint, noSuchPoint, parsePoint, parseTime } from "./zone-point.ts";

export interface HistoryParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly zones: PublishedZones;
}

/** The zones as queries see them. */
export interface PublishedZones {
  version(origin: Name): ZoneVersion | undefined;
  snapshot(origin: Name): ZoneSnapshot | undefined;
  /** Brings the zone to where the store is. */
  follow(origin: Name): Promise<void>;
}

/** A zone as it was, of one version however long it is read. Holds memory: close it soon. */
export interface ZonePast {
  readonly point: FoundPoint;
  readonly view: ZoneView;
  close(): void;
}

/** What leads from one point to another, whichever was first. */
export interface ZoneDifference extends Difference {
  readonly from: FoundPoint;
  readonly to: FoundPoint;
}

export class ZoneHistory {
  readonly labels: ZoneLabels;
  readonly #parts: HistoryParts;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    this.labels = new ZoneLabels(parts.store, parts.log);
  }

  /** The journal up to the published version. Throws `no-such-zone`. */
  journal(origin: Name): ZoneJournal {
    const { store, zones } = this.#parts;
    const version = zones.version(origin);
    if (version === undefined) throw noSuchZone(origin);
    return { origin, version, read: (range) => store.readJournal(origin, range) };
  }

  /** Throws `bad-request` for what is no point and `no-such-point` for one that history does not have. */
  async point(origin: Name, text: string): Promise<FoundPoint> {
    return this.#point(this.journal(origin), text);
  }

  /** Names a point. Throws as `point` does, and `bad-request`, `exists` or `limit`. */
  async addLabel(origin: Name, label: string, text: string): Promise<ZoneLabel> {
    const point = await this.point(origin, text);
    return this.labels.add(origin, label, point, this.#parts.clock.nowMs());
  }

  /** The oldest point that is kept, by its sequence: the one before the oldest change, or the making of the zone. */
  async oldestSequence(origin: Name): Promise<number> {
    const { read, version } = this.journal(origin);
    const [oldest] = await read({ afterSequence: 0, limit: 1 });
    if (oldest === undefined) return version.sequence;
    return isCreation(oldest) ? oldest.sequence : oldest.sequence - 1;
  }

  /** The change of this sequence, to be undone. Throws `no-such-point`, and `bad-request` for the one that made the zone. */
  async change(origin: Name, sequence: number): Promise<JournalEntry> {
    const journal = this.journal(origin);
    await findPoint(journal, { kind: "sequence", sequence });
    const [entry] = await journal.read({ afterSequence: sequence - 1, limit: 1 });
    const zone = formatName(origin);
    if (entry?.sequence !== sequence) {
      throw noSuchPoint(`change #${sequence} of ${zone} is no longer kept; see its history`);
    }
    if (!isCreation(entry)) return entry;
    const message = `#${sequence} made the zone ${zone}: to undo that, delete it`;
    throw new WindhoverError(ErrorCode.badRequest, message);
  }

  async search(origin: Name, search: JournalSearch): Promise<SearchedJournal> {
    return searchJournal(this.journal(origin), search);
  }

  /** Throws as `point` does, and `limit` when there are more than `Limits.historyDifference` RRs. */
  async difference(origin: Name, from: string, to: string): Promise<ZoneDifference> {
    const journal = this.journal(origin);
    const points = [await this.#point(journal, from), await this.#point(journal, to)] as const;
    const isForward = points[0].sequence <= points[1].sequence;
    const [first, last] = isForward ? points : ([points[1], points[0]] as const);
    const forward = await readDifference(journal, first, last);
    const { removed, added } = isForward ? forward : invertChangeset(forward);
    return { from: points[0], to: points[1], removed: [...removed], added: [...added] };
  }

  /** A time as text. Throws `bad-request`. */
  time(text: string): number {
    const timeMs = parseTime(text, this.#parts.clock.nowMs());
    if (timeMs !== undefined) return timeMs;
    const message = `"${text}" is no time; say 2026-03-01T14:00Z, or 2h for two hours ago`;
    throw new WindhoverError(ErrorCode.badRequest, message);
  }

  /**
   * Throws as `difference` does. Without a point the zone as it is, which needs no store. With an owner only that one is
   * sure to be as it was, and nothing else costs anything.
   */
  async open(origin: Name, text?: string, owner?: Name): Promise<ZonePast> {
    const { zone, version } = await this.#snapshot(origin);
    const close = () => zone.close();
    const { serial, sequence } = version;
    if (text === undefined)
      return { point: { serial, sequence, timeMs: undefined }, view: zone, close };
    try {
      const journal = { ...this.journal(origin), version };
      const point = await this.#point(journal, text);
      const covers = owner && ((rrset: RRset) => equalNames(rrset.owner, owner));
      const changeset = await readDifference(journal, point, version, covers);
      const past = new Overlay(zone);
      if (!applyChangeset(past, invertChangeset(changeset))) throw journalDoesNotFit(origin);
      return { point, view: past, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  async #point(journal: ZoneJournal, text: string): Promise<FoundPoint> {
    const point = parsePoint(text, this.#parts.clock.nowMs());
    if (point.kind !== "label") return findPoint(journal, point);
    const zone = formatName(journal.origin);
    const label = await this.labels.find(journal.origin, point.label);
    if (label === undefined) {
      const advice = `see \`windhover zone label ${zone} list\`; times begin with a digit`;
      throw noSuchPoint(`${zone} has no label ${point.label}: ${advice}`);
    }
    const found = await findPoint(journal, { kind: "sequence", sequence: label.sequence });
    if (found.serial === label.serial) return { ...found, timeMs: found.timeMs ?? label.timeMs };
    const was = `serial ${label.serial} at #${label.sequence}, where history has ${found.serial}`;
    throw noSuchPoint(`label ${point.label} is of another history of ${zone}: it says ${was}`);
  }

  /**
   * The zone with the version it has. Where the table is a step ahead of what is known of it, because the zone is being
   * followed, it is looked at again after that.
   */
  async #snapshot(origin: Name): Promise<{ zone: ZoneSnapshot; version: ZoneVersion }> {
    const { zones } = this.#parts;
    for (let attempt = 0; attempt < Limits.commitAttempts; attempt++) {
      const version = zones.version(origin);
      const zone = zones.snapshot(origin);
      if (version === undefined || zone === undefined) {
        zone?.close();
        throw noSuchZone(origin);
      }
      const soa = zone.rrset(origin, Type.SOA);
      assert(soa !== undefined, "a zone has an SOA");
      if (soaSerial(soa) === version.serial) return { zone, version };
      zone.close();
      await zones.follow(origin);
    }
    const message = `zone ${formatName(origin)} is being followed from the store; try again`;
    throw new WindhoverError(ErrorCode.conflict, message);
  }
}

async function readDifference(
  journal: ZoneJournal,
  from: ZoneVersion,
  to: ZoneVersion,
  covers?: (rrset: RRset) => boolean,
): Promise<Changeset> {
  const limit = Limits.historyDifference;
  const difference = new JournalDifference(journal, from, { limit, ...(covers && { covers }) });
  await advanceDifference(difference, journal.origin, to);
  return difference.join();
}

/** Throws `limit`, and `store-format` where the journal has a gap. */
export async function advanceDifference(
  difference: JournalDifference,
  origin: Name,
  to: ZoneVersion,
): Promise<void> {
  const end = await difference.advance(to);
  const zone = formatName(origin);
  if (end === "limit") {
    const message = `more than ${Limits.historyDifference} records of ${zone} differ`;
    throw new WindhoverError(
      ErrorCode.limit,
      `${message}: choose points that are nearer, or go in steps`,
    );
  }
  if (end === "gap") {
    const message = `the history of ${zone} does not lead to serial ${to.serial} (#${to.sequence})`;
    throw new WindhoverError(ErrorCode.storeFormat, `${message}: an entry is missing`);
  }
}

export function journalDoesNotFit(origin: Name): WindhoverError {
  const message = `the history of zone ${formatName(origin)} does not fit its records`;
  return new WindhoverError(ErrorCode.storeFormat, `${message}: use a backup or an export`);
}

function noSuchZone(origin: Name): WindhoverError {
  return new WindhoverError(ErrorCode.noSuchZone, `there is no zone ${formatName(origin)}`);
}
