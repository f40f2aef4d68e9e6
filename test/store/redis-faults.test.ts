/** What may go wrong with Redis: crashes, silence, full memory, wrong passwords, lost hints, foreign keys. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Limits } from "../../src/base/limits.ts";
import { createRedisKeys, DEFAULT_PREFIX } from "../../src/store/redis/redis-keys.ts";
import { openRedisStore, type RedisStore } from "../../src/store/redis-store.ts";
import type { ZoneVersion } from "../../src/store/store.ts";
import { parseName } from "../../src/wire/name.ts";
import { startChild } from "./child.ts";
import { committedRRset, committedZone } from "./committer.ts";
import { type Compiled, compile } from "./compiled.ts";
import { eventually } from "./eventually.ts";
import {
  hasRedisServer,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from "./redis-server.ts";
import {
  address,
  byKey,
  collect,
  creation,
  host,
  hosts,
  makeCommit,
  put,
  rrsetKey,
  soa,
  text,
} from "./zone-samples.ts";

const ORIGIN = parseName("dyn.example.com.");
const KEYS = createRedisKeys(DEFAULT_PREFIX);
const PORTS = [15230, 15259] as const;
const FIRST = { serial: 1, sequence: 1 };

if (!(await hasRedisServer())) {
  test.skip("Redis' faults: redis-server is not installed here (CI=true would fail)", () => {});
} else describeFaults();

function describeFaults(): void {
  const servers: RedisServer[] = [];
  const stores: RedisStore[] = [];
  const clients: Redis[] = [];
  let compiled: Compiled;

  beforeAll(() => {
    compiled = compile("test/store/committer.ts");
  });

  afterAll(() => compiled.remove());

  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    for (const client of clients.splice(0)) client.disconnect();
    for (const server of servers.splice(0)) await server.destroy();
  });

  const start = async (options: RedisServerOptions = {}) => {
    const server = await startRedisServer({ ports: PORTS, ...options });
    servers.push(server);
    return server;
  };

  const open = async (url: string, options = {}) => {
    const store = await openRedisStore(url, options);
    stores.push(store);
    return store;
  };

  const connect = (url: string) => {
    const client = new Redis(url);
    client.on("error", () => {});
    clients.push(client);
    return client;
  };

  describe("a Redis killed with -9 during commits (appendfsync always)", () => {
    test("has every acknowledged commit after its restart, and the store goes on", async () => {
      const server = await start({ appendonly: true });
      const store = await open(server.url);
      const zones = 16;
      const acked: ZoneVersion[] = [];
      for (let at = 0; at < zones; at++) {
        await store.createZone(creation(committedZone(at)), []);
        acked.push(FIRST);
      }
      for (let round = 0; round < 3; round++) {
        const { done, isBroken } = commitUntilBroken(store, acked);
        const begun = total(acked);
        await eventually(async () => isBroken() || total(acked) > begun + 300);
        await server.kill();
        await done;
        await server.start();
        await eventually(async () => store.isUp);
        for (let at = 0; at < zones; at++) acked[at] = await checkZone(store, at, acked[at]);
      }
    });

    const total = (versions: readonly ZoneVersion[]) =>
      versions.reduce((sum, { sequence }) => sum + sequence, 0);

    /** Commits to every zone, one after the other, until a commit is refused. */
    function commitUntilBroken(store: RedisStore, acked: ZoneVersion[]) {
      let broken = 0;
      const work = acked.map(async (_, at) => {
        const origin = committedZone(at);
        for (;;) {
          const expected = acked[at] as ZoneVersion;
          const rrset = committedRRset(origin, expected.sequence + 1);
          const commit = makeCommit(origin, expected, [put(rrset)]);
          try {
            expect(await store.commit(commit)).toEqual({ status: "committed" });
          } catch (error) {
            expect(error).toMatchObject({ code: "store-unavailable" });
            broken++;
            return;
          }
          acked[at] = commit.next;
        }
      });
      return { done: Promise.all(work), isBroken: () => broken > 0 };
    }

    async function checkZone(store: RedisStore, at: number, acked = FIRST): Promise<ZoneVersion> {
      const origin = committedZone(at);
      const zone = await store.loadZone(origin);
      const { serial = 0, sequence = 0 } = zone ?? {};
      expect(sequence).toBeGreaterThanOrEqual(acked.sequence);
      expect(sequence).toBeLessThanOrEqual(acked.sequence + 1);
      const last = committedRRset(origin, sequence);
      expect((await collect(zone)).get(rrsetKey(last))).toEqual(sequence > 1 ? last : undefined);
      const afterSequence = Math.max(0, sequence - 5);
      const journal = await store.readJournal(origin, { afterSequence, limit: 9 });
      expect(journal.at(-1)?.sequence).toBe(sequence);
      return { serial, sequence };
    }
  });

  test("while Redis is down every command is refused at once, and listeners hear of it", async () => {
    const server = await start();
    const states: [boolean, string][] = [];
    const store = await open(server.url, {
      onState: (isUp: boolean, reason: string) => states.push([isUp, reason]),
    });
    await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
    await server.kill();
    await eventually(async () => !store.isUp);
    const commit = makeCommit(ORIGIN, FIRST, [put(address(ORIGIN, 1))]);
    const refused = await Promise.allSettled([
      ...Array.from({ length: 500 }, () => store.commit(commit)),
      store.listZones(),
      store.loadZone(ORIGIN),
      store.readJournal(ORIGIN, { afterSequence: 0, limit: 1 }),
      store.readDocuments("key"),
      store.writeDocument("key", "x", "{}"),
      store.deleteZone(ORIGIN),
      store.createZone(creation(parseName("new.example.")), hosts(ORIGIN, 0)),
    ]);
    for (const outcome of refused) {
      expect(outcome).toMatchObject({
        status: "rejected",
        reason: {
          code: "store-unavailable",
          message: expect.stringContaining(`:${server.port}/0`),
        },
      });
    }
    expect(states.map(([isUp]) => isUp)).toEqual([false]);
    await server.start();
    await eventually(async () => store.isUp);
    expect(states.map(([isUp]) => isUp)).toEqual([false, true]);
    expect(await store.listZones()).toEqual([]);
  });

  test("a Redis that is silent does not hold a commit for ever", async () => {
    const server = await start();
    const store = await open(server.url);
    await store.createZone(creation(ORIGIN), []);
    server.pause();
    const commit = makeCommit(ORIGIN, FIRST, [put(address(ORIGIN, 1))]);
    await expect(store.commit(commit)).rejects.toMatchObject({ code: "store-unavailable" });
    server.resume();
    const settled = async () => {
      const [zone] = await store.listZones().catch(() => []);
      return zone !== undefined && (zone.sequence === 1 || zone.sequence === 2);
    };
    await eventually(settled);
  });

  test("a close during an outage ends, and nothing goes on in the background", async () => {
    const server = await start();
    const store = await open(server.url);
    store.watch({});
    await server.kill();
    await eventually(async () => !store.isUp);
    await store.close();
    await expect(store.listZones()).rejects.toThrow("closed");
  });

  describe("what cannot be opened says why", () => {
    test("nobody listens", async () => {
      const server = await start();
      await server.kill();
      const opening = () => openRedisStore(server.url);
      await expect(opening()).rejects.toMatchObject({ code: "store-unavailable" });
      await expect(opening()).rejects.toThrow(`redis://127.0.0.1:${server.port}/0`);
      await expect(opening()).rejects.toThrow("ECONNREFUSED");
    });

    test("the password is wrong or missing; the right one opens", async () => {
      const server = await start({ password: "s3cret" });
      const at = `127.0.0.1:${server.port}/0`;
      for (const url of [`redis://${at}`, `redis://:wr0ng@${at}`]) {
        const opening = openRedisStore(url);
        await expect(opening).rejects.toMatchObject({ code: "store-unavailable" });
        await expect(openRedisStore(url)).rejects.toThrow(/NOAUTH|WRONGPASS/);
        await expect(openRedisStore(url)).rejects.toThrow(/^(?!.*wr0ng)/);
      }
      const store = await open(server.url);
      expect(await store.listZones()).toEqual([]);
    });

    test("it has no such database: nothing is written into another", async () => {
      const server = await start();
      const missing = server.url.replace(/\/0$/, "/99");
      await expect(openRedisStore(missing)).rejects.toThrow("it has no database of this number");
      expect(await connect(server.url).dbsize()).toBe(0);
    });

    test("another schema version is refused and left as it was", async () => {
      const server = await start();
      const client = connect(server.url);
      await client.set(KEYS.schema, "2");
      const opening = openRedisStore(server.url);
      await expect(opening).rejects.toMatchObject({ code: "store-format" });
      await expect(openRedisStore(server.url)).rejects.toThrow("schema version 2");
      expect(await client.get(KEYS.schema)).toBe("2");
    });
  });

  describe("with one server", () => {
    let server: RedisServer;
    let client: Redis;
    let store: RedisStore;

    beforeEach(async () => {
      server = await start();
      client = connect(server.url);
      store = await open(server.url);
    });

    test("two prefixes are two stores", async () => {
      const other = await open(server.url, { prefix: "other:" });
      await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
      await other.createZone(creation(ORIGIN, 7), []);
      await other.deleteZone(ORIGIN);
      expect((await collect(await store.loadZone(ORIGIN))).size).toBe(1);
      expect(await other.listZones()).toEqual([]);
    });

    test("a commit that Redis refuses half-way changes nothing", async () => {
      await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
      const keys = KEYS.zone(ORIGIN);
      const commit = makeCommit(ORIGIN, FIRST, [put(address(ORIGIN, 1))]);
      await client.rename(keys.journal, "kept");
      await client.set(keys.journal, "foreign");
      await expect(store.commit(commit)).rejects.toMatchObject({ code: "store-format" });
      await client.rename("kept", keys.journal);
      await client.xadd(keys.journal, "9-0", "e", "later");
      await expect(store.commit(commit)).rejects.toMatchObject({ code: "store-unavailable" });
      expect(await client.get(keys.version)).toBe("1 1 1");
      expect(await collect(await store.loadZone(ORIGIN))).toEqual(byKey([soa(ORIGIN, 1)]));
    });

    test("a full memory refuses commits whole; reading goes on", async () => {
      await store.createZone(creation(ORIGIN), []);
      await client.config("SET", "maxmemory", "4mb");
      let expected: ZoneVersion = FIRST;
      const fill = async () => {
        for (let at = 0; at < 1_000; at++) {
          const big = text(host(`h${at}`, ORIGIN), new Uint8Array(50_000));
          const commit = makeCommit(ORIGIN, expected, [put(big)]);
          await store.commit(commit);
          expected = commit.next;
        }
      };
      await expect(fill()).rejects.toThrow(/OOM/);
      const zone = await store.loadZone(ORIGIN).catch(() => undefined);
      await client.config("SET", "maxmemory", "0");
      expect(zone === undefined || zone.sequence === expected.sequence).toBe(true);
      const now = await store.loadZone(ORIGIN);
      expect(now).toMatchObject(expected);
      expect((await collect(now)).size).toBe(expected.sequence - 1);
    });

    test("a probe tells what would refuse a change, without an update, and changes nothing", async () => {
      await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
      const before = await client.dbsize();
      await store.probe();
      const refusals = [
        ["maxmemory", "1mb", "0", /OOM/],
        ["min-replicas-to-write", "1", "0", /NOREPLICAS/],
      ] as const;
      for (const [setting, bad, good, reason] of refusals) {
        await client.config("SET", setting, bad);
        await expect(store.probe()).rejects.toThrow(reason);
        const commit = makeCommit(ORIGIN, FIRST, [put(address(ORIGIN, 1))]);
        await expect(store.commit(commit)).rejects.toThrow(reason);
        await expect(store.probe()).rejects.toThrow(reason);
        await client.config("SET", setting, good);
        await store.probe();
      }
      expect(await client.dbsize()).toBe(before);
      expect(await store.findZone(ORIGIN)).toMatchObject(FIRST);
    });

    test("what a killed process was making is invisible and will be forgotten", async () => {
      const script = compiled.path("test/store/committer.ts");
      const child = startChild(script, [server.url, "create"]);
      await child.line((line) => line === "filling");
      await child.kill();
      expect(await store.listZones()).toEqual([]);
      const left = await client.keys("windhover:*:new:*");
      expect(left).toHaveLength(1);
      const seconds = await client.ttl(left[0] as string);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(Limits.redisLeftoverSeconds);
    });

    test("a zone whose RRsets were lost on the way is not made", async () => {
      async function* losing() {
        yield* hosts(ORIGIN, Limits.loadBatch + 1);
        const [key] = await client.keys("windhover:*:new:*");
        await client.del(key as string);
      }
      await expect(store.createZone(creation(ORIGIN), losing())).rejects.toThrow("lost RRsets");
      expect(await store.listZones()).toEqual([]);
      expect(await client.keys("windhover:{*")).toEqual([]);
    });

    test("a load whose zone is deleted, or that Redis forgot, says so", async () => {
      for (const [at, lose] of ["delete", "forget"].entries()) {
        const beginning = { ...creation(ORIGIN), sequence: 1 + at };
        await store.createZone(beginning, hosts(ORIGIN, 5 * Limits.loadBatch));
        const loading = async () => {
          for await (const _ of (await store.loadZone(ORIGIN))?.batches ?? []) {
            if (lose === "delete") await store.deleteZone(ORIGIN);
            else await client.del(...(await client.keys("windhover:*:before:*")));
          }
        };
        await expect(loading()).rejects.toMatchObject({ code: "store-unavailable" });
        await store.deleteZone(ORIGIN);
      }
    });

    test("a load leaves nothing behind, whether it ends or is given up", async () => {
      await store.createZone(creation(ORIGIN), hosts(ORIGIN, 3 * Limits.loadBatch));
      await collect(await store.loadZone(ORIGIN));
      for await (const _ of (await store.loadZone(ORIGIN))?.batches ?? []) break;
      expect(await client.keys("windhover:*:before:*")).toEqual([]);
      expect(await client.keys("windhover:*:loads")).toEqual([]);
    });

    test("a hint lost with its connection is made good", async () => {
      await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
      const watcher = await open(server.url);
      const heard: string[] = [];
      watcher.watch({
        zones: {
          origins: () => [],
          version: () => undefined,
          changed: (origin) => heard.push(Buffer.from(origin).toString("hex")),
        },
      });
      let expected: ZoneVersion = FIRST;
      const change = async () => {
        const commit = makeCommit(ORIGIN, expected, [put(soa(ORIGIN, 1))]);
        await store.commit(commit);
        expected = commit.next;
      };
      await eventually(async () => {
        await change();
        return heard.length > 0;
      });
      await client.call("CLIENT", "KILL", "TYPE", "pubsub");
      heard.length = 0;
      await change();
      await eventually(async () => heard.length > 0);
    });

    test("scripts that Redis has forgotten are sent again", async () => {
      await store.createZone(creation(ORIGIN), []);
      await client.script("FLUSH");
      const commit = makeCommit(ORIGIN, FIRST, [put(address(ORIGIN, 1))]);
      expect(await store.commit(commit)).toEqual({ status: "committed" });
    });
  });
}
