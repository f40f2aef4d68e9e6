/**
 * What must be true, told by a model that knows nothing of the engine: every version a zone ever had in the store, each
 * with the one it was made from, and the updates that led to it, read aloud from RFC 2136.
 */
import { bytesKey, keyBytes } from "../../src/base/bytes.ts";
import { readJournalRecord } from "../../src/store/journal-record.ts";
import type { MemoryState } from "../../src/store/memory-store.ts";
import {
  readRRsetKey,
  readRRsetValue,
  writeRRsetKey,
  writeRRsetValue,
} from "../../src/store/rrset-record.ts";
import type { JournalEntry, ZoneVersion } from "../../src/store/store.ts";
import type { LostPart } from "../../src/update/lost-changes.ts";
import type { UpdateRequest, Verdict } from "../../src/update/update-request.ts";
import { Type } from "../../src/wire/code-points.ts";
import { formatName, type Name, nameKey } from "../../src/wire/name.ts";
import { makeRRset, type RRset } from "../../src/zone/rrset.ts";
import { isSerialAfter } from "../../src/zone/serial.ts";
import { withSerial } from "../../src/zone/soa.ts";
import type { ZoneView } from "../../src/zone/zone-view.ts";
import { applyNaively, type NaiveRR, naiveZone } from "../update/naive-zone.ts";
import type { World } from "./world.ts";

type MemoryZone = MemoryState["zones"] extends Map<string, infer Zone> ? Zone : never;

/** RRset keys and values as stores write them: equal zones have equal contents. */
export type Content = ReadonlyMap<string, string>;

/** One version that a zone had in the store. */
export interface Version {
  readonly zone: string;
  readonly origin: Name;
  readonly serial: number;
  readonly sequence: number;
  readonly content: Content;
  readonly parent: Version | undefined;
  /** Made by a creation, not by a commit. */
  readonly isMade: boolean;
  /** RRsets that several updates of one commit touched: what they were between is no version. */
  readonly busy: ReadonlySet<string>;
  /** Updates by their numbers that this version made. */
  readonly updates: readonly number[];
}

