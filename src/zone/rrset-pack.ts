/**
 * Many RRsets of one zone in one piece of memory: how whole zones go from file to store and from store to table,
 * without an object for each RRset.
 *
 *     pack     RRset, RRset, …
 *     RRset    octets of the relative owner u8 ┊ relative owner ┊ rrtype u16 ┊ body
 *     body     ttl u32 ┊ RRs u16 ┊ { length u16 ┊ rdata } per RR, in canonical order
 *
 * The relative owner is the labels below the origin, as on the wire: none for the apex.
 */
import { assert } from "../base/assert.ts";
import { compareBytes } from "../base/bytes.ts";
import { Limits } from "../base/limits.ts";
import { isSubdomain, LOWER_CASE, type Name } from "../wire/name.ts";
import type { RRset } from "./rrset.ts";

/** Octets after which a pack ends: a thousand short RRsets, a fraction of a millisecond to read. */
export const PACK_LENGTH = 32_768;
/** Octets of a body before its first RR: ttl, number of RRs. */
export const BODY_HEAD = 4 + 2;
/** Octets of an RRset beside its owner and body: owner length, rrtype. */
const FRAME = 1 + 2;

export class RRsetPack implements Iterable<RRset> {
  readonly origin: Name;
  readonly bytes: Uint8Array;

  /** `bytes` are RRsets, whole and valid: see `findFlaw` for those of doubtful origin. */
  constructor(origin: Name, bytes: Uint8Array) {
    this.origin = origin;
    this.bytes = bytes;
  }

  *[Symbol.iterator](): Generator<RRset, void, undefined> {
    const cursor = new PackCursor(this);
    while (cursor.next()) yield cursor.rrset();
  }
}

/** Goes from RRset to RRset; its fields are offsets into `bytes`. */
export class PackCursor {
  readonly bytes: Uint8Array;
  readonly #origin: Name;
  /** The relative owner. */
  owner = 0;
  ownerLength = 0;
  rrtype = 0;
  body = 0;
  /** After the body. */
  end = 0;

  constructor({ origin, bytes }: RRsetPack) {
    this.#origin = origin;
    this.bytes = bytes;
  }

  /** Where the RRset begins. */
  get start(): number {
    return this.owner - 1;
  }

  /** RRs of it. */
  get count(): number {
    return u16(this.bytes, this.body + 4);
  }

  next(): boolean {
    if (this.end >= this.bytes.length) return false;
    this.seek(this.end);
    return true;
  }

  /** Goes to the RRset that begins at `at`. */
  seek(at: number): void {
    const { bytes } = this;
    this.ownerLength = bytes[at] as number;
    this.owner = at + 1;
    this.body = this.owner + this.ownerLength + 2;
    this.rrtype = u16(bytes, this.body - 2);
    let end = this.body + BODY_HEAD;
    for (let left = this.count; left > 0; left--) end += 2 + u16(bytes, end);
    this.end = end;
  }

