/**
 * Rdata between its forms: on the wire, in canonical wire form, and as text. The rows of the RR type table say what
 * stands in it; the walkers here are the same for every type. Opaque types have the form of RFC 3597.
 *
 * Canonical rdata has no compression, and the names of RFC 4034 §6.2 in lower case. Whatever is accepted here can be
 * written and formatted: what has no text of its own is formatted as `\# length hex`, which parses for every type.
 */
import { fromHex, toHex } from "../base/bytes.ts";
import { ErrorCode, errorMessage, expected, WindhoverError } from "../base/errors.ts";
import { Type } from "./code-points.ts";
import { FIELDS } from "./fields/field-table.ts";
import { LOWER_CASE, type Name, wireNameLength } from "./name.ts";
import { badRdata, type Field, parseNumber, RdataSink, TokenCursor } from "./rdata-field.ts";
import type { MessageReader } from "./reader.ts";
import { RR_TYPES, typeName } from "./rr-types.ts";
import type { Token } from "./token.ts";
import type { MessageWriter } from "./writer.ts";

/** Where a domain name stands in canonical rdata. */
export interface RdataName {
  readonly offset: number;
  /** Octets of the name, root label included. */
  readonly length: number;
  /** Whether it may be sent compressed (RFC 3597 §4). */
  readonly compressible: boolean;
}

/** Text that is no rdata of its type, and the token that is to blame. */
export class RdataTextError extends WindhoverError {
  readonly tokenIndex: number;

  constructor(message: string, tokenIndex: number, cause: unknown) {
    super(ErrorCode.badRdata, message, { cause });
    this.tokenIndex = tokenIndex;
  }
}

const RDATA_LENGTH = 0xffff;
const NO_NAMES: readonly RdataName[] = [];

/** A row made ready for walking. */
interface Plan {
  readonly fields: readonly Field[];
  readonly hasNames: boolean;
  readonly isLowered: boolean;
  readonly isExpanded: boolean;
  readonly isCompressible: boolean;
}

const plans: ReadonlyMap<number, Plan> = new Map(
  RR_TYPES.flatMap((row) => {
    if (row.fields === undefined) return [];
    const fields = row.fields.map((kind) => FIELDS[kind]);
    const plan = {
      fields,
      hasNames: fields.some((field) => field.name !== undefined),
      isLowered: fields.some((field) => field.name?.isLowered),
      isExpanded: fields.some((field) => field.name?.isExpanded),
      isCompressible: fields.some((field) => field.name?.isCompressible),
    };
    return [[row.rrtype, plan]];
  }),
);

/** Reads `length` octets of rdata into canonical form. Throws `bad-rdata`, or `bad-message` for a broken name. */
export function readRdata(reader: MessageReader, rrtype: number, length: number): Uint8Array {
  const plan = plans.get(rrtype);
  if (plan?.isExpanded !== true) return canonicalRdata(rrtype, reader.take(length));
  const end = reader.offset + length;
  if (end > reader.end) throw typed(rrtype, "it ends after the message");
  const parts = plan.fields.map((field) => expandField(reader, field, end, rrtype));
  if (reader.offset !== end) throw typed(rrtype, "its length is not that of its fields");
  return canonicalRdata(rrtype, new Uint8Array(Buffer.concat(parts)));
}

/** The octets of one field, its names uncompressed. Only kinds that stand beside such names come here. */
function expandField(reader: MessageReader, field: Field, end: number, rrtype: number): Uint8Array {
  const start = reader.offset;
  if (field.name?.isExpanded === true) {
    const name = reader.name();
    if (reader.offset > end) throw typed(rrtype, "a domain name in it ends too late");
    return name;
  }
  const length =
    field.length ?? (field === FIELDS.string ? stringLength(reader, start, end) : end - start);
  if (start + length > end) throw typed(rrtype, "it ends too early");
  return reader.take(length);
}

/** Octets of the <character-string> at `start`, its length octet included; looks without moving. */
function stringLength(reader: MessageReader, start: number, end: number): number {
  if (start >= end) return 1;
  const length = 1 + reader.u8();
  reader.offset = start;
  return length;
}

/**
 * Checks uncompressed rdata and brings it into canonical form; the same array when it was so already.
 * Throws `bad-rdata` naming the type.
 */
export function canonicalRdata(rrtype: number, wire: Uint8Array): Uint8Array {
  try {
    return checkAndLower(rrtype, wire);
  } catch (error) {
    throw typed(rrtype, errorMessage(error));
  }
}

function checkAndLower(rrtype: number, wire: Uint8Array): Uint8Array {
  if (wire.length > RDATA_LENGTH) throw badRdata("longer than 65,535 octets");
  const plan = plans.get(rrtype);
  if (plan === undefined) return wire;
  let at = 0;
  for (const field of plan.fields) at = field.end(wire, at);
  if (at !== wire.length) throw badRdata(`${wire.length - at} octets after its last field`);
  return plan.isLowered ? lowerNames(plan, wire) : wire;
}

