/** Commits that wait for replicas (`waitReplicas`): what is acknowledged is there, what is not has happened all the same. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRedisKeys, DEFAULT_PREFIX } from "../../src/store/redis/redis-keys.ts";
import { openRedisStore, type RedisStore } from "../../src/store/redis-store.ts";
import { parseName } from "../../src/wire/name.ts";
import { eventually } from "./eventually.ts";
import { type RedisCluster, startRedisCluster } from "./redis-cluster.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "./redis-server.ts";
import { address, collect, creation, makeCommit, put, soa } from "./zone-samples.ts";

const PORTS = [15300, 15329] as const;
const FIRST = { serial: 1, sequence: 1 };
const KEYS = createRedisKeys(DEFAULT_PREFIX);
const ORIGINS = Array.from({ length: 40 }, (_, at) => parseName(`zone${at}.example.`));
const ORIGIN = ORIGINS[0] as (typeof ORIGINS)[number];

if (!(await hasRedisServer())) {
  test.skip("replicas: redis-server is not installed here (CI=true would fail)", () => {});
} else {
  describe("with a replica", describeReplica);
  describe("on a Cluster with replicas", describeCluster);
}

const commitOf = (origin = ORIGIN, expected = FIRST) =>
  makeCommit(origin, expected, [put(address(origin, 1))]);

function describeReplica(): void {
  let primary: RedisServer;
  let replica: RedisServer;
  let client: Redis;
  let copy: Redis;
  const stores: RedisStore[] = [];

  beforeAll(async () => {
    primary = await startRedisServer({ ports: PORTS });
    const extra = ["--replicaof", "127.0.0.1", String(primary.port)];
    replica = await startRedisServer({ ports: PORTS, extra });
    client = new Redis(primary.url);
    copy = new Redis(replica.url);
    await eventually(async () => (await client.info("replication")).includes("state=online"));
  });

  afterEach(async () => {
    replica.resume();
    for (const store of stores.splice(0)) await store.close();
    await client.flushall();
  });

  afterAll(async () => {
    client.disconnect();
    copy.disconnect();
    await replica.destroy();
    await primary.destroy();
  });

  const open = async (waitMs = 5_000) => {
    const store = await openRedisStore(primary.url, { waitReplicas: 1, waitMs });
    stores.push(store);
    return store;
  };

  test("what is acknowledged is on the replica", async () => {
    const store = await open();
    await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
    for (let sequence = 1; sequence < 50; sequence++) {
      const commit = commitOf(ORIGIN, { serial: sequence, sequence });
      expect(await store.commit(commit)).toEqual({ status: "committed" });
      expect(await copy.get(KEYS.zone(ORIGIN).version)).toBe(`1 ${sequence + 1} ${sequence + 1}`);
    }
    expect(await store.confirm?.(ORIGIN)).toBeUndefined();
  });

  test("a replica that is silent: it happened, and why it is not to be acknowledged", async () => {
    const store = await open(200);
    await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
    replica.pause();
    const outcome = await store.commit(commitOf());
    expect(outcome).toEqual({
      status: "committed",
      unconfirmed: "0 of 1 replicas had it after 200 ms",
    });
    expect((await collect(await store.loadZone(ORIGIN))).size).toBe(2);
    expect(await store.confirm?.(ORIGIN)).toContain("0 of 1 replicas");
    expect(await store.commit(commitOf())).toMatchObject({ status: "conflict" });
    const created = store.createZone(creation(parseName("zone1.example.")), []);
    await expect(created).rejects.toThrow("a failover may lose it: 0 of 1 replicas");
    const written = store.writeDocument("token", "a", "{}");
    await expect(written).rejects.toMatchObject({ code: "store-unavailable" });
    replica.resume();
    expect(await store.confirm?.(ORIGIN)).toBeUndefined();
    expect(await copy.get(KEYS.zone(ORIGIN).version)).toBe("1 2 2");
  });

  test("commits of many zones share one WAIT, and reading does not wait for it", async () => {
    const store = await open(300);
    for (const origin of ORIGINS) await store.createZone(creation(origin), []);
    replica.pause();
    await client.config("RESETSTAT");
    let isSettled = false;
    const commits = Promise.all(ORIGINS.map((origin) => store.commit(commitOf(origin)))).finally(
      () => {
        isSettled = true;
      },
    );
    await eventually(async () => (await store.findZone(ORIGIN))?.sequence === 2);
    expect(isSettled).toBe(false);
    for (const outcome of await commits) expect(outcome).toHaveProperty("unconfirmed");
    const waits = /cmdstat_wait:calls=(\d+)/.exec(await client.info("commandstats"))?.[1];
    expect(Number(waits)).toBeLessThanOrEqual(2);
  });

  test("scripts that Redis has forgotten are sent again, and waited for", async () => {
    const store = await open();
    await store.createZone(creation(ORIGIN), []);
    await client.script("FLUSH");
    expect(await store.commit(commitOf())).toEqual({ status: "committed" });
    expect(await copy.get(KEYS.zone(ORIGIN).version)).toBe("1 2 2");
  });

  test("a connection that is cut meanwhile leaves the outcome open", async () => {
    const store = await open();
    await store.createZone(creation(ORIGIN), []);
    replica.pause();
    const committed = store.commit(commitOf()).then(
      () => "settled",
      (error: { code: string }) => error.code,
    );
    await eventually(async () => (await store.findZone(ORIGIN))?.sequence === 2);
    await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    expect(["settled", "store-unavailable"]).toContain(await committed);
    replica.resume();
    await eventually(async () => (await store.confirm?.(ORIGIN).catch(() => "down")) === undefined);
  });
}

function describeCluster(): void {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ ports: [15330, 15359] });
  });

  afterAll(() => cluster.destroy());

  test("every commit is waited for at its own primary", async () => {
    const store = await openRedisStore(cluster.url, { waitReplicas: 1, waitMs: 5_000 });
    await Promise.all(ORIGINS.map((origin) => store.createZone(creation(origin), [])));
    const outcomes = await Promise.all(ORIGINS.map((origin) => store.commit(commitOf(origin))));
    for (const outcome of outcomes) expect(outcome).toEqual({ status: "committed" });
    let waits = 0;
    for (const client of cluster.clients) {
      const stats = await client.info("commandstats");
      waits += Number(/cmdstat_wait:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    }
    expect(waits).toBeGreaterThanOrEqual(3);
    expect(waits).toBeLessThanOrEqual(60);
    await store.close();
  });
}
