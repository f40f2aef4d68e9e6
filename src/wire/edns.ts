/**
 * EDNS (RFC 6891): the OPT RR in and out, and extended DNS errors (RFC 8914). The hot path finds the OPT with
 * `findOpt`, reads its fixed fields by their offsets, and writes its own.
 */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { EdnsOption, Type } from "./code-points.ts";
import { type ResourceRecord, readRecord } from "./message.ts";
import { nameEnd, RecordOffset, rdataEnd, u16At } from "./message-walk.ts";
import { MessageReader } from "./reader.ts";
import { MessageWriter, WriterFull } from "./writer.ts";

/** Where the fields of an OPT RR stand, counted from its start: its owner is the root, one octet. */
export const OptOffset = {
  rrtype: 1,
  udpPayload: 3,
  extendedRcode: 5,
  version: 6,
  flags: 7,
  length: 9,
  options: 11,
} as const;

/** Octets of an OPT RR without options, and of an option without its value. */
export const OPT_LENGTH = 11;
export const OPTION_HEADER_LENGTH = 4;

/** The DO bit in the flags of an OPT RR: DNSSEC records are welcome (RFC 3225). */
export const DNSSEC_OK = 0x8000;

export interface EdnsOptionValue {
  readonly code: number;
  readonly bytes: Uint8Array;
}

export interface Edns {
  /** As sent; values below 512 mean 512 (RFC 6891 §6.2.3). */
  readonly udpPayload: number;
  /** The upper eight of an rcode's twelve bits. */
  readonly extendedRcode: number;
  readonly version: number;
  readonly isDnssecOk: boolean;
  /** Empty for versions other than 0, whose options may have another form. */
  readonly options: readonly EdnsOptionValue[];
}

/** A malformed OPT RR, a second one, one with an owner, or a message that ends early: FORMERR (RFC 6891 §6.1.1). */
export const MALFORMED_OPT = -1;

/**
 * Where the one OPT RR starts among the `records` RRs from `offset` on; 0 when there is none. Allocates nothing and
 * never throws.
 */
export function findOpt(bytes: Uint8Array, offset: number, end: number, records: number): number {
  let found = 0;
  let at = offset;
  for (let left = records; left > 0; left--) {
    const fields = nameEnd(bytes, at, end);
    const next = fields === 0 ? 0 : rdataEnd(bytes, fields, end);
    if (next === 0) return MALFORMED_OPT;
    if (u16At(bytes, fields + RecordOffset.rrtype) === Type.OPT) {
      if (found !== 0 || fields !== at + 1) return MALFORMED_OPT;
      found = at;
    }
    at = next;
  }
  return found;
}

/**
 * Where the first option of this code starts, its header included, in the OPT RR at `opt` that `findOpt` found; 0
 * when there is none, MALFORMED_OPT when the options up to it do not add up. Allocates nothing and never throws.
 */
export function findOption(bytes: Uint8Array, opt: number, code: number): number {
  let at = opt + OptOffset.options;
  const end = at + u16At(bytes, opt + OptOffset.length);
  while (at < end) {
    if (at + OPTION_HEADER_LENGTH > end) return MALFORMED_OPT;
    const next = at + OPTION_HEADER_LENGTH + u16At(bytes, at + 2);
    if (next > end) return MALFORMED_OPT;
    if (u16At(bytes, at) === code) return at;
    at = next;
  }
  return 0;
}

/** Reads the OPT RR at `offset`. Throws `bad-message` when it is none or its options do not add up. */
export function readEdns(bytes: Uint8Array, offset: number, end = bytes.length): Edns {
  const record = readRecord(new MessageReader(bytes, offset, end));
  if (record.rrtype !== Type.OPT) throw badEdns("there is no OPT record here");
  return recordEdns(record);
}

/** The EDNS fields of an OPT RR of a `Message`. Throws `bad-message` when its options do not add up. */
export function recordEdns(record: ResourceRecord): Edns {
  if (record.owner.length !== 1) throw badEdns("its owner is not the root");
  const version = (record.ttl >>> 16) & 0xff;
  return {
    udpPayload: record.class,
    extendedRcode: record.ttl >>> 24,
    version,
    isDnssecOk: (record.ttl & DNSSEC_OK) !== 0,
    options: version === 0 ? readOptions(record.rdata) : [],
  };
}

function readOptions(rdata: Uint8Array): EdnsOptionValue[] {
  const reader = new MessageReader(rdata);
  const options: EdnsOptionValue[] = [];
  while (reader.remaining > 0) {
    options.push({ code: reader.u16(), bytes: reader.take(reader.u16()) });
  }
  return options;
}

/** Writes an OPT RR. Throws `WriterFull` when it does not fit, and then writes nothing of it. */
export function writeEdns(writer: MessageWriter, edns: Edns): void {
  let length = 0;
  for (const option of edns.options) length += OPTION_HEADER_LENGTH + option.bytes.length;
  if (writer.remaining < OPT_LENGTH + length) throw new WriterFull();
  writer.u8(0);
  writer.u16(Type.OPT);
  writer.u16(edns.udpPayload);
  writer.u8(edns.extendedRcode);
  writer.u8(edns.version);
  writer.u16(edns.isDnssecOk ? DNSSEC_OK : 0);
  writer.u16(length);
  for (const { code, bytes } of edns.options) writeOption(writer, code, bytes);
}

export function writeOption(writer: MessageWriter, code: number, bytes: Uint8Array): void {
  writer.u16(code);
  writer.u16(bytes.length);
  writer.bytes(bytes);
}

/** Writes an extended DNS error (RFC 8914 §2) into the options of an OPT RR that the caller has begun. */
export function writeExtendedError(writer: MessageWriter, infoCode: number, text: string): void {
  const { code, bytes } = extendedError(infoCode, text);
  writeOption(writer, code, bytes);
}

/** An extended DNS error as an option, its text cut between characters where it is too long. */
export function extendedError(infoCode: number, text: string): EdnsOptionValue {
  const bytes = new Uint8Array(2 + Limits.extendedErrorText);
  const { written } = new TextEncoder().encodeInto(text, bytes.subarray(2));
  new MessageWriter(bytes).u16(infoCode);
  return { code: EdnsOption.extendedError, bytes: bytes.slice(0, 2 + written) };
}

/** What an extended DNS error says, or nothing when the option is too short to be one. */
export function readExtendedError(
  bytes: Uint8Array,
): { readonly infoCode: number; readonly text: string } | undefined {
  if (bytes.length < 2) return undefined;
  const text = new TextDecoder().decode(bytes.subarray(2)).replace(/\0$/, "");
  return { infoCode: u16At(bytes, 0), text };
}

function badEdns(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badMessage, `malformed OPT record: ${problem}`);
}
