/** Wrong credentials by client address, in windows of a minute and a bounded table. */
import type { Clock } from "../../base/clock.ts";
import { Limits } from "../../base/limits.ts";
import { clientKey } from "./address.ts";

interface Window {
  readonly startMs: number;
  failures: number;
}

const WINDOW_MS = 60_000;

export class AuthFailures {
  readonly #clock: Clock;
  /** In the order of the last failure. */
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isBlocked(address: string): boolean {
    return (this.#current(clientKey(address))?.failures ?? 0) >= Limits.authFailures;
  }

  /** Counts one more; true when this one begins the block. */
  count(address: string): boolean {
    const key = clientKey(address);
    const window = this.#current(key) ?? { startMs: this.#clock.monotonicMs(), failures: 0 };
    window.failures += 1;
    this.#windows.delete(key);
    this.#windows.set(key, window);
    if (this.#windows.size > Limits.authFailureAddresses) this.#dropOldest();
    return window.failures === Limits.authFailures;
  }

  reset(address: string): void {
    this.#windows.delete(clientKey(address));
  }

  #current(key: string): Window | undefined {
    const window = this.#windows.get(key);
    if (window === undefined) return undefined;
    return this.#clock.monotonicMs() - window.startMs < WINDOW_MS ? window : undefined;
  }

  #dropOldest(): void {
    const [oldest] = this.#windows.keys();
    this.#windows.delete(oldest as string);
  }
}
