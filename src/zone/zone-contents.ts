/**
 * Records in any order put together into RRsets: what a zone file holds, before it is anywhere else. Made for a million
 * names: everything lies in a few large arrays, about 60 octets a record with a short name, and RRsets are made when
 * they are asked for.
 *
 *     octets   …│owner│rdata length, rdata│rdata length, rdata│owner│…
 *     owners    columns: octets offset, first record, last record, hash      ◄── slots (open addressing)
 *     records   columns: octets offset, rrtype, ttl, line, next record of the owner
 */
import { equalBytes } from "../base/bytes.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { formatName, type Name, wireNameLength } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import { makeRRset, type RRset } from "./rrset.ts";
import type { Finding } from "./zone-checks.ts";
import type { ZoneRecord } from "./zone-file.ts";
import type { ZoneView } from "./zone-view.ts";

const NONE = 0xffff_ffff;
/** Offsets have 32 bits. */
const OCTETS_MAX = 0xffff_ffff;

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

/** What was collected; RRsets in the order in which their first records came. Nothing can be added after. */
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

  /** Takes all records; of the TTLs in one RRset the first holds (RFC 2181 §5.2), the others are reported. */
  constructor(
    origin: Name,
    records: Iterable<ZoneRecord>,
    report?: (finding: Finding) => void,
    octetsMax = OCTETS_MAX,
  ) {
    this.origin = origin;
    this.#octetsMax = octetsMax;
    for (const record of records) this.#add(record);
    if (report !== undefined) this.#reportTtls(report);
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
    const row = this.#slots[this.#slot(owner, hashOctets(owner))] as number;
    return row === NONE ? [] : this.#ownerRRsets(row);
  }

  *owners(): Iterable<Name> {
    for (let row = 0; row < this.ownerCount; row++) yield this.#ownerName(row);
  }

  /** Every RRset once. */
  *[Symbol.iterator](): Generator<RRset, void, undefined> {
    for (let row = 0; row < this.ownerCount; row++) yield* this.#ownerRRsets(row);
  }

  #add(record: ZoneRecord): void {
    const row = this.#ownerRow(record.owner);
    const at = this.#record.offset.length;
    this.#record.offset.push(this.#store(record.rdata, true));
    this.#record.rrtype.push(record.rrtype);
    this.#record.ttl.push(record.ttl);
    this.#record.line.push(record.line);
    this.#record.next.push(NONE);
    if (this.#owner.first.at(row) === NONE) this.#owner.first.set(row, at);
    else this.#record.next.set(this.#owner.last.at(row), at);
    this.#owner.last.set(row, at);
  }

  /** The row of this owner, made when it is new. */
  #ownerRow(owner: Name): number {
    const hash = hashOctets(owner);
    const slot = this.#slot(owner, hash);
    const known = this.#slots[slot] as number;
    if (known !== NONE) return known;
    const row = this.ownerCount;
    this.#slots[slot] = row;
    this.#owner.offset.push(this.#store(owner, false));
    this.#owner.first.push(NONE);
    this.#owner.last.push(NONE);
    this.#owner.hash.push(hash);
    if (2 * this.ownerCount > this.#slots.length) this.#growSlots();
    return row;
  }

  /** The slot of the owner, or the free one where it would be. */
  #slot(owner: Name, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] as number;
      if (row === NONE) return slot;
      if (this.#owner.hash.at(row) === hash && this.#isOwner(row, owner)) return slot;
    }
  }

  #isOwner(row: number, owner: Name): boolean {
    const offset = this.#owner.offset.at(row);
    return equalBytes(this.#octets.subarray(offset, offset + owner.length), owner);
  }

  #growSlots(): void {
    const slots = new Uint32Array(2 * this.#slots.length).fill(NONE);
    const mask = slots.length - 1;
    for (let row = 0; row < this.ownerCount; row++) {
      let slot = this.#owner.hash.at(row) & mask;
      while (slots[slot] !== NONE) slot = (slot + 1) & mask;
      slots[slot] = row;
    }
    this.#slots = slots;
  }

  /** Keeps octets, with their length before them when they do not know their end. */
  #store(octets: Uint8Array, isCounted: boolean): number {
    const offset = this.#octetsLength;
    const length = octets.length + (isCounted ? 2 : 0);
    this.#reserve(offset + length);
    if (isCounted) {
      this.#octets[offset] = octets.length >>> 8;
      this.#octets[offset + 1] = octets.length;
    }
    const start = offset + length - octets.length;
    for (let at = 0; at < octets.length; at++) this.#octets[start + at] = octets[at] as number;
    this.#octetsLength = offset + length;
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

  #ownerName(row: number): Name {
    const offset = this.#owner.offset.at(row);
    const length = wireNameLength(this.#octets, offset);
    return this.#octets.slice(offset, offset + length) as Name;
  }

  #rdata(record: number): Uint8Array {
    const offset = this.#record.offset.at(record);
    const length = ((this.#octets[offset] as number) << 8) | (this.#octets[offset + 1] as number);
    return this.#octets.slice(offset + 2, offset + 2 + length);
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

  #reportTtls(report: (finding: Finding) => void): void {
    for (let row = 0; row < this.ownerCount; row++) {
      if (this.#owner.first.at(row) === this.#owner.last.at(row)) continue;
      for (const [rrtype, records] of this.#recordsByType(row))
        this.#reportTtl(row, rrtype, records, report);
    }
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

/** FNV-1a, 32 bits. */
function hashOctets(octets: Uint8Array): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < octets.length; at++) {
    hash = Math.imul(hash ^ (octets[at] as number), 0x0100_0193);
  }
  return hash >>> 0;
}

/** The RRsets of these records as a view of the zone; see `ZoneContents`. */
export function collectRRsets(
  origin: Name,
  records: Iterable<ZoneRecord>,
  report?: (finding: Finding) => void,
): ZoneContents {
  return new ZoneContents(origin, records, report);
}
