/** Counts what a store has begun, so that `close` can finish it and refuse the rest. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";

export class OpenWork {
  readonly #translate: (error: unknown) => unknown;
  readonly #before: () => void;
  #running = 0;
  #isClosed = false;
  #finished: (() => void) | undefined;

  /** `translate` makes of an error what the caller shall see; `before` comes before each work and may throw. */
  constructor(
    translate: (error: unknown) => unknown = (error) => error,
    before: () => void = () => {},
  ) {
    this.#translate = translate;
    this.#before = before;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Does the work unless the store was closed. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    this.#running++;
    try {
      this.#before();
      return await work();
    } catch (error) {
      throw this.#translate(error);
    } finally {
      this.#running--;
      if (this.#running === 0) this.#finished?.();
    }
  }

  check(): void {
    if (this.#isClosed) {
      throw new WindhoverError(ErrorCode.storeUnavailable, "the store is closed");
    }
  }

  /** Lets nothing new begin and waits for what runs. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#finished = resolve;
    });
  }
}
