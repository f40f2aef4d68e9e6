/** Redis as operators run it: least rights, TLS, what may lose updates, and refusals that say what to do. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import {
  openRedisStore,
  type RedisStore,
  type RedisStoreOptions,
} from "../../src/store/redis-store.ts";
import { parseName } from "../../src/wire/name.ts";
import { PROJECT_ROOT } from "../project-root.ts";
import { makeCertificate } from "../server/certificates.ts";
import { startChild } from "./child.ts";
import { compile } from "./compiled.ts";
import { describeStore } from "./conformance.ts";
import { eventually } from "./eventually.ts";
import {
  freePort,
  hasRedisServer,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from "./redis-server.ts";
import { spoilRedis } from "./redis-spoil.ts";
import { address, creation, makeCommit, put, soa } from "./zone-samples.ts";

const ORIGIN = parseName("dyn.example.com.");
const FIRST = { serial: 1, sequence: 1 };

/** The line of the documentation: what a user needs. */
function documentedRights(): string[] {
  const text = readFileSync(join(PROJECT_ROOT, "docs/redis.md"), "utf8");
  const line = /^ {4}ACL SETUSER windhover (.*)$/m.exec(text)?.[1];
  if (line === undefined) throw new Error("docs/redis.md has no ACL line");
  return line.split(" ");
}

if (!(await hasRedisServer())) {
  test.skip("operators' Redis: redis-server is not installed here (CI=true would fail)", () => {});
} else describe("Redis as operators run it", describeOperators);

