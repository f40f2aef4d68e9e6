/** From the words in the configuration to an open store. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { openLmdbStore } from "./lmdb-store.ts";
import { createMemoryState, MemoryStore } from "./memory-store.ts";
import { isRedisScheme } from "./redis/redis-location.ts";
import type { RedisStoreOptions } from "./redis-store.ts";
import type { Store } from "./store.ts";

export type StoreOptions = RedisStoreOptions;

/**
 * `redis…://` and `rediss…://` are Redis, `memory:` forgets everything at the end (for tests), anything else
 * without a scheme is a directory. Rejects with one clear message when the store cannot be opened.
 */
export async function openStore(location: string, options: StoreOptions = {}): Promise<Store> {
  const { retention } = options;
  if (location === "memory:") return new MemoryStore(createMemoryState(), retention);
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(location)?.[1]?.toLowerCase();
  if (scheme !== undefined && isRedisScheme(scheme)) {
    // Only where it is wanted: the package behind it is large.
    return (await import("./redis-store.ts")).openRedisStore(location, options);
  }
  if (scheme === undefined && location.trim() !== "") {
    refuseReplicas(location, options);
    return openLmdbStore(location, retention);
  }
  const shown = scheme === undefined ? `"${location}"` : `"${scheme}:"`;
  throw new WindhoverError(
    ErrorCode.badConfig,
    `${shown} is not a store; give a directory, redis://host:6379/0 or rediss://host:6379/0, ` +
      "redis+sentinel:// or redis+cluster://",
  );
}

/** The same for a store that is to be read: a directory without one is a mistake, not a new store. */
export async function openExistingStore(
  location: string,
  options: StoreOptions = {},
): Promise<Store> {
  const isDirectory = !/^[a-z][a-z0-9+.-]+:/i.test(location);
  if (isDirectory && !existsSync(join(location, "data.mdb"))) {
    const message = `there is no store in the directory "${location}"; name the one that \`store\` in the configuration names`;
    throw new WindhoverError(ErrorCode.badConfig, message);
  }
  return openStore(location, options);
}

/** For messages: without user and password. */
export function shownLocation(location: string): string {
  return location.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, "$1…@");
}

/** Who asks for replicas must not believe that there are any. */
function refuseReplicas(location: string, { waitReplicas = 0 }: StoreOptions): void {
  if (waitReplicas === 0) return;
  throw new WindhoverError(
    ErrorCode.badConfig,
    `\`store.waitReplicas\` is for Redis, and the directory ${location} has no replicas; leave it out`,
  );
}
