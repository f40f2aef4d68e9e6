/**
 * What the commit log holds: commits as a whole, and which of them are done before something was done past the log.
 *
 *     payload   { length u32 ‖ record } …
 *     record    1 ‖ origin ‖ version before ‖ version after ‖ entries u32 ‖ { length u32 ‖ journal record }
 *                 ‖ changes u32 ‖ { length u16 ‖ RRset key ‖ length u32 ‖ RRset value }
 *               2 ‖ origin                          what stands before of the zone is done below
 *     origin    length u8 ‖ name on the wire         version   sequence u64 ‖ serial u32 ‖ mark u64
 *
 * An RRset that ends has a value of no octets. Keys, values and journal records are those of every store.
 */
import { type Name, ROOT } from "../wire/name.ts";
import { RecordReader, RecordWriter, unreadable } from "./record-bytes.ts";
import { joinOwner } from "./rrset-record.ts";
import type { ZoneVersion } from "./store.ts";
import type { WrittenCommit, WrittenRRset } from "./written-commit.ts";
import { markOf, storedVersion } from "./zone-version.ts";

export type LogRecord =
  | { readonly kind: "commit"; readonly commit: WrittenCommit }
  | { readonly kind: "done"; readonly origin: Name };

const COMMIT = 1;
const DONE = 2;
const VERSION_LENGTH = 8 + 4 + 8;
const NOTHING = new Uint8Array(0);

/** What stands before it of the zone is done below. With its length before it. */
export function writeDoneRecord(origin: Name): Uint8Array {
  const length = 1 + 1 + origin.length;
  const writer = new RecordWriter(4 + length);
  writer.u32(length);
  writer.u8(DONE);
  writer.u8(origin.length);
  writer.put(origin);
  return writer.done();
}

/** With its length before it. */
export function writeCommitRecord(commit: WrittenCommit): Uint8Array {
  const { origin, expected, next, journal, rrsets } = commit;
  let length = 1 + 1 + origin.length + 2 * VERSION_LENGTH + 4 + 4;
  for (const record of journal) length += 4 + record.length;
  for (const { key, value = NOTHING } of rrsets) length += 2 + key.length + 4 + value.length;
  const writer = new RecordWriter(4 + length);
  writer.u32(length);
  writer.u8(COMMIT);
  writer.u8(origin.length);
  writer.put(origin);
  for (const version of [expected, next]) {
    writer.u53(version.sequence);
    writer.u32(version.serial);
    writer.u53(markOf(version));
  }
  writer.u32(journal.length);
  for (const record of journal) putLong(writer, record);
  writer.u32(rrsets.length);
  for (const { key, value = NOTHING } of rrsets) {
    writer.u16(key.length);
    writer.put(key);
    putLong(writer, value);
  }
  return writer.done();
}

function putLong(writer: RecordWriter, bytes: Uint8Array): void {
  writer.u32(bytes.length);
  writer.put(bytes);
}

/** The records of one payload. `place` says where it was found. */
export function readLogRecords(payload: Uint8Array, place: string): readonly LogRecord[] {
  const records: LogRecord[] = [];
  const reader = new RecordReader(payload, () => `${place}: a frame`);
  while (!reader.isAtEnd) records.push(readRecord(reader.bytes(reader.u32()), place));
  return records;
}

function readRecord(bytes: Uint8Array, place: string): LogRecord {
  const reader = new RecordReader(bytes, () => `${place}: a record`);
  const kind = reader.u8();
  const origin = readOrigin(reader.bytes(reader.u8()), place);
  if (kind === COMMIT) {
    const commit = readCommit(reader, origin);
    reader.end();
    return { kind: "commit", commit };
  }
  if (kind !== DONE) reader.fail(`it is of kind ${kind}, which this version does not know`);
  reader.end();
  return { kind: "done", origin };
}

function readOrigin(octets: Uint8Array, place: string): Name {
  const end = octets.length - 1;
  const origin = octets[end] === 0 ? joinOwner(octets, 0, end, ROOT) : undefined;
  if (origin === undefined) throw unreadable(() => `${place}: an origin`, "it is not a name");
  return origin;
}

function readCommit(reader: RecordReader, origin: Name): WrittenCommit {
  const expected = readVersion(reader);
  const next = readVersion(reader);
  const journal: Uint8Array[] = [];
  for (let left = reader.u32(); left > 0; left--) journal.push(reader.bytes(reader.u32()));
  const rrsets: WrittenRRset[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const key = reader.bytes(reader.u16());
    const value = reader.bytes(reader.u32());
    rrsets.push({ key, value: value.length === 0 ? undefined : value });
  }
  if (next.sequence !== expected.sequence + journal.length) reader.fail("its entries do not fit");
  return { origin, expected, next, journal, rrsets };
}

function readVersion(reader: RecordReader): ZoneVersion {
  const sequence = reader.u53();
  const serial = reader.u32();
  return storedVersion(serial, sequence, reader.u53());
}