export class Model {
  readonly #world: World;
  readonly requests: UpdateRequest[] = [];
  readonly verdicts: (Verdict | undefined)[] = [];
  /** Updates whose "applied" was heard by who sent them. */
  readonly acknowledged = new Set<number>();
  /** What was heard to be done, or to need no change: versions of which one has to stay. */
  readonly #kept = new Map<number, readonly Version[]>();
  /** Deletions that were heard of: what each ended. */
  readonly #keptDeletions = new Set<Version>();
  /** States that took the place of newer ones. */
  rollbacks = 0;
  /** Those of them without something that could be acknowledged. */
  losses = 0;
  /** Versions that have been in as many places as is asked for, and deletions by what they ended. */
  readonly #safe = new Set<Version>();
  readonly #safelyDeleted = new Set<Version>();
  readonly #byVersion = new Map<ZoneVersion, Version>();
  readonly #versions = new Map<string, Version[]>();
  readonly #made = new Map<number, readonly Version[]>();
  /** Where each zone stands in the store. */
  #current = new Map<string, Version>();
  /** When each zone was deleted last. */
  readonly #deletedAt = new Map<string, number>();
  /** The version each deletion ended. */
  readonly deletions: Version[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get versions(): number {
    return this.#byVersion.size;
  }

  current(origin: Name): Version | undefined {
    return this.#current.get(nameKey(origin));
  }

  /** The store's state has changed by one step, or was replaced. */
  observe(state: MemoryState, isReplaced: boolean): void {
    const now = new Map<string, Version>();
    for (const [key, zone] of state.zones) {
      const known = this.#byVersion.get(zone.version);
      now.set(key, known ?? this.#record(key, zone, this.#current.get(key)));
    }
    for (const [key, version] of this.#current) {
      if (now.has(key) || isReplaced) continue;
      this.deletions.push(version);
      this.#deletedAt.set(key, this.#world.steps);
    }
    this.#current = now;
  }

  /** As many replicas as are asked for have this. */
  observeConfirmed(state: MemoryState): void {
    for (const { version } of state.zones.values()) this.#keepSafe(this.#byVersion.get(version));
    for (const { version } of state.deleted.values()) {
      const ended = this.#byVersion.get(version);
      this.#keepSafe(ended);
      if (ended !== undefined) this.#safelyDeleted.add(ended);
    }
  }

  #keepSafe(version: Version | undefined): void {
    for (let at = version; at !== undefined && !this.#safe.has(at); at = at.parent) {
      this.#safe.add(at);
    }
  }

  isSafe(version: Version): boolean {
    return this.#safe.has(version);
  }

  isSafelyDeleted(version: Version): boolean {
    return this.#safelyDeleted.has(version);
  }

  /** Who sent the update heard that it was done, or was so already; it rests on one of these versions. */
  acknowledge(update: number, versions: readonly Version[]): void {
    if (versions.length > 0) this.#kept.set(update, versions);
  }

  acknowledgeDeletion(ended: Version): void {
    this.#keptDeletions.add(ended);
  }

  /** What was acknowledged is in the store, unless it was deleted or the store forgot what it could not forget. */
  checkKept(): void {
    if (this.losses > 0) return;
    for (const [update, versions] of this.#kept) {
      const isKept = versions.some(
        (each) => isAncestor(each, this.current(each.origin)) || this.isDeletedAfter(each),
      );
      this.#world.check(isKept, () => `update ${update} was acknowledged and is lost`);
    }
    for (const ended of this.#keptDeletions) {
      const now = this.current(ended.origin);
      const isBack = now !== undefined && isAncestor(now, ended);
      this.#world.check(!isBack, () => `the deletion of ${formatName(ended.origin)} is lost`);
    }
  }

  #record(key: string, zone: MemoryZone, before: Version | undefined): Version {
    const { origin, version } = zone;
    const content = readContent(zone);
    const entries = readEntries(zone, before?.sequence ?? 0);
    const parent = before ?? this.#parentOfCreation(key, content, entries[0] as JournalEntry);
    const updates = entries.filter(({ address }) => /^\d+$/.test(address)).map(updateOf);
    const { serial, sequence } = version;
    const isMade = before === undefined;
    const busy = touchedOften(origin, entries);
    const record = { zone: key, origin, serial, sequence, content, parent, isMade, busy, updates };
    if (before !== undefined) this.#checkCommit(record, before, entries);
    for (const update of updates) {
      this.#checkOnce(record, update);
      this.#made.set(update, [...this.versionsOf(update), record]);
    }
    if (before !== undefined) this.#checkNumbers(record);
    this.#byVersion.set(version, record);
    this.#versions.set(key, [...(this.#versions.get(key) ?? []), record]);
    return record;
  }

