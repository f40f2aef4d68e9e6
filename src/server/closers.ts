/** What was opened and how to close it: in the opposite order, each once, whatever the others do. */
import { errorMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

export class Closers {
  readonly #log: Logger;
  readonly #steps: { readonly what: string; readonly close: () => Promise<unknown> }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(what: string, close: () => Promise<unknown>): void {
    this.#steps.push({ what, close });
  }

  async close(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.close();
      } catch (error) {
        this.#log.error(
          { what: step.what, problem: errorMessage(error) },
          "did not close in order",
        );
      }
    }
  }
}
