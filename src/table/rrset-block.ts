/** RRsets between their value and their form in the table: RRs ready to be copied into a message. */
import { equalBytes } from "../base/bytes.ts";
import type { Name } from "../wire/name.ts";
import { type RdataName, rdataNames } from "../wire/rdata.ts";
import type { RRset } from "../zone/rrset.ts";
import { BODY_HEAD, type PackCursor } from "../zone/rrset-pack.ts";
import {
  itemAt,
  OFFSETS_DIFFER,
  octetAt,
  QUESTION_POINTER,
  RECORD_HEADER,
  RRSET_LENGTH_BITS,
  RRSET_LENGTH_MASK,
  RRSET_RECORDS,
  RRSET_SIZE,
  RRSET_TYPE,
  wordsOf,
} from "./layout.ts";

/** Compressible names that one RR holds at most (SOA, MINFO). */
const CUTS_PER_RECORD = 2;
/** Items of a name list before its fix-ups. */
const LIST_HEAD = 2;
const MESSAGE_LENGTH = 0xffff;
const POINTER_LENGTH = 2;
const ROOT_LENGTH = 1;
const NO_CUTS: readonly number[] = [];

/** The same memory as words and as octets. */
export interface Scratch {
  readonly words: Int32Array;
  readonly octets: Uint8Array;
}

export function createScratch(words: number): Scratch {
  const buffer = new ArrayBuffer(words * 4);
  return { words: new Int32Array(buffer), octets: new Uint8Array(buffer) };
}

/** Words that the RRset takes at most. */
export function rrsetWordsMax(rrset: RRset): number {
  const items = LIST_HEAD + rrset.rdatas.length * (CUTS_PER_RECORD + 1);
  return RRSET_RECORDS + wordsOf(recordOctets(rrset)) + wordsOf(items * 2);
}

function recordOctets(rrset: RRset): number {
  let octets = 0;
  for (const rdata of rrset.rdatas) octets += RECORD_HEADER + rdata.length;
  return octets;
}

/** Writes the RRset at a word and returns the word after it. */
export function writeBlock(scratch: Scratch, at: number, rrset: RRset, origin: Name): number {
  const { words } = scratch;
  const { rrtype, rdatas } = rrset;
  const start = (at + RRSET_RECORDS) * 4;
  const list: NameList = { cuts: [], firsts: [] };
  // A larger RRset never fits a message, and its fix-ups would not fit 16 bits.
  const cutFrom = recordOctets(rrset) <= MESSAGE_LENGTH ? origin : undefined;
  let end = start;
  for (const rdata of rdatas) {
    const names = rdataNames(rrtype, rdata);
    end = writeRecord(scratch, end, rrset, rdata);
    if (names.length > 0)
      end = cutNames(scratch, end - rdata.length, rdata, names, cutFrom, list, start);
  }
  for (let pad = end; (pad & 3) !== 0; pad++) scratch.octets[pad] = 0;
  const recordsEnd = wordsOf(end);
  const listEnd = list.firsts.length === 0 ? recordsEnd : writeList(words, recordsEnd, list);
  words[at + RRSET_TYPE] = rrtype | (rdatas.length << 16);
  words[at + RRSET_SIZE] = (end - start) | ((listEnd - recordsEnd) << RRSET_LENGTH_BITS);
  return listEnd;
}

/** Words that a packed RRset of a type without names takes. */
export function packedWords({ body, end, count }: PackCursor): number {
  return RRSET_RECORDS + wordsOf(end - body - BODY_HEAD + count * (RECORD_HEADER - 2));
}

/** Writes a packed RRset of a type without names at a word and returns the word after it. */
export function writePackedBlock(scratch: Scratch, at: number, rrset: PackCursor): number {
  const { words, octets } = scratch;
  const { bytes, body, end, rrtype, count } = rrset;
  const start = (at + RRSET_RECORDS) * 4;
  let to = start;
  for (let from = body + BODY_HEAD; from < end; ) {
    octets[to] = QUESTION_POINTER >>> 8;
    octets[to + 1] = QUESTION_POINTER & 0xff;
    octets[to + 2] = rrtype >>> 8;
    octets[to + 3] = rrtype;
    octets[to + 4] = 0;
    octets[to + 5] = 1;
    for (let ttl = 0; ttl < 4; ttl++) octets[to + 6 + ttl] = bytes[body + ttl]!;
    to += RECORD_HEADER - 2;
    const after = from + 2 + ((bytes[from]! << 8) | bytes[from + 1]!);
    while (from < after) octets[to++] = bytes[from++]!;
  }
  for (let pad = to; (pad & 3) !== 0; pad++) octets[pad] = 0;
  words[at + RRSET_TYPE] = rrtype | (count << 16);
  words[at + RRSET_SIZE] = to - start;
  return wordsOf(to);
}

function writeRecord(scratch: Scratch, at: number, rrset: RRset, rdata: Uint8Array): number {
  const { octets } = scratch;
  const { rrtype, ttl } = rrset;
  octets[at] = QUESTION_POINTER >>> 8;
  octets[at + 1] = QUESTION_POINTER & 0xff;
  octets[at + 2] = rrtype >>> 8;
  octets[at + 3] = rrtype;
  octets[at + 4] = 0;
  octets[at + 5] = 1;
  octets[at + 6] = ttl >>> 24;
  octets[at + 7] = ttl >>> 16;
  octets[at + 8] = ttl >>> 8;
  octets[at + 9] = ttl;
  writeLength(octets, at + RECORD_HEADER, rdata.length);
  for (let from = 0, to = at + RECORD_HEADER; from < rdata.length; ) octets[to++] = rdata[from++]!;
  return at + RECORD_HEADER + rdata.length;
}