  /** A zone that comes back as a node showed it goes on from there; one made anew, from its deletion. */
  #parentOfCreation(key: string, content: Content, { door }: JournalEntry): Version | undefined {
    if (door !== "config") return this.deletions.findLast((each) => each.zone === key);
    const same = (each: Version) => isEqual(withoutSoa(each.content), withoutSoa(content));
    return this.#versions.get(key)?.findLast(same);
  }

  /** What the entries say they did is what their updates say, and the commit is what the entries say. */
  #checkCommit(record: Version, before: Version, entries: readonly JournalEntry[]): void {
    const what = `${formatName(record.origin)} at ${record.serial}`;
    const { world } = this;
    world.check(entries.length > 0, () => `${what}: a commit has an entry`);
    world.check(record.sequence === before.sequence + entries.length, () => `${what}: a step each`);
    world.check(isSerialAfter(record.serial, before.serial), () => `${what}: its serial is later`);
    const zone = naiveZone([...rrsetsOf(before)]);
    for (const entry of entries) {
      if (!/^\d+$/.test(entry.address)) return;
      const request = this.requests[updateOf(entry)] as UpdateRequest;
      world.check(holds(zone, request), () => `${what}: prerequisites of ${entry.address} hold`);
      applyNaively(zone, record.origin, request.operations);
      const soa = zone.find(({ rrtype }) => rrtype === Type.SOA) as NaiveRR;
      soa.rdata = withSerial({ ...soa, rdatas: [soa.rdata] }, entry.toSerial)
        .rdatas[0] as Uint8Array;
    }
    const expected = contentOf(record.origin, gather(zone));
    world.check(isEqual(expected, record.content), () => `${what}: is not what its updates say`);
  }

  get world(): World {
    return this.#world;
  }

  #checkOnce(record: Version, update: number): void {
    const verdict = this.verdicts[update];
    this.world.check(
      verdict === undefined || verdict.status === "applied" || isUnknown(verdict),
      () => `update ${update} was ${verdict?.status}, and is applied`,
    );
    for (let at = record.parent; at !== undefined; at = at.parent) {
      this.world.check(!at.updates.includes(update), () => `update ${update} is applied twice`);
    }
  }

  /** The same numbers are never two contents, unless the store itself forgot the first. */
  #checkNumbers(record: Version): void {
    if (this.rollbacks > 0) return;
    const twin = this.#versions
      .get(record.zone)
      ?.find((each) => each.sequence === record.sequence && each.serial === record.serial);
    const numbers = `${record.serial}/${record.sequence}`;
    this.world.check(twin === undefined, () => `${formatName(record.origin)} has ${numbers} twice`);
  }

  /** The versions that look like what a node shows. */
  versionsLike(view: ZoneView): readonly Version[] {
    const content = contentOf(view.origin, rrsetsIn(view));
    const versions = this.#versions.get(nameKey(view.origin)) ?? [];
    return versions.filter((each) => isEqual(each.content, content));
  }

  /** Where an update was made: more than once only in histories apart from each other. */
  versionsOf(update: number): readonly Version[] {
    return this.#made.get(update) ?? [];
  }

  /** The sequence at which the zone was made, the last time. */
  creationOf(version: ZoneVersion): number {
    let at = this.#byVersion.get(version);
    while (at?.isMade === false) at = at.parent;
    return at?.sequence ?? 0;
  }

  /** Steps since the zone was deleted last: who asks takes some of them. */
  stepsSinceDeletion(zone: string): number {
    return this.#world.steps - (this.#deletedAt.get(zone) ?? 0);
  }

  /** Whether a deletion ended the zone in this version or a later one made from it. */
  isDeletedAfter(version: Version): boolean {
    return this.deletions.some((each) => isAncestor(version, each));
  }

  /** What a node that showed one version must have written down before it shows another one. */
  missingReports(from: Version, to: Version, reported: readonly LostPart[]): string[] {
    if (isAncestor(from, to)) return [];
    const fork = commonAncestor(from, to);
    const told = new Map<string, Set<string>>();
    for (const { origin, rrsets } of reported) {
      if (nameKey(origin) !== from.zone) continue;
      for (const { owner, rrtype, shown } of rrsets) {
        const key = bytesKey(writeRRsetKey(owner, rrtype, origin));
        const values = told.get(key) ?? new Set();
        told.set(key, values.add(shown === undefined ? "" : bytesKey(writeRRsetValue(shown))));
      }
    }
    // What the store had too since the histories parted, and changed again, is not lost.
    const path = pathBetween(fork, to);
    const soa = bytesKey(writeRRsetKey(from.origin, Type.SOA, from.origin));
    const keys = new Set([from, ...path].flatMap(({ content }) => [...content.keys()]));
    return [...keys].filter((key) => {
      const ours = from.content.get(key);
      const isTheirs = path.some(({ content, busy }) => content.get(key) === ours || busy.has(key));
      return key !== soa && !isTheirs && !told.get(key)?.has(ours ?? "");
    });
  }
}

