/**
 * When may retired memory be used again? When no reader can still hold a position in it (quiescent-state
 * reclamation).
 *
 *     reader   enter: slot ← epoch, fence      …follows positions…      leave: slot ← 0
 *     writer   unlinks blocks, then epoch ← epoch + 1
 *              the blocks are free once every slot is 0 or the new epoch
 *
 * A reader that announces the new epoch read it after the blocks were unlinked, so it can't meet them. One whose
 * announcement the writer missed made it after the writer looked, and its fence makes it see the unlinking. One
 * that announces an old epoch late only makes the writer wait. The writer advances again only after the step before
 * has been passed, so epochs are compared for equality alone and may wrap.
 */
import { assert } from "../base/assert.ts";
import { Limits } from "../base/limits.ts";
import { Header, SLOT_WORDS, SLOTS_WORD } from "./layout.ts";

function slotWord(slot: number): number {
  assert(Number.isInteger(slot) && slot >= 0 && slot < Limits.tableReaders, "no such reader slot");
  return SLOTS_WORD + slot * SLOT_WORDS;
}

/** A reader's side. One per thread; entering again while inside lets go of what was held. */
export class ReaderEpoch {
  readonly #words: Int32Array;
  readonly #word: number;

  constructor(words: Int32Array, slot: number) {
    this.#words = words;
    this.#word = slotWord(slot);
    raiseReaders(words, slot + 1);
  }

  enter(): void {
    const words = this.#words;
    Atomics.store(words, this.#word, Atomics.load(words, Header.epoch));
    // A fence: this load comes after the store above, and every load below comes after this one.
    Atomics.load(words, Header.epoch);
  }

  leave(): void {
    Atomics.store(this.#words, this.#word, 0);
  }
}

/** The writer looks at no slot that was never taken. */
function raiseReaders(words: Int32Array, readers: number): void {
  let seen = Atomics.load(words, Header.readers);
  while (seen < readers) seen = Atomics.compareExchange(words, Header.readers, seen, readers);
}

/** The writer's side. */
export class WriterEpoch {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Begins a new epoch; only after `isPassed`. */
  advance(): void {
    const next = (Atomics.load(this.#words, Header.epoch) + 1) | 0;
    Atomics.store(this.#words, Header.epoch, next === 0 ? 1 : next);
  }

  /** Whether every reader inside has announced the current epoch. */
  isPassed(): boolean {
    const words = this.#words;
    const epoch = Atomics.load(words, Header.epoch);
    const readers = Atomics.load(words, Header.readers);
    for (let slot = 0; slot < readers; slot++) {
      const announced = Atomics.load(words, SLOTS_WORD + slot * SLOT_WORDS);
      if (announced !== 0 && announced !== epoch) return false;
    }
    return true;
  }

  /** Frees the slot of a thread that died inside. */
  clearReader(slot: number): void {
    Atomics.store(this.#words, slotWord(slot), 0);
  }
}
