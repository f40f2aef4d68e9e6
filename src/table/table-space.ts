/**
 * Memory of the table as the writer sees it: obtain, release what no reader ever saw, retire what readers may
 * still hold. Retired blocks wait in two generations (see `epochs.ts`): those of the epoch that readers are
 * passing now, and those unlinked since.
 */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Allocator } from "./allocator.ts";
import { WriterEpoch } from "./epochs.ts";
import { Header, INDEX_MASK, INDEX_SLOTS, slotPosition } from "./layout.ts";
import type { TableMemory } from "./table-memory.ts";

/** Blocks that may wait before a look at the readers is worth its time. */
const WAITING_BLOCKS = 64;
/** Octets that may: a whole zone or a large index is one entry. */
const WAITING_BYTES = 65_536;

/** Keeps what is retired from some moment on. */
interface Pin {
  /** Entries retired before that moment, since the beginning. */
  readonly before: number;
}

export class TableSpace {
  readonly words: Int32Array;
  readonly #allocator: Allocator;
  readonly #epoch: WriterEpoch;
  /** Positions of blocks; negative: an index, to be freed with all that its slots lead to. */
  #retired: number[] = [];
  #waiting: number[] = [];
  /** Entries that were ever in `#retired` and are not any more. */
  #passedOn = 0;
  /** Oldest first. */
  readonly #pins = new Set<Pin>();
  bytesRetired = 0;

  constructor(memory: TableMemory) {
    this.words = memory.words;
    this.#allocator = new Allocator(memory.words);
    this.#epoch = new WriterEpoch(memory.words);
  }

  get hashSeed(): number {
    return this.words[Header.hashSeed]!;
  }

  /** Octets of blocks in use, the retired ones not counted. */
  get bytesUsed(): number {
    return this.#allocator.bytes - this.bytesRetired;
  }

  /** Octets that a block takes. */
  blockBytes(position: number): number {
    return this.#allocator.blockBytes(position);
  }

  /** A block of so many words, content undefined. Throws `table-full`. */
  obtain(words: number): number {
    const position = this.#allocator.allocate(words);
    return position !== 0 ? position : this.#obtainReclaimed(words);
  }

  /** Frees a block that no reader can have met. */
  release(position: number): void {
    this.#allocator.free(position);
  }

  /** Frees an index that no reader can have met, with its nodes. */
  releaseIndex(index: number): void {
    this.#forEachBlock(index, (position) => this.#allocator.free(position));
    this.#allocator.free(index);
  }

  /** Frees a block that is unlinked, once no reader holds it. */
  retire(position: number): void {
    this.bytesRetired += this.#allocator.blockBytes(position);
    this.#retired.push(position);
  }

  /** Frees an unlinked index and all its nodes, once no reader holds them. */
  retireIndex(index: number): void {
    this.#forEachBlock(index, (position) => {
      this.bytesRetired += this.#allocator.blockBytes(position);
    });
    this.bytesRetired += this.#allocator.blockBytes(index);
    this.#retired.push(-index);
  }

  /** Called after each publish: frees what readers have passed, now and then. */
  reclaimSome(): void {
    const blocks = this.#retired.length + this.#waiting.length;
    if (blocks >= WAITING_BLOCKS || this.bytesRetired >= WAITING_BYTES) this.reclaim();
  }

  /** Frees all that no reader can hold any more. */
  reclaim(): void {
    if (this.#waiting.length > 0 && !this.#freeWaiting()) return;
    const count = this.#unpinned();
    if (count === 0) return;
    if (count < this.#retired.length) this.#waiting = this.#retired.splice(0, count);
    else [this.#waiting, this.#retired] = [this.#retired, this.#waiting];
    this.#passedOn += count;
    this.#epoch.advance();
    this.#freeWaiting();
  }

  /** Keeps everything retired from now on; returns the way to let go. */
  pin(): () => void {
    const pin: Pin = { before: this.#passedOn + this.#retired.length };
    this.#pins.add(pin);
    return () => this.#pins.delete(pin);
  }

  /** Retired entries that no pin keeps: those from before the oldest, so that transfers without end keep little. */
  #unpinned(): number {
    const [oldest] = this.#pins;
    return oldest === undefined ? this.#retired.length : oldest.before - this.#passedOn;
  }

  clearReader(slot: number): void {
    this.#epoch.clearReader(slot);
  }

  #freeWaiting(): boolean {
    if (!this.#epoch.isPassed()) return false;
    const before = this.#allocator.bytes;
    for (const entry of this.#waiting) {
      if (entry < 0) this.releaseIndex(-entry);
      else this.#allocator.free(entry);
    }
    this.#waiting.length = 0;
    this.bytesRetired -= before - this.#allocator.bytes;
    return true;
  }

  #obtainReclaimed(words: number): number {
    this.reclaim();
    const position = this.#allocator.allocate(words);
    if (position !== 0) return position;
    throw new WindhoverError(
      ErrorCode.tableFull,
      `the zone table is full: ${words * 4} octets asked, ${this.#allocator.bytes} of ` +
        `${this.words.byteLength} in use; drop zones, or give the process more address space`,
    );
  }

  #forEachBlock(index: number, visit: (position: number) => void): void {
    const words = this.words;
    const end = index + INDEX_SLOTS + words[index + INDEX_MASK]!;
    for (let at = index + INDEX_SLOTS; at <= end; at++) {
      const position = slotPosition(words[at]!);
      if (position !== 0) visit(position);
    }
  }
}
