/**
 * What about a Redis may lose acknowledged updates, in words for its operator. A managed Redis may forbid `CONFIG`;
 * then `INFO` tells what it can, and what nobody tells is no hazard.
 */
import type { Cluster, Redis } from "ioredis";
import type { DocumentKind } from "../store.ts";
import type { RedisConnection } from "./redis-connection.ts";
import type { RedisKeys } from "./redis-keys.ts";

export interface HazardTerms {
  readonly keys: RedisKeys;
  readonly isCluster: boolean;
  readonly onWarnings: (warnings: readonly string[]) => void;
}

/** Tells after each connection. Returns the way to tell of what is being done to documents, until it is done. */
export function tellHazards(
  connection: RedisConnection,
  { keys, isCluster, onWarnings }: HazardTerms,
): (kind: DocumentKind, sentence: string | undefined) => void {
  const repairs = new Map<DocumentKind, string>();
  let hazards: readonly string[] = [];
  const told = () => onWarnings([...hazards, ...repairs.values()]);
  const tell = () => {
    const take = (found: readonly string[]) => {
      hazards = found;
      told();
    };
    readHazards(connection.client, isCluster).then(take, () => {});
  };
  connection.onState((isUp) => {
    if (isUp) connection.keepSchema(keys).then(tell, () => {});
  });
  tell();
  return (kind, sentence) => {
    if (repairs.get(kind) === sentence) return;
    if (sentence === undefined) repairs.delete(kind);
    else repairs.set(kind, sentence);
    told();
  };
}

/** Of every primary; each hazard once. */
async function readHazards(client: Redis, isCluster: boolean): Promise<readonly string[]> {
  const primaries = isCluster ? (client as unknown as Cluster).nodes("master") : [client];
  const lists = await Promise.all(primaries.map(readServerHazards));
  return [...new Set(lists.flat())];
}

async function readServerHazards(server: Redis): Promise<readonly string[]> {
  const setting = async (name: string) => {
    const answer = await server.config("GET", name).catch(() => undefined);
    return (answer as readonly string[] | undefined)?.[1];
  };
  const persistence = parseInfo(await server.info("persistence").catch(() => ""));
  const memory = parseInfo(await server.info("memory").catch(() => ""));
  const appends = persistence.get("aof_enabled") === "1";
  const policy = (await setting("maxmemory-policy")) ?? memory.get("maxmemory_policy");
  return [
    ...(persistence.size === 0 || appends ? [] : [notAppending(await setting("save"))]),
    ...(appends ? syncHazards(await setting("appendfsync")) : []),
    ...(persistence.get("aof_last_write_status") === "err" ? [FAILING] : []),
    ...(policy?.startsWith("allkeys") === true ? [evicting(policy)] : []),
  ];
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), afterColon(line)]));
}

function afterColon(line: string): string {
  return line.slice(line.indexOf(":") + 1);
}

const FAILING = "Redis cannot write its append-only file: see its log, its disk may be full";

function notAppending(save: string | undefined): string {
  const advice = "set `appendonly yes` and `appendfsync always`";
  if (save === "") return `Redis keeps nothing on disk, and a restart loses everything: ${advice}`;
  return `Redis writes snapshots only, and a crash loses what was acknowledged since the last: ${advice}`;
}

function syncHazards(appendfsync: string | undefined): readonly string[] {
  if (appendfsync === undefined || appendfsync === "always") return [];
  return [
    `Redis has \`appendfsync ${appendfsync}\`: a crash loses what was acknowledged last; \`always\` keeps it`,
  ];
}

function evicting(policy: string): string {
  return `Redis has \`maxmemory-policy ${policy}\` and may throw zones away when its memory is full: set \`noeviction\``;
}
