/** Puts a zone together under keys that nobody sees, a bounded piece at a time; a script then makes it visible whole. */
import { randomBytes } from "node:crypto";
import { Limits } from "../../base/limits.ts";
import type { Name } from "../../wire/name.ts";
import type { RRset } from "../../zone/rrset.ts";
import { writeJournalRecord } from "../journal-record.ts";
import { writeRRsetKey, writeRRsetValue } from "../rrset-record.ts";
import type { JournalEntry } from "../store.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { JOURNAL_FIELD, journalId, type ZoneKeys } from "./redis-keys.ts";

export class RedisCreation {
  /** A hash of RRsets. */
  readonly rrsets: string;
  /** A stream. */
  readonly journal: string;
  readonly #connection: RedisConnection;

  constructor(connection: RedisConnection, keys: ZoneKeys) {
    this.#connection = connection;
    this.rrsets = keys.creation + randomBytes(12).toString("hex");
    this.journal = `${this.rrsets}:journal`;
  }

  /** Returns how many RRsets there are then. */
  async addRRsets(origin: Name, rrsets: AsyncIterable<RRset> | Iterable<RRset>): Promise<number> {
    const { client } = this.#connection;
    let count = 0;
    let bytes = 0;
    let pairs: Buffer[] = [];
    const flush = async () => {
      const fields = pairs;
      pairs = [];
      bytes = 0;
      await this.#connection.ask(async () => {
        const [added] = await Promise.all([client.hset(this.rrsets, ...fields), this.#keep()]);
        count += added;
      });
    };
    for await (const rrset of rrsets) {
      const value = writeRRsetValue(rrset);
      pairs.push(writeRRsetKey(rrset.owner, rrset.rrtype, origin), value as Buffer);
      bytes += value.length;
      if (pairs.length >= 2 * Limits.loadBatch || bytes >= Limits.storeBatchBytes) await flush();
    }
    if (pairs.length > 0) await flush();
    return count;
  }

  /** Returns how many entries there are then. */
  async addJournal(entries: AsyncIterable<JournalEntry> | Iterable<JournalEntry>): Promise<number> {
    const { client } = this.#connection;
    let count = 0;
    let bytes = 0;
    let records: (readonly [id: string, record: Buffer])[] = [];
    const flush = async () => {
      const written = records;
      records = [];
      bytes = 0;
      await this.#connection.ask(() =>
        Promise.all([
          ...written.map(([id, record]) => client.xadd(this.journal, id, JOURNAL_FIELD, record)),
          this.#keep(),
        ]),
      );
      count += written.length;
    };
    for await (const entry of entries) {
      const record = writeJournalRecord(entry);
      records.push([journalId(entry.sequence), record as Buffer]);
      bytes += record.length;
      if (records.length >= Limits.journalPage || bytes >= Limits.storeBatchBytes) await flush();
    }
    if (records.length > 0) await flush();
    return count;
  }

  /** What is not heard here, Redis forgets by itself after a while. */
  async forget(): Promise<void> {
    await this.#connection.client.unlink(this.rrsets, this.journal).catch(() => 0);
  }

  #keep(): Promise<unknown> {
    const { client } = this.#connection;
    const seconds = Limits.redisLeftoverSeconds;
    return Promise.all([client.expire(this.rrsets, seconds), client.expire(this.journal, seconds)]);
  }
}
