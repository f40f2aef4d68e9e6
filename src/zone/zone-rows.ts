/** Rows of some numbers of 32 bits, in chunks that are let go from the front while the rest is read. */

/** Rows of a chunk. It has 48 MiB or 64: above 32 glibc gives each block pages of its own, and takes them back when it is freed. */
const ROW_BITS = 22;
export const CHUNK_ROWS = 1 << ROW_BITS;
const ROW_MASK = CHUNK_ROWS - 1;
/** What a small zone has. */
const FIRST_ROWS = 256;
const NO_WORDS = new Uint32Array(0);

export class ZoneRows {
  readonly #columns: number;
  readonly #chunks: Uint32Array[] = [];
  /** The chunk that is being filled, and as far as it is. */
  #last = NO_WORDS;
  #end = 0;
  #gone = 0;
  length = 0;

  constructor(columns: 3 | 4) {
    this.#columns = columns;
  }

  /** The number of the new row. `fourth` is for those that have four columns. */
  push(first: number, second: number, third: number, fourth = 0): number {
    if (this.#end === this.#last.length) this.#grow();
    const words = this.#last;
    const start = this.#end;
    words[start] = first;
    words[start + 1] = second;
    words[start + 2] = third;
    if (this.#columns === 4) words[start + 3] = fourth;
    this.#end = start + this.#columns;
    return this.length++;
  }

  at(row: number, column: number): number {
    return this.chunk(row)[this.place(row) + column] as number;
  }

  /** The row lies in this chunk, from `place` on. */
  chunk(row: number): Uint32Array {
    return this.#chunks[row >>> ROW_BITS] as Uint32Array;
  }

  place(row: number): number {
    return (row & ROW_MASK) * this.#columns;
  }

  set(row: number, column: number, value: number): void {
    this.chunk(row)[this.place(row) + column] = value;
  }

  /** Rows before this one are not asked for any more; whether that lets chunks go. */
  letGo(row: number): boolean {
    const index = row >>> ROW_BITS;
    if (index === this.#gone) return false;
    this.#chunks.fill(NO_WORDS, this.#gone, index);
    this.#gone = index;
    return true;
  }

  /** Only the first chunk grows, and most zones have no other. */
  #grow(): void {
    const full = CHUNK_ROWS * this.#columns;
    const isFirst = this.length < CHUNK_ROWS;
    const wanted = Math.max(FIRST_ROWS * this.#columns, 2 * this.#end);
    const grown = new Uint32Array(isFirst ? wanted : full);
    if (isFirst) grown.set(this.#last);
    else this.#end = 0;
    this.#chunks[this.length >>> ROW_BITS] = grown;
    this.#last = grown;
  }
}