/** Whether the update was made is not known to who sent it. */
export function isUnknown(verdict: Verdict): boolean {
  return (
    isUnconfirmed(verdict) ||
    (verdict.status === "refused" && verdict.reason === "store-unavailable")
  );
}

export function isUnconfirmed(verdict: Verdict): boolean {
  return verdict.status === "refused" && verdict.reason === "not-replicated";
}

export function isAncestor(version: Version, of: Version | undefined): boolean {
  for (let at = of; at !== undefined; at = at.parent) if (at === version) return true;
  return false;
}

function commonAncestor(a: Version, b: Version): Version | undefined {
  let at: Version | undefined = a;
  while (at !== undefined && !isAncestor(at, b)) at = at.parent;
  return at;
}

function touchedOften(origin: Name, entries: readonly JournalEntry[]): Set<string> {
  const seen = new Set<string>();
  const often = new Set<string>();
  for (const { removed, added } of entries) {
    for (const key of contentOf(origin, [...removed, ...added]).keys()) {
      if (seen.has(key)) often.add(key);
      seen.add(key);
    }
  }
  return often;
}

/** From the one to the other, both included. */
function pathBetween(from: Version | undefined, to: Version): Version[] {
  const path: Version[] = [];
  for (let at: Version | undefined = to; at !== undefined; at = at.parent) {
    path.push(at);
    if (at === from) break;
  }
  return path;
}

function updateOf({ address }: JournalEntry): number {
  return Number(address);
}

function readContent(zone: MemoryZone): Content {
  return new Map([...zone.rrsets].map(([key, value]) => [key, bytesKey(value)]));
}

function readEntries({ origin, journal }: MemoryZone, after: number): JournalEntry[] {
  return [...journal]
    .filter(([sequence]) => sequence > after)
    .map(([sequence, record]) => readJournalRecord(record, origin, sequence, "the model"));
}

function* rrsetsOf({ origin, content }: Version): Generator<RRset> {
  for (const [key, value] of content) {
    yield readRRsetValue(keyBytes(value), readRRsetKey(keyBytes(key), 0, origin, "model"), "model");
  }
}

function* rrsetsIn(view: ZoneView): Generator<RRset> {
  for (const owner of view.owners()) yield* view.rrsets(owner);
}

export function contentOf(origin: Name, rrsets: Iterable<RRset>): Content {
  const content = new Map<string, string>();
  for (const rrset of rrsets) {
    const key = bytesKey(writeRRsetKey(rrset.owner, rrset.rrtype, origin));
    content.set(key, bytesKey(writeRRsetValue(rrset)));
  }
  return content;
}

/** Without the apex SOA: its key is the rrtype alone. */
function withoutSoa(content: Content): Content {
  const soa = bytesKey(Uint8Array.of(0, Type.SOA));
  return new Map([...content].filter(([key]) => key !== soa));
}

export function isEqual(a: Content, b: Content): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

function gather(zone: readonly NaiveRR[]): RRset[] {
  const groups = new Map<string, NaiveRR[]>();
  for (const rr of zone) {
    const key = `${rr.rrtype}/${nameKey(rr.owner)}`;
    groups.set(key, [...(groups.get(key) ?? []), rr]);
  }
  return [...groups.values()].map((group) => {
    const { owner, rrtype, ttl } = group[0] as NaiveRR;
    return makeRRset(
      owner,
      rrtype,
      ttl,
      group.map(({ rdata }) => rdata),
    );
  });
}

/** The two kinds of prerequisites that the simulation sends. */
function holds(zone: readonly NaiveRR[], { prerequisites }: UpdateRequest): boolean {
  return prerequisites.every((each) => {
    if (each.kind !== "rrset-exists" && each.kind !== "rrset-absent") return false;
    const isThere = zone.some(
      (rr) => rr.rrtype === each.rrtype && nameKey(rr.owner) === nameKey(each.owner),
    );
    return isThere === (each.kind === "rrset-exists");
  });
}
