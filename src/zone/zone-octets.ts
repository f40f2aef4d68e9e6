/**
 * Owners and rdata one behind the other, each whole in a chunk and behind its head; they are found by offsets of 32 bits.
 * As with `ZoneRows`, chunks are let go from the front.
 *
 *     owner     length u8 ┊ octets
 *     rdata     rrtype u16 ┊ length u16 ┊ octets
 */
import { ErrorCode, WindhoverError } from "../base/errors.ts";

/** Octets of a chunk: as `ZoneRows` has it, and a thousand times the largest rdata, so that little is lost at its end. */
const CHUNK_BITS = 26;
export const CHUNK_LENGTH = 1 << CHUNK_BITS;
/** What a small zone has. */
const FIRST_LENGTH = 65_536;
/** Offsets have 32 bits. */
export const OCTETS_MAX = 0xffff_ffff;
export const OWNER_HEAD = 1;
export const RDATA_HEAD = 4;
const NO_OCTETS = new Uint8Array(0);

export class ZoneOctets {
  readonly #most: number;
  readonly #chunks: Uint8Array[] = [];
  /** The chunk that is being filled, the offset of its first octet, and as far as it is. */
  #last = NO_OCTETS;
  #base = 0;
  #end = 0;
  #gone = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Where it is kept. Throws `limit`. */
  addOwner(owner: Uint8Array, length: number): number {
    this.#reserve(OWNER_HEAD + length);
    const start = this.#end;
    this.#last[start] = length;
    this.#copy(start + OWNER_HEAD, owner, length);
    return this.#base + start;
  }

  /** Where it is kept. Throws `limit`. */
  addRdata(rrtype: number, rdata: Uint8Array, length: number): number {
    this.#reserve(RDATA_HEAD + length);
    const octets = this.#last;
    const start = this.#end;
    octets[start] = rrtype >>> 8;
    octets[start + 1] = rrtype;
    octets[start + 2] = length >>> 8;
    octets[start + 3] = length;
    this.#copy(start + RDATA_HEAD, rdata, length);
    return this.#base + start;
  }

  /** The octets at an offset lie in this chunk, from `placeIn` on. */
  chunk(offset: number): Uint8Array {
    return this.#chunks[offset >>> CHUNK_BITS] as Uint8Array;
  }

  /** Octets before this offset are not asked for any more; whether that lets chunks go. */
  letGo(offset: number): boolean {
    const index = offset >>> CHUNK_BITS;
    if (index === this.#gone) return false;
    this.#chunks.fill(NO_OCTETS, this.#gone, index);
    this.#gone = index;
    return true;
  }

  #copy(start: number, octets: Uint8Array, length: number): void {
    const own = this.#last;
    for (let at = 0; at < length; at++) own[start + at] = octets[at] as number;
    this.#end = start + length;
  }

  #reserve(length: number): void {
    if (this.#end + length > this.#last.length) this.#makeRoom(length);
  }

  /** Only the first chunk grows, and most zones have no other. */
  #makeRoom(length: number): void {
    const fits = this.#end + length <= CHUNK_LENGTH;
    const base = fits ? this.#base : this.#base + CHUNK_LENGTH;
    const end = fits ? this.#end + length : length;
    if (base + end > this.#most) throw tooMuch(this.#most);
    const wanted = fits ? Math.max(FIRST_LENGTH, 2 * this.#last.length, end) : CHUNK_LENGTH;
    const chunk = new Uint8Array(Math.min(wanted, CHUNK_LENGTH, this.#most - base));
    if (fits) chunk.set(this.#last);
    this.#chunks[base >>> CHUNK_BITS] = chunk;
    this.#last = chunk;
    this.#base = base;
    this.#end = end - length;
  }
}

/** Where the octets of an offset begin in their chunk. */
export function placeIn(offset: number): number {
  return offset & (CHUNK_LENGTH - 1);
}

function tooMuch(most: number): WindhoverError {
  const problem = `the zone has more than ${most} octets of owners and rdata`;
  return new WindhoverError(ErrorCode.limit, `${problem}: delegate parts of it to other zones`);
}
