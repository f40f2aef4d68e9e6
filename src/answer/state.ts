/** What a lookup has found, and so what the sections after the answer section hold. */
export const State = {
  /** The answer section is complete. */
  hit: 0,
  /** The name exists without the RRset asked for. */
  noData: 1,
  nxDomain: 2,
  /** The name is at or below the cut that `Draft.cut` tells. */
  delegation: 3,
  /** An alias was written; `Draft.name` is its target now. */
  follow: 4,
  /** An RRset of the answer section did not fit. */
  truncated: 5,
  /** A DNAME makes a name of more than 255 octets (RFC 6672 §2.2). */
  tooLong: 6,
  /** The zone changed while we looked, so that no answer of before or after can be told. */
  failed: 7,
} as const;
export type State = (typeof State)[keyof typeof State];
