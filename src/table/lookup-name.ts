/** STUB: interface fixed, body to be written by the table's author. */

/**
 * A name being looked up: its canonical bytes, where its labels start, and the hash of every suffix. One object
 * is filled again and again, so that a query allocates nothing.
 */
export class LookupName {
  /** Canonical wire form; `length` octets are valid. */
  readonly bytes: Uint8Array = new Uint8Array(256);
  length = 0;
  /** Labels without the root label. */
  labels = 0;
  /** `offsets[i]` is where label i starts, 0 the leftmost; `offsets[labels]` is the root label. */
  readonly offsets: Uint8Array = new Uint8Array(128);
  /** `hashes[i]` is the table's hash of the suffix that starts at label i. */
  readonly hashes: Uint32Array = new Uint32Array(128);
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /**
   * Takes the uncompressed name at `offset` (mixed case welcome) and folds it. Returns its octets, or 0 when it is
   * malformed, compressed or runs past `end`; then the object holds nothing of use.
   */
  read(_bytes: Uint8Array, _offset: number, _end: number): number {
    throw new Error("not written yet");
  }
}
