/** The Redis store keeps the promises. Its faults have tests of their own: `redis-faults.test.ts`. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, test } from "vitest";
import {
  createRedisKeys,
  DEFAULT_PREFIX,
  JOURNAL_FIELD,
} from "../../src/store/redis/redis-keys.ts";
import { openRedisStore } from "../../src/store/redis-store.ts";
import type { Name } from "../../src/wire/name.ts";
import { describeStore, type Spoilt } from "./conformance.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "./redis-server.ts";

if (await hasRedisServer()) {
  describe("with a redis-server", () => {
    let server: RedisServer;
    let client: Redis;

    beforeAll(async () => {
      server = await startRedisServer({ ports: [15200, 15229] });
      client = new Redis(server.url);
    });

    afterAll(async () => {
      client.disconnect();
      await server.destroy();
    });

    describeStore({
      name: "the Redis store",
      make: async () => ({
        open: (retention) => openRedisStore(server.url, { ...(retention && { retention }) }),
        spoil: (what, origin, bytes) => spoil(client, what, origin, Buffer.from(bytes)),
        destroy: async () => {
          await client.flushall();
        },
      }),
    });
  });
} else {
  test.skip("the Redis store: redis-server is not installed here (CI=true would fail)", () => {});
}

async function spoil(client: Redis, what: Spoilt, origin: Name, bytes: Buffer): Promise<void> {
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
