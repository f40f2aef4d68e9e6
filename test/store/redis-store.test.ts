/** The Redis store keeps the promises. Its faults have tests of their own: `redis-faults.test.ts`. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openRedisStore } from "../../src/store/redis-store.ts";
import { describeStore } from "./conformance.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "./redis-server.ts";
import { spoilRedis } from "./redis-spoil.ts";

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
        spoil: (what, origin, bytes) => spoilRedis(client, what, origin, Buffer.from(bytes)),
        destroy: async () => {
          await client.flushall();
        },
      }),
    });
  });
} else {
  test.skip("the Redis store: redis-server is not installed here (CI=true would fail)", () => {});
}
