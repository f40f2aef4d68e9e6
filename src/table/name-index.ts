/**
 * The writer's hold on an index (see `layout.ts`): a hash of names that readers probe while it changes. Blocks in
 * it start with the hash of their name.
 *
 * What readers rely on: a slot changes by one store; a block never moves to another slot of the same index; a slot
 * becomes empty only when the one after it is, so no probe ends early; growing fills a new index first.
 */
import {
  INDEX_MASK,
  INDEX_SLOTS,
  SLOT_EMPTY,
  SLOT_REMOVED,
  slotOf,
  slotPosition,
} from "./layout.ts";
import type { TableSpace } from "./table-space.ts";

/** An index is at most half full: a name that is not there is known after two slots, seldom with a look at a node. */
const SLOTS_MIN = 8;
/** Slots looked at together when an index is copied. */
const COPY_BATCH = 256;

export class NameIndex {
  readonly #space: TableSpace;
  readonly #words: Int32Array;
  /** The word through which readers find the index. */
  readonly #anchor: number;
  /** Slots that hold a block, and slots that are not empty. */
  #live = 0;
  #taken = 0;
  /** Until readers can see it, an outgrown index is free at once. */
  isPublished = false;

  constructor(space: TableSpace, anchor: number) {
    this.#space = space;
    this.#words = space.words;
    this.#anchor = anchor;
    Atomics.store(space.words, anchor, createIndex(space, SLOTS_MIN));
  }

  get position(): number {
    return this.#words[this.#anchor]!;
  }

  /** Makes room for so many more blocks, so that `add` can't fail. Throws `table-full`. */
  reserve(more: number): void {
    const capacity = this.#words[this.position + INDEX_MASK]! + 1;
    if ((this.#taken + more) * 2 > capacity) this.#rebuild(more);
  }

  /** Adds a block whose name is not there. Room was reserved. */
  add(position: number): void {
    const words = this.#words;
    const hash = words[position]!;
    const at = freeSlot(words, this.position, hash);
    if (words[at] === SLOT_EMPTY) this.#taken += 1;
    this.#live += 1;
    // A fence for each name of a zone that nobody sees yet would cost as much as the rest.
    if (this.isPublished) Atomics.store(words, at, slotOf(position, hash));
    else words[at] = slotOf(position, hash);
  }

  /** Puts a block of the same name in the other's place. */
  replace(old: number, position: number): void {
    const at = this.#slotWord(old);
    Atomics.store(this.#words, at, slotOf(position, this.#words[position]!));
  }

  remove(position: number): void {
    const words = this.#words;
    const slots = this.position + INDEX_SLOTS;
    const mask = words[this.position + INDEX_MASK]!;
    const at = this.#slotWord(position) - slots;
    this.#live -= 1;
    if (words[slots + ((at + 1) & mask)] !== SLOT_EMPTY) {
      Atomics.store(words, slots + at, SLOT_REMOVED);
      return;
    }
    let last = at;
    do {
      Atomics.store(words, slots + last, SLOT_EMPTY);
      this.#taken -= 1;
      last = (last - 1) & mask;
    } while (words[slots + last] === SLOT_REMOVED);
  }

  /** Calls back with every block; none may be added or removed meanwhile. */
  forEach(visit: (position: number) => void): void {
    const words = this.#words;
    const start = this.position + INDEX_SLOTS;
    const end = start + words[this.position + INDEX_MASK]!;
    for (let at = start; at <= end; at++) {
      const position = slotPosition(words[at]!);
      if (position !== 0) visit(position);
    }
  }

  /** The slot where the probe for this hash begins: a look at it before it is needed fetches it. */
  firstSlot(hash: number): number {
    const index = this.position;
    return this.#words[index + INDEX_SLOTS + (hash & this.#words[index + INDEX_MASK]!)]!;
  }

  /** Slots as they are now, and their mask: for who walks or searches them later. */
  copySlots(): Int32Array {
    const start = this.position + INDEX_SLOTS;
    const copy = new Int32Array(this.#words[this.position + INDEX_MASK]! + 1);
    copy.set(this.#words.subarray(start, start + copy.length));
    return copy;
  }

  #slotWord(position: number): number {
    const words = this.#words;
    const slot = slotOf(position, words[position]!);
    const mask = words[this.position + INDEX_MASK]!;
    const slots = this.position + INDEX_SLOTS;
    let at = words[position]! & mask;
    while (words[slots + at] !== slot) at = (at + 1) & mask;
    return slots + at;
  }

  #rebuild(more: number): void {
    const words = this.#words;
    let capacity = SLOTS_MIN;
    // No more than three eighths after dropping the removed ones, or the next rebuild would come too soon.
    while ((this.#live + more) * 8 > capacity * 3) capacity *= 2;
    const old = this.position;
    const fresh = createIndex(this.#space, capacity);
    copyIndex(words, old, fresh);
    this.#taken = this.#live;
    Atomics.store(words, this.#anchor, fresh);
    if (this.isPublished) this.#space.retire(old);
    else this.#space.release(old);
  }
}

function createIndex(space: TableSpace, capacity: number): number {
  const position = space.obtain(INDEX_SLOTS + capacity);
  space.words.fill(0, position, position + INDEX_SLOTS + capacity);
  space.words[position + INDEX_MASK] = capacity - 1;
  return position;
}

/**
 * Fills an empty index with what another holds. Every block is visited for its hash, far apart in memory: looking
 * at many before using any lets the loads overlap.
 */
function copyIndex(words: Int32Array, from: number, to: number): void {
  const end = from + INDEX_SLOTS + words[from + INDEX_MASK]! + 1;
  const positions = new Int32Array(COPY_BATCH);
  const hashes = new Int32Array(COPY_BATCH);
  for (let at = from + INDEX_SLOTS; at < end; ) {
    let count = 0;
    for (const stop = Math.min(end, at + COPY_BATCH); at < stop; at++) {
      const position = slotPosition(words[at]!);
      positions[count] = position;
      if (position !== 0) count++;
    }
    for (let each = 0; each < count; each++) hashes[each] = words[positions[each]!]!;
    for (let each = 0; each < count; each++) {
      const hash = hashes[each]!;
      words[freeSlot(words, to, hash)] = slotOf(positions[each]!, hash);
    }
  }
}

/** The first slot of the name's probe that holds no block. */
function freeSlot(words: Int32Array, index: number, hash: number): number {
  const mask = words[index + INDEX_MASK]!;
  const slots = index + INDEX_SLOTS;
  let at = hash & mask;
  while (slotPosition(words[slots + at]!) !== 0) at = (at + 1) & mask;
  return slots + at;
}
