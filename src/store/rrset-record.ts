/**
 * How an RRset is stored, everywhere: a key that names it inside its zone and a value that holds the rest.
 *
 *     key     labels of the owner below the origin, as on the wire ‖ rrtype u16       apex: rrtype alone
 *     value   1 (format) ‖ body
 *     body    ttl u32 ‖ RRs u16 ‖ { length u16 ‖ rdata } per RR, in canonical order
 *
 * Stores put the zone before the key (LMDB) or keep one table per zone (Redis, memory).
 */
import { assert } from "../base/assert.ts";
import { compareBytes } from "../base/bytes.ts";
import { Limits } from "../base/limits.ts";
import { formatName, isSubdomain, LOWER_CASE, type Name } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import type { RRset } from "../zone/rrset.ts";
import { type DescribeRecord, RecordReader, RecordWriter, unreadable } from "./record-bytes.ts";

const FORMAT = 1;
const TYPE_LENGTH = 2;

/** Bytes of `owner` before those of `origin`: none for the apex. */
export function relativeOwner(owner: Name, origin: Name): Uint8Array {
  assert(isSubdomain(owner, origin), "an owner lies in its zone");
  return owner.subarray(0, owner.length - origin.length);
}

/** Writes the key behind `prefix` octets that the caller fills. */
export function writeRRsetKey(owner: Name, rrtype: number, origin: Name, prefix = 0): Buffer {
  const relative = relativeOwner(owner, origin);
  const key = Buffer.allocUnsafe(prefix + relative.length + TYPE_LENGTH);
  key.set(relative, prefix);
  key.writeUInt16BE(rrtype, prefix + relative.length);
  return key;
}

export interface RRsetKey {
  readonly owner: Name;
  readonly rrtype: number;
}

/** Reads the key that begins at `start`. `place` says where it was found, for the error when it is none. */
export function readRRsetKey(
  key: Uint8Array,
  start: number,
  origin: Name,
  place: string,
): RRsetKey {
  const end = key.length - TYPE_LENGTH;
  const owner = joinOwner(key, start, end, origin);
  if (owner === undefined) {
    const hex = Buffer.from(key).toString("hex");
    throw unreadable(() => `${place}: the RRset key ${hex}`, "it is not an owner and an rrtype");
  }
  return { owner, rrtype: ((key[end] as number) << 8) | (key[end + 1] as number) };
}

/**
 * The owner whose labels below `origin` are the octets from `start` to `end`; `undefined` when they make no
 * canonical name.
 */
export function joinOwner(
  bytes: Uint8Array,
  start: number,
  end: number,
  origin: Name,
): Name | undefined {
  const length = end - start;
  if (length < 0 || length + origin.length > Limits.nameLength) return undefined;
  const owner = new Uint8Array(length + origin.length);
  for (let at = 0, labelEnd = 0; at < length; at++) {
    const octet = bytes[start + at] as number;
    if (at < labelEnd) {
      if (LOWER_CASE[octet] !== octet) return undefined;
    } else {
      labelEnd = at + 1 + octet;
      if (octet === 0 || octet > Limits.labelLength || labelEnd > length) return undefined;
    }
    owner[at] = octet;
  }
  for (let at = 0; at < origin.length; at++) owner[length + at] = origin[at] as number;
  return owner as Name;
}

export function writeRRsetValue(rrset: RRset): Uint8Array {
  const writer = new RecordWriter(1 + bodyLength(rrset));
  writer.u8(FORMAT);
  writeRRsetBody(writer, rrset);
  return writer.done();
}

export function readRRsetValue(value: Uint8Array, key: RRsetKey, place: string): RRset {
  const describe: DescribeRecord = () =>
    `${place}: the RRset ${formatName(key.owner)} ${typeName(key.rrtype)}`;
  const reader = new RecordReader(value, describe);
  reader.format(FORMAT);
  const rrset = readRRsetBody(reader, key);
  reader.end();
  return rrset;
}

export function bodyLength(rrset: RRset): number {
  let length = 4 + 2;
  for (const rdata of rrset.rdatas) length += 2 + rdata.length;
  return length;
}

export function writeRRsetBody(writer: RecordWriter, rrset: RRset): void {
  assert(rrset.rdatas.length > 0, "a stored RRset has at least one RR");
  assert(rrset.ttl >= 0 && rrset.ttl <= Limits.ttl, "a stored ttl has 31 bits");
  writer.u32(rrset.ttl);
  writer.u16(rrset.rdatas.length);
  let previous: Uint8Array | undefined;
  for (const rdata of rrset.rdatas) {
    assert(isAfter(rdata, previous), "stored RRs are distinct and in canonical order");
    writer.u16(rdata.length);
    writer.put(rdata);
    previous = rdata;
  }
}

export function readRRsetBody(reader: RecordReader, key: RRsetKey): RRset {
  const ttl = reader.u32();
  if (ttl > Limits.ttl) reader.fail("its ttl has more than 31 bits");
  const count = reader.u16();
  if (count === 0) reader.fail("it has no RR");
  const rdatas: Uint8Array[] = [];
  for (let at = 0; at < count; at++) {
    const rdata = reader.bytes(reader.u16());
    if (!isAfter(rdata, rdatas[at - 1])) reader.fail("its RRs are not in canonical order");
    rdatas.push(rdata);
  }
  return { owner: key.owner, rrtype: key.rrtype, ttl, rdatas };
}

function isAfter(rdata: Uint8Array, previous: Uint8Array | undefined): boolean {
  return previous === undefined || compareBytes(previous, rdata) < 0;
}
