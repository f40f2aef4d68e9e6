/** A real Redis Cluster of six processes: three primaries with a replica each. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { eventually } from "./eventually.ts";
import { type RedisServer, type RedisServerOptions, startRedisServer } from "./redis-server.ts";

export interface ClusterOptions {
  /** Ports to choose from, first and last; each server takes the one 10,000 above too. */
  readonly ports: readonly [number, number];
  /** Of each server. */
  readonly server?: RedisServerOptions;
  /** Milliseconds of silence after which a node counts as failed. */
  readonly nodeTimeoutMs?: number;
}

export interface RedisCluster {
  /** `redis+cluster://…`. */
  readonly url: string;
  readonly servers: readonly RedisServer[];
  /** A connection to each server, in their order. */
  readonly clients: readonly Redis[];
  /** The server that is primary for this key now. */
  primaryOf(key: string): Promise<RedisServer>;
  /** Deletes everything on every primary. */
  flush(): Promise<void>;
  destroy(): Promise<void>;
}

const SERVERS = 6;

export async function startRedisCluster(options: ClusterOptions): Promise<RedisCluster> {
  const { ports, nodeTimeoutMs = 2_000 } = options;
  const servers: RedisServer[] = [];
  const extra = [
    ...["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"],
    ...["--cluster-node-timeout", String(nodeTimeoutMs), ...(options.server?.extra ?? [])],
  ];
  for (let at = 0; at < SERVERS; at++) {
    servers.push(await startRedisServer({ ports, ...options.server, extra }));
  }
  const addresses = servers.map(({ tlsPort }) => `127.0.0.1:${tlsPort}`);
  const tls = options.server?.tls;
  const trust = tls === undefined ? [] : ["--tls", "--cacert", tls.certificate];
  const create = ["--cluster", "create", ...addresses, "--cluster-replicas", "1", "--cluster-yes"];
  await promisify(execFile)("redis-cli", [...trust, ...create]);
  const clients = servers.map(({ port }) => {
    const client = new Redis({ host: "127.0.0.1", port, retryStrategy: () => 50 });
    client.on("error", () => {});
    return client;
  });
  await eventually(async () => areReady(clients), 3_000);
  return {
    url: `${tls === undefined ? "redis" : "rediss"}+cluster://${addresses.join(",")}`,
    servers,
    clients,
    primaryOf: async (key) => {
      const port = await primaryPort(clients, key);
      return servers.find((server) => server.port === port) as RedisServer;
    },
    flush: async () => {
      for (const client of clients) await client.flushall().catch(() => "");
    },
    destroy: async () => {
      for (const client of clients) client.disconnect();
      for (const server of servers) await server.destroy();
    },
  };
}

/** Every node sees all slots served, and every primary has its replica in step. */
async function areReady(clients: readonly Redis[]): Promise<boolean> {
  for (const client of clients) {
    const cluster = await client.cluster("INFO");
    const replication = await client.info("replication");
    const isWhole =
      cluster.includes("cluster_state:ok") && cluster.includes("cluster_known_nodes:6");
    const isLinked = /^connected_slaves:1|^master_link_status:up/m.test(replication);
    if (!isWhole || !isLinked) return false;
  }
  return true;
}

type SlotRange = readonly [first: number, last: number, primary: readonly [string, number]];

/** As a node sees it that answers. */
async function primaryPort(clients: readonly Redis[], key: string): Promise<number | undefined> {
  for (const client of clients) {
    if (client.status !== "ready") continue;
    const slot = await client.cluster("KEYSLOT", key);
    const ranges = (await client.cluster("SLOTS")) as unknown as SlotRange[];
    return ranges.find(([first, last]) => slot >= first && slot <= last)?.[2][1];
  }
  return undefined;
}
