/** Overwrites what the Redis store keeps, behind its back. */
import type { Redis } from "ioredis";
import {
  createRedisKeys,
  DEFAULT_PREFIX,
  JOURNAL_FIELD,
} from "../../src/store/redis/redis-keys.ts";
import type { Name } from "../../src/wire/name.ts";
import type { Spoilt } from "./conformance.ts";

export async function spoilRedis(
  client: Redis,
  what: Spoilt,
  origin: Name,
  bytes: Buffer,
): Promise<void> {
  const all = createRedisKeys(DEFAULT_PREFIX);
  const keys = all.zone(origin);
  if (what === "version") await client.set(keys.version, bytes);
  if (what === "document") await client.hset(all.documents("key"), "router.", bytes);
  if (what === "rrset") {
    for (const field of await client.hkeysBuffer(keys.rrsets)) {
      await client.hset(keys.rrsets, field, bytes);
    }
  }
  if (what === "journal") {
    await client.del(keys.journal);
    await client.xadd(keys.journal, "1-0", JOURNAL_FIELD, bytes);
  }
}
