/**
 * The ioredis client for a location. A command fails at once while there is no connection, and is never sent twice
 * unless Redis said that it did not do it (a Cluster's MOVED, ASK, TRYAGAIN, CLUSTERDOWN).
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { Limits } from "../../base/limits.ts";
import type { RedisLocation } from "./redis-location.ts";
import { commandName, type ScriptName } from "./redis-scripts.ts";

const FIRST_RETRY_MS = 50;

/** Connects once, by `connect`; then again and again for as long as `keepTrying` says so. */
export function createClient(
  location: RedisLocation,
  keepTrying: () => boolean,
  commandMs: number = Limits.redisCommandMs,
): Redis {
  const retry = (attempt: number) =>
    keepTrying()
      ? Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 16), Limits.redisReconnectMs)
      : null;
  if (location.kind === "cluster") return createCluster(location, retry, commandMs);
  const client = new Redis({
    ...connectionOptions(location, commandMs),
    ...primaryOptions(location, retry),
    lazyConnect: true,
    enableOfflineQueue: false,
    ...pipelining(),
    retryStrategy: retry,
    // After a failover the connection may lead to what has become a replica: the next one will not.
    reconnectOnError: ({ message }: Error) => message.startsWith("READONLY"),
  });
  client.on("error", (error: unknown) => {
    if (isSelectRefused(error)) client.disconnect(keepTrying());
  });
  return client;
}

/** ioredis would go on in database 0, which may be somebody else's. */
export function isSelectRefused(error: unknown): boolean {
  return (error as { command?: { name?: string } }).command?.name === "select";
}

type Retry = (attempt: number) => number | null;

function connectionOptions(location: RedisLocation, commandMs: number) {
  const { username, password, isTls } = location;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(isTls ? { tls: {} } : {}),
    connectionName: "windhover",
    connectTimeout: Limits.redisConnectMs,
    commandTimeout: commandMs,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  } satisfies RedisOptions;
}

/** What one turn asks for goes out at its end, together; a commit goes at once, because updates wait for it. */
function pipelining() {
  const ignored = [commandName("commit" satisfies ScriptName)];
  return { enableAutoPipelining: true, autoPipeliningIgnoredCommands: ignored };
}

function primaryOptions(location: RedisLocation, retry: Retry) {
  const { kind, hosts, service, database, sentinelLogin, isTls } = location;
  if (kind === "single") return { ...hosts[0], db: database };
  const { username, password } = sentinelLogin;
  return {
    sentinels: [...hosts],
    name: service,
    db: database,
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(isTls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
    sentinelCommandTimeout: Limits.redisConnectMs,
    sentinelRetryStrategy: retry,
    // A primary that Sentinel has replaced may go on accepting commands whose outcome will be lost.
    failoverDetector: true,
  } satisfies RedisOptions;
}

/** ioredis gives a Cluster the same commands as a Redis, though not the same type. */
function createCluster(location: RedisLocation, retry: Retry, commandMs: number): Redis {
  const cluster = new Cluster([...location.hosts], {
    redisOptions: connectionOptions(location, commandMs),
    lazyConnect: true,
    // A node that is being connected to for the first time is waited for; a Cluster that is down is not (`ask`).
    enableOfflineQueue: true,
    ...pipelining(),
    scaleReads: "master",
    // A command whose connection broke may have been done.
    retryDelayOnFailover: 0,
    slotsRefreshTimeout: Limits.redisConnectMs,
    clusterRetryStrategy: retry,
    // A certificate speaks of the name that was asked for, not of the address behind it.
    ...(location.isTls ? { dnsLookup: (host, answer) => answer(null, host) } : {}),
  });
  return cluster as unknown as Redis;
}
