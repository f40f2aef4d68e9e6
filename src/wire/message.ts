/**
 * A whole message as a value (RFC 1035 §4.1, RFC 2136 §2), for everything off the hot path: updates, notifies,
 * transfers, questions we send. The hot path reads and writes bytes in place.
 */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Class, HEADER_LENGTH, Opcode, Type } from "./code-points.ts";
import { canonicalName, type Name } from "./name.ts";
import { readRdata, writeRdata } from "./rdata.ts";
import { MessageReader } from "./reader.ts";
import { MessageWriter } from "./writer.ts";

/** The header's fields. `flags` are its single bits (`HeaderFlag`), without opcode and rcode. */
export interface Header {
  readonly id: number;
  readonly flags: number;
  readonly opcode: number;
  /** The header's four bits; an OPT RR may hold eight more above them. */
  readonly rcode: number;
}

/** How many RRs each section holds, in the order of the message. */
export interface SectionCounts {
  readonly questions: number;
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
}

/** In an UPDATE, the zone section (RFC 2136 §2.3). */
export interface Question {
  readonly name: Name;
  /** The name in the case it was asked in, which an answer repeats. */
  readonly wireName: Uint8Array;
  readonly qtype: number;
  readonly qclass: number;
}

/**
 * One RR. `ttl` has all 32 bits: what a set top bit means is for the reader of it (RFC 2181 §8; OPT). `rdata` is
 * canonical and uncompressed, raw for OPT and TSIG, and empty where classes ANY and NONE carry none.
 */
