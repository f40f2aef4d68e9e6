/**
 * Work that comes in heaps, done a handful at each turn of the event loop, so that sockets, timers and everybody else
 * have their turns in between however much of it waits.
 */
import { Limits } from "../base/limits.ts";

export class TurnQueue {
  readonly #waiting: (() => void)[] = [];
  /** Those before are done. */
  #next = 0;
  #isScheduled = false;

  /** The work must not throw. It is done in the order it came. */
  put(work: () => void): void {
    this.#waiting.push(work);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    const waiting = this.#waiting;
    const stop = Math.min(this.#next + Limits.deferredPerTurn, waiting.length);
    this.#isScheduled = false;
    while (this.#next < stop) (waiting[this.#next++] as () => void)();
    // Half of it is done: the rest moves up, at no more than one step for each that was done.
    if (stop * 2 >= waiting.length) {
      waiting.splice(0, stop);
      this.#next = 0;
    }
    if (this.#next < waiting.length) this.#schedule();
  }
}
