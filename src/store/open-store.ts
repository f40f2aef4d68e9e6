/** From the word in the configuration to an open store. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { openLmdbStore } from "./lmdb-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { openRedisStore, type RedisStoreOptions } from "./redis-store.ts";
import type { Store } from "./store.ts";

export type StoreOptions = RedisStoreOptions;

/**
 * `redis://…` and `rediss://…` are Redis, `memory:` forgets everything at the end (for tests), anything else
 * without a scheme is a directory. Rejects with one clear message when the store cannot be opened.
 */
export async function openStore(location: string, options: StoreOptions = {}): Promise<Store> {
  if (location === "memory:") return new MemoryStore();
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(location)?.[1]?.toLowerCase();
  if (scheme === "redis" || scheme === "rediss") return openRedisStore(location, options);
  if (scheme === undefined && location.trim() !== "") return openLmdbStore(location);
  const shown = scheme === undefined ? `"${location}"` : `"${scheme}:"`;
  throw new WindhoverError(
    ErrorCode.badConfig,
    `${shown} is not a store; give a directory, redis://host:6379/0 or rediss://host:6379/0`,
  );
}
