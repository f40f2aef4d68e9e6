/**
 * What a node knows of documents of one kind beside what Redis has, so that a Redis that was emptied, or put back to an
 * older copy, gets again what it lost, and nothing that was revoked comes to life.
 *
 * Redis tells by the history of the kind. Its mark is made with the first document and never changes: another one, or
 * none, means that everything was lost. Writes and restores only grow: fewer mean an older copy. More restores mean that
 * another node put documents back, which may be revoked ones that it had not heard of.
 */
import { createHash } from "node:crypto";
import { Limits } from "../../base/limits.ts";

export interface DocumentHistory {
  readonly writes: number;
  /** How many of the writes put back, or took back, what Redis had lost. */
  readonly restores: number;
  readonly mark: string;
}

export interface FoundDocuments {
  /** `undefined` where no document of the kind was ever written. */
  readonly history: DocumentHistory | undefined;
  readonly documents: ReadonlyMap<string, string>;
}

/** To be done only if the document is still as it was found; `undefined`: there is none, or there shall be none. */
export interface DocumentRepair {
  readonly id: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Of "<writes> <restores> <mark>"; `undefined` for text that is not ours. */
export function parseDocumentHistory(text: string): DocumentHistory | undefined {
  const match = /^(\d{1,15}) ?(\d{0,15}) ?([\da-f]*)$/.exec(text);
  if (match === null) return undefined;
  return { writes: Number(match[1]), restores: Number(match[2]), mark: match[3] as string };
}

/** Whether Redis certainly does not have everything that it had. */
export function isOlderHistory(
  found: DocumentHistory | undefined,
  known: DocumentHistory | undefined,
): boolean {
  if (known === undefined) return false;
  if (found === undefined || found.mark !== known.mark) return true;
  return found.writes < known.writes || found.restores < known.restores;
}

export class KeptDocuments {
  #history: DocumentHistory | undefined;
  #known: ReadonlyMap<string, string> = new Map();
  /** Digests of documents that are known to have been deleted or replaced. */
  readonly #past = new Set<string>();

  /** Whether Redis certainly does not have everything that is known. */
  knowsMore(history: DocumentHistory | undefined): boolean {
    return isOlderHistory(history, this.#history);
  }

  /** What Redis lacks, and what it has again though it ended: replaced by what came after it, or deleted. */
  repairs({ history, documents }: FoundDocuments): readonly DocumentRepair[] {
    const isOlder = this.knowsMore(history);
    const restores = history?.restores ?? 0;
    if (!isOlder && restores <= (this.#history?.restores ?? 0)) return [];
    const repairs: DocumentRepair[] = [];
    for (const [id, json] of isOlder ? this.#known : []) {
      if (!documents.has(id)) repairs.push({ id, from: undefined, to: json });
    }
    for (const [id, json] of documents) {
      if (!this.#past.has(digest(id, json))) continue;
      repairs.push({ id, from: json, to: this.#known.get(id) });
    }
    return repairs;
  }

  /** What was found has been repaired: it is looked at again, and not taken for older once more. */
  repaired({ history }: FoundDocuments): void {
    this.#history = history;
  }

  take({ history, documents }: FoundDocuments): void {
    for (const [id, json] of this.#known) if (documents.get(id) !== json) this.#end(id, json);
    for (const [id, json] of documents) if (this.#known.get(id) !== json) this.#begin(id, json);
    this.#known = documents;
    this.#history = history;
  }

  /** A write of our own; `undefined` json deleted it. Whatever else happened before it, the next look finds. */
  wrote(id: string, json: string | undefined, history: DocumentHistory | undefined): void {
    const before = this.#history;
    const isNext = history?.mark === before?.mark && history?.restores === before?.restores;
    if (before === undefined || isNext) this.#history = history;
    this.#replace(id, json);
  }

  #replace(id: string, json: string | undefined): void {
    const known = new Map(this.#known);
    const before = known.get(id);
    if (before !== undefined && before !== json) this.#end(id, before);
    if (json === undefined) known.delete(id);
    else known.set(id, json);
    if (json !== undefined) this.#begin(id, json);
    this.#known = known;
  }

  #begin(id: string, json: string): void {
    if (this.#past.size > 0) this.#past.delete(digest(id, json));
  }

  #end(id: string, json: string): void {
    this.#past.add(digest(id, json));
    if (this.#past.size <= Limits.pastDocuments) return;
    const [oldest] = this.#past;
    this.#past.delete(oldest as string);
  }
}

/** Not the document itself: what was revoked has no business in memory. */
function digest(id: string, json: string): string {
  return createHash("sha256").update(`${id}\0${json}`).digest("base64");
}
