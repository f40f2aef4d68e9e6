/**
 * Lets few password checks run at once and few wait. argon2 computes on libuv's threads, where the store's files
 * are also read: without this bound, a flood of wrong passwords would take them all, and the memory with them.
 */
import { Limits } from "../base/limits.ts";

export class PasswordQueue {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Runs `check` in its turn, or not at all: `"busy"` when too many wait already. */
  async run<T>(check: () => Promise<T>): Promise<T | "busy"> {
    if (!(await this.#enter())) return "busy";
    try {
      return await check();
    } finally {
      this.#leave();
    }
  }

  #enter(): Promise<boolean> | boolean {
    if (this.#running < Limits.passwordChecks) {
      this.#running += 1;
      return true;
    }
    if (this.#waiting.length >= Limits.passwordQueue) return false;
    return new Promise((resolve) => this.#waiting.push(() => resolve(true)));
  }

  /** Hands the place to the next in line, so that nobody overtakes. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
