/**
 * Records in any order put together into RRsets: what a zone file holds, before it is anywhere else. Made for millions
 * of names: everything lies in a few large arrays, about 60 octets a record with a short name, and RRsets are made when
 * they are asked for.
 *
 *     octets    …│owner length u8 ┊ relative owner│rrtype u16 ┊ rdata length u16 ┊ rdata│rrtype ┊ …
 *     owners    rows: octets offset, first record, last record            ◄── slots (open addressing), hashes
 *     records   rows: octets offset, ttl, line, next record of the owner
 *
 * Owners stand in the order of their first records. So what belongs to an owner and to none behind it lies before the first
 * record of the next one, and its octets before that one's.
 */
import { assert } from "../base/assert.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, isSubdomain, type Name } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import { hashOctets } from "./owner-hash.ts";
import { makeRRset, type RRset } from "./rrset.ts";
import { type PackedRRsets, PackWriter, type RRsetPack } from "./rrset-pack.ts";
import { type Finding, isSubjectToChecks, RRS_UNCHECKED, RRSET_UNCHECKED } from "./zone-checks.ts";
import type { ZoneRecord } from "./zone-file.ts";
import { OCTETS_MAX, OWNER_HEAD, placeIn, RDATA_HEAD, ZoneOctets } from "./zone-octets.ts";
import { CHUNK_ROWS, ZoneRows } from "./zone-rows.ts";
import type { ZoneView } from "./zone-view.ts";

const NONE = 0xffff_ffff;
const NONE_LEFT = new Uint32Array(0);
/** Columns of an owner, and of a record. */
const Owner = { offset: 0, first: 1, last: 2 } as const;
const Record = { offset: 0, ttl: 1, line: 2, next: 3 } as const;

/** A record whose octets lie at the beginning of larger arrays, and only for now. */
export interface RecordCursor {
  readonly owner: Uint8Array;
  readonly ownerLength: number;
  readonly ttl: number;
  readonly rrtype: number;
  readonly rdata: Uint8Array;
  readonly rdataLength: number;
  readonly line: number;
}

/** What was collected; RRsets in the order in which their first records came. */
export class ZoneContents implements ZoneView {
  readonly origin: Name;
  readonly #octets: ZoneOctets;
  readonly #owners = new ZoneRows(3);
  readonly #records = new ZoneRows(4);
  #slots = new Uint32Array(4096).fill(NONE);
  /** By owner. */
  #hashes = new Uint32Array(roomOf(4096));
  #isGivenUp = false;
  /** There is a delegation or a DNAME, so that what is below it is hidden. */
  #hasTops = false;

  constructor(origin: Name, octetsMax = OCTETS_MAX) {
    this.origin = origin;
    this.#octets = new ZoneOctets(octetsMax);
  }

  /** Records, duplicates counted. */
  get recordCount(): number {
    return this.#records.length;
  }

  get ownerCount(): number {
    return this.#owners.length;
  }

  rrset(owner: Name, rrtype: number): RRset | undefined {
    return this.rrsets(owner).find((rrset) => rrset.rrtype === rrtype);
  }

  rrsets(owner: Name): readonly RRset[] {
    if (!isSubdomain(owner, this.origin)) return [];
    this.#demandKept();
    const length = owner.length - this.origin.length;
    const row = this.#slots[this.#slot(owner, length, hashOctets(owner, length))] as number;
    return row === NONE ? [] : this.#ownerRRsets(row);
  }

  *owners(): Iterable<Name> {
    this.#demandKept();
    for (let row = 0; row < this.ownerCount; row++) yield this.#ownerName(row);
  }