/** The length field of the RR whose rdata starts here. */
function writeLength(octets: Uint8Array, rdataAt: number, length: number): void {
  octets[rdataAt - 2] = length >>> 8;
  octets[rdataAt - 1] = length;
}

/** What the name list of an RRset will say. */
interface NameList {
  /** Offsets of the pointers, from the RRset's first RR. */
  readonly cuts: number[];
  /** Offset of each RR's first name in its rdata. */
  readonly firsts: number[];
}

/** Cuts the names of one RR's rdata, just written, and returns where it ends now. */
function cutNames(
  { octets }: Scratch,
  rdataAt: number,
  rdata: Uint8Array,
  names: readonly RdataName[],
  origin: Name | undefined,
  list: NameList,
  start: number,
): number {
  list.firsts.push((names[0] as RdataName).offset);
  let from = 0;
  let to = rdataAt;
  for (const { offset, length, compressible } of names) {
    const origins = compressible && origin !== undefined ? origin : undefined;
    const kept = origins === undefined ? length : keptOctets(rdata, offset, length, origins);
    octets.copyWithin(to, rdataAt + from, rdataAt + offset + kept);
    to += offset + kept - from;
    from = offset + length;
    if (kept === length) continue;
    list.cuts.push(to - start);
    octets[to] = 0xc0;
    octets[to + 1] = 0;
    to += POINTER_LENGTH;
  }
  octets.copyWithin(to, rdataAt + from, rdataAt + rdata.length);
  to += rdata.length - from;
  writeLength(octets, rdataAt, to - rdataAt);
  return to;
}

/** Octets of the name that stay before a pointer to the origin; all when it does not end in the origin. */
function keptOctets(rdata: Uint8Array, offset: number, length: number, origin: Name): number {
  const kept = length - origin.length;
  if (kept < 0 || origin.length === ROOT_LENGTH) return length;
  let at = 0;
  while (at < kept) at += rdata[offset + at]! + 1;
  if (at !== kept) return length;
  return equalBytes(rdata.subarray(offset + kept, offset + length), origin) ? kept : length;
}

function writeList(words: Int32Array, at: number, { cuts, firsts }: NameList): number {
  const first = firsts[0] as number;
  const isSame = first < OFFSETS_DIFFER && firsts.every((each) => each === first);
  const items = [cuts.length, isSame ? first : OFFSETS_DIFFER, ...cuts, ...(isSame ? [] : firsts)];
  for (let index = 0; index < items.length; index += 2) {
    words[at + (index >>> 1)] = (items[index] as number) | ((items[index + 1] ?? 0) << 16);
  }
  return at + ((items.length + 1) >>> 1);
}

/** The RRset as a value of its own, names whole again. */
export function readBlock(words: Int32Array, rrset: number, owner: Name, origin: Name): RRset {
  const records = rrset + RRSET_RECORDS;
  const cuts = readCuts(words, rrset);
  const rdatas: Uint8Array[] = [];
  let at = 0;
  let cut = 0;
  for (let left = words[rrset + RRSET_TYPE]! >>> 16; left > 0; left--) {
    const rdataAt = at + RECORD_HEADER;
    const end =
      rdataAt + ((octetAt(words, records, at + 10) << 8) | octetAt(words, records, at + 11));
    rdatas.push(readRdata(words, records, rdataAt, end, cuts, cut, origin));
    while (cut < cuts.length && (cuts[cut] as number) < end) cut++;
    at = end;
  }
  const ttl =
    (octetAt(words, records, 6) << 24) |
    (octetAt(words, records, 7) << 16) |
    (octetAt(words, records, 8) << 8) |
    octetAt(words, records, 9);
  return { owner, rrtype: words[rrset + RRSET_TYPE]! & 0xffff, ttl, rdatas };
}

function readCuts(words: Int32Array, rrset: number): readonly number[] {
  const size = words[rrset + RRSET_SIZE]!;
  if (size >>> RRSET_LENGTH_BITS === 0) return NO_CUTS;
  const list = rrset + RRSET_RECORDS + wordsOf(size & RRSET_LENGTH_MASK);
  return Array.from({ length: itemAt(words, list, 0) }, (_, index) =>
    itemAt(words, list, LIST_HEAD + index),
  );
}

/** Rdata whole again: its cut names, the first at `cuts[cut]`, with the origin in the place of the pointer. */
function readRdata(
  words: Int32Array,
  records: number,
  from: number,
  end: number,
  cuts: readonly number[],
  cut: number,
  origin: Name,
): Uint8Array {
  let last = cut;
  while (last < cuts.length && (cuts[last] as number) < end) last++;
  const rdata = new Uint8Array(end - from + (last - cut) * (origin.length - POINTER_LENGTH));
  let to = 0;
  for (let at = from, next = cut; at < end; ) {
    if (next < last && at === cuts[next]) {
      rdata.set(origin, to);
      to += origin.length;
      at += POINTER_LENGTH;
      next++;
    } else {
      rdata[to++] = octetAt(words, records, at++);
    }
  }
  return rdata;
}
