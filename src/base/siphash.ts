/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a short keyed hash that nobody can foresee without the key. In halves
 * of 32 bits, because 64-bit integers would be allocated.
 */

export const SIPHASH_KEY_LENGTH = 16;

/** "somepseudorandomlygeneratedbytes", as the state has it: v0 to v3, low halves first. */
const CONSTANTS = [
  0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462,
];

export class SipHash {
  readonly #start: Int32Array;
  /** Words of the last block, the length included. */
  readonly #last = new Int32Array(2);
  /** What the last `hash` came to: the low half, the high half. */
  readonly digest: Int32Array = new Int32Array(2);

  constructor(key: Uint8Array) {
    if (key.length !== SIPHASH_KEY_LENGTH) throw new RangeError("a SipHash key has 16 octets");
    // v0 and v2 take the first half of the key, v1 and v3 the second.
    this.#start = Int32Array.from(
      CONSTANTS,
      (constant, at) => constant ^ wordAt(key, (at & 3) * 4),
    );
  }

  /** Hashes `bytes[0, length)` into `digest`. Allocates nothing. */
  hash(bytes: Uint8Array, length: number): void {
    const whole = length & ~7;
    let low = 0;
    let high = length << 24;
    for (let at = whole; at < length; at++) {
      const octet = bytes[at]! << ((at & 3) * 8);
      if (at - whole < 4) low |= octet;
      else high |= octet;
    }
    this.#last[0] = low;
    this.#last[1] = high;
    mix(this.#start, bytes, whole, this.#last, this.digest);
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/**
 * Two rounds for each block and four at the end; the state never leaves the registers. A round is 64-bit additions,
 * rotations and exclusive ors, each in two halves.
 */
function mix(
  start: Int32Array,
  bytes: Uint8Array,
  whole: number,
  last: Int32Array,
  digest: Int32Array,
): void {
  let v0l = start[0]!;
  let v0h = start[1]!;
  let v1l = start[2]!;
  let v1h = start[3]!;
  let v2l = start[4]!;
  let v2h = start[5]!;
  let v3l = start[6]!;
  let v3h = start[7]!;
  for (let at = 0; at <= whole + 8; at += 8) {
    const low = at < whole ? wordAt(bytes, at) : at === whole ? last[0]! : 0;
    const high = at < whole ? wordAt(bytes, at + 4) : at === whole ? last[1]! : 0;
    v3l ^= low;
    v3h ^= high;
    if (at > whole) v2l ^= 0xff;
    for (let rounds = at > whole ? 4 : 2; rounds > 0; rounds--) {
      v0l = (v0l + v1l) | 0;
      v0h = (v0h + v1h + (v0l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0;
      v2l = (v2l + v3l) | 0;
      v2h = (v2h + v3h + (v2l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0;
      let half = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = half;
      half = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = half;
      // v0, rotated by 32 bits, += v3.
      half = v0l;
      v0l = (v0h + v3l) | 0;
      v0h = (half + v3h + (v0l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0;
      v2l = (v2l + v1l) | 0;
      v2h = (v2h + v1h + (v2l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0;
      half = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = half;
      half = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = half;
      half = v2l;
      v2l = v2h;
      v2h = half;
    }
    v0l ^= low;
    v0h ^= high;
  }
  digest[0] = v0l ^ v1l ^ v2l ^ v3l;
  digest[1] = v0h ^ v1h ^ v2h ^ v3h;
}
