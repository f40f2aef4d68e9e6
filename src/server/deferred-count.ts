/**
 * Datagrams that a worker has deferred and the main thread is not done with. The one counts up, the other down, in
 * shared memory: a message for it would wake the worker at every turn.
 */
export class DeferredCount {
  /** For the other thread to make its own of. */
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new Int32Array(memory);
  }

  get waiting(): number {
    return Atomics.load(this.#cells, 0);
  }

  add(): void {
    Atomics.add(this.#cells, 0, 1);
  }

  /** One is answered, or will not be. */
  settle(): void {
    Atomics.sub(this.#cells, 0, 1);
  }
}
