/** The Redis store keeps its promises on a Cluster and behind Sentinels too, and through their failovers. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hashSlot } from "../../src/store/redis/hash-slot.ts";
import { createRedisKeys, DEFAULT_PREFIX } from "../../src/store/redis/redis-keys.ts";
import { openRedisStore, type RedisStore } from "../../src/store/redis-store.ts";
import type { ZoneVersion } from "../../src/store/store.ts";
import { parseName } from "../../src/wire/name.ts";
import { describeStore } from "./conformance.ts";
import { eventually } from "./eventually.ts";
import { type RedisCluster, startRedisCluster } from "./redis-cluster.ts";
import { type RedisSentinel, startRedisSentinel } from "./redis-sentinel.ts";
import { hasRedisServer } from "./redis-server.ts";
import { spoilRedis } from "./redis-spoil.ts";
import { creation, host, makeCommit, put, rrsetKey, soa, text } from "./zone-samples.ts";

const ORIGIN = parseName("dyn.example.com.");
const PORTS = [15260, 15299] as const;

if (!(await hasRedisServer())) {
  test.skip("Sentinels and Clusters: redis-server is not installed here (CI=true would fail)", () => {});
} else {
  describe("on a Cluster", describeCluster);
  describe("behind Sentinels", describeSentinel);
}

/** An RRset that says which commit it came with. */
function lastChange(sequence: number | undefined) {
  return text(host("last", ORIGIN), new TextEncoder().encode(String(sequence)));
}

/** Commits one after the other until told to stop; whatever was not acknowledged is looked at before the next. */
function keepCommitting(store: RedisStore) {
  let isOver = false;
  const acked: number[] = [];
  const problems: string[] = [];
  const run = async () => {
    let expected: ZoneVersion = { serial: 1, sequence: 1 };
    while (!isOver) {
      const rrset = lastChange(expected.sequence + 1);
      const commit = makeCommit(ORIGIN, expected, [put(rrset)]);
      try {
        const outcome = await store.commit(commit);
        if (outcome.status === "committed") acked.push(commit.next.sequence);
        expected = outcome.status === "committed" ? commit.next : (outcome.actual ?? expected);
      } catch (error) {
        problems.push((error as Error).message);
        await new Promise((resolve) => setTimeout(resolve, 20));
        const found = await store.findZone(ORIGIN).catch(() => undefined);
        if (found !== undefined) expected = found;
      }
    }
  };
  const done = run();
  return {
    acked,
    problems,
    stop: async () => {
      isOver = true;
      await done;
    },
  };
}

async function expectLast(store: RedisStore, sequence: number): Promise<void> {
  const zone = await store.loadZone(ORIGIN);
  expect(zone?.sequence).toBeGreaterThanOrEqual(sequence);
  const last = lastChange(zone?.sequence);
  const rrsets = new Map<string, unknown>();
  for await (const batch of zone?.batches ?? []) {
    for (const rrset of batch) rrsets.set(rrsetKey(rrset), rrset);
  }
  expect(rrsets.get(rrsetKey(last))).toEqual(last);
}

function describeCluster(): void {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ ports: PORTS });
  });

  afterAll(() => cluster.destroy());

  describeStore({
    name: "the Redis store on a Cluster",
    make: async () => ({
      open: (retention) => openRedisStore(cluster.url, { ...(retention && { retention }) }),
      spoil: async (what, origin, bytes) => {
        const keys = createRedisKeys(DEFAULT_PREFIX);
        const key = what === "document" ? keys.documents("key") : keys.zone(origin).version;
        const { port } = await cluster.primaryOf(key);
        const client = new Redis({ host: "127.0.0.1", port });
        await spoilRedis(client, what, origin, Buffer.from(bytes));
        client.disconnect();
      },
      destroy: () => cluster.flush(),
    }),
  });

  test("a plain connection to one of its nodes is refused with the way out", async () => {
    const { url } = cluster.servers[0] as { url: string };
    const opening = async () => {
      const store = await openRedisStore(url);
      await store.createZone(creation(parseName("a.example.")), []).finally(() => store.close());
      const other = await openRedisStore(url);
      await other.createZone(creation(parseName("b.example.")), []).finally(() => other.close());
    };
    await expect(opening()).rejects.toThrow("redis+cluster://");
    await cluster.flush();
  });

  test.each([0, 1])(
    "a slot that moves to another primary is followed, with %i replicas to wait for",
    async (waitReplicas) => {
      const store = await openRedisStore(cluster.url, { waitReplicas, waitMs: 5_000 });
      await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
      const committing = keepCommitting(store);
      for (let moves = 0; moves < 3; moves++) {
        const before = committing.acked.length;
        await eventually(async () => committing.acked.length > before + 20, 3_000);
        await moveSlot(cluster, hashSlot(createRedisKeys(DEFAULT_PREFIX).zone(ORIGIN).version));
      }
      const before = committing.acked.length;
      await eventually(async () => committing.acked.length > before + 20, 3_000);
      await committing.stop();
      await expectLast(store, committing.acked.at(-1) as number);
      expect((await store.findZone(ORIGIN))?.sequence).toBeLessThanOrEqual(
        committing.acked.length + committing.problems.length + 1,
      );
      await store.close();
      await cluster.flush();
    },
  );

  test("a primary that is killed is replaced: commits go on, nothing acknowledged after it is missing", async () => {
    const store = await openRedisStore(cluster.url);
    await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
    const watcher = await openRedisStore(cluster.url);
    let heard = 0;
    watcher.watch({
      zones: { origins: () => [], version: () => undefined, changed: () => heard++ },
    });
    const committing = keepCommitting(store);
    await eventually(async () => committing.acked.length > 20 && heard > 0);
    const { version } = createRedisKeys(DEFAULT_PREFIX).zone(ORIGIN);
    const killed = await cluster.primaryOf(version);
    await killed.kill();
    await eventually(async () => (await cluster.primaryOf(version)) !== killed, 3_000);
    const before = committing.acked.length;
    await eventually(async () => committing.acked.length > before + 50, 3_000);
    heard = 0;
    await eventually(async () => heard > 0);
    await committing.stop();
    expect(committing.problems.length).toBeGreaterThan(0);
    await expectLast(store, committing.acked.at(-1) as number);
    await killed.start();
    await store.close();
    await watcher.close();
  });

  test("a Cluster that is gone refuses, and is used again when it is back", async () => {
    const store = await openRedisStore(cluster.url);
    for (const server of cluster.servers) await server.kill();
    await eventually(async () =>
      store.listZones().then(
        () => false,
        (error: { code: string }) => error.code === "store-unavailable",
      ),
    );
    for (const server of cluster.servers) await server.start();
    const created = () =>
      store.createZone(creation(parseName("back.example.")), []).then(
        () => true,
        () => false,
      );
    await eventually(created, 3_000);
    await store.close();
  });
}

