/** Chance that can be had again: the same seed and case give the same octets on every machine. */

export class Random {
  #state: number;

  /** Each case of a run has chance of its own, so that one can be played again without those before it. */
  constructor(seed: number, index = 0) {
    this.#state = (Math.imul(seed | 0, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b)) | 0;
    for (let warm = 0; warm < 4; warm++) this.u32();
  }

  /** Mulberry32: small, fast, and good enough to spoil packets with. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 to `bound` − 1; 0 when nothing is below the bound. */
  below(bound: number): number {
    return bound <= 0 ? 0 : this.u32() % bound;
  }

  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error("there is nothing to pick from");
    return from[this.below(from.length)] as T;
  }

  octets(length: number): Uint8Array {
    const octets = new Uint8Array(length);
    for (let at = 0; at < length; at++) octets[at] = this.u32() >>> 24;
    return octets;
  }
}

/** A seed from octets, for choices that must depend on the input alone (FNV-1a). */
export function seedOf(octets: Uint8Array): number {
  let hash = 0x811c_9dc5;
  for (const octet of octets) hash = Math.imul(hash ^ octet, 0x0100_0193);
  return hash >>> 0;
}
