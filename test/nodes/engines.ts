/** The two kinds of Redis that many nodes share in a test: three Sentinels over a primary and its replica, and a Cluster. */
import { Redis } from "ioredis";
import { startRedisCluster } from "../store/redis-cluster.ts";
import { startRedisSentinel } from "../store/redis-sentinel.ts";
import type { RedisServer } from "../store/redis-server.ts";
import { until } from "../system/harness/program.ts";

export const ENGINES = ["sentinel", "cluster"] as const;
export type EngineKind = (typeof ENGINES)[number];

export interface Engine {
  readonly kind: EngineKind;
  readonly url: string;
  /** What a node may connect to. */
  readonly ports: readonly number[];
  /** The server that takes this zone's writes. */
  primaryOf(origin: string): Promise<RedisServer>;
  /** Waits until this zone has another primary than that. */
  failedOver(from: RedisServer, origin: string): Promise<void>;
  /** Waits until every primary has its replica in step: only then it may be killed without a loss. */
  whole(): Promise<void>;
  destroy(): Promise<void>;
}

const WHOLE_MS = 120_000;
/** Durable before an answer, as the tables of docs/redis.md have it. */
const SERVER = { appendonly: true, appendfsync: "always" } as const;

export function startEngine(kind: EngineKind, ports: readonly [number, number]): Promise<Engine> {
  return kind === "sentinel" ? startSentinelEngine(ports) : startClusterEngine(ports);
}

async function startSentinelEngine(ports: readonly [number, number]): Promise<Engine> {
  const redis = await startRedisSentinel({ ports, server: SERVER, downAfterMs: 1_500 });
  const sentinels = [...redis.url.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  return {
    kind: "sentinel",
    url: redis.url,
    ports: [...redis.servers.map(({ port }) => port), ...sentinels],
    primaryOf: () => redis.primary(),
    failedOver: (from) =>
      until(
        "Sentinels to choose another primary",
        async () => (await redis.primary()) !== from,
        WHOLE_MS,
      ),
    whole: () =>
      until(
        "the replica to be in step",
        async () => isWhole((await redis.primary()).url),
        WHOLE_MS,
      ),
    destroy: () => redis.destroy(),
  };
}

async function isWhole(url: string): Promise<boolean> {
  const client = new Redis(url, { retryStrategy: () => null });
  client.on("error", () => {});
  try {
    return isPrimaryInStep(await client.info("replication"));
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

async function startClusterEngine(ports: readonly [number, number]): Promise<Engine> {
  const redis = await startRedisCluster({ ports, server: SERVER, nodeTimeoutMs: 2_000 });
  const primaryOf = async (origin: string) => redis.primaryOf(`windhover:{${origin}.}:version`);
  return {
    kind: "cluster",
    url: redis.url,
    ports: redis.servers.map(({ port }) => port),
    primaryOf,
    failedOver: (from, origin) =>
      until(
        "another primary of the part",
        async () => (await primaryOf(origin)) !== from,
        WHOLE_MS,
      ),
    whole: () => until("all primaries to have replicas", () => areWhole(redis.clients), WHOLE_MS),
    destroy: () => redis.destroy(),
  };
}

async function areWhole(clients: readonly Redis[]): Promise<boolean> {
  for (const client of clients) {
    if (client.status !== "ready") return false;
    try {
      const cluster = await client.cluster("INFO");
      const replication = await client.info("replication");
      if (!cluster.includes("cluster_state:ok")) return false;
      const isLinked = replication.includes("master_link_status:up");
      if (!isLinked && !isPrimaryInStep(replication)) return false;
    } catch {
      return false;
    }
  }
  return true;
}

function isPrimaryInStep(replication: string): boolean {
  return replication.includes("role:master") && replication.includes("state=online");
}
