/**
 * How a journal entry is stored, everywhere. The zone is known from where the record lies.
 *
 *     1 (format) ‖ sequence u64 ‖ timeMs u64 ‖ fromSerial u32 ‖ toSerial u32
 *       ‖ actor ‖ door ‖ address                      each: length u16 ‖ UTF-8
 *       ‖ removed ‖ added                             each: RRsets u32 ‖ { RRset }
 *     RRset: length u8 ‖ labels of the owner below the origin ‖ rrtype u16 ‖ body (`rrset-record.ts`)
 */
import { formatName, type Name } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import { RecordReader, RecordWriter } from "./record-bytes.ts";
import {
  bodyLength,
  joinOwner,
  readRRsetBody,
  relativeOwner,
  writeRRsetBody,
} from "./rrset-record.ts";
import type { JournalEntry } from "./store.ts";

const FORMAT = 1;
/** Where `timeMs` stands; the commit script reads it too. */
export const TIME_AT = 1 + 8;
const FIXED_LENGTH = 1 + 8 + 8 + 4 + 4;

export function writeJournalRecord(entry: JournalEntry): Uint8Array {
  const { actor, door, address, removed, added } = entry;
  const texts = [actor, door, address];
  const lists = [removed, added];
  const writer = new RecordWriter(recordLength(texts, lists, entry.origin));
  writer.u8(FORMAT);
  writer.u53(entry.sequence);
  writer.u53(entry.timeMs);
  writer.u32(entry.fromSerial);
  writer.u32(entry.toSerial);
  for (const text of texts) writer.text(text);
  for (const list of lists) writeRRsets(writer, list, entry.origin);
  return writer.done();
}

function recordLength(
  texts: readonly string[],
  lists: readonly (readonly RRset[])[],
  origin: Name,
): number {
  let length = FIXED_LENGTH;
  for (const text of texts) length += 2 + Buffer.byteLength(text, "utf8");
  for (const list of lists) {
    length += 4;
    for (const rrset of list) {
      length += 1 + (rrset.owner.length - origin.length) + 2 + bodyLength(rrset);
    }
  }
  return length;
}

function writeRRsets(writer: RecordWriter, rrsets: readonly RRset[], origin: Name): void {
  writer.u32(rrsets.length);
  for (const rrset of rrsets) {
    const relative = relativeOwner(rrset.owner, origin);
    writer.u8(relative.length);
    writer.put(relative);
    writer.u16(rrset.rrtype);
    writeRRsetBody(writer, rrset);
  }
}

/** `place` and `sequence` say where the record lay; a record with another sequence is not that one. */
export function readJournalRecord(
  record: Uint8Array,
  origin: Name,
  sequence: number,
  place: string,
): JournalEntry {
  const reader = new RecordReader(
    record,
    () => `${place}: entry ${sequence} of the journal of ${formatName(origin)}`,
  );
  reader.format(FORMAT);
  if (reader.u53() !== sequence) reader.fail("it says another sequence");
  const timeMs = reader.u53();
  const fromSerial = reader.u32();
  const toSerial = reader.u32();
  const actor = reader.text(reader.u16());
  const door = reader.text(reader.u16());
  const address = reader.text(reader.u16());
  const removed = readRRsets(reader, origin);
  const added = readRRsets(reader, origin);
  reader.end();
  const who = { actor, door, address };
  return { origin, sequence, timeMs, fromSerial, toSerial, ...who, removed, added };
}

/** When the entry was written, without reading the rest; `undefined` where that cannot be read. */
export function readJournalTime(record: Uint8Array): number | undefined {
  if (record[0] !== FORMAT || record.length < FIXED_LENGTH) return undefined;
  return Number(new DataView(record.buffer, record.byteOffset).getBigUint64(TIME_AT));
}

function readRRsets(reader: RecordReader, origin: Name): RRset[] {
  const count = reader.u32();
  const rrsets: RRset[] = [];
  for (let at = 0; at < count; at++) {
    const relative = reader.bytes(reader.u8());
    const owner = joinOwner(relative, 0, relative.length, origin);
    if (owner === undefined) reader.fail("an owner is not a canonical name");
    const rrtype = reader.u16();
    rrsets.push(readRRsetBody(reader, { owner, rrtype }));
  }
  return rrsets;
}
