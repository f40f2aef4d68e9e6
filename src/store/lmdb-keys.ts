/**
 * What lies where in the LMDB directory: its tables, the octets of their keys and values.
 *
 *     table      key                                       value
 *     meta       "schema"                                  the version of this picture, as text
 *     deleted    origin on the wire                        1 (format) ‖ version; where it stood when deleted
 *     zones      origin on the wire                        1 (format) ‖ zone id u32
 *     versions   zone id u32 ‖ version                     1 (format); one key per zone
 *     packs      zone id u32 ‖ number u32                  1 (format) ‖ pack (`zone/rrset-pack.ts`)
 *     rrsets     zone id u32 ‖ RRset key                   RRset value (`rrset-record.ts`), or 0: it ended
 *     journal    zone id u32 ‖ sequence u64                journal record (`journal-record.ts`)
 *     leftovers  zone id u32                               1; a zone being made or taken away
 *     documents  kind ‖ 0 ‖ id as UTF-8                    JSON as UTF-8
 *
 * A zone's RRsets are those in its packs, as it was made, changed by what `rrsets` says (`lmdb-packs.ts`).
 *
 * A version is sequence u64 ‖ serial u32 ‖ mark u64, the last only where there is one. It is a key, so that one
 * conditional write inside the transaction compares and swaps it. Zone ids are not used again while the store is
 * open, so a commit meant for a deleted zone finds no version key.
 */
import { errorMessage } from "../base/errors.ts";
import { formatName, type Name, ROOT } from "../wire/name.ts";
import { type DescribeRecord, RecordReader, RecordWriter, unreadable } from "./record-bytes.ts";
import { joinOwner } from "./rrset-record.ts";
import type { DocumentKind, ZoneVersion } from "./store.ts";
import { markOf, storedVersion } from "./zone-version.ts";

export const SCHEMA_KEY = Buffer.from("schema", "utf8");
/** Raised when a version before could not read what this one writes. */
export const SCHEMA_VERSION = "2";
/** Version 1 had no packs and no log beside the tables: all that it wrote is read as it stands. */
export const SCHEMAS_TAKEN_OVER: readonly string[] = ["1"];

const FORMAT = 1;
/** Octets of the zone id, after which the rest of a key begins. */
export const ID_LENGTH = 4;

/** The value of keys that say everything themselves. */
export const PRESENT = Buffer.from([FORMAT]);

/** In `rrsets`: there is no such RRset any more, whatever a pack says. */
export const ENDED = Buffer.from([0]);

export function packKey(id: number, number: number): Uint8Array {
  const writer = new RecordWriter(2 * ID_LENGTH);
  writer.u32(id);
  writer.u32(number);
  return writer.done();
}

/** Fills `value`, which has one octet more than the pack. */
export function writePackValue(value: Uint8Array, pack: Uint8Array): void {
  value[0] = FORMAT;
  value.set(pack, 1);
}

/** The pack's octets where they lie. */
export function readPackValue(value: Uint8Array, describe: DescribeRecord): Uint8Array {
  new RecordReader(value, describe).format(FORMAT);
  return value.subarray(1);
}

export function zoneValue(id: number): Uint8Array {
  const writer = new RecordWriter(1 + ID_LENGTH);
  writer.u8(FORMAT);
  writer.u32(id);
  return writer.done();
}

export function readOrigin(key: Uint8Array, place: string): Name {
  const origin = key.at(-1) === 0 ? joinOwner(key, 0, key.length - 1, ROOT) : undefined;
  if (origin !== undefined) return origin;
  const hex = Buffer.from(key).toString("hex");
  throw unreadable(() => `${place}: the zone key ${hex}`, "it is not a name");
}

export function readZoneValue(value: Uint8Array, origin: Name, place: string): number {
  const reader = new RecordReader(value, () => `${place}: the zone ${formatName(origin)}`);
  reader.format(FORMAT);
  const id = reader.u32();
  reader.end();
  return id;
}

/** All keys that begin with this zone's id lie between this and `zonePrefix(id + 1)`. */
export function zonePrefix(id: number): Buffer {
  const key = Buffer.allocUnsafe(ID_LENGTH);
  key.writeUInt32BE(id, 0);
  return key;
}

export function readZonePrefix(key: Uint8Array, place: string): number {
  return new RecordReader(key, () => `${place}: a table key`).u32();
}

export function versionKey(id: number, version: ZoneVersion): Uint8Array {
  const writer = new RecordWriter(ID_LENGTH + versionLength(version));
  writer.u32(id);
  putVersion(writer, version);
  return writer.done();
}

/** Octets of sequence and serial. */
const UNMARKED = 12;

function versionLength(version: ZoneVersion): number {
  return markOf(version) === 0 ? UNMARKED : UNMARKED + 8;
}

function putVersion(writer: RecordWriter, version: ZoneVersion): void {
  writer.u53(version.sequence);
  writer.u32(version.serial);
  if (markOf(version) !== 0) writer.u53(markOf(version));
}

function takeVersion(reader: RecordReader, length: number): ZoneVersion {
  const sequence = reader.u53();
  const serial = reader.u32();
  const mark = length > UNMARKED ? reader.u53() : 0;
  reader.end();
  return storedVersion(serial, sequence, mark);
}

export function deletedValue(version: ZoneVersion): Uint8Array {
  const writer = new RecordWriter(1 + versionLength(version));
  writer.u8(FORMAT);
  putVersion(writer, version);
  return writer.done();
}

export function readDeletedValue(value: Uint8Array, origin: Name, place: string): ZoneVersion {
  const describe = () => `${place}: where the zone ${formatName(origin)} was deleted`;
  const reader = new RecordReader(value, describe);
  reader.format(FORMAT);
  return takeVersion(reader, value.length - 1);
}

export function readVersion(key: Uint8Array, value: Uint8Array, place: string): ZoneVersion {
  const describe = () => `${place}: a zone's version ${Buffer.from(key).toString("hex")}`;
  const flag = new RecordReader(value, describe);
  flag.format(FORMAT);
  flag.end();
  const reader = new RecordReader(key, describe);
  reader.u32();
  return takeVersion(reader, key.length - ID_LENGTH);
}

/** `key` is that of `rrset-record.ts`. */
export function rrsetKey(id: number, key: Uint8Array): Uint8Array {
  const joined = Buffer.allocUnsafe(ID_LENGTH + key.length);
  joined.writeUInt32BE(id, 0);
  joined.set(key, ID_LENGTH);
  return joined;
}

export function journalKey(id: number, sequence: number): Uint8Array {
  const writer = new RecordWriter(ID_LENGTH + 8);
  writer.u32(id);
  writer.u53(sequence);
  return writer.done();
}

export function readJournalKey(key: Uint8Array, place: string): number {
  const reader = new RecordReader(key, () => `${place}: a journal key`);
  reader.u32();
  const sequence = reader.u53();
  reader.end();
  return sequence;
}

export function documentKey(kind: DocumentKind, id: string): Buffer {
  return Buffer.from(`${kind}\0${id}`, "utf8");
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function readDocument(value: Uint8Array, describe: DescribeRecord): string {
  try {
    return UTF8.decode(value);
  } catch (error) {
    throw unreadable(describe, errorMessage(error));
  }
}