function lowerNames(plan: Plan, wire: Uint8Array): Uint8Array {
  let lower = wire;
  let at = 0;
  for (const field of plan.fields) {
    const end = field.end(wire, at);
    if (field.name?.isLowered === true) {
      for (const offset of field.names!(wire, at, end)) lower = lowerName(wire, lower, offset);
    }
    at = end;
  }
  return lower;
}

/** Lower-cases one name; copies `wire` when it is the first that needs it. */
function lowerName(wire: Uint8Array, lower: Uint8Array, offset: number): Uint8Array {
  const end = offset + wireNameLength(wire, offset);
  let target = lower;
  for (let at = offset; at < end; at++) {
    const octet = LOWER_CASE[wire[at] as number] as number;
    if (octet === wire[at]) continue;
    if (target === wire) target = new Uint8Array(wire);
    target[at] = octet;
  }
  return target;
}

/** Writes canonical rdata without its length; names of RFC 1035's types may become pointers. */
export function writeRdata(writer: MessageWriter, rrtype: number, rdata: Uint8Array): void {
  if (plans.get(rrtype)?.isCompressible !== true) {
    writer.bytes(rdata);
    return;
  }
  let at = 0;
  for (const { offset, length, compressible } of rdataNames(rrtype, rdata)) {
    writer.bytes(rdata.subarray(at, offset));
    writer.name(rdata.subarray(offset, offset + length), compressible);
    at = offset + length;
  }
  writer.bytes(rdata.subarray(at));
}

/** Whether rdata of this type can hold domain names. */
export function mayHoldNames(rrtype: number): boolean {
  return plans.get(rrtype)?.hasNames === true;
}

/** Every domain name in canonical rdata, in order. */
export function rdataNames(rrtype: number, rdata: Uint8Array): readonly RdataName[] {
  const plan = plans.get(rrtype);
  if (plan?.hasNames !== true) return NO_NAMES;
  const names: RdataName[] = [];
  let at = 0;
  for (const field of plan.fields) {
    const end = field.end(rdata, at);
    for (const offset of field.names?.(rdata, at, end) ?? []) {
      const compressible = field.name?.isCompressible === true;
      names.push({ offset, length: wireNameLength(rdata, offset), compressible });
    }
    at = end;
  }
  return names;
}

/** The text of canonical rdata, without line breaks; absolute names. */
export function formatRdata(rrtype: number, rdata: Uint8Array): string {
  const plan = plans.get(rrtype);
  const text = plan === undefined ? undefined : formatFields(plan, rdata);
  return text === undefined || text === "" ? formatOpaque(rdata) : text;
}

function formatFields(plan: Plan, rdata: Uint8Array): string | undefined {
  let text = "";
  let at = 0;
  for (const field of plan.fields) {
    const end = field.end(rdata, at);
    const part = field.format(rdata, at, end);
    if (part === undefined) return undefined;
    if (part !== "") text += text === "" ? part : ` ${part}`;
    at = end;
  }
  return text;
}

/** RFC 3597 §5 */
function formatOpaque(rdata: Uint8Array): string {
  return rdata.length === 0 ? "\\# 0" : `\\# ${rdata.length} ${toHex(rdata)}`;
}

const sink = new RdataSink();

/** Canonical rdata from the tokens after the type; names relative to `origin`. Throws RdataTextError. */
export function parseRdata(rrtype: number, tokens: readonly Token[], origin: Name): Uint8Array {
  const cursor = new TokenCursor(tokens, origin);
  try {
    return parseTokens(rrtype, tokens, cursor);
  } catch (error) {
    const { message } = typed(rrtype, expected(error, WindhoverError).message);
    throw new RdataTextError(message, Math.max(0, cursor.taken - 1), error);
  }
}

function parseTokens(rrtype: number, tokens: readonly Token[], cursor: TokenCursor): Uint8Array {
  const first = tokens[0];
  if (first?.text === "\\#" && !first.quoted) return checkAndLower(rrtype, parseOpaque(cursor));
  const plan = plans.get(rrtype);
  if (plan === undefined) {
    throw badRdata("this type has no text of its own: write \\#, the length and the octets in hex");
  }
  sink.length = 0;
  for (const field of plan.fields) field.parse(cursor, sink);
  if (cursor.remaining > 0) {
    const extra = cursor.next("");
    throw badRdata(`"${extra.slice(0, 60)}" is more than belongs there`);
  }
  return rrtype === Type.A || rrtype === Type.AAAA
    ? sink.take()
    : checkAndLower(rrtype, sink.take());
}

/** RFC 3597 §5: `\# length hex`. */
function parseOpaque(cursor: TokenCursor): Uint8Array {
  cursor.next("\\#");
  const length = parseNumber(cursor.next("a length"), RDATA_LENGTH, "a length");
  const octets = fromHex(cursor.joined());
  if (octets === undefined) throw badRdata("the octets after \\# are not hex");
  if (octets.length !== length) throw badRdata(`${octets.length} octets, not ${length} as it says`);
  return octets;
}

function typed(rrtype: number, problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badRdata, `bad ${typeName(rrtype)} rdata: ${problem}`);
}
