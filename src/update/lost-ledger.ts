/**
 * What stores have lost and nodes still had, kept as documents beside the zones until an operator takes it back or
 * gives it up. What cannot be written is kept in memory, shown as well, and written when the store takes it again.
 */
import { errorMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/store.ts";
import { formatName, type Name, nameKey } from "../wire/name.ts";
import type { LostPart } from "./lost-changes.ts";
import { lostId, readLost, writeLost } from "./lost-document.ts";

export class LostLedger {
  readonly #store: Store;
  readonly #log: Logger;
  /** By id: what is not written yet, and what the store was last seen to have. */
  readonly #unwritten = new Map<string, LostPart>();
  #written = new Map<string, LostPart>();

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** As last seen; `read` looks. */
  parts(origin?: Name): LostPart[] {
    const all = [...new Map([...this.#written, ...this.#unwritten]).values()];
    if (origin === undefined) return all;
    return all.filter((part) => nameKey(part.origin) === nameKey(origin));
  }

  async keep(part: LostPart): Promise<void> {
    this.#unwritten.set(lostId(part), part);
    await this.#write().catch((error) =>
      this.#unable("what was lost is kept in memory alone", error),
    );
  }

  /** Looks what the store has, and writes what it has not. Rejects when it cannot be read. */
  async read(): Promise<void> {
    await this.#write();
    const written = new Map<string, LostPart>();
    for (const document of await this.#store.readDocuments("lost")) {
      try {
        written.set(document.id, readLost(document));
      } catch (error) {
        this.#unable("a document of what was lost is left as it is", error);
      }
    }
    this.#written = written;
  }

  /** As `read`, for who does not wait for it. */
  async refresh(): Promise<void> {
    await this.read().catch((error) => this.#unable("what was lost cannot be looked at", error));
  }

  /** Forgets these parts, everywhere. */
  async drop(parts: readonly LostPart[]): Promise<void> {
    for (const part of parts) {
      const id = lostId(part);
      await this.#store.writeDocument("lost", id, undefined);
      this.#written.delete(id);
      this.#unwritten.delete(id);
    }
  }

  async #write(): Promise<void> {
    for (const [id, part] of this.#unwritten) {
      await this.#store.writeDocument("lost", id, writeLost(part));
      this.#unwritten.delete(id);
      this.#written.set(id, part);
    }
  }

  #unable(message: string, error: unknown): void {
    const zones = this.parts().map(({ origin }) => formatName(origin));
    this.#log.warn({ zones: [...new Set(zones)].join(" "), error: errorMessage(error) }, message);
  }
}
