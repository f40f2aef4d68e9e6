/**
 * Reads a zone out of Redis piece by piece while others go on changing it, and gives the one version that it
 * had when the load began: commits keep for the load what they overwrite (`commit-script.ts`).
 */
import { randomBytes } from "node:crypto";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import { formatName, type Name } from "../../wire/name.ts";
import type { RRset } from "../../zone/rrset.ts";
import { readRRsetKey, readRRsetValue } from "../rrset-record.ts";
import type { RedisConnection } from "./redis-connection.ts";
import type { ZoneKeys } from "./redis-keys.ts";

export interface ZoneLoad {
  /** The version as Redis holds it. */
  readonly version: string;
  readonly batches: AsyncGenerator<readonly RRset[]>;
}

/** `undefined` when there is no such zone. `check` throws when the store was closed meanwhile. */
export async function beginZoneLoad(
  connection: RedisConnection,
  keys: ZoneKeys,
  origin: Name,
  check: () => void,
): Promise<ZoneLoad | undefined> {
  const load = randomBytes(12).toString("hex");
  const version = await connection.script(
    "beginLoad",
    [keys.version, keys.loads, keys.before + load],
    [load, Limits.redisLeftoverSeconds],
  );
  if (version === null) return undefined;
  return {
    version: (version as Buffer).toString("utf8"),
    batches: readBatches(connection, keys, { origin, load, check }),
  };
}

interface Reading {
  readonly origin: Name;
  readonly load: string;
  readonly check: () => void;
}

async function* readBatches(
  connection: RedisConnection,
  keys: ZoneKeys,
  { origin, load, check }: Reading,
): AsyncGenerator<readonly RRset[]> {
  const place = `${connection.place}, key ${keys.rrsets}`;
  const before = keys.before + load;
  const seen = new Set<string>();
  const read = (records: readonly Buffer[]) => readNew(records, { seen, origin, place });
  let hasEnded = false;
  try {
    let cursor = "0";
    do {
      check();
      const args = [cursor, Limits.loadBatch, Limits.redisLeftoverSeconds];
      const piece = await connection.script(
        "continueLoad",
        [keys.rrsets, before, keys.loads],
        args,
      );
      if (piece === null) throw forgotten(connection.place, origin);
      const [next, records] = piece as [Buffer, Buffer[]];
      cursor = next.toString("latin1");
      const batch = read(records);
      if (batch.length > 0) yield batch;
    } while (cursor !== "0");
    check();
    const changed = await connection.script("endLoad", [before, keys.loads], [load]);
    hasEnded = true;
    if ((changed as Buffer[]).length === 0) throw forgotten(connection.place, origin);
    const ended = read(withoutMarks(changed as Buffer[]));
    if (ended.length > 0) yield ended;
  } finally {
    // What is not heard here, Redis forgets by itself after a while.
    if (!hasEnded) await connection.script("endLoad", [before, keys.loads], [load]).catch(() => {});
  }
}

interface Place {
  readonly seen: Set<string>;
  readonly origin: Name;
  readonly place: string;
}

/** `before` without its empty key, which keeps it alive, and without RRsets that the load must not see. */
function withoutMarks(records: readonly Buffer[]): Buffer[] {
  const rest: Buffer[] = [];
  for (let at = 0; at + 1 < records.length; at += 2) {
    const key = records[at] as Buffer;
    const value = records[at + 1] as Buffer;
    if (key.length > 0 && value.length > 0) rest.push(key, value);
  }
  return rest;
}

/** The RRsets among these records that did not come before. */
function readNew(records: readonly Buffer[], { seen, origin, place }: Place): RRset[] {
  const rrsets: RRset[] = [];
  for (let at = 0; at + 1 < records.length; at += 2) {
    const key = records[at] as Buffer;
    const value = records[at + 1] as Buffer;
    const mark = key.toString("latin1");
    if (seen.has(mark)) continue;
    seen.add(mark);
    rrsets.push(readRRsetValue(value, readRRsetKey(key, 0, origin, place), place));
  }
  return rrsets;
}

function forgotten(place: string, origin: Name): WindhoverError {
  return new WindhoverError(
    ErrorCode.storeUnavailable,
    `${place}: the zone ${formatName(origin)} was deleted, or Redis was restarted, while it was being loaded; load it again`,
  );
}
