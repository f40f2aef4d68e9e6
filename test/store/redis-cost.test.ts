/** What an update costs in Redis: memory, and octets on the wire. The figures of `docs/redis.md` are those printed here. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRedisKeys, DEFAULT_PREFIX } from "../../src/store/redis/redis-keys.ts";
import { openRedisStore, type RedisStore } from "../../src/store/redis-store.ts";
import { createUpdateEngine, type ZoneEngine } from "../../src/update/update-engine.ts";
import { parseName } from "../../src/wire/name.ts";
import { listLogger, MapTable, standingClock } from "../update/fakes.ts";
import {
  add,
  deleteRRset,
  exampleZone,
  OPERATOR,
  ORIGIN,
  request,
} from "../update/zone-fixtures.ts";
import { eventually } from "./eventually.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "./redis-server.ts";
import { creation, hosts } from "./zone-samples.ts";

const KEYS = createRedisKeys(DEFAULT_PREFIX);
const ZONE = KEYS.zone(ORIGIN);
const LARGE = parseName("large.example.");
const UPDATES = 1_000;

if (!(await hasRedisServer())) {
  test.skip("the cost of Redis: redis-server is not installed here (CI=true would fail)", () => {});
} else describe("an update in Redis", describeCost);

function describeCost(): void {
  let server: RedisServer;
  let client: Redis;
  const nodes: { engine: ZoneEngine; store: RedisStore }[] = [];

  beforeAll(async () => {
    server = await startRedisServer({ ports: [15420, 15429] });
    client = new Redis(server.url);
  });

  afterAll(async () => {
    for (const { engine, store } of nodes) {
      await engine.close();
      await store.close();
    }
    client.disconnect();
    await server.destroy();
  });

  const start = async () => {
    const store = await openRedisStore(server.url);
    const parts = { store, writer: new MapTable(), clock: standingClock, log: listLogger() };
    const engine = createUpdateEngine(parts);
    await engine.start();
    nodes.push({ engine, store });
    return engine;
  };

  /** A router whose address changes, one update at a time. */
  const update = async (engine: ZoneEngine, n: number) => {
    const address = `192.0.${n >> 8}.${n & 255}`;
    const change = [deleteRRset("home", "A"), add("home", 60, "A", address)];
    expect(await engine.submit(request(change))).toMatchObject({ status: "applied" });
  };

  const wire = async () => {
    const [stats, replication] = [await client.info("stats"), await client.info("replication")];
    const number = (text: string, field: string) =>
      Number(new RegExp(`^${field}:(\\d+)`, "m").exec(text)?.[1]);
    return {
      input: number(stats, "total_net_input_bytes"),
      output: number(stats, "total_net_output_bytes"),
      replicated: number(replication, "master_repl_offset"),
    };
  };

  const costOf = async (engine: ZoneEngine, from: number) => {
    const before = await wire();
    for (let n = from; n < from + UPDATES; n++) await update(engine, n);
    const { sequence = 0 } = engine.version(ORIGIN) ?? {};
    await eventually(async () =>
      nodes.every((node) => node.engine.version(ORIGIN)?.sequence === sequence),
    );
    const after = await wire();
    return {
      input: (after.input - before.input) / UPDATES,
      output: (after.output - before.output) / UPDATES,
      replicated: (after.replicated - before.replicated) / UPDATES,
    };
  };

  test("stays within what is documented", async () => {
    const one = await start();
    const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };
    await one.createZone(intent, exampleZone());
    const many = 20_000;
    await nodes[0]?.store.createZone(creation(LARGE), hosts(LARGE, many));
    const { rrsets } = KEYS.zone(LARGE);
    const rrset = Number(await client.memory("USAGE", rrsets, "SAMPLES", 0)) / many;
    await nodes[0]?.store.deleteZone(LARGE);

    const alone = await costOf(one, 0);
    const entries = Number(await client.xlen(ZONE.journal));
    const journal = Number(await client.memory("USAGE", ZONE.journal, "SAMPLES", 0)) / entries;
    await start();
    const followed = await costOf(one, UPDATES);
    const extra = ["--replicaof", "127.0.0.1", String(server.port)];
    const replica = await startRedisServer({ ports: [15420, 15429], extra });
    await eventually(async () => (await client.info("replication")).includes("state=online"));
    const { replicated } = await costOf(one, 2 * UPDATES);
    await replica.destroy();
    const cost = {
      rrset: Math.round(rrset),
      journal: Math.round(journal),
      commitInput: Math.round(alone.input),
      commitOutput: Math.round(alone.output),
      replicated: Math.round(replicated),
      followerInput: Math.round(followed.input - alone.input),
      followerOutput: Math.round(followed.output - alone.output),
    };
    console.log(JSON.stringify(cost));
    expect(cost.rrset).toBeLessThan(120);
    expect(cost.journal).toBeLessThan(400);
    expect(cost.commitInput).toBeLessThan(1_200);
    expect(cost.followerOutput).toBeLessThan(800);
  });
}
