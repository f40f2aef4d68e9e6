/** What Redis refuses, in words that say what to do. */
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";

const READABLE: readonly (readonly [code: string, meaning: string])[] = [
  [
    "READONLY",
    "this is a read-only replica: a failover is going on, or the location names a replica; it is tried again",
  ],
  ["Stream isn't writeable", "the connection is lost; it is made again"],
  ["MOVED", "this is a node of a Cluster: write redis+cluster:// in place of redis://"],
  [
    "CLUSTERDOWN",
    "the Cluster has slots that no primary serves; `redis-cli --cluster check` names them",
  ],
  ["TRYAGAIN", "slots of the Cluster are being moved; try again"],
  ["CROSSSLOT", "the prefix must hold no braces"],
  ["LOADING", "Redis has been started and is loading its data; it is tried again"],
  ["MASTERDOWN", "this is a replica that has lost its primary; it is tried again"],
  ["BUSY", "a script blocks Redis; `redis-cli SCRIPT KILL` ends it"],
  [
    "OOM",
    "the memory of Redis is full: raise `maxmemory`, or remove what is not needed; nothing was written",
  ],
  [
    "MISCONF",
    "Redis cannot write its data to disk and takes no writes: see its log, its disk may be full",
  ],
  [
    "NOREPLICAS",
    "fewer replicas are connected than `min-replicas-to-write` of Redis demands; nothing was written",
  ],
  [
    "All sentinels are unreachable.*(?:NOAUTH|WRONGPASS)",
    "the Sentinels demand a password of their own: add ?sentinelPassword=… to the location",
  ],
  ["NOAUTH", "Redis demands a password: write it into the location, redis://user:password@host"],
  ["WRONGPASS", "Redis does not accept this user and password"],
  [
    "DB index is out of range",
    "it has no database of this number: name another in the location, or raise `databases` of Redis",
  ],
  [
    "Failed to refresh slots cache",
    "no node tells the slots of a Cluster; one server without a Cluster is redis://host:6379/0",
  ],
  ["NOPERM", "the user lacks a right; docs/redis.md has an ACL line with all that are needed"],
];

/** A `store-unavailable`, or a `store-format` where a key holds something of another kind. */
export function redisError(
  place: string,
  error: unknown,
  keys: readonly string[] = [],
): WindhoverError {
  if (error instanceof WindhoverError) return error;
  const message = errorMessage(error);
  if (/\bWRONGTYPE\b/.test(message)) {
    const which = keys.length === 0 ? "a key" : `one of ${keys.join(", ")}`;
    const text = `${place}: ${which} holds what another program wrote; it was left as it is (${message})`;
    return new WindhoverError(ErrorCode.storeFormat, text, { cause: error });
  }
  const meaning = READABLE.find(([code]) => new RegExp(`\\b${code}\\b`).test(message))?.[1];
  const text = meaning === undefined ? message : `${meaning} (${message})`;
  return new WindhoverError(ErrorCode.storeUnavailable, `${place}: ${text}`, { cause: error });
}
