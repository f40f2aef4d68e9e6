/** Small JSON values in Redis: one hash for each kind, in which the empty id counts how often it was written. */
import { unreadable } from "../record-bytes.ts";
import type { DocumentKind, StoreDocument } from "../store.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { formatDocumentsHint } from "./redis-hint.ts";
import type { RedisKeys } from "./redis-keys.ts";

const WRITES = "";

export class RedisDocuments {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #writer: string;

  constructor(connection: RedisConnection, keys: RedisKeys, writer: string) {
    this.#connection = connection;
    this.#keys = keys;
    this.#writer = writer;
  }

  async read(kind: DocumentKind): Promise<readonly StoreDocument[]> {
    const { client, place } = this.#connection;
    const key = this.#keys.documents(kind);
    const found = await this.#connection.ask(() => client.hgetallBuffer(key), [key]);
    const documents: StoreDocument[] = [];
    for (const [id, value] of Object.entries(found)) {
      if (id === WRITES) continue;
      const json = value.toString("utf8");
      if (!Buffer.from(json, "utf8").equals(value)) {
        throw unreadable(() => `${place}, key ${key}: the ${kind} "${id}"`, "it is not UTF-8");
      }
      documents.push({ id, json });
    }
    return documents;
  }

  async write(kind: DocumentKind, id: string, json: string | undefined): Promise<void> {
    const hint = formatDocumentsHint(this.#writer, kind);
    const args = [id, this.#keys.changes, hint, ...(json === undefined ? [] : [json])];
    await this.#connection.writeSurely("writeDocument", [this.#keys.documents(kind)], args);
  }

  countWrites(kind: DocumentKind): Promise<string | null> {
    const { client } = this.#connection;
    return this.#connection.ask(() => client.hget(this.#keys.documents(kind), WRITES));
  }
}