/** Moves the slot to another primary as `redis-cli --cluster reshard` does, key by key. */
async function moveSlot(cluster: RedisCluster, slot: number): Promise<void> {
  const roles = await Promise.all(cluster.clients.map((client) => client.role()));
  const primaries = cluster.clients.filter((_, at) => roles[at]?.[0] === "master");
  const ids = await Promise.all(primaries.map((client) => client.cluster("MYID")));
  let from = -1;
  for (const [at, client] of primaries.entries()) {
    const nodes = (await client.cluster("NODES")) as string;
    const own = nodes.split("\n").find((line) => line.includes("myself")) ?? "";
    const ranges = own
      .split(" ")
      .slice(8)
      .map((range) => range.split("-").map(Number));
    if (ranges.some(([first = -1, last = first]) => slot >= first && slot <= last)) from = at;
  }
  const to = (from + 1) % primaries.length;
  const [source, target] = [primaries[from] as Redis, primaries[to] as Redis];
  await target.cluster("SETSLOT", slot, "IMPORTING", ids[from] as string);
  await source.cluster("SETSLOT", slot, "MIGRATING", ids[to] as string);
  const port = target.options.port as number;
  for (;;) {
    const [key] = (await source.cluster("GETKEYSINSLOT", slot, 1)) as string[];
    if (key === undefined) break;
    await source.call("MIGRATE", "127.0.0.1", port, key, 0, 5_000);
  }
  for (const client of [target, source, ...primaries]) {
    await client.cluster("SETSLOT", slot, "NODE", ids[to] as string);
  }
}

function describeSentinel(): void {
  let sentinel: RedisSentinel;
  const stores: RedisStore[] = [];

  beforeAll(async () => {
    sentinel = await startRedisSentinel({ ports: PORTS });
  });

  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });

  afterAll(() => sentinel.destroy());

  describeStore({
    name: "the Redis store behind Sentinels",
    make: async () => {
      const { url } = await sentinel.primary();
      const client = new Redis(url);
      return {
        open: (retention) => openRedisStore(sentinel.url, { ...(retention && { retention }) }),
        spoil: (what, origin, bytes) => spoilRedis(client, what, origin, Buffer.from(bytes)),
        destroy: async () => {
          await client.flushall();
          client.disconnect();
        },
      };
    },
  });

  test("a primary that is killed is replaced: commits go on at the new one, and followers hear of them", async () => {
    const store = await openRedisStore(sentinel.url);
    const watcher = await openRedisStore(sentinel.url);
    stores.push(store, watcher);
    await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
    let heard = 0;
    watcher.watch({
      zones: { origins: () => [], version: () => undefined, changed: () => heard++ },
    });
    const committing = keepCommitting(store);
    await eventually(async () => committing.acked.length > 20 && heard > 0);
    const killed = await sentinel.primary();
    await killed.kill();
    await sentinel.failedOver(killed);
    const before = committing.acked.length;
    await eventually(async () => committing.acked.length > before + 50, 3_000);
    heard = 0;
    await eventually(async () => heard > 0);
    await committing.stop();
    expect(committing.problems.length).toBeGreaterThan(0);
    await expectLast(store, committing.acked.at(-1) as number);
    await killed.start();
  });

  test("Sentinels with a password of their own, before a Redis with another", async () => {
    const server = { password: "behind", extra: ["--masterauth", "behind"] };
    const locked = await startRedisSentinel({
      ports: PORTS,
      server,
      replicas: 0,
      password: "front",
    });
    const url = locked.url.replace("://", "://:behind@");
    await expect(openRedisStore(url)).rejects.toThrow(/add \?sentinelPassword=/);
    const store = await openRedisStore(`${url}?sentinelPassword=front`);
    expect(await store.listZones()).toEqual([]);
    await store.close();
    await locked.destroy();
  });

  test("nobody of the Sentinels answers: it says so", async () => {
    const opening = openRedisStore("redis+sentinel://127.0.0.1:1,127.0.0.1:2/mymaster/0");
    await expect(opening).rejects.toMatchObject({ code: "store-unavailable" });
  });

  test("a name that the Sentinels do not know is told", async () => {
    const url = sentinel.url.replace("/mymaster/", "/other/");
    await expect(openRedisStore(url)).rejects.toMatchObject({ code: "store-unavailable" });
  });
}