  rrset(): RRset {
    const { bytes, body } = this;
    const rdatas: Uint8Array[] = [];
    for (let at = body + BODY_HEAD; at < this.end; ) {
      const after = at + 2 + u16(bytes, at);
      rdatas.push(copy(bytes, at + 2, after));
      at = after;
    }
    const owner = new Uint8Array(this.ownerLength + this.#origin.length);
    owner.set(bytes.subarray(this.owner, this.owner + this.ownerLength));
    owner.set(this.#origin, this.ownerLength);
    return { owner: owner as Name, rrtype: this.rrtype, ttl: u32(bytes, body), rdatas };
  }
}

/** RRsets that can be had in packs as well, each once. */
export interface PackedRRsets extends Iterable<RRset> {
  /** A pack is good until the next one is asked for: big zones go through the same memory again and again. */
  packs(): Iterable<RRsetPack>;
  /** As `packs`, by who is the last to need them: memory goes back on the way, and nothing can be had afterwards. */
  lastPacks?(): Iterable<RRsetPack>;
}

/** The same for who may wait: others have their turns between packs. */
export interface PacksInTurns extends AsyncIterable<RRset> {
  packs(): AsyncIterable<RRsetPack>;
}

export function isPacked(rrsets: Iterable<RRset>): rrsets is PackedRRsets;
export function isPacked(rrsets: object): rrsets is PackedRRsets | PacksInTurns;
export function isPacked(rrsets: object): boolean {
  return "packs" in rrsets;
}

/** What is wrong with octets that should be a pack, and where; `undefined` when nothing is. */
export function findFlaw(bytes: Uint8Array, origin: Name): string | undefined {
  for (let at = 0; at < bytes.length; ) {
    const end = rrsetEnd(bytes, at, bytes.length, origin);
    if (typeof end === "string") return `the RRset at ${at}: ${end}`;
    at = end;
  }
  return undefined;
}

/** Where the RRset at `at` ends, before or at `limit`; or what is wrong with it. */
function rrsetEnd(bytes: Uint8Array, at: number, limit: number, origin: Name): number | string {
  const body = at + 1 + (bytes[at] as number) + 2;
  if (body + BODY_HEAD > limit) return "its owner is too long";
  const flaw = findOwnerFlaw(bytes, at + 1, body - 2, origin);
  if (flaw !== undefined) return flaw;
  return bodyEnd(bytes, body, limit) || "its ttl, its length or the order of its RRs is wrong";
}

function findOwnerFlaw(
  bytes: Uint8Array,
  start: number,
  end: number,
  origin: Name,
): string | undefined {
  if (end - start > Limits.nameLength - origin.length) return "its owner is too long";
  for (let label = start; label < end; ) {
    const length = bytes[label] as number;
    const after = label + 1 + length;
    if (length === 0 || length > Limits.labelLength || after > end) return "its owner is no name";
    for (label++; label < after; label++) {
      const octet = bytes[label] as number;
      if (LOWER_CASE[octet] !== octet) return "its owner is not in lower case";
    }
  }
  return undefined;
}

/** Where the body ends; 0 when it is none. Its head is there. */
function bodyEnd(bytes: Uint8Array, body: number, limit: number): number {
  const count = u16(bytes, body + 4);
  if (u32(bytes, body) > Limits.ttl || count === 0) return 0;
  let at = body + BODY_HEAD;
  for (let index = 0, previous = 0; index < count; index++) {
    if (at + 2 > limit) return 0;
    const end = at + 2 + u16(bytes, at);
    if (end > limit) return 0;
    if (index > 0 && !isBefore(bytes, previous, at, end)) return 0;
    previous = at;
    at = end;
  }
  return at;
}

/** Whether the rdata at `first`, which ends at `second`, comes before the one that follows it. */
function isBefore(bytes: Uint8Array, first: number, second: number, end: number): boolean {
  return compareBytes(bytes.subarray(first + 2, second), bytes.subarray(second + 2, end)) < 0;
}

/** Puts RRsets one after the other; `take` ends a pack. */
export class PackWriter {
  readonly #origin: Name;
  #bytes = new Uint8Array(PACK_LENGTH + 4096);
  #end = 0;

  constructor(origin: Name) {
    this.#origin = origin;
  }

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  /** Enough for one pack. */
  get isFull(): boolean {
    return this.#end >= PACK_LENGTH;
  }

  add({ owner, rrtype, ttl, rdatas }: RRset): void {
    assert(isSubdomain(owner, this.#origin), "an owner lies in its zone");
    this.begin(owner, 0, owner.length - this.#origin.length, rrtype);
    let length = BODY_HEAD;
    for (const rdata of rdatas) length += 2 + rdata.length;
    this.#reserve(length);
    this.#u32(ttl);
    this.#u16(rdatas.length);
    for (const rdata of rdatas) this.#put(rdata, 0, rdata.length);
  }

  /** An RRset of one RR, whose rdata are `bytes` from `start` to `end`; its owner was given to `begin`. */
  addOne(ttl: number, bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(BODY_HEAD + 2 + end - start);
    this.#u32(ttl);
    this.#u16(1);
    this.#put(bytes, start, end);
  }

  /** The relative owner, `bytes` from `start` to `end`, and the rrtype. A body follows. */
  begin(bytes: Uint8Array, start: number, end: number, rrtype: number): void {
    this.#reserve(FRAME + end - start);
    this.#bytes[this.#end++] = end - start;
    this.#copy(bytes, start, end);
    this.#u16(rrtype);
  }

  /**
   * An RRset as stores keep it apart: `key`, from `keyStart`, is its relative owner and rrtype; `value`, from
   * `valueStart`, its body. False, with nothing added, when they are not exactly that.
   */
  addRecord(key: Uint8Array, keyStart: number, value: Uint8Array, valueStart: number): boolean {
    const start = this.#end;
    const ownerEnd = key.length - 2;
    if (ownerEnd < keyStart || ownerEnd - keyStart > Limits.nameLength) return false;
    this.begin(key, keyStart, ownerEnd, u16(key, ownerEnd));
    this.#reserve(value.length);
    this.#copy(value, valueStart, value.length);
    if (rrsetEnd(this.#bytes, start, this.#end, this.#origin) === this.#end) return true;
    this.#end = start;
    return false;
  }

  /** An RRset of another pack of the zone, as it lies there. */
  addPacked(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.#copy(bytes, start, end);
  }

  /** What was added since the last time, at least one RRset. */
  take(): RRsetPack {
    const { bytes } = this.lend();
    return new RRsetPack(this.#origin, bytes.slice());
  }

  /** As `take`, without a copy: the pack is good until the next RRset is added. */
  lend(): RRsetPack {
    assert(!this.isEmpty, "a pack has an RRset");
    const bytes = this.#bytes.subarray(0, this.#end);
    this.#end = 0;
    return new RRsetPack(this.#origin, bytes);
  }

  #put(rdata: Uint8Array, start: number, end: number): void {
    this.#u16(end - start);
    this.#copy(rdata, start, end);
  }

  #u16(value: number): void {
    this.#bytes[this.#end++] = value >>> 8;
    this.#bytes[this.#end++] = value;
  }

  #u32(value: number): void {
    this.#u16(value >>> 16);
    this.#u16(value);
  }

  #copy(bytes: Uint8Array, start: number, end: number): void {
    const own = this.#bytes;
    let to = this.#end;
    for (let at = start; at < end; at++) own[to++] = bytes[at] as number;
    this.#end = to;
  }

  #reserve(length: number): void {
    const needed = this.#end + length;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * needed);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** RRsets, or packs of them already, as packs. */
export function* packRRsets(origin: Name, rrsets: Iterable<RRset>): Generator<RRsetPack> {
  const writer = new PackWriter(origin);
  for (const rrset of rrsets) {
    writer.add(rrset);
    if (writer.isFull) yield writer.take();
  }
  if (!writer.isEmpty) yield writer.take();
}

function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copied = new Uint8Array(end - start);
  for (let at = start; at < end; at++) copied[at - start] = bytes[at] as number;
  return copied;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);
}
