/**
 * The shared zone table, word by word. One SharedArrayBuffer; one writer thread; any number of readers.
 *
 *     word 0                                                          all in native 32-bit words (little-endian)
 *     ┌────────┬──────────────────────────┬───────────┬───────────────────────────────────────────────┐
 *     │ header │ reader slots, 64 B each  │ (padding) │ pages: nodes, RRsets, indexes, zones          │
 *     └───┬────┴──────────────────────────┴───────────┴───────────────────────────────────────────────┘
 *         │ directory                  handed out by `allocator.ts`; a page never touched costs no memory
 *         ▼
 *     index (a hash of names, open addressing, linear probes; the directory is one, each zone has one)
 *     ┌──────┬──────┬────┬────┬────┬────┬─╌     slot = 29 bits block ┊ 3 bits tag (top bits of the name's hash)
 *     │ mask │  –   │slot│slot│slot│slot│        0 empty, 1 removed. A block is 8 octets, so 29 bits reach 4 GiB;
 *     └──────┴──────┴────┴──┬─┴────┴────┴─╌     the tag spares seven of eight looks at another name's node.
 *            ┌──────────────┴───────────────────────┐
 *            ▼ (in the directory)                   ▼ (in a zone's index)
 *     zone                                   node: one owner, or an empty non-terminal
 *     ┌──────────────────────────┐           ┌──────────────────────────────────────────────────────────┐
 *     │ hash of the origin       │           │ hash of the owner                                        │
 *     │ index ───► the zone's    │           │ flags 8 ┊ RRsets 8 ┊ length of the relative name 8 ┊ 0 8 │
 *     │ apex ────► its apex node │           │ children: nodes one label below (the writer's)           │
 *     │ origin length 8 ┊ labels │           │ relative name: labels left of the origin, zero-padded    │
 *     │ origin, zero-padded      │           │ RRset, RRset, …                                          │
 *     └──────────────────────────┘           └──────────────────────────────────────────────────────────┘
 *     RRset
 *     ┌────────────────────────────────────────────────────────────────┐
 *     │ rrtype 16 ┊ RRs 16                                             │
 *     │ octets of the RRs 20 ┊ words of the name list 12               │
 *     │ RRs as they go into a message: C0 0C, type, class, TTL,        │  an answer to an exact qname is one copy;
 *     │   length, rdata; a compressible name that ends in the origin   │  the owner points to the question
 *     │   is cut there and ends in the pointer C0 00; zero-padded      │
 *     │ name list (types with names only), 16 bits each: fix-ups,      │  fix-up: offset of a C0 00, which the
 *     │   offset of the first name in rdata (or FFFF: differs by RR,   │  reader sets to where the origin stands
 *     │   given next), the fix-ups, [the offsets by RR]                │
 *     └────────────────────────────────────────────────────────────────┘
 *
 * What is immutable once a slot or the directory leads to it: a node's name and RRsets, a zone's origin. What
 * changes in place, by one store that readers see whole or not: a slot, a zone's index and apex, and a node's
 * flags that tell of other nodes (`occluded`, `cut`, `wildcardChild`). Changing a name is building its node anew,
 * storing the slot and retiring the old node (`epochs.ts`).
 *
 * Readers load with plain loads: everything they follow hangs on the word they loaded before, the writer stores
 * those words with `Atomics.store` after filling what they lead to, and announcing an epoch is a full fence.
 */
import { Limits } from "../base/limits.ts";

/** "WHZT" */
export const MAGIC = 0x545a4857;
/** Raised with every change of this picture. */
export const LAYOUT_VERSION = 1;

/** Words of the header. */
export const Header = {
  magic: 0,
  version: 1,
  hashSeed: 2,
  epoch: 3,
  /** Index of the zones. */
  directory: 4,
  /** Labels of the shortest and of the longest origin: what `findZone` need not try. */
  labelsMin: 5,
  labelsMax: 6,
  /** One more than the highest reader slot ever taken. */
  readers: 7,
} as const;

