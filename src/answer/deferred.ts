/**
 * What `answerQuery` returns instead of a length when the message is not for a thread that only reads: the caller
 * hands the message to the main thread unchanged. All are negative; 0 is silence and lengths are positive.
 */
export const Deferred = {
  /** Opcode UPDATE (RFC 2136). */
  update: -1,
  /** Opcode NOTIFY (RFC 1996). */
  notify: -2,
  /** QTYPE AXFR or IXFR. */
  transfer: -3,
  /** A query with a TSIG: to be opened with `openSigned` first. */
  signed: -4,
} as const;
export type Deferred = (typeof Deferred)[keyof typeof Deferred];
