/** Several nodes on one Redis: each follows what the others do, also without hints, past the journal, and around what cannot be read. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Limits } from "../../src/base/limits.ts";
import { Accounts } from "../../src/identity/accounts.ts";
import { Keyring } from "../../src/identity/keyring.ts";
import { followIdentities } from "../../src/server/identity-follower.ts";
import { ObservedStore } from "../../src/server/observed-store.ts";
import { createRedisKeys, DEFAULT_PREFIX } from "../../src/store/redis/redis-keys.ts";
import { openRedisStore, type RedisStoreOptions } from "../../src/store/redis-store.ts";
import { createUpdateEngine } from "../../src/update/update-engine.ts";
import { type Name, nameKey, parseName } from "../../src/wire/name.ts";
import { type ListLogger, listLogger, MapTable, standingClock } from "../update/fakes.ts";
import { add, exampleZone, OPERATOR, ORIGIN, request } from "../update/zone-fixtures.ts";
import { eventually } from "./eventually.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "./redis-server.ts";
import { address, creation, makeCommit, put, soa } from "./zone-samples.ts";

const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };
const KEYS = createRedisKeys(DEFAULT_PREFIX);
const ZONE = KEYS.zone(ORIGIN);

if (!(await hasRedisServer())) {
  test.skip("several nodes: redis-server is not installed here (CI=true would fail)", () => {});
} else describe("several nodes on one Redis", describeNodes);

interface Node {
  readonly engine: ReturnType<typeof createUpdateEngine>;
  readonly table: MapTable;
  readonly observed: ObservedStore;
  readonly log: ListLogger;
  readonly accounts: Accounts;
  readonly keyring: Keyring;
  readonly close: () => Promise<void>;
}

async function startNode(url: string, options: RedisStoreOptions = {}): Promise<Node> {
  const log = listLogger();
  const observer = { clock: standingClock, log, onCommit: () => {} };
  let observed: ObservedStore | undefined;
  const onWarnings = (warnings: readonly string[]) => observed?.setHazards(warnings);
  observed = new ObservedStore(await openRedisStore(url, { ...options, onWarnings }), observer);
  const { store } = observed;
  const keyring = new Keyring({ store, log });
  const accounts = new Accounts({ store, clock: standingClock, log });
  const stop = followIdentities({ store, keyring, accounts, log });
  const table = new MapTable();
  const engine = createUpdateEngine({ store, writer: table, clock: standingClock, log });
  await engine.start();
  const close = async () => {
    await engine.close();
    stop();
    await store.close();
  };
  return { engine, table, observed, log, accounts, keyring, close };
}

function describeNodes(): void {
  let server: RedisServer;
  let client: Redis;
  const nodes: Node[] = [];

  beforeAll(async () => {
    server = await startRedisServer({ ports: [15360, 15379] });
    client = new Redis(server.url);
  });

  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.close();
    await client.flushall();
    await client.call("ACL", "DELUSER", "deaf");
  });

  afterAll(async () => {
    client.disconnect();
    await server.destroy();
  });

  const start = async (url = server.url, options: RedisStoreOptions = {}) => {
    const node = await startNode(url, options);
    nodes.push(node);
    return node;
  };

  /** Of a node that hears no hints: it may not subscribe. */
  const deafUrl = async () => {
    await client.call("ACL", "SETUSER", "deaf", "on", ">pw", "~*", "+@all", "resetchannels");
    await client.call("ACL", "SETUSER", "deaf", "&nothing");
    return server.url.replace("redis://", "redis://deaf:pw@");
  };

  const host = (node: Node, label: string, value = "192.0.2.1") =>
    node.engine.submit(request([add(label, 60, "A", value)]));
  const serial = (node: Node) => node.engine.version(ORIGIN)?.serial;
  const sees = (node: Node, wanted: number | undefined) =>
    eventually(async () => serial(node) === wanted);

  test("a zone that one makes, changes and deletes is made, changed and deleted on the other", async () => {
    const [one, two] = [await start(), await start()];
    await one.engine.createZone(intent, exampleZone());
    await sees(two, 1);
    await host(one, "host1");
    await sees(two, 2);
    expect(two.table.events).toEqual(["load", "publish"]);
    await host(two, "host2");
    await sees(one, 3);
    await two.engine.deleteZone(intent);
    await sees(one, undefined);
    expect(one.engine.zones()).toEqual([]);
  });

  test("all are writers: every update of all of them is there once, on each", async () => {
    const all = [await start(), await start(), await start()];
    await (all[0] as Node).engine.createZone(intent, exampleZone());
    for (const node of all) await sees(node, 1);
    const updates = all.flatMap((node, at) =>
      Array.from({ length: 50 }, async (_, n) => {
        for (let attempt = 0; attempt < 20; attempt++) {
          const verdict = await host(node, `h${at}-${n}`);
          if (verdict.status !== "refused") return verdict.status;
        }
        return "refused";
      }),
    );
    expect(new Set(await Promise.all(updates))).toEqual(new Set(["applied"]));
    for (const node of all) {
      await sees(node, 151);
      const owners = [...(node.engine.view(ORIGIN)?.owners() ?? [])].map(nameKey);
      expect(new Set(owners).size).toBe(owners.length);
    }
    expect(await client.xlen(ZONE.journal)).toBe(151);
  });

  test("a node that hears no hints sees the zones and documents of others all the same", async () => {
    const one = await start();
    const deaf = await start(await deafUrl());
    await one.engine.createZone(intent, exampleZone());
    await sees(deaf, 1);
    await host(one, "host1");
    await sees(deaf, 2);
    const token = await one.accounts.addToken({ label: "x", grants: [] });
    await eventually(async () => deaf.accounts.verifyToken(token.secret) !== undefined);
    await one.accounts.revokeToken(token.id);
    await eventually(async () => deaf.accounts.verifyToken(token.secret) === undefined);
    await one.engine.deleteZone(intent);
    await sees(deaf, undefined);
  });

  test("a node that missed more than the journal keeps loads the zone, and answers meanwhile", async () => {
    const retention = { entries: 5, ageMs: Infinity };
    const one = await start(server.url, { retention });
    await one.engine.createZone(intent, exampleZone());
    const deaf = await start(await deafUrl());
    await sees(deaf, 1);
    const before = deaf.engine.view(ORIGIN);
    for (let n = 0; n < 20; n++) await host(one, `host${n}`);
    expect(before?.rrset(ORIGIN, 6)).toBeDefined();
    await eventually(async () => {
      expect(deaf.engine.view(ORIGIN)?.rrset(ORIGIN, 6)).toBeDefined();
      return serial(deaf) === 21;
    });
    expect(deaf.table.events.filter((event) => event === "load").length).toBeGreaterThan(1);
  });

  test("tokens and keys that one node adds or revokes are known and refused on the other", async () => {
    const [one, two] = [await start(), await start()];
    const key = { name: "k.", algorithm: "hmac-sha256", secret: "A".repeat(44), grants: [] };
    await eventually(async () => {
      await one.accounts.addToken({ label: "subscribed", grants: [] });
      return two.accounts.listTokens().length > 0;
    });
    const token = await one.accounts.addToken({ label: "x", grants: [] });
    await eventually(async () => two.accounts.verifyToken(token.secret) !== undefined);
    await one.keyring.add(key);
    await eventually(async () => two.keyring.find(parseName("k.")) !== undefined);
    await two.accounts.revokeToken(token.id);
    await two.keyring.remove(parseName("k."));
    await eventually(
      async () =>
        one.accounts.verifyToken(token.secret) === undefined &&
        one.keyring.find(parseName("k.")) === undefined,
    );
  });

  test("more zones than one look compares are compared in several", async () => {
    const one = await start();
    const store = await openRedisStore(server.url, { prefix: DEFAULT_PREFIX });
    const count = Limits.redisComparePage + 200;
    const origins = Array.from({ length: count }, (_, at) => parseName(`z${at}.example.`));
    await Promise.all(
      origins.map((origin) => store.createZone(creation(origin), [soa(origin, 1)])),
    );
    await eventually(async () => one.engine.zones().length === count);
    const deaf = await start(await deafUrl());
    expect(deaf.engine.zones()).toHaveLength(count);
    await store.deleteZone(origins[0] as Name);
    const changed = origins.slice(1, 20);
    for (const origin of changed) {
      const change = put(address(origin, 1));
      await store.commit(makeCommit(origin, { serial: 1, sequence: 1 }, [change]));
    }
    await eventually(async () =>
      changed.every((origin) => deaf.engine.version(origin)?.sequence === 2),
    );
    await eventually(async () => deaf.engine.zones().length === count - 1);
    await store.close();
  });

  test("two databases of one Redis do not hear each other", async () => {
    const one = await start();
    const other = await start(server.url.replace(/\/0$/, "/1"));
    await one.engine.createZone(intent, exampleZone());
    await other.engine.createZone(intent, exampleZone(50));
    await host(one, "host1");
    await host(other, "host2");
    expect([serial(one), serial(other)]).toEqual([2, 51]);
    expect(one.table.events).toEqual(["load", "publish"]);
  });

  test("a Redis that was emptied: zones and credentials are put back, and stay in use meanwhile", async () => {
    const [one, two] = [await start(), await start()];
    await one.engine.createZone(intent, exampleZone());
    const token = await one.accounts.addToken({ label: "x", grants: [] });
    await sees(two, 1);
    await eventually(async () => two.accounts.verifyToken(token.secret) !== undefined);
    const looks = async () =>
      Number(/cmdstat_sscan:calls=(\d+)/.exec(await client.info("commandstats"))?.[1]);
    const before = await looks();
    await eventually(async () => (await looks()) >= before + 4);
    await client.flushall();
    await eventually(async () => (await client.exists(ZONE.version)) === 1);
    await eventually(async () => (await client.hlen("windhover:documents:token")) === 2);
    expect(two.accounts.verifyToken(token.secret)).toBeDefined();
    expect(two.engine.view(ORIGIN)?.rrset(ORIGIN, 6)).toBeDefined();
  });

  describe("what cannot be read", () => {
    const OTHER = parseName("other.example.");

    const twoZones = async () => {
      const one = await start();
      await one.engine.createZone(intent, exampleZone());
      const soa = exampleZone().map((each) => ({ ...each, owner: OTHER }));
      const apex = soa.filter(({ rrtype }, at) => soa.findIndex((s) => s.rrtype === rrtype) === at);
      const wanted = apex.filter(({ rrtype }) => rrtype === 6 || rrtype === 2);
      await one.engine.createZone({ ...intent, origin: OTHER }, wanted);
      return one;
    };

    test("a journal entry: followers load the zone whole and go on", async () => {
      const [one, two] = [await twoZones(), await start()];
      await sees(two, 1);
      await host(one, "host1");
      await sees(two, 2);
      await two.close();
      nodes.pop();
      const three = await start(await deafUrl());
      await host(one, "host2");
      const [last] = await client.xrevrange(ZONE.journal, "+", "-", "COUNT", 1);
      await client.xdel(ZONE.journal, last?.[0] as string);
      await client.xadd(ZONE.journal, "4-0", "x", "foreign");
      await sees(three, 3);
      expect(await client.xlen(ZONE.journal)).toBe(3);
    });

    test.each([
      ["text that is no version", () => client.set(ZONE.version, "what?")],
      [
        "a key of another kind",
        () => client.del(ZONE.version).then(() => client.hset(ZONE.version, "a", "b")),
      ],
    ])("a version, %s: the zone goes on as it was, named in warnings and log", async (_, spoil) => {
      const one = await twoZones();
      await spoil();
      const kept = await client.dump(ZONE.version);
      const verdict = await host(one, "host1");
      expect(verdict).toMatchObject({ status: "refused", reason: "store-unavailable" });
      await eventually(async () =>
        one.observed.warnings.some((each) => each.includes(ZONE.version)),
      );
      expect(one.observed.problem).toBeUndefined();
      expect(serial(one)).toBe(1);
      expect(one.engine.view(ORIGIN)?.rrset(ORIGIN, 6)).toBeDefined();
      expect(
        one.log.lines.some(({ fields }) => JSON.stringify(fields).includes(ZONE.version)),
      ).toBe(true);
      expect(await client.dump(ZONE.version)).toEqual(kept);

      const two = await start();
      expect(two.engine.zones().map(({ origin }) => origin)).toEqual([OTHER]);
      await client.del(ZONE.version);
      await client.set(ZONE.version, "1 1 1");
      await sees(two, 1);
      expect(await host(one, "host1")).toMatchObject({ status: "applied" });
      expect(one.observed.warnings.join()).not.toContain(ZONE.version);
    });

    test("an RRset: who has the zone goes on, who starts says which", async () => {
      const one = await twoZones();
      for (const field of await client.hkeysBuffer(ZONE.rrsets)) {
        await client.hset(ZONE.rrsets, field, Buffer.from([9, 9]));
      }
      expect(await host(one, "host1")).toMatchObject({ status: "applied" });
      const two = await start();
      expect(two.engine.zones().map(({ origin }) => origin)).toEqual([OTHER]);
      expect(two.observed.warnings.join()).toContain(ZONE.rrsets);
    });
  });
}