/** Reader slots: the epoch a reader announced, 0 while it holds nothing. A cache line each. */
export const SLOTS_WORD = 16;
export const SLOT_WORDS = 16;
export const HEADER_WORDS = SLOTS_WORD + Limits.tableReaders * SLOT_WORDS;

/** Words of an index. */
export const INDEX_MASK = 0;
export const INDEX_SLOTS = 2;
export const SLOT_EMPTY = 0;
export const SLOT_REMOVED = 1;

/** Words of a zone. */
export const ZONE_HASH = 0;
export const ZONE_INDEX = 1;
export const ZONE_APEX = 2;
export const ZONE_SIZE = 3;
export const ZONE_ORIGIN = 4;

/** Words of a node. */
export const NODE_HASH = 0;
export const NODE_SHAPE = 1;
export const NODE_CHILDREN = 2;
export const NODE_NAME = 3;

/** Words of an RRset. */
export const RRSET_TYPE = 0;
export const RRSET_SIZE = 1;
export const RRSET_RECORDS = 2;
export const RRSET_LENGTH_MASK = 0xf_ffff;
export const RRSET_LENGTH_BITS = 20;

/** Octets of an RR before its rdata: owner pointer, type, class, TTL, length. */
export const RECORD_HEADER = 12;
/** The compression pointer to the question's name. */
export const QUESTION_POINTER = 0xc00c;
/** In a name list: the first name's offset differs by RR. */
export const OFFSETS_DIFFER = 0xffff;

/** Words that hold so many octets. */
export function wordsOf(octets: number): number {
  return (octets + 3) >>> 2;
}

/** The slot that leads to a block, and back. Blocks stand at even words. */
export function slotOf(position: number, hash: number): number {
  return (position << 2) | (hash >>> 29);
}

export function slotPosition(slot: number): number {
  return (slot >>> 3) << 1;
}

/** First word of a node's RRsets. */
export function rrsetsWord(words: Int32Array, node: number): number {
  return node + NODE_NAME + wordsOf((words[node + NODE_SHAPE]! >>> 16) & 0xff);
}

/** Words of the RRset at this word. */
export function rrsetWords(words: Int32Array, rrset: number): number {
  const size = words[rrset + RRSET_SIZE]!;
  return RRSET_RECORDS + wordsOf(size & RRSET_LENGTH_MASK) + (size >>> RRSET_LENGTH_BITS);
}

/** Whether `length` octets of `bytes` are those that start at a word, zero-padded there. */
export function equalOctets(
  words: Int32Array,
  position: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): boolean {
  const whole = from + (length & ~3);
  let word = position;
  let at = from;
  for (; at < whole; at += 4) {
    const four =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    if (words[word++] !== four) return false;
  }
  const rest = length & 3;
  if (rest === 0) return true;
  let last = bytes[at]!;
  if (rest > 1) last |= bytes[at + 1]! << 8;
  if (rest > 2) last |= bytes[at + 2]! << 16;
  return words[word] === last;
}

/** Copies `length` octets that start at a word. */
export function copyOctets(
  words: Int32Array,
  position: number,
  length: number,
  target: Uint8Array,
  to: number,
): void {
  const whole = to + (length & ~3);
  let word = position;
  let at = to;
  for (; at < whole; at += 4) {
    const four = words[word++]!;
    target[at] = four;
    target[at + 1] = four >>> 8;
    target[at + 2] = four >>> 16;
    target[at + 3] = four >>> 24;
  }
  const rest = length & 3;
  if (rest === 0) return;
  const last = words[word]!;
  target[at] = last;
  if (rest > 1) target[at + 1] = last >>> 8;
  if (rest > 2) target[at + 2] = last >>> 16;
}

/** The octet `offset` octets after a word. */
export function octetAt(words: Int32Array, position: number, offset: number): number {
  return (words[position + (offset >>> 2)]! >>> ((offset & 3) << 3)) & 0xff;
}

/** The 16-bit item `index` of a list that starts at a word. */
export function itemAt(words: Int32Array, position: number, index: number): number {
  return (words[position + (index >>> 1)]! >>> ((index & 1) << 4)) & 0xffff;
}