function describeOperators(): void {
  const servers: RedisServer[] = [];
  const stores: RedisStore[] = [];
  const clients: Redis[] = [];

  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    for (const client of clients.splice(0)) client.disconnect();
    for (const server of servers.splice(0)) await server.destroy();
  });

  const start = async (options: RedisServerOptions = {}) => {
    const server = await startRedisServer({ ports: [15380, 15394], ...options });
    servers.push(server);
    return server;
  };

  const connect = (url: string) => {
    const client = new Redis(url);
    client.on("error", () => {});
    clients.push(client);
    return client;
  };

  const open = async (url: string, options: RedisStoreOptions = {}) => {
    const store = await openRedisStore(url, options);
    stores.push(store);
    return store;
  };

  describeStore({
    name: "the Redis store, with no more rights than documented,",
    make: async () => {
      const server = await startRedisServer({ ports: [15380, 15394] });
      const client = new Redis(server.url);
      await client.call("ACL", "SETUSER", "windhover", ...documentedRights());
      const url = server.url.replace("redis://", "redis://windhover:secret@");
      return {
        open: (retention) => openRedisStore(url, { ...(retention && { retention }) }),
        spoil: (what, origin, bytes) => spoilRedis(client, what, origin, Buffer.from(bytes)),
        destroy: async () => {
          client.disconnect();
          await server.destroy();
        },
      };
    },
  });

  test("the documented rights suffice for replicas too, and reach no other key", async () => {
    const server = await start();
    const client = connect(server.url);
    await client.call("ACL", "SETUSER", "windhover", ...documentedRights());
    const url = server.url.replace("redis://", "redis://windhover:secret@");
    const store = await open(url, { waitReplicas: 1, waitMs: 50 });
    await expect(store.createZone(creation(ORIGIN), [])).rejects.toThrow("0 of 1 replicas");
    const opening = openRedisStore(url, { prefix: "other:" });
    await expect(opening).rejects.toThrow(/lacks a right; docs\/redis.md has an ACL line/);
  });

  test("with TLS: a certificate that the system trusts opens it, another does not", async () => {
    const { certificate, key } = makeCertificate("localhost");
    const port = await freePort([15395, 15399]);
    const files = ["--tls-cert-file", certificate, "--tls-key-file", key];
    const trust = ["--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"];
    const password = "s3cret";
    await start({ password, extra: ["--tls-port", String(port), ...files, ...trust] });
    const url = `rediss://:${password}@localhost:${port}/0`;
    await expect(openRedisStore(url)).rejects.toThrow(/self-signed certificate/);
    const compiled = compile("test/store/committer.ts");
    const environment = { NODE_EXTRA_CA_CERTS: certificate };
    const script = compiled.path("test/store/committer.ts");
    const child = startChild(script, [url, "open"], {}, environment);
    await child.line((line) => line === "open");
    await child.kill();
    compiled.remove();
  });

  test("TLS at a port without it, or none at one with it, is told for what it is before a connection times out", async () => {
    const server = await start({ tls: makeCertificate("localhost") });
    const begunMs = Date.now();
    const { port, tlsPort } = server;
    const plain = `port ${port} of 127.0.0.1 speaks no TLS: write redis`;
    const schemes = ["rediss", "rediss+cluster", "rediss+sentinel"];
    for (const scheme of schemes) {
      const path = scheme === "rediss+sentinel" ? "/mymaster/0" : "";
      await expect(openRedisStore(`${scheme}://127.0.0.1:${port}${path}`)).rejects.toThrow(plain);
    }
    expect(Date.now() - begunMs).toBeLessThan(schemes.length * 3_000);
    await expect(openRedisStore(`redis://127.0.0.1:${tlsPort}/0`)).rejects.toThrow(
      `port ${tlsPort} of 127.0.0.1 speaks TLS: write rediss:// in place of redis://`,
    );
  });

  describe("what may lose updates is told", () => {
    const warningsOf = async (url: string) => {
      let told: readonly string[] | undefined;
      await open(url, {
        onWarnings: (warnings) => {
          told = warnings;
        },
      });
      await eventually(async () => told !== undefined);
      return told?.join("\n");
    };

    test("nothing kept, snapshots alone, a lazy file, eviction; a Redis that keeps all is silent", async () => {
      const server = await start();
      const client = connect(server.url);
      expect(await warningsOf(server.url)).toContain("keeps nothing on disk");
      await client.config("SET", "save", "900 1");
      expect(await warningsOf(server.url)).toContain("snapshots only");
      await client.config("SET", "appendonly", "yes");
      await client.config("SET", "appendfsync", "everysec");
      expect(await warningsOf(server.url)).toContain("appendfsync everysec");
      await client.config("SET", "appendfsync", "always");
      expect(await warningsOf(server.url)).toBe("");
      await client.config("SET", "maxmemory-policy", "volatile-lru");
      expect(await warningsOf(server.url)).toBe("");
      await client.config("SET", "maxmemory-policy", "allkeys-lru");
      expect(await warningsOf(server.url)).toContain("allkeys-lru");
    });

    test("as far as the rights go", async () => {
      const server = await start({ extra: ["--maxmemory-policy", "allkeys-lfu"] });
      const client = connect(server.url);
      await client.call("ACL", "SETUSER", "windhover", ...documentedRights());
      const url = server.url.replace("redis://", "redis://windhover:secret@");
      expect(await warningsOf(url)).toMatch(/snapshots only(.|\n)*allkeys-lfu/);
      await client.call("ACL", "SETUSER", "windhover", "-info", "-config");
      expect(await warningsOf(url)).toBe("");
    });
  });

  describe("refusals say what they mean", () => {
    const refusal = async (prepare: (client: Redis, server: RedisServer) => Promise<unknown>) => {
      const server = await start();
      const store = await open(server.url);
      await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
      await prepare(connect(server.url), server);
      const commit = makeCommit(ORIGIN, FIRST, [put(address(ORIGIN, 1))]);
      const error = await store.commit(commit).then(
        () => undefined,
        (reason: { code: string; message: string }) => reason,
      );
      expect(error?.code).toBe("store-unavailable");
      return error?.message;
    };

    test("a replica", async () => {
      const replicate = (client: Redis) => client.call("REPLICAOF", "127.0.0.1", "1");
      expect(await refusal(replicate)).toMatch(/read-only replica|lost its primary/);
    });

    test("a full memory", async () => {
      expect(await refusal((client) => client.config("SET", "maxmemory", "1"))).toContain(
        "raise `maxmemory`",
      );
    });

    test("a disk that cannot be written", async () => {
      const breakDisk = async (client: Redis, { directory }: RedisServer) => {
        rmSync(directory, { recursive: true });
        await client.config("SET", "save", "1 1");
        await client.bgsave().catch(() => "");
        await eventually(async () =>
          (await client.info("persistence")).includes("rdb_last_bgsave_status:err"),
        );
      };
      expect(await refusal(breakDisk)).toContain("its disk may be full");
    });

    test("too few replicas", async () => {
      const demand = (client: Redis) => client.config("SET", "min-replicas-to-write", "1");
      expect(await refusal(demand)).toContain("`min-replicas-to-write`");
    });
  });
}
