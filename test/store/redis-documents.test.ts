/** Documents that a Redis lost, or has again though they were revoked, and nodes that know better. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRedisKeys, DEFAULT_PREFIX } from "../../src/store/redis/redis-keys.ts";
import { openRedisStore, type RedisStore } from "../../src/store/redis-store.ts";
import type { DocumentKind } from "../../src/store/store.ts";
import { type ListLogger, listLogger } from "../update/fakes.ts";
import { eventually } from "./eventually.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "./redis-server.ts";

const KEYS = createRedisKeys(DEFAULT_PREFIX);

interface Node {
  readonly store: RedisStore;
  readonly log: ListLogger;
  /** Every list of warnings that was told. */
  readonly warnings: string[];
}

if (!(await hasRedisServer())) {
  test.skip("documents: redis-server is not installed here (CI=true would fail)", () => {});
} else describe("documents that Redis forgets", describeDocuments);

function describeDocuments(): void {
  let server: RedisServer;
  let client: Redis;
  const nodes: Node[] = [];

  beforeAll(async () => {
    server = await startRedisServer({ ports: [15440, 15449] });
    client = new Redis(server.url);
    client.on("error", () => {});
  });

  afterEach(async () => {
    for (const { store } of nodes.splice(0)) await store.close();
    await client.flushall();
  });

  afterAll(async () => {
    client.disconnect();
    await server.destroy();
  });

  /** With `isFollowing`, reads tokens whenever it is told, as a server does. */
  const start = async (isFollowing = false): Promise<Node> => {
    const log = listLogger();
    const warnings: string[] = [];
    const onWarnings = (all: readonly string[]) => void warnings.push(all.join("\n"));
    const store = await openRedisStore(server.url, { log, onWarnings });
    const read = () => void store.readDocuments("token").catch(() => {});
    if (isFollowing) store.watch({ documents: (kind) => kind === "token" && read() });
    nodes.push({ store, log, warnings });
    await ids(store);
    return { store, log, warnings };
  };

  const ids = async (store: RedisStore, kind: DocumentKind = "token") =>
    (await store.readDocuments(kind)).map(({ id }) => id).sort();

  const inRedis = async () => (await client.hkeys(KEYS.documents("token"))).filter(Boolean).sort();

  const errors = ({ log }: Node) =>
    log.lines.filter(({ level }) => level === "error").map(({ fields }) => fields);

  test("all of them: who reads puts them back, loudly, and warns until it is done", async () => {
    const node = await start();
    await node.store.writeDocument("token", "a", "1");
    await node.store.writeDocument("token", "b", "2");
    await client.flushall();
    expect(await ids(node.store)).toEqual(["a", "b"]);
    expect(await inRedis()).toEqual(["a", "b"]);
    expect(errors(node)).toMatchObject([{ kind: "token", documents: 2 }]);
    expect(node.warnings.join("\n")).toContain("2 that it lacks");
    expect(node.warnings.at(-1)).not.toContain("documents");
    expect(await ids(await start().then(({ store }) => store))).toEqual(["a", "b"]);
  });

  test("several nodes put back what each knows, and what was made meanwhile stays", async () => {
    const [one, two, three] = [await start(), await start(), await start()];
    await one.store.writeDocument("token", "a", "1");
    expect(await ids(two.store)).toEqual(["a"]);
    await two.store.writeDocument("token", "b", "2");
    await client.flushall();
    await three.store.writeDocument("token", "a", "newer");
    await Promise.all([ids(one.store), ids(two.store)]);
    for (const { store } of [one, two, three]) {
      expect(await store.readDocuments("token")).toHaveLength(2);
      expect(await store.readDocuments("token")).toContainEqual({ id: "a", json: "newer" });
    }
  });

  test("a token that one node knows to be revoked does not stay when another puts it back", async () => {
    const [late, one] = [await start(), await start()];
    await one.store.writeDocument("token", "a", "1");
    expect(await ids(late.store)).toEqual(["a"]);
    await one.store.writeDocument("token", "a", undefined);
    await one.store.writeDocument("token", "b", "2");
    await client.flushall();
    expect(await ids(one.store)).toEqual(["b"]);
    expect(await ids(late.store)).toEqual(["a", "b"]);
    expect(await ids(one.store)).toEqual(["b"]);
    expect(await ids(late.store)).toEqual(["b"]);
    expect(await inRedis()).toEqual(["b"]);
    expect(errors(one)).toContainEqual(expect.objectContaining({ ids: "a", documents: 1 }));
  });

  test("an older copy: what came later is put back, what was revoked or changed is so again", async () => {
    const node = await start();
    const other = await start();
    await node.store.writeDocument("token", "revoked", "1");
    await node.store.writeDocument("token", "changed", "1");
    const copy = await client.dumpBuffer(KEYS.documents("token"));
    await ids(other.store);
    await node.store.writeDocument("token", "revoked", undefined);
    await node.store.writeDocument("token", "changed", "2");
    await node.store.writeDocument("token", "later", "1");
    await ids(other.store);
    await client.restore(KEYS.documents("token"), 0, copy, "REPLACE");
    const repaired = [
      { id: "changed", json: "2" },
      { id: "later", json: "1" },
    ];
    const read = async ({ store }: Node) =>
      [...(await store.readDocuments("token"))].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(await Promise.all([read(node), read(other)])).toEqual([repaired, repaired]);
    expect(await inRedis()).toEqual(["changed", "later"]);
  });

  test("a Redis that was restarted with nothing has them again, and nobody did anything", async () => {
    const node = await start(true);
    await start(true);
    await node.store.writeDocument("token", "a", "1");
    await eventually(async () => (await inRedis()).length === 1);
    await server.kill();
    await server.start();
    await eventually(async () => (await inRedis()).length === 1, 3_000);
  });

  test("of kinds that no node knows whole, the loss is told", async () => {
    const node = await start(true);
    await node.store.writeDocument("label", "dyn.example.com./x", "{}");
    const looked = client.hget(KEYS.documents("label"), "");
    expect(await looked).toMatch(/^1 0 [\da-f]{16}$/);
    const looks = async () =>
      Number(/cmdstat_sscan:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);
    const before = await looks();
    await eventually(async () => (await looks()) >= before + 2);
    await client.flushall();
    await eventually(async () => errors(node).some(({ kind }) => kind === "label"));
  });

  test("a count that is none is left as it is, and named", async () => {
    const { store } = await start();
    await client.hset(KEYS.documents("token"), "", "many");
    for (const use of [store.readDocuments("token"), store.writeDocument("token", "a", "{}")]) {
      await expect(use).rejects.toMatchObject({ code: "store-format" });
      await expect(use.catch((error) => error.message)).resolves.toContain("documents:token");
    }
    expect(await client.hgetall(KEYS.documents("token"))).toEqual({ "": "many" });
  });
}
