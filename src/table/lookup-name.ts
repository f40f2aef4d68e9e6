/** A name on its way into the table: folded, cut into labels and hashed by suffix, without allocation. */
import { LOWER_CASE } from "../wire/name.ts";

const LABEL_LENGTH_MAX = 63;
/** Octets that a name may have before its root label. */
const LABELS_LENGTH_MAX = 254;

/**
 * A name being looked up: its canonical bytes, where its labels start, and the hash of every suffix. One object
 * is filled again and again, so that a query allocates nothing.
 *
 * The hash is keyed by the table's random seed, the multiplier too, so that who chooses names can't choose
 * collisions. A suffix's hash is mixed from its parent's hash and its first label's.
 */
export class LookupName {
  /** Canonical wire form; `length` octets are valid. */
  readonly bytes: Uint8Array = new Uint8Array(256);
  length = 0;
  /** Labels without the root label. */
  labels = 0;
  /** `offsets[i]` is where label i starts, 0 the leftmost; `offsets[labels]` is the root label. */
  readonly offsets: Uint8Array = new Uint8Array(128);
  /** `hashes[i]` is the table's hash of the suffix that starts at label i. */
  readonly hashes: Uint32Array = new Uint32Array(128);
  readonly seed: number;
  readonly #multiplier: number;

  constructor(seed: number) {
    this.seed = seed | 0;
    this.#multiplier = hashMultiplier(seed);
  }

  /**
   * Takes the uncompressed name at `offset` (mixed case welcome) and folds it. Returns its octets, or 0 when it is
   * malformed, compressed or runs past `end`; then the object holds nothing of use.
   */
  read(bytes: Uint8Array, offset: number, end: number): number {
    const own = this.bytes;
    const multiplier = this.#multiplier;
    let from = offset;
    let to = 0;
    let labels = 0;
    for (;;) {
      if (from >= end) return 0;
      const length = bytes[from++]!;
      if (length === 0) break;
      const stop = from + length;
      if (length > LABEL_LENGTH_MAX || to + length >= LABELS_LENGTH_MAX || stop >= end) return 0;
      this.offsets[labels] = to;
      own[to++] = length;
      let hash = length;
      while (from < stop) {
        const octet = LOWER_CASE[bytes[from++]!]!;
        own[to++] = octet;
        hash = Math.imul(hash ^ octet, multiplier);
      }
      this.hashes[labels++] = hash;
    }
    own[to] = 0;
    this.offsets[labels] = to;
    this.length = to + 1;
    this.labels = labels;
    this.hashes[labels] = this.seed;
    this.#mixSuffixes(labels);
    return to + 1;
  }

  /**
   * Takes the labels in `bytes` from `from` to `end`, folded and whole already, in front of `origin`, a name of the
   * same seed. The whole is a name.
   */
  readBelow(bytes: Uint8Array, from: number, end: number, origin: LookupName): void {
    const own = this.bytes;
    const multiplier = this.#multiplier;
    let to = 0;
    let labels = 0;
    for (let at = from; at < end; ) {
      const length = bytes[at++]!;
      this.offsets[labels] = to;
      own[to++] = length;
      let hash = length;
      for (const stop = at + length; at < stop; ) {
        const octet = bytes[at++]!;
        own[to++] = octet;
        hash = Math.imul(hash ^ octet, multiplier);
      }
      this.hashes[labels++] = hash;
    }
    for (let label = 0; label <= origin.labels; label++) {
      this.offsets[labels + label] = to + origin.offsets[label]!;
      this.hashes[labels + label] = origin.hashes[label]!;
    }
    for (let at = 0; at < origin.length; at++) own[to++] = origin.bytes[at]!;
    this.length = to;
    this.labels = labels + origin.labels;
    this.#mixSuffixes(labels);
  }

  /** The hash of `*.` and the suffix at `label`. */
  wildcardHash(label: number): number {
    const star = Math.imul(1 ^ 0x2a, this.#multiplier);
    return mixHashes(this.hashes[label]! | 0, star, this.#multiplier);
  }

  /** From hashes of the first labels to hashes of suffixes; that of the suffix behind them is there. */
  #mixSuffixes(labels: number): void {
    const hashes = this.hashes;
    const multiplier = this.#multiplier;
    let hash = hashes[labels]! | 0;
    for (let label = labels - 1; label >= 0; label--) {
      // As a signed number it needs no allocation on its way.
      hash = mixHashes(hash, hashes[label]! | 0, multiplier);
      hashes[label] = hash;
    }
  }
}

function mixHashes(parent: number, label: number, multiplier: number): number {
  let hash = Math.imul(((parent << 5) | (parent >>> 27)) + label, multiplier);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** An odd multiplier whose low bits spread (5 mod 8), from all bits of the seed. */
function hashMultiplier(seed: number): number {
  let mixed = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x297a2d39);
  return ((mixed ^ (mixed >>> 15)) & ~7) | 5;
}
