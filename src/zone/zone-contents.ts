/**
 * Records in any order put together into RRsets: what a zone file holds, before it is anywhere else. Made for millions
 * of names: everything lies in a few large arrays, about 60 octets a record with a short name, and RRsets are made when
 * they are asked for.
 *
 *     octets   …│owner length u8, relative owner│rdata length u16, rdata│rdata length u16, rdata│…
 *     owners    columns: octets offset, first record, last record, hash      ◄── slots (open addressing)
 *     records   columns: octets offset, rrtype, ttl, line, next record of the owner
 */
import { randomBytes } from "node:crypto";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, isSubdomain, type Name } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import { makeRRset, type RRset } from "./rrset.ts";
import { PackWriter, type RRsetPack } from "./rrset-pack.ts";
import { type Finding, isSubjectToChecks, RRS_UNCHECKED, RRSET_UNCHECKED } from "./zone-checks.ts";
import type { ZoneRecord } from "./zone-file.ts";
import type { ZoneView } from "./zone-view.ts";

const NONE = 0xffff_ffff;
/** Offsets have 32 bits. */
const OCTETS_MAX = 0xffff_ffff;

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

/** A column that grows by doubling. */
class Column {
  #cells = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#cells.length) {
      const cells = new Uint32Array(2 * this.length);
      cells.set(this.#cells);
      this.#cells = cells;
    }
    this.#cells[this.length++] = value;
  }

  at(row: number): number {
    return this.#cells[row] as number;
  }

  set(row: number, value: number): void {
    this.#cells[row] = value;
  }
}

