/**
 * Hears of changes that other processes made. Hints come over pub/sub, which forgets what nobody hears; so
 * versions are compared whenever the subscription begins or comes back.
 */
import type { Redis } from "ioredis";
import { type Name, nameKey } from "../../wire/name.ts";
import type { StoredZone } from "../store.ts";
import { parseOrigin, type RedisKeys } from "./redis-keys.ts";

export interface Watching {
  /** A connection of its own: one that subscribes can do nothing else. */
  readonly client: Redis;
  readonly keys: RedisKeys;
  /** Marks our own hints, which are none for us. */
  readonly writer: string;
  readonly listZones: () => Promise<readonly StoredZone[]>;
  readonly changed: (origin: Name) => void;
}

/** Returns the way to stop. */
export function watchRedis(watching: Watching): () => void {
  const { client, keys, writer, changed } = watching;
  const known = readVersions(watching);
  let isStopped = false;
  client.on("error", () => {});
  client.on("ready", () => {
    client.subscribe(keys.changes).then(
      () => (isStopped ? undefined : compareVersions(watching, known)),
      () => {},
    );
  });
  client.on("message", (_channel: string, hint: string) => {
    const [from, text] = hint.split(" ");
    const origin = text === undefined ? undefined : parseOrigin(text);
    if (origin !== undefined && from !== writer && !isStopped) changed(origin);
  });
  client.connect().catch(() => {});
  return () => {
    isStopped = true;
    client.disconnect();
  };
}

type Versions = Map<string, StoredZone>;

async function readVersions({ listZones }: Watching): Promise<Versions> {
  const zones = await listZones().catch(() => []);
  return new Map(zones.map((zone) => [nameKey(zone.origin), zone]));
}

/** Calls back for every zone that is not as it was last seen here; some of those changes may be our own. */
async function compareVersions(watching: Watching, known: Promise<Versions>): Promise<void> {
  const before = await known;
  const now = await readVersions(watching);
  for (const [key, zone] of now) {
    if (before.get(key)?.sequence !== zone.sequence) watching.changed(zone.origin);
  }
  for (const [key, zone] of before) {
    if (!now.has(key)) watching.changed(zone.origin);
  }
  before.clear();
  for (const [key, zone] of now) before.set(key, zone);
}
