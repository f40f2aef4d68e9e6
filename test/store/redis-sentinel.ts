/** A real primary with replicas, and Sentinels that watch them: to be failed over by a test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { TestCertificate } from "../server/certificates.ts";
import { eventually } from "./eventually.ts";
import {
  freePort,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from "./redis-server.ts";

export interface SentinelOptions {
  /** Ports to choose from, first and last. */
  readonly ports: readonly [number, number];
  readonly replicas?: number;
  /** Of each server. */
  readonly server?: RedisServerOptions;
  /** Milliseconds of silence after which a primary counts as down. */
  readonly downAfterMs?: number;
  /** Of the Sentinels themselves; `server.password` is that of the servers behind them. */
  readonly password?: string;
}

export interface RedisSentinel {
  /** `redis+sentinel://…`. */
  readonly url: string;
  /** The first was the primary at the start. */
  readonly servers: readonly RedisServer[];
  /** The one that the Sentinels name now. */
  primary(): Promise<RedisServer>;
  /** Waits until the Sentinels name another one. */
  failedOver(from: RedisServer): Promise<RedisServer>;
  destroy(): Promise<void>;
}

const SERVICE = "mymaster";
const SENTINELS = 3;

export async function startRedisSentinel(options: SentinelOptions): Promise<RedisSentinel> {
  const { ports, replicas = 1, downAfterMs = 1_000 } = options;
  const servers: RedisServer[] = [];
  const first = await startRedisServer({ ports, ...options.server });
  servers.push(first);
  for (let at = 0; at < replicas; at++) {
    const extra = [
      "--replicaof",
      "127.0.0.1",
      String(first.tlsPort),
      ...(options.server?.extra ?? []),
    ];
    servers.push(await startRedisServer({ ports, ...options.server, extra }));
  }
  const sentinels: Sentinel[] = [];
  for (let at = 0; at < SENTINELS; at++) {
    sentinels.push(await startSentinel(first.tlsPort, { ...options, downAfterMs }));
  }
  await eventually(async () => areReady(sentinels, replicas));
  await eventually(async () => areInStep(first, replicas), 3_000);
  const primary = async () => {
    const port = await primaryPort(sentinels);
    const found = servers.find(({ tlsPort }) => tlsPort === port);
    if (found === undefined) throw new Error(`the Sentinels name port ${port}, which is not ours`);
    return found;
  };
  const scheme = options.server?.tls === undefined ? "redis" : "rediss";
  const hosts = sentinels.map(({ tlsPort }) => `127.0.0.1:${tlsPort}`).join(",");
  return {
    url: `${scheme}+sentinel://${hosts}/${SERVICE}/0`,
    servers,
    primary,
    failedOver: async (from) => {
      await eventually(async () => (await primary()) !== from, 3_000);
      return primary();
    },
    destroy: async () => {
      for (const sentinel of sentinels) await sentinel.destroy();
      for (const server of servers) await server.destroy();
    },
  };
}

interface Sentinel {
  readonly tlsPort: number;
  readonly client: Redis;
  destroy(): Promise<void>;
}

async function startSentinel(
  primary: number,
  { ports, downAfterMs, password, server }: SentinelOptions,
): Promise<Sentinel> {
  const port = await freePort(ports);
  const tls = server?.tls;
  const tlsPort = tls === undefined ? port : await freePort([port + 1, ports[1]]);
  const directory = mkdtempSync(join(tmpdir(), "windhover-sentinel-"));
  const config = join(directory, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${directory}`,
    `sentinel monitor ${SERVICE} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${SERVICE} ${downAfterMs}`,
    `sentinel failover-timeout ${SERVICE} 5000`,
    ...(tls === undefined ? [] : tlsLines(tlsPort, tls)),
    ...(password === undefined
      ? []
      : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
    ...(server?.password === undefined ? [] : [`sentinel auth-pass ${SERVICE} ${server.password}`]),
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const child: ChildProcess = spawn("redis-server", [config, "--sentinel"], { stdio: "ignore" });
  const login = password === undefined ? {} : { password };
  const client = new Redis({ host: "127.0.0.1", port, ...login, retryStrategy: () => 50 });
  client.on("error", () => {});
  await eventually(async () => client.status === "ready");
  return {
    tlsPort,
    client,
    destroy: async () => {
      client.disconnect();
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        await exited;
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function tlsLines(port: number, { certificate, key }: TestCertificate): string[] {
  const files = [`tls-cert-file ${certificate}`, `tls-key-file ${key}`];
  const trust = [`tls-ca-cert-file ${certificate}`, "tls-auth-clients no"];
  return [`tls-port ${port}`, ...files, ...trust, "tls-replication yes"];
}

/** Every Sentinel knows the others and every replica: only then they fail over. */
async function areReady(sentinels: readonly Sentinel[], replicas: number): Promise<boolean> {
  for (const { client } of sentinels) {
    const others = (await client.call("SENTINEL", "SENTINELS", SERVICE)) as unknown[];
    const known = (await client.call("SENTINEL", "REPLICAS", SERVICE)) as unknown[];
    if (others.length < SENTINELS - 1 || known.length < replicas) return false;
  }
  return true;
}

/** Every replica has what the primary has: only then a failover keeps it. */
async function areInStep(primary: RedisServer, replicas: number): Promise<boolean> {
  const client = new Redis(primary.url);
  const replication = await client.info("replication").finally(() => client.disconnect());
  return replication.split("state=online").length - 1 === replicas;
}

async function primaryPort(sentinels: readonly Sentinel[]): Promise<number> {
  const [first] = sentinels as [Sentinel];
  const answer = await first.client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE);
  return Number((answer as string[])[1]);
}
