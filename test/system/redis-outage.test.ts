/** Redis is killed and restarted under a running server: queries go on, updates are refused with the reason, all comes back. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisServer, startRedisServer } from "../store/redis-server.ts";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { run, skipWithout, until } from "./harness/program.ts";
import { newAcknowledged, possibleAddresses, updateUntil } from "./harness/update-stream.ts";
import { Windhover } from "./harness/windhover.ts";

const HOME = `home.${ORIGIN}`;

describe.skipIf(skipWithout("redis-server", "dig", "nsupdate", "curl"))("Redis goes away", () => {
  let redis: RedisServer;
  let server: Windhover;
  const acknowledged = newAcknowledged();

  beforeAll(async () => {
    redis = await startRedisServer({ appendonly: true, appendfsync: "always" });
    server = await Windhover.start({ ...EXAMPLE, config: { ...EXAMPLE.config, store: redis.url } });
  });
  afterAll(async () => {
    await server?.stop();
    await redis?.destroy();
  });

  const curl = (path: string) =>
    run("curl", ["-sS", "-w", "\n%{http_code}", "-u", "alice:alices-secret", server.url(path)])
      .stdout;
  const update = (address: string) => curl(`/nic/update?hostname=${HOME}&myip=${address}`);

  test("killed during updates: queries go on, updates say 911 and SERVFAIL", async () => {
    let isOver = false;
    const clients = Array.from({ length: 4 }, (_, client) =>
      updateUntil(server, client, acknowledged, () => isOver),
    );
    await until("updates to flow", () => acknowledged.count >= 200, 60_000);
    await redis.kill();
    await until("updates to be refused", () => acknowledged.refused.length > 0);
    isOver = true;
    await Promise.all(clients);

    expect(server.dig(HOME, "A")).toEqual(["192.0.2.1"]);
    expect(update("192.0.2.80")).toBe("911\n\n503");
    const key = `hmac-sha256:key-sha256:${SECRET}`;
    const lines = [`zone ${ORIGIN}`, `update add x.${ORIGIN} 60 A 192.0.2.1`];
    expect(server.nsupdate(lines, "-y", key).stderr).toContain("SERVFAIL");
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.1"]);
    expect(new Set(acknowledged.refused)).toEqual(new Set(["911"]));
    expect(server.output).toContain("store-unavailable");
    expect((await fetch(server.url("/readyz"))).status).toBe(503);
    expect((await fetch(server.url("/healthz"))).status).toBe(200);
  });

  test("restarted: updates flow again without a hand, nothing acknowledged is missing", async () => {
    await redis.start();
    await until("updates to be taken again", () => update("192.0.2.81").startsWith("good"), 30_000);
    await until("readiness", () => server.isReady());
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.81"]);
    for (const host of acknowledged.last.keys()) {
      const found = server.dig(`${host}.alice.${ORIGIN}`, "A")[0];
      expect(possibleAddresses(acknowledged, host)).toContain(found);
    }
  });

  test("and after our own restart the zone is what was acknowledged", async () => {
    await server.stop();
    await server.launch();
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.81"]);
  });
});
