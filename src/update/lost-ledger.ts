/**
 * What stores have lost and nodes still had, kept as documents beside the zones until an operator takes it back or
 * gives it up. What cannot be written is kept in memory, shown as well, and written when the store takes it again. So much
 * is kept in memory and no more: what came first stays, and of the rest the log has the number.
 */
import { errorMessage } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
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

  async keep(given: LostPart): Promise<void> {
    const part = this.#withinRoom(given);
    if (part === undefined) return;
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

  /** As much of the part as may wait in memory. What may not is told, as nobody else may know of it. */
  #withinRoom(part: LostPart): LostPart | undefined {
    const { origin, shown, rrsets } = part;
    let room: number = Limits.lostInMemory;
    for (const [id, other] of this.#unwritten) if (id !== lostId(part)) room -= sizeOf(other);
    if (sizeOf(part) <= room) return part;
    const kept = rrsets.slice(0, room);
    const dropped = part.dropped + rrsets.length - kept.length;
    const fields = { zone: formatName(origin), serial: shown.serial, kept: kept.length, dropped };
    this.#log.error(
      fields,
      "more was lost than is kept in memory while the store takes no documents: the rest is given up",
    );
    return room === 0 ? undefined : { ...part, rrsets: kept, dropped };
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

function sizeOf({ rrsets }: LostPart): number {
  return Math.max(1, rrsets.length);
}
