/**
 * Time as a value that is handed in. Everything that needs the time takes a `Clock`, so that a test or a
 * simulation decides what time it is.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. May jump, forwards or backwards. */
  nowMs(): number;
  /** Milliseconds that never go back; only differences mean anything. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