/** What was collected; RRsets in the order in which their first records came. */
export class ZoneContents implements ZoneView {
  readonly origin: Name;
  readonly #octetsMax: number;
  #octets = new Uint8Array(65_536);
  #octetsLength = 0;
  #slots = new Uint32Array(4096).fill(NONE);
  readonly #owner = {
    offset: new Column(),
    first: new Column(),
    last: new Column(),
    hash: new Column(),
  };
  readonly #record = {
    offset: new Column(),
    rrtype: new Column(),
    ttl: new Column(),
    line: new Column(),
    next: new Column(),
  };
  /** There is a delegation or a DNAME, so that what is below it is hidden. */
  #hasTops = false;

  constructor(origin: Name, octetsMax = OCTETS_MAX) {
    this.origin = origin;
    this.#octetsMax = octetsMax;
  }

  /** Records, duplicates counted. */
  get recordCount(): number {
    return this.#record.offset.length;
  }

  get ownerCount(): number {
    return this.#owner.offset.length;
  }

  rrset(owner: Name, rrtype: number): RRset | undefined {
    return this.rrsets(owner).find((rrset) => rrset.rrtype === rrtype);
  }

  rrsets(owner: Name): readonly RRset[] {
    if (!isSubdomain(owner, this.origin)) return [];
    const length = owner.length - this.origin.length;
    const row = this.#slots[this.#slot(owner, length, hashOctets(owner, length))] as number;
    return row === NONE ? [] : this.#ownerRRsets(row);
  }

  *owners(): Iterable<Name> {
    for (let row = 0; row < this.ownerCount; row++) yield this.#ownerName(row);
  }

  /** Owners that `checkZone` can find anything at (of a million plain hosts, none); `undefined` after each slice. */
  *ownersToCheck(): Iterable<Name | undefined> {
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
    for (let row = 0; row < this.ownerCount; row++) yield* this.#ownerRRsets(row);
  }

  /** Every RRset once, in packs that are good until the next one is asked for. */
  *packs(): Generator<RRsetPack, void, undefined> {
    const writer = new PackWriter(this.origin);
    for (let row = 0; row < this.ownerCount; row++) {
      const first = this.#owner.first.at(row);
      if (first === this.#owner.last.at(row)) this.#pack(row, first, writer);
      else for (const rrset of this.#ownerRRsets(row)) writer.add(rrset);
      if (writer.isFull) yield writer.lend();
    }
    if (!writer.isEmpty) yield writer.lend();
  }

  /** The owner lies in the zone. Throws `limit` for more than fits. */
  add(record: RecordCursor): void {
    const { owner, rrtype } = record;
    const length = record.ownerLength - this.origin.length;
    const row = this.#ownerRow(owner, length);
    const at = this.#record.offset.length;
    this.#record.offset.push(this.#store(record.rdata, record.rdataLength, 2));
    this.#record.rrtype.push(rrtype);
    this.#record.ttl.push(record.ttl);
    this.#record.line.push(record.line);
    this.#record.next.push(NONE);
    if (this.#owner.first.at(row) === NONE) this.#owner.first.set(row, at);
    else this.#record.next.set(this.#owner.last.at(row), at);
    this.#owner.last.set(row, at);
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
      if (this.#owner.first.at(row) === this.#owner.last.at(row)) continue;
      for (const [rrtype, rows] of this.#recordsByType(row))
        this.#reportTtl(row, rrtype, rows, report);
    }
  }

  #recordsOf(row: number): number {
    let count = 0;
    for (let at = this.#owner.first.at(row); at !== NONE; at = this.#record.next.at(at)) count++;
    return count;
  }

  /** The row of this owner, made when it is new. */
  #ownerRow(owner: Uint8Array, length: number): number {
    const last = this.ownerCount - 1;
    if (last >= 0 && this.#isOwner(last, owner, length)) return last;
    const hash = hashOctets(owner, length);
    const slot = this.#slot(owner, length, hash);
    const known = this.#slots[slot] as number;
    if (known !== NONE) return known;
    const row = this.ownerCount;
    this.#slots[slot] = row;
    this.#owner.offset.push(this.#store(owner, length, 1));
    this.#owner.first.push(NONE);
    this.#owner.last.push(NONE);
    this.#owner.hash.push(hash);
    if (4 * this.ownerCount > 3 * this.#slots.length) for (const _ of this.#growSlots());
    return row;
  }

  /** The slot of the owner, or the free one where it would be. */
  #slot(owner: Uint8Array, length: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] as number;
      if (row === NONE) return slot;
      if (this.#owner.hash.at(row) === hash && this.#isOwner(row, owner, length)) return slot;
    }
  }

  #isOwner(row: number, owner: Uint8Array, length: number): boolean {
    const octets = this.#octets;
    const offset = this.#owner.offset.at(row);
    if (octets[offset] !== length) return false;
    for (let at = length - 1; at >= 0; at--) {
      if (octets[offset + 1 + at] !== owner[at]) return false;
    }
    return true;
  }

  *#growSlots(): Generator<void, void, undefined> {
    const slots = new Uint32Array(2 * this.#slots.length).fill(NONE);
    const mask = slots.length - 1;
    for (let row = 0; row < this.ownerCount; row++) {
      if (row % Limits.zoneSlice === Limits.zoneSlice - 1) yield;
      let slot = this.#owner.hash.at(row) & mask;
      while (slots[slot] !== NONE) slot = (slot + 1) & mask;
      slots[slot] = row;
    }
    this.#slots = slots;
  }

  /** Keeps octets behind their length, which takes one or two. */
  #store(octets: Uint8Array, length: number, lengthOctets: 1 | 2): number {
    const offset = this.#octetsLength;
    let to = offset;
    this.#reserve(offset + lengthOctets + length);
    const own = this.#octets;
    if (lengthOctets === 2) own[to++] = length >>> 8;
    own[to++] = length;
    for (let at = 0; at < length; at++) own[to++] = octets[at] as number;
    this.#octetsLength = to;
    return offset;
  }

  #reserve(length: number): void {
    const most = this.#octetsMax;
    if (length > most) {
      const problem = `the zone has more than ${most} octets of owners and rdata`;
      throw new WindhoverError(ErrorCode.limit, `${problem}: delegate parts of it to other zones`);
    }
    if (length <= this.#octets.length) return;
    const octets = new Uint8Array(Math.min(most, Math.max(length, 2 * this.#octets.length)));
    octets.set(this.#octets);
    this.#octets = octets;
  }

  /** Whether there is more in the owner than small RRsets of plain types. */
  #isToCheck(row: number): boolean {
    let records = 0;
    let octets = 0;
    for (let at = this.#owner.first.at(row); at !== NONE; at = this.#record.next.at(at)) {
      if (isSubjectToChecks(this.#record.rrtype.at(at))) return true;
      records++;
      octets += 2 + this.#rdataLength(at);
    }
    return records > RRS_UNCHECKED || octets > RRSET_UNCHECKED;
  }

  /** Whether there is a name between the owner and the origin. */
  #isDeep(row: number): boolean {
    const offset = this.#owner.offset.at(row);
    const length = this.#octets[offset] as number;
    return length > 0 && (this.#octets[offset + 1] as number) + 1 < length;
  }

  #pack(row: number, record: number, writer: PackWriter): void {
    const octets = this.#octets;
    const owner = this.#owner.offset.at(row) + 1;
    const rdata = this.#record.offset.at(record) + 2;
    writer.begin(
      octets,
      owner,
      owner + (octets[owner - 1] as number),
      this.#record.rrtype.at(record),
    );
    writer.addOne(this.#record.ttl.at(record), octets, rdata, rdata + this.#rdataLength(record));
  }

  #ownerName(row: number): Name {
    const offset = this.#owner.offset.at(row);
    const length = this.#octets[offset] as number;
    const owner = new Uint8Array(length + this.origin.length);
    owner.set(this.#octets.subarray(offset + 1, offset + 1 + length));
    owner.set(this.origin, length);
    return owner as Name;
  }

  #rdataLength(record: number): number {
    const offset = this.#record.offset.at(record);
    return ((this.#octets[offset] as number) << 8) | (this.#octets[offset + 1] as number);
  }

  #rdata(record: number): Uint8Array {
    const start = this.#record.offset.at(record) + 2;
    return this.#octets.slice(start, start + this.#rdataLength(record));
  }

  #ownerRRsets(row: number): RRset[] {
    const owner = this.#ownerName(row);
    const rrsets: RRset[] = [];
    for (const [rrtype, records] of this.#recordsByType(row)) {
      const ttl = this.#record.ttl.at(records[0] as number);
      const rdatas = records.map((record) => this.#rdata(record));
      rrsets.push(makeRRset(owner, rrtype, ttl, rdatas));
    }
    return rrsets;
  }

  /** The owner's records by rrtype, each in the order of the file. */
  #recordsByType(row: number): Map<number, number[]> {
    const byType = new Map<number, number[]>();
    for (let at = this.#owner.first.at(row); at !== NONE; at = this.#record.next.at(at)) {
      const rrtype = this.#record.rrtype.at(at);
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
    const ttl = this.#record.ttl.at(records[0] as number);
    const other = records.find((record) => this.#record.ttl.at(record) !== ttl);
    if (other === undefined) return;
    const owner = this.#ownerName(row);
    const line = this.#record.line.at(other);
    const what = `${formatName(owner)} ${typeName(rrtype)}`;
    const message = `${what}: TTL ${this.#record.ttl.at(other)} in line ${line} is not the ${ttl} of the RRs before; ${ttl} holds for all`;
    report({ severity: "warning", check: "ttl-differs", owner, message });
  }
}

/** Of no one's choosing, so that who writes names cannot choose collisions. */
const [HASH_SEED, MULTIPLIER] = makeHash(randomBytes(8));

function makeHash(random: Buffer): [seed: number, multiplier: number] {
  return [random.readInt32LE(0), (random.readInt32LE(4) & ~7) | 5];
}

function hashOctets(octets: Uint8Array, length: number): number {
  let hash = HASH_SEED;
  for (let at = 0; at < length; at++) {
    hash = Math.imul(hash ^ (octets[at] as number), MULTIPLIER);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
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
