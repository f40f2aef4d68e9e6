/** TLS on every connection: to Sentinels and whom they name, and to each node of a Cluster. */
import { afterAll, describe, expect, test } from "vitest";
import { createRedisKeys, DEFAULT_PREFIX } from "../../src/store/redis/redis-keys.ts";
import { openRedisStore } from "../../src/store/redis-store.ts";
import { makeCertificate } from "../server/certificates.ts";
import { startChild } from "./child.ts";
import { committedZone } from "./committer.ts";
import { compile } from "./compiled.ts";
import { eventually } from "./eventually.ts";
import { startRedisCluster } from "./redis-cluster.ts";
import { startRedisSentinel } from "./redis-sentinel.ts";
import { hasRedisServer } from "./redis-server.ts";

const PORTS = [15450, 15499] as const;

if (!(await hasRedisServer())) {
  test.skip("TLS: redis-server is not installed here (CI=true would fail)", () => {});
} else describe("a Redis of several servers, with TLS", describeTls);

function describeTls(): void {
  const tls = makeCertificate("localhost");
  const server = { tls };
  const compiled = compile("test/store/committer.ts");
  afterAll(() => compiled.remove());

  /** A process that trusts the certificate, which is asked for when a process starts. */
  const commits = async (url: string, zones: number, acks: number) => {
    const script = compiled.path("test/store/committer.ts");
    const trust = { NODE_EXTRA_CA_CERTS: tls.certificate };
    const child = startChild(script, [url, "commit", String(zones)], {}, trust);
    let count = 0;
    const seen = await child.line((line) => line.startsWith("error") || ++count === acks);
    await child.kill();
    return seen;
  };

  test("Sentinels: nobody without trust, and commits before and after a failover", async () => {
    const sentinel = await startRedisSentinel({ ports: PORTS, server });
    try {
      const refused = openRedisStore(sentinel.url);
      await expect(refused).rejects.toMatchObject({ code: "store-unavailable" });
      const plain = openRedisStore(sentinel.url.replace("rediss", "redis"));
      await expect(plain).rejects.toMatchObject({ code: "store-unavailable" });
      expect(await commits(sentinel.url, 1, 20)).toMatch(/^ack 0 /);
      const first = await sentinel.primary();
      await first.kill();
      await sentinel.failedOver(first);
      expect(await commits(sentinel.url, 1, 20)).toMatch(/^ack 0 /);
    } finally {
      await sentinel.destroy();
    }
  });

  test("a Cluster: nobody without trust, and commits on every primary", async () => {
    const cluster = await startRedisCluster({ ports: PORTS, server });
    try {
      const refused = openRedisStore(cluster.url);
      await expect(refused).rejects.toMatchObject({ code: "store-unavailable" });
      expect(await commits(cluster.url, 12, 100)).toMatch(/^ack \d+ /);
      const keys = createRedisKeys(DEFAULT_PREFIX);
      const primaries = new Set<unknown>();
      for (let at = 0; at < 12; at++) {
        primaries.add(await cluster.primaryOf(keys.zone(committedZone(at)).version));
      }
      expect(primaries.size).toBe(3);
      await eventually(async () => {
        const sizes = await Promise.all(cluster.clients.map((client) => client.dbsize()));
        return sizes.every((size) => size > 0);
      });
    } finally {
      await cluster.destroy();
    }
  });
}
