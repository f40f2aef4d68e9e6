/**
 * Small JSON values in Redis: one hash for each kind, in which the empty id has their history. Credentials, and what
 * stores have lost, are known to every node that read them: what Redis forgets of these is put back by whoever reads
 * next (`kept-documents.ts`).
 */
import { randomBytes } from "node:crypto";
import { Limits } from "../../base/limits.ts";
import type { Logger } from "../../base/log.ts";
import { unreadable } from "../record-bytes.ts";
import type { DocumentKind, StoreDocument } from "../store.ts";
import {
  type DocumentRepair,
  type FoundDocuments,
  KeptDocuments,
  parseDocumentHistory,
} from "./kept-documents.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { formatDocumentsHint } from "./redis-hint.ts";
import type { RedisKeys } from "./redis-keys.ts";

const HISTORY = "";
const KEPT: readonly DocumentKind[] = ["key", "token", "user", "lost"];

/** Of one kind: each read and write sees what the one before it came to. */
interface KeptKind {
  readonly documents: KeptDocuments;
  turn: Promise<unknown>;
}

export interface RedisDocumentsParts {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  readonly writer: string;
  readonly log?: Pick<Logger, "error"> | undefined;
  /** What is being put back, in a sentence; `undefined` when that is done. */
  readonly onRepair: (kind: DocumentKind, sentence: string | undefined) => void;
}

export class RedisDocuments {
  readonly #parts: RedisDocumentsParts;
  readonly #kept: ReadonlyMap<DocumentKind, KeptKind>;

  constructor(parts: RedisDocumentsParts) {
    this.#parts = parts;
    this.#kept = new Map(
      KEPT.map((kind) => [kind, { documents: new KeptDocuments(), turn: Promise.resolve() }]),
    );
  }

  async read(kind: DocumentKind): Promise<readonly StoreDocument[]> {
    const kept = this.#kept.get(kind);
    const { documents } = await (kept === undefined
      ? this.#find(kind)
      : inTurn(kept, () => this.#readKept(kind, kept.documents)));
    return [...documents].map(([id, json]) => ({ id, json }));
  }

  async write(kind: DocumentKind, id: string, json: string | undefined): Promise<void> {
    const kept = this.#kept.get(kind);
    await (kept === undefined
      ? this.#write(kind, [id, json ?? ""])
      : inTurn(kept, async () => {
          const history = await this.#write(kind, [id, json ?? ""]);
          kept.documents.wrote(id, json, parseDocumentHistory(history));
        }));
  }

  /** As Redis has it; other text than before means that the documents are to be read again. */
  readHistory(kind: DocumentKind): Promise<string | null> {
    const { connection, keys } = this.#parts;
    return connection.ask(() => connection.client.hget(keys.documents(kind), HISTORY));
  }

  knowsMore(kind: DocumentKind, history: string | null): boolean {
    const found = parseDocumentHistory(history ?? "");
    return this.#kept.get(kind)?.documents.knowsMore(found) === true;
  }

  /** Documents of this kind are gone. Those that are kept will be put back; of the others no node knows all. */
  tellLoss(kind: DocumentKind): void {
    if (this.#kept.has(kind)) return;
    const { connection, log } = this.#parts;
    const fields = { kind, store: connection.place };
    log?.error(fields, "the store has lost documents of a kind that is not put back");
  }

  async #readKept(kind: DocumentKind, kept: KeptDocuments): Promise<FoundDocuments> {
    for (;;) {
      const found = await this.#find(kind);
      const repairs = kept.repairs(found);
      if (repairs.length === 0) {
        kept.take(found);
        this.#parts.onRepair(kind, undefined);
        return found;
      }
      await this.#repair(kind, repairs);
      kept.repaired(found);
    }
  }

  async #repair(kind: DocumentKind, repairs: readonly DocumentRepair[]): Promise<void> {
    const { connection, log, onRepair } = this.#parts;
    const { place } = connection;
    const absent = repairs.filter(({ from }) => from === undefined);
    const ended = repairs.filter(({ from }) => from !== undefined);
    const counts = `${absent.length} that it lacks, and ${ended.length} that had been revoked or changed`;
    onRepair(
      kind,
      `${place} went back to older documents (${kind}): ${counts} are being put right`,
    );
    for (let at = 0; at < repairs.length; at += Limits.redisComparePage) {
      const part = repairs.slice(at, at + Limits.redisComparePage);
      const writes = part.map(({ id, from, to }) => this.#write(kind, [id, to ?? "", from ?? ""]));
      await Promise.all(writes);
    }
    if (absent.length > 0) {
      const fields = { kind, store: place, documents: absent.length };
      log?.error(fields, "the store has lost documents: those that are known here are put back");
    }
    if (ended.length > 0) {
      const ids = ended.map(({ id }) => id).join(" ");
      const fields = { kind, store: place, documents: ended.length, ids: ids.slice(0, 1_000) };
      log?.error(fields, "the store has documents again that had been revoked or changed: undone");
    }
  }

  async #write(
    kind: DocumentKind,
    [id, ...texts]: readonly [id: string, json: string, expected?: string],
  ): Promise<string> {
    const { connection, keys, writer } = this.#parts;
    const mark = randomBytes(8).toString("hex");
    const args = [id, keys.changes, formatDocumentsHint(writer, kind), mark, ...texts];
    const where = [keys.documents(kind)];
    return String(await connection.writeSurely("writeDocument", where, args as string[]));
  }

  async #find(kind: DocumentKind): Promise<FoundDocuments> {
    const { connection, keys } = this.#parts;
    const key = keys.documents(kind);
    const found = await connection.ask(() => connection.client.hgetallBuffer(key), [key]);
    const documents = new Map<string, string>();
    const where = (id: string) => () => `${connection.place}, key ${key}: the ${kind} "${id}"`;
    let history: FoundDocuments["history"];
    for (const [id, value] of Object.entries(found)) {
      const json = value.toString("utf8");
      if (id === HISTORY) {
        history = parseDocumentHistory(json);
        if (history === undefined) throw unreadable(where(id), `"${json}" is no count of writes`);
      } else if (Buffer.from(json, "utf8").equals(value)) documents.set(id, json);
      else throw unreadable(where(id), "it is not UTF-8");
    }
    return { history, documents };
  }
}

function inTurn<T>(kept: KeptKind, work: () => Promise<T>): Promise<T> {
  const turn = kept.turn.then(work, work);
  kept.turn = turn;
  return turn;
}