  /** Owners that `checkZone` can find anything at (of a million plain hosts, none); `undefined` after each slice. */
  *ownersToCheck(): Iterable<Name | undefined> {
    this.#demandKept();
    const hasApexDname = this.#hasTops && this.rrset(this.origin, Type.DNAME) !== undefined;
    let records = 0;
    for (let row = 0; row < this.ownerCount; row++) {
      const mayBeHidden = this.#hasTops && (hasApexDname || this.#isDeep(row));
      if (mayBeHidden || this.#isToCheck(row)) yield this.#ownerName(row);
      records += this.#recordsOf(row);
      if (records < Limits.zoneSlice) continue;
      records = 0;
      yield undefined;
    }
  }

  /** Every RRset once. */
  *[Symbol.iterator](): Generator<RRset, void, undefined> {
    this.#demandKept();
    for (let row = 0; row < this.ownerCount; row++) yield* this.#ownerRRsets(row);
  }

  /** Every RRset once, in packs that are good until the next one is asked for. */
  packs(): Generator<RRsetPack, void, undefined> {
    this.#demandKept();
    return this.#pack(() => {});
  }

  /**
   * The same RRsets for one who is the last to need them: memory is let go while `lastPacks` is read, because what takes
   * the packs grows meanwhile. `collect` is called when that is a good deal; nothing else would make V8 collect it.
   */
  toBeGivenUp(collect: () => void): PackedRRsets {
    return {
      packs: () => this.packs(),
      lastPacks: () => this.#giveUp(collect),
      [Symbol.iterator]: () => this[Symbol.iterator](),
    };
  }

  *#giveUp(collect: () => void): Generator<RRsetPack, void, undefined> {
    this.#demandKept();
    this.#isGivenUp = true;
    const isLarge = this.#slots.length >= CHUNK_ROWS;
    this.#slots = NONE_LEFT;
    this.#hashes = NONE_LEFT;
    if (isLarge) collect();
    yield* this.#pack((row) => {
      if (this.#letGo(row)) collect();
    });
  }

  /** `onPack` hears of the first owner that is in no pack yet. */
  *#pack(onPack: (row: number) => void): Generator<RRsetPack, void, undefined> {
    const writer = new PackWriter(this.origin);
    for (let row = 0; row < this.ownerCount; row++) {
      const owners = this.#owners.chunk(row);
      const at = this.#owners.place(row);
      const first = owners[at + Owner.first] as number;
      const isOne = first === owners[at + Owner.last];
      if (isOne) this.#packOne(owners[at + Owner.offset] as number, first, writer);
      else for (const rrset of this.#ownerRRsets(row)) writer.add(rrset);
      if (!writer.isFull) continue;
      onPack(row + 1);
      yield writer.lend();
    }
    if (!writer.isEmpty) yield writer.lend();
  }

  /** What belongs to owners before this one; whether that is a good deal. */
  #letGo(row: number): boolean {
    if (row === this.ownerCount) return false;
    const record = this.#owners.at(row, Owner.first);
    const octets = this.#octets.letGo(this.#owners.at(row, Owner.offset));
    const records = this.#records.letGo(record);
    return this.#owners.letGo(row) || records || octets;
  }

  /** The owner lies in the zone. Throws `limit` for more than fits. */
  add(record: RecordCursor): void {
    const { owner, rrtype } = record;
    const length = record.ownerLength - this.origin.length;
    const row = this.#ownerRow(owner, length);
    const { rdata, rdataLength } = record;
    const offset = this.#octets.addRdata(rrtype, rdata, rdataLength);
    const at = this.#records.push(offset, record.ttl, record.line, NONE);
    const last = this.#owners.at(row, Owner.last);
    if (last === NONE) this.#owners.set(row, Owner.first, at);
    else this.#records.set(last, Record.next, at);
    this.#owners.set(row, Owner.last, at);
    if (rrtype === Type.DNAME || (rrtype === Type.NS && length > 0)) this.#hasTops = true;
  }

  /**
   * Makes room for the records of the next slice, a slice of work at each step: of a large zone, more than one turn may
   * take. Nothing is added meanwhile. Without it `add` makes room when there is hardly any.
   */
  *makeRoom(): Generator<void, void, undefined> {
    if (2 * this.ownerCount > this.#slots.length) yield* this.#growSlots();
  }

  /** Of the TTLs in one RRset the first holds (RFC 2181 §5.2); tells the others, a slice of records at each step. */
  *reportTtls(report: (finding: Finding) => void): Generator<void, void, undefined> {
    let records = 0;
    for (let row = 0; row < this.ownerCount; row++) {
      records += this.#recordsOf(row);
      if (records >= Limits.zoneSlice) {
        records = 0;
        yield;
      }
      if (this.#owners.at(row, Owner.first) === this.#owners.at(row, Owner.last)) continue;
      for (const [rrtype, rows] of this.#recordsByType(row))
        this.#reportTtl(row, rrtype, rows, report);
    }
  }

  #recordsOf(row: number): number {
    let count = 0;
    for (let at = this.#owners.at(row, Owner.first); at !== NONE; at = this.#next(at)) count++;
    return count;
  }

  #demandKept(): void {
    assert(!this.#isGivenUp, "a zone that was given up is not asked");
  }

  /** The row of this owner, made when it is new. */
  #ownerRow(owner: Uint8Array, length: number): number {
    const last = this.ownerCount - 1;
    if (last >= 0 && this.#isOwner(last, owner, length)) return last;
    const hash = hashOctets(owner, length);
    const slot = this.#slot(owner, length, hash);
    const known = this.#slots[slot] as number;
    if (known !== NONE) return known;
    const offset = this.#octets.addOwner(owner, length);
    const row = this.#owners.push(offset, NONE, NONE);
    this.#hashes[row] = hash;
    this.#slots[slot] = row;
    if (this.ownerCount === this.#hashes.length) for (const _ of this.#growSlots());
    return row;
  }

  /** The slot of the owner, or the free one where it would be. */
  #slot(owner: Uint8Array, length: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] as number;
      if (row === NONE) return slot;
      if (this.#hashes[row] === hash && this.#isOwner(row, owner, length)) return slot;
    }
  }

  #isOwner(row: number, owner: Uint8Array, length: number): boolean {
    const offset = this.#owners.at(row, Owner.offset);
    const octets = this.#octets.chunk(offset);
    const place = placeIn(offset);
    if (octets[place] !== length) return false;
    for (let at = length - 1; at >= 0; at--) {
      if (octets[place + OWNER_HEAD + at] !== owner[at]) return false;
    }
    return true;
  }

  *#growSlots(): Generator<void, void, undefined> {
    const slots = new Uint32Array(2 * this.#slots.length).fill(NONE);
    const hashes = new Uint32Array(roomOf(slots.length));
    hashes.set(this.#hashes);
    const mask = slots.length - 1;
    for (let row = 0; row < this.ownerCount; row++) {
      if (row % Limits.zoneSlice === Limits.zoneSlice - 1) yield;
      let slot = (hashes[row] as number) & mask;
      while (slots[slot] !== NONE) slot = (slot + 1) & mask;
      slots[slot] = row;
    }
    this.#slots = slots;
    this.#hashes = hashes;
  }

  /** Whether there is more in the owner than small RRsets of plain types. */
  #isToCheck(row: number): boolean {
    let records = 0;
    let octets = 0;
    for (let at = this.#owners.at(row, Owner.first); at !== NONE; at = this.#next(at)) {
      if (isSubjectToChecks(this.#rrtype(at))) return true;
      records++;
      octets += 2 + this.#rdataLength(at);
    }
    return records > RRS_UNCHECKED || octets > RRSET_UNCHECKED;
  }

  /** Whether there is a name between the owner and the origin. */
  #isDeep(row: number): boolean {
    const offset = this.#owners.at(row, Owner.offset);
    const octets = this.#octets.chunk(offset);
    const place = placeIn(offset);
    const length = octets[place] as number;
    return length > 0 && (octets[place + OWNER_HEAD] as number) + 1 < length;
  }

  #packOne(ownerOffset: number, record: number, writer: PackWriter): void {
    const owners = this.#octets.chunk(ownerOffset);
    const owner = placeIn(ownerOffset) + OWNER_HEAD;
    const records = this.#records.chunk(record);
    const at = this.#records.place(record);
    const offset = records[at + Record.offset] as number;
    const octets = this.#octets.chunk(offset);
    const head = placeIn(offset);
    const rdata = head + RDATA_HEAD;
    const ownerEnd = owner + (owners[owner - OWNER_HEAD] as number);
    writer.begin(owners, owner, ownerEnd, u16(octets, head));
    const ttl = records[at + Record.ttl] as number;
    writer.addOne(ttl, octets, rdata, rdata + u16(octets, head + 2));
  }

  #ownerName(row: number): Name {
    const offset = this.#owners.at(row, Owner.offset);
    const octets = this.#octets.chunk(offset);
    const place = placeIn(offset);
    const length = octets[place] as number;
    const owner = new Uint8Array(length + this.origin.length);
    owner.set(octets.subarray(place + OWNER_HEAD, place + OWNER_HEAD + length));
    owner.set(this.origin, length);
    return owner as Name;
  }

  #next(record: number): number {
    return this.#records.at(record, Record.next);
  }

  #rrtype(record: number): number {
    const offset = this.#records.at(record, Record.offset);
    return u16(this.#octets.chunk(offset), placeIn(offset));
  }

  #rdataLength(record: number): number {
    const offset = this.#records.at(record, Record.offset);
    return u16(this.#octets.chunk(offset), placeIn(offset) + 2);
  }

  #rdata(record: number): Uint8Array {
    const offset = this.#records.at(record, Record.offset);
    const octets = this.#octets.chunk(offset);
    const start = placeIn(offset) + RDATA_HEAD;
    return octets.slice(start, start + u16(octets, start - 2));
  }

  #ownerRRsets(row: number): RRset[] {
    const owner = this.#ownerName(row);
    const rrsets: RRset[] = [];
    for (const [rrtype, records] of this.#recordsByType(row)) {
      const ttl = this.#records.at(records[0] as number, Record.ttl);
      const rdatas = records.map((record) => this.#rdata(record));
      rrsets.push(makeRRset(owner, rrtype, ttl, rdatas));
    }
    return rrsets;
  }

  /** The owner's records by rrtype, each in the order of the file. */
  #recordsByType(row: number): Map<number, number[]> {
    const byType = new Map<number, number[]>();
    for (let at = this.#owners.at(row, Owner.first); at !== NONE; at = this.#next(at)) {
      const rrtype = this.#rrtype(at);
      const records = byType.get(rrtype);
      if (records === undefined) byType.set(rrtype, [at]);
      else records.push(at);
    }
    return byType;
  }

  #reportTtl(
    row: number,
    rrtype: number,
    records: readonly number[],
    report: (finding: Finding) => void,
  ): void {
    const ttl = this.#records.at(records[0] as number, Record.ttl);
    const other = records.find((record) => this.#records.at(record, Record.ttl) !== ttl);
    if (other === undefined) return;
    const owner = this.#ownerName(row);
    const line = this.#records.at(other, Record.line);
    const what = `${formatName(owner)} ${typeName(rrtype)}`;
    const message = `${what}: TTL ${this.#records.at(other, Record.ttl)} in line ${line} is not the ${ttl} of the RRs before; ${ttl} holds for all`;
    report({ severity: "warning", check: "ttl-differs", owner, message });
  }
}

/** Owners for whom so many slots are enough. */
function roomOf(slots: number): number {
  return (slots / 4) * 3;
}

function u16(octets: Uint8Array, at: number): number {
  return ((octets[at] as number) << 8) | (octets[at + 1] as number);
}

/** The RRsets of these records as a view of the zone; see `ZoneContents`. */
export function collectRRsets(
  origin: Name,
  records: Iterable<ZoneRecord>,
  report?: (finding: Finding) => void,
): ZoneContents {
  const zone = new ZoneContents(origin);
  for (const record of records) zone.add(cursorOf(record));
  if (report !== undefined) for (const _ of zone.reportTtls(report));
  return zone;
}

function cursorOf({ owner, ttl, rrtype, rdata, line }: ZoneRecord): RecordCursor {
  const lengths = { ownerLength: owner.length, rdataLength: rdata.length };
  return { owner, ttl, rrtype, rdata, line, ...lengths };
}
