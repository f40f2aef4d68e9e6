/** Where zones stood when they were deleted: a key for each, written by the script that deletes, and a set to find them. */
import { Limits } from "../../base/limits.ts";
import type { Name } from "../../wire/name.ts";
import type { StoredZone, ZoneVersion } from "../store.ts";
import type { RedisConnection } from "./redis-connection.ts";
import {
  formatOrigin,
  formatVersion,
  parseOrigin,
  type RedisKeys,
  readVersion,
} from "./redis-keys.ts";

export class RedisDeletions {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;

  constructor(connection: RedisConnection, keys: RedisKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async version(origin: Name): Promise<ZoneVersion | undefined> {
    const { deleted } = this.#keys.zone(origin);
    const { client, place } = this.#connection;
    const found = await this.#connection.ask(() => client.get(deleted), [deleted]);
    return found === null ? undefined : readVersion(found, place, deleted);
  }

  /** Before the zone is deleted, so that no crash leaves it out. */
  async register(origin: Name): Promise<void> {
    const { deleted } = this.#keys;
    const { client } = this.#connection;
    await this.#connection.ask(() => client.sadd(deleted, formatOrigin(origin)), [deleted]);
  }

  async list(): Promise<readonly StoredZone[]> {
    const { deleted } = this.#keys;
    const { client } = this.#connection;
    const texts = await this.#connection.ask(() => client.smembers(deleted), [deleted]);
    const origins = texts.flatMap((text) => parseOrigin(text) ?? []);
    const zones: StoredZone[] = [];
    for (let at = 0; at < origins.length; at += Limits.storeBatch) {
      const part = origins.slice(at, at + Limits.storeBatch);
      const versions = await Promise.all(part.map((origin) => this.version(origin)));
      for (const [index, origin] of part.entries()) {
        const version = versions[index];
        if (version !== undefined) zones.push({ origin, ...version });
      }
    }
    return zones;
  }

  async remember(zone: StoredZone): Promise<void> {
    await this.register(zone.origin);
    const { version, deleted } = this.#keys.zone(zone.origin);
    const args = [formatVersion(zone), zone.sequence];
    await this.#connection.writeSurely("rememberDeleted", [version, deleted], args);
  }
}
