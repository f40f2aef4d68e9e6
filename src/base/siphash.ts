/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a short keyed hash that nobody can foresee without the key. In halves
 * of 32 bits, because 64-bit integers would be allocated.
 */

export const SIPHASH_KEY_LENGTH = 16;

/** Where the halves of v0 to v3 stand in the state. */
const V0L = 0;
const V0H = 1;
const V1L = 2;
const V1H = 3;
const V2L = 4;
const V2H = 5;
const V3L = 6;
const V3H = 7;

/** "somepseudorandomlygeneratedbytes", as the state has it. */
const CONSTANTS = [
  0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462,
];

export class SipHash {
  readonly #start: Int32Array;
  readonly #state = new Int32Array(8);
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
    const state = this.#state;
    for (let half = V0L; half <= V3H; half++) state[half] = this.#start[half]!;
    const whole = length & ~7;
    for (let at = 0; at < whole; at += 8) {
      absorb(state, wordAt(bytes, at), wordAt(bytes, at + 4));
    }
    let low = 0;
    let high = length << 24;
    for (let at = whole; at < length; at++) {
      const octet = bytes[at]! << ((at & 3) * 8);
      if (at - whole < 4) low |= octet;
      else high |= octet;
    }
    absorb(state, low, high);
    state[V2L]! ^= 0xff;
    mix(state, 4);
    this.digest[0] = state[V0L]! ^ state[V1L]! ^ state[V2L]! ^ state[V3L]!;
    this.digest[1] = state[V0H]! ^ state[V1H]! ^ state[V2H]! ^ state[V3H]!;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function absorb(state: Int32Array, low: number, high: number): void {
  state[V3L]! ^= low;
  state[V3H]! ^= high;
  mix(state, 2);
  state[V0L]! ^= low;
  state[V0H]! ^= high;
}

/** SipRounds: 64-bit additions, rotations and exclusive ors, each in two halves. */
function mix(state: Int32Array, rounds: number): void {
  let [v0l, v0h, v1l, v1h] = [state[V0L]!, state[V0H]!, state[V1L]!, state[V1H]!];
  let [v2l, v2h, v3l, v3h] = [state[V2L]!, state[V2H]!, state[V3L]!, state[V3H]!];
  for (let left = rounds; left > 0; left--) {
    v0l = (v0l + v1l) | 0;
    v0h = (v0h + v1h + (v0l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0;
    v2l = (v2l + v3l) | 0;
    v2h = (v2h + v3h + (v2l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0;
    let high = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
    v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
    v1h = high;
    high = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
    v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
    v3h = high;
    // v0 rotated by 32 bits, then v0 += v3 and v2 += v1.
    const half = v0l;
    v0l = (v0h + v3l) | 0;
    v0h = (half + v3h + (v0l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0;
    v2l = (v2l + v1l) | 0;
    v2h = (v2h + v1h + (v2l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0;
    high = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
    v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
    v3h = high;
    high = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
    v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
    v1h = high;
    high = v2l;
    v2l = v2h;
    v2h = high;
  }
  state[V0L] = v0l;
  state[V0H] = v0h;
  state[V1L] = v1l;
  state[V1H] = v1h;
  state[V2L] = v2l;
  state[V2H] = v2h;
  state[V3L] = v3l;
  state[V3H] = v3h;
}
