/**
 * Tells the operator once when response rate limiting begins to act, with whom it began, and once when it is over. How
 * much was held back is in the counters.
 */
import { ResponseKind } from "../answer/rate-limit.ts";
import { type CounterName, readCounters } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";

const KIND_NAMES = new Map<number, string>(
  Object.entries(ResponseKind).map(([name, kind]) => [kind, name]),
);

const HELD: readonly CounterName[] = ["rateLimitDropped", "rateLimitSlipped"];

export class RateLimitLog {
  readonly #counters: SharedArrayBuffer;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  /** Responses held back until it was over last, and until the last look. */
  #atEnd = 0;
  #atLook = 0;

  constructor(counters: SharedArrayBuffer, log: Logger) {
    this.#counters = counters;
    this.#log = log;
  }

  /** Any thread has held back a response after a quiet time. */
  readonly begin = (address: string, kind: number): void => {
    if (this.#timer !== undefined) return;
    this.#log.warn(
      { client: address, responses: KIND_NAMES.get(kind) },
      "responses are rate limited: the queries of this client's prefix may be forged",
    );
    this.#atLook = this.#atEnd;
    this.#timer = setInterval(() => this.#look(), Limits.rateLimitQuietSeconds * 1000);
    this.#timer.unref();
  };

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const held = this.#held();
    if (held !== this.#atLook) {
      this.#atLook = held;
      return;
    }
    this.#log.info({ heldBack: held - this.#atEnd }, "responses are not rate limited any more");
    this.#atEnd = held;
    this.close();
  }

  #held(): number {
    const counters = readCounters(this.#counters);
    return HELD.reduce((sum, name) => sum + counters[name], 0);
  }
}
