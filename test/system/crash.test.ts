/** kill -9 in the middle of updates: whatever was acknowledged is there afterwards, on each durable store. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RedisServer, startRedisServer } from "../store/redis-server.ts";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { skipWithout, until } from "./harness/program.ts";
import { newAcknowledged, possibleAddresses, updateUntil } from "./harness/update-stream.ts";
import { Windhover } from "./harness/windhover.ts";

const CLIENTS = 8;
const ROUNDS = 3;
const UPDATES_PER_ROUND = 300;

let server: Windhover | undefined;

afterEach(async () => {
  await server?.stop();
});

async function surviveKills(store: string): Promise<void> {
  server = await Windhover.start({ ...EXAMPLE, config: { ...EXAMPLE.config, store } });
  const running = server;
  const acknowledged = newAcknowledged();
  for (let round = 1; round <= ROUNDS; round++) {
    let isOver = false;
    const clients = Array.from({ length: CLIENTS }, (_, client) =>
      updateUntil(running, client, acknowledged, () => isOver),
    );
    await until("updates to flow", () => acknowledged.count >= UPDATES_PER_ROUND * round, 60_000);
    await running.kill();
    isOver = true;
    await Promise.all(clients);
    await running.launch();
    for (const host of acknowledged.last.keys()) {
      const found = running.dig(`${host}.alice.${ORIGIN}`, "A")[0];
      expect(possibleAddresses(acknowledged, host)).toContain(found);
    }
  }
  expect(acknowledged.refused).toEqual([]);
}

function serialOf(windhover: Windhover): number {
  return Number(windhover.dig(ORIGIN, "SOA")[0]?.split(" ")[2]);
}

describe.skipIf(skipWithout("dig"))("kill -9 during updates", () => {
  test("LMDB keeps every acknowledged update", async () => {
    await surviveKills("./data");
  });

  test.skipIf(skipWithout("nsupdate"))("the serial goes on from where it was", async () => {
    server = await Windhover.start(EXAMPLE);
    const key = `hmac-sha256:key-sha256:${SECRET}`;
    server.nsupdate([`zone ${ORIGIN}`, `update add a.${ORIGIN} 60 A 192.0.2.1`], "-y", key);
    const before = serialOf(server);
    await server.kill();
    await server.launch();
    expect(serialOf(server)).toBe(before);
    server.nsupdate([`zone ${ORIGIN}`, `update add b.${ORIGIN} 60 A 192.0.2.1`], "-y", key);
    expect(serialOf(server)).toBe(before + 1);
  });
});

describe.skipIf(skipWithout("redis-server", "dig"))("kill -9 during updates, on Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer({ appendonly: true, appendfsync: "always" });
  });
  afterAll(async () => {
    await redis?.destroy();
  });

  test("Redis keeps every acknowledged update", async () => {
    await surviveKills(redis.url);
  });
});
