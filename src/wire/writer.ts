/**
 * A cursor over a caller's buffer, for messages off the hot path: UPDATE responses, transfers, questions we send.
 * It never writes past its end, and can take back what it wrote since a mark, down to whole RRsets.
 *
 * Compression (RFC 1035 §4.1.4) keeps no copy of a name: a table of 512 chains holds the offset and hash of every
 * suffix written, and a candidate is compared with the message itself.
 */
import { LOWER_CASE, labelOffsets } from "./name.ts";

/** The message does not fit its buffer. Roll back to a mark, or give up. */
export class WriterFull extends Error {
  constructor() {
    super("the message does not fit its buffer");
    this.name = "WriterFull";
  }
}

/** A pointer has 14 bits. */
const POINTER_MAX = 0x3fff;
const POINTER_BITS = 0xc000;
const CHAINS = 512;
const NONE = -1;

export class MessageWriter {
  readonly #buffer: Uint8Array;
  readonly #end: number;
  /** The newest suffix of each chain, as an index of `#suffixes`. */
  #chains: Int16Array | undefined;
  /** Suffixes in the order they were written, so that a rollback drops a tail. */
  readonly #suffixes: { offset: number; hash: number; older: number }[] = [];
  offset: number;

  /** Writes from `offset` up to `end`; the start of `buffer` is the start of the message, where pointers count from. */
  constructor(buffer: Uint8Array, offset = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.offset = offset;
    this.#end = Math.min(end, buffer.length);
  }

  /** Octets that still fit. */
  get remaining(): number {
    return this.#end - this.offset;
  }

  u8(value: number): void {
    this.#buffer[this.#advance(1)] = value;
  }

  u16(value: number): void {
    const at = this.#advance(2);
    this.#buffer[at] = value >>> 8;
    this.#buffer[at + 1] = value;
  }

  u32(value: number): void {
    const at = this.#advance(4);
    this.#buffer[at] = value >>> 24;
    this.#buffer[at + 1] = value >>> 16;
    this.#buffer[at + 2] = value >>> 8;
    this.#buffer[at + 3] = value;
  }

  u48(value: number): void {
    if (this.remaining < 6) throw new WriterFull();
    this.u16(Math.floor(value / 0x1_0000_0000));
    this.u32(value % 0x1_0000_0000);
  }

  bytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#advance(bytes.length));
  }

  /** Writes `value` over the two octets at `offset`: a length or a count known only now. */
  patchU16(offset: number, value: number): void {
    this.#buffer[offset] = value >>> 8;
    this.#buffer[offset + 1] = value;
  }

  /** Writes an uncompressed wire-form name; with `compress`, ends it in a pointer where its suffix was written before. */
  name(name: Uint8Array, compress: boolean): void {
    if (!compress) {
      this.bytes(name);
      return;
    }
    const offsets = labelOffsets(name);
    const hashes = hashSuffixes(name, offsets);
    let known = 0;
    let pointer = NONE;
    for (; known < offsets.length; known++) {
      pointer = this.#find(name, offsets[known]!, hashes[known]!);
      if (pointer !== NONE) break;
    }
    const start = this.offset;
    const kept = pointer === NONE ? name.length : offsets[known]!;
    if (this.remaining < kept + (pointer === NONE ? 0 : 2)) throw new WriterFull();
    this.bytes(name.subarray(0, kept));
    if (pointer !== NONE) this.u16(POINTER_BITS | pointer);
    for (let label = 0; label < known; label++) {
      this.#remember(start + offsets[label]!, hashes[label]!);
    }
  }

  /** The place to come back to with `rollback`. */
  mark(): number {
    return this.offset;
  }

  /** Takes back everything written since the mark, and forgets the names in it. */
  rollback(mark: number): void {
    this.offset = mark;
    for (;;) {
      const last = this.#suffixes.at(-1);
      if (last === undefined || last.offset < mark) return;
      this.#suffixes.pop();
      this.#chains![last.hash % CHAINS] = last.older;
    }
  }

  /** Offset of a suffix in the message equal to the one of `name` at `from`, or NONE. */
  #find(name: Uint8Array, from: number, hash: number): number {
    if (this.#chains === undefined) return NONE;
    for (let at = this.#chains[hash % CHAINS]!; at !== NONE; ) {
      const suffix = this.#suffixes[at]!;
      if (suffix.hash === hash && this.#isEqual(name, from, suffix.offset)) return suffix.offset;
      at = suffix.older;
    }
    return NONE;
  }

  #remember(offset: number, hash: number): void {
    if (offset > POINTER_MAX) return;
    this.#chains ??= new Int16Array(CHAINS).fill(NONE);
    const chain = hash % CHAINS;
    this.#suffixes.push({ offset, hash, older: this.#chains[chain]! });
    this.#chains[chain] = this.#suffixes.length - 1;
  }

  /** Whether the name written at `offset` equals the suffix of `name` at `from`, whatever their case. */
  #isEqual(name: Uint8Array, from: number, offset: number): boolean {
    const buffer = this.#buffer;
    let mine = from;
    let theirs = offset;
    for (;;) {
      while (buffer[theirs]! >= 0xc0) {
        theirs = ((buffer[theirs]! & 0x3f) << 8) | buffer[theirs + 1]!;
      }
      const length = name[mine]!;
      if (buffer[theirs] !== length) return false;
      if (length === 0) return true;
      for (let octet = 1; octet <= length; octet++) {
        if (LOWER_CASE[name[mine + octet]!] !== LOWER_CASE[buffer[theirs + octet]!]) return false;
      }
      mine += length + 1;
      theirs += length + 1;
    }
  }

  #advance(length: number): number {
    const at = this.offset;
    if (at + length > this.#end) throw new WriterFull();
    this.offset = at + length;
    return at;
  }
}

/** A hash of the suffix at each label (FNV-1a over folded octets, from the root upwards). */
function hashSuffixes(name: Uint8Array, offsets: readonly number[]): number[] {
  const hashes = new Array<number>(offsets.length);
  let hash = 0x811c9dc5;
  for (let label = offsets.length - 1; label >= 0; label--) {
    const start = offsets[label]!;
    const end = start + name[start]!;
    for (let at = start; at <= end; at++) {
      hash = Math.imul(hash ^ LOWER_CASE[name[at]!]!, 0x01000193) >>> 0;
    }
    hashes[label] = hash;
  }
  return hashes;
}