export interface ResourceRecord {
  readonly owner: Name;
  readonly rrtype: number;
  readonly class: number;
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/** In an UPDATE, `answers` are the prerequisites and `authorities` the updates (RFC 2136 §2.2). */
export interface Message extends Header {
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

const FLAG_BITS = 0x87f0;

/** The fewest octets of a question and of an RR: a root owner and the fixed fields. */
const QUESTION_LENGTH = 5;
const RECORD_LENGTH = 11;

/** Throws `bad-message` when there is no whole header. */
export function readHeader(bytes: Uint8Array, length = bytes.length): Header {
  const reader = new MessageReader(bytes, 0, length);
  return readHeaderFields(reader);
}

/** Reads a whole message. Throws `bad-message` or `bad-rdata` when it is malformed or goes on after its last RR. */
export function readMessage(bytes: Uint8Array): Message {
  const reader = new MessageReader(bytes);
  const header = readHeaderFields(reader);
  const counts = readCounts(reader);
  const message = {
    ...header,
    questions: readEach(counts.questions, () => readQuestion(reader)),
    answers: readEach(counts.answers, () => readRecord(reader)),
    authorities: readEach(counts.authorities, () => readRecord(reader)),
    additionals: readEach(counts.additionals, () => readRecord(reader)),
  };
  if (reader.remaining > 0) throw badMessage("it goes on after its last record");
  return message;
}

function readHeaderFields(reader: MessageReader): Header {
  if (reader.remaining < HEADER_LENGTH) throw badMessage("it has no whole header");
  const id = reader.u16();
  const word = reader.u16();
  return { id, flags: word & FLAG_BITS, opcode: (word >> 11) & 0xf, rcode: word & 0xf };
}

/** Refuses counts that the octets present cannot hold before anything is made for them. */
function readCounts(reader: MessageReader): SectionCounts {
  const questions = reader.u16();
  const answers = reader.u16();
  const authorities = reader.u16();
  const additionals = reader.u16();
  const records = answers + authorities + additionals;
  if (questions * QUESTION_LENGTH + records * RECORD_LENGTH > reader.remaining) {
    throw badMessage("its header counts more records than there are");
  }
  return { questions, answers, authorities, additionals };
}

function readEach<T>(count: number, readOne: () => T): T[] {
  const read: T[] = [];
  for (let at = 0; at < count; at++) read.push(readOne());
  return read;
}

export function readQuestion(reader: MessageReader): Question {
  const wireName = reader.name();
  return { name: canonicalName(wireName), wireName, qtype: reader.u16(), qclass: reader.u16() };
}

export function readRecord(reader: MessageReader): ResourceRecord {
  const owner = reader.canonicalName();
  const rrtype = reader.u16();
  const rrclass = reader.u16();
  const ttl = reader.u32();
  const length = reader.u16();
  if (length > reader.remaining) throw badMessage("a record's rdata goes past the end");
  const rdata = isRaw(rrtype, rrclass, length)
    ? reader.take(length)
    : readRdata(reader, rrtype, length);
  return { owner, rrtype, class: rrclass, ttl, rdata };
}

/**
 * Whether rdata is kept as it is: OPT and TSIG, whose readers are elsewhere; the empty rdata of RFC 2136's deletes
 * and prerequisites; and classes whose rdata formats are not those of class IN.
 */
function isRaw(rrtype: number, rrclass: number, length: number): boolean {
  if (rrtype === Type.OPT || rrtype === Type.TSIG) return true;
  if (rrclass === Class.any || rrclass === Class.none) return length === 0;
  return rrclass !== Class.in;
}

/**
 * Writes a message with compression from the start of `buffer` and returns its octets. Throws `WriterFull` when it
 * does not fit.
 */
export function writeMessage(message: Message, buffer: Uint8Array): number {
  const writer = new MessageWriter(buffer);
  writeHeader(writer, message, {
    questions: message.questions.length,
    answers: message.answers.length,
    authorities: message.authorities.length,
    additionals: message.additionals.length,
  });
  for (const question of message.questions) writeQuestion(writer, question);
  for (const record of message.answers) writeRecord(writer, record);
  for (const record of message.authorities) writeRecord(writer, record);
  for (const record of message.additionals) writeRecord(writer, record);
  return writer.offset;
}

export function writeHeader(writer: MessageWriter, header: Header, counts: SectionCounts): void {
  writer.u16(header.id);
  writer.u16((header.flags & FLAG_BITS) | ((header.opcode & 0xf) << 11) | (header.rcode & 0xf));
  writer.u16(counts.questions);
  writer.u16(counts.answers);
  writer.u16(counts.authorities);
  writer.u16(counts.additionals);
}

/** Writes the question in the case it was asked in: clients that mix it look for that (0x20). */
export function writeQuestion(writer: MessageWriter, question: Question): void {
  writer.name(question.wireName, true);
  writer.u16(question.qtype);
  writer.u16(question.qclass);
}

/** Writes one RR. After `WriterFull` part of it stands in the buffer: roll back to a mark. */
export function writeRecord(writer: MessageWriter, record: ResourceRecord): void {
  const { owner, rrtype, class: rrclass, ttl, rdata } = record;
  writer.name(owner, rrtype !== Type.TSIG);
  writer.u16(rrtype);
  writer.u16(rrclass);
  writer.u32(ttl);
  const lengthAt = writer.mark();
  writer.u16(0);
  if (isRaw(rrtype, rrclass, rdata.length)) writer.bytes(rdata);
  else writeRdata(writer, rrtype, rdata);
  writer.patchU16(lengthAt, writer.offset - lengthAt - 2);
}

/** A question of class IN to send, without flags; `name` is repeated as it is in the answer. */
export function makeQuery(query: {
  readonly id: number;
  readonly name: Uint8Array;
  readonly qtype: number;
  readonly flags?: number;
}): Message {
  const question: Question = {
    name: canonicalName(query.name),
    wireName: query.name,
    qtype: query.qtype,
    qclass: Class.in,
  };
  return {
    id: query.id,
    flags: query.flags ?? 0,
    opcode: Opcode.query,
    rcode: 0,
    questions: [question],
    answers: [],
    authorities: [],
    additionals: [],
  };
}

function badMessage(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badMessage, `malformed DNS message: ${problem}`);
}
