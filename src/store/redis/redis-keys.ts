/**
 * The only place where a Redis key is spelled. Text a person can read in `redis-cli`:
 *
 *     windhover:schema                              string   version of this picture
 *     windhover:zones                               set      origins that may exist; those with a version do
 *     windhover:deleted                             set      origins that were deleted once; those with a `deleted` still are
 *     windhover:changes                             channel  a hint after every change (`redis-hint.ts`)
 *     windhover:documents:<kind>                    hash     id → JSON; under the empty id "<writes> <restores> <mark>"
 *     windhover:{dyn.example.com.}:version          string   "1 <serial> <sequence> [<mark>]"; a zone exists by it
 *     windhover:{dyn.example.com.}:deleted          string   its version when it was last deleted
 *     windhover:{dyn.example.com.}:rrsets           hash     RRset key → RRset value (`rrset-record.ts`)
 *     windhover:{dyn.example.com.}:journal          stream   id <sequence>-0, field e: `journal-record.ts`
 *     windhover:{dyn.example.com.}:loads            set      loads that are going on
 *     windhover:{dyn.example.com.}:before:<load>    hash     RRset key → value when the load began, if changed
 *     windhover:{dyn.example.com.}:new:<creation>   hash     RRsets of a zone that is being made
 *     windhover:{dyn.example.com.}:new:<creation>:journal   stream   its journal
 *
 * The braces make every key of a zone one hash slot, so that one script may touch them all in a Cluster.
 */
import { formatName, type Name, parseName } from "../../wire/name.ts";
import { unreadable } from "../record-bytes.ts";
import type { DocumentKind, ZoneVersion } from "../store.ts";
import { markOf, storedVersion } from "../zone-version.ts";

export const DEFAULT_PREFIX = "windhover:";
export const SCHEMA_VERSION = "1";
export const JOURNAL_FIELD = "e";

export interface ZoneKeys {
  readonly version: string;
  readonly deleted: string;
  readonly rrsets: string;
  readonly journal: string;
  readonly loads: string;
  /** `before` + load. */
  readonly before: string;
  /** `creation` + its number. */
  readonly creation: string;
}

export interface RedisKeys {
  readonly schema: string;
  readonly zones: string;
  readonly deleted: string;
  readonly changes: string;
  documents(kind: DocumentKind): string;
  zone(origin: Name): ZoneKeys;
}

/** Channels are shared by all databases of a Redis, so theirs has its number; only the first has none. */
export function createRedisKeys(prefix: string, database = 0): RedisKeys {
  return {
    schema: `${prefix}schema`,
    zones: `${prefix}zones`,
    deleted: `${prefix}deleted`,
    changes: `${prefix}changes${database === 0 ? "" : `:${database}`}`,
    documents: (kind) => `${prefix}documents:${kind}`,
    zone: (origin) => zoneKeys(`${prefix}{${formatOrigin(origin)}}:`),
  };
}

function zoneKeys(stem: string): ZoneKeys {
  return {
    version: `${stem}version`,
    deleted: `${stem}deleted`,
    rrsets: `${stem}rrsets`,
    journal: `${stem}journal`,
    loads: `${stem}loads`,
    before: `${stem}before:`,
    creation: `${stem}new:`,
  };
}

/** Presentation form; braces escaped, because they would end the hash tag. */
export function formatOrigin(origin: Name): string {
  return formatName(origin).replaceAll("{", "\\123").replaceAll("}", "\\125");
}

/** `undefined` for text that no origin of ours is written as. */
export function parseOrigin(text: string): Name | undefined {
  try {
    return parseName(text);
  } catch {
    return undefined;
  }
}

export function formatVersion(version: ZoneVersion): string {
  const { serial, sequence } = version;
  const mark = markOf(version);
  return mark === 0 ? `1 ${serial} ${sequence}` : `1 ${serial} ${sequence} ${mark}`;
}

/** `undefined` for text that is no version of ours. */
export function parseVersion(text: string): ZoneVersion | undefined {
  const match = /^1 (\d{1,10}) (\d{1,16})(?: (\d{1,16}))?$/.exec(text);
  if (match === null) return undefined;
  const serial = Number(match[1]);
  const sequence = Number(match[2]);
  const mark = Number(match[3] ?? 0);
  const isExact =
    serial <= 0xffff_ffff && Number.isSafeInteger(sequence) && Number.isSafeInteger(mark);
  return isExact ? storedVersion(serial, sequence, mark) : undefined;
}

/** Throws `store-format` for text that is no version of ours. */
export function readVersion(text: string, place: string, key: string): ZoneVersion {
  const version = parseVersion(text);
  if (version !== undefined) return version;
  throw unreadable(() => `${place}, key ${key}`, `it is "${text.slice(0, 40)}", not a version`);
}

/** Entries are numbered by their sequence, so a range of the stream is a range of the journal. */
export function journalId(sequence: number): string {
  return `${sequence}-0`;
}
