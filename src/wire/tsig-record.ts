/** The TSIG RR in its message (RFC 8945 §4.2, §5.1): where it stands, what it says, and writing it. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Class, Type } from "./code-points.ts";
import {
  HeaderOffset,
  nameEnd,
  questionSectionEnd,
  RecordOffset,
  rdataEnd,
  u16At,
} from "./message-walk.ts";
import type { Name } from "./name.ts";
import { MessageReader } from "./reader.ts";
import { type MessageWriter, WriterFull } from "./writer.ts";

/** The fields of a TSIG RR. */
export interface TsigFields {
  readonly keyName: Name;
  readonly algorithm: Name;
  /** Seconds since 1970, 48 bits. */
  readonly timeSigned: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  readonly error: number;
  readonly otherData: Uint8Array;
}

/** A TSIG RR found in a message. Nothing it says is true before `verifyTsig` says so. */
export interface TsigRecord extends TsigFields {
  /** Where the RR starts, and so where the signed message ends. */
  readonly offset: number;
}

/** A message whose TSIG, or the way to it, is malformed: FORMERR. */
export const MALFORMED = -1;

/**
 * Where the TSIG RR of a message of `length` octets starts: 0 when there is none, MALFORMED when it is not the last
 * RR of the additional section, is there twice, has another class than ANY or a TTL, or when the message ends early
 * or goes on behind it. Without additional records nothing is looked at.
 */
export function locateTsig(message: Uint8Array, length: number): number {
  if (u16At(message, HeaderOffset.additionals) === 0) return 0;
  const answers = u16At(message, HeaderOffset.answers);
  const authorities = u16At(message, HeaderOffset.authorities);
  const records = answers + authorities + u16At(message, HeaderOffset.additionals);
  let at = questionSectionEnd(message, length);
  for (let left = records; left > 0; left--) {
    if (at === 0) return MALFORMED;
    const fields = nameEnd(message, at, length);
    const next = fields === 0 ? 0 : rdataEnd(message, fields, length);
    if (next === 0) return MALFORMED;
    if (u16At(message, fields + RecordOffset.rrtype) === Type.TSIG) {
      return left === 1 && next === length && hasTsigForm(message, fields) ? at : MALFORMED;
    }
    at = next;
  }
  return 0;
}

function hasTsigForm(message: Uint8Array, fields: number): boolean {
  const ttl = fields + RecordOffset.ttl;
  return (
    u16At(message, fields + RecordOffset.class) === Class.any &&
    u16At(message, ttl) === 0 &&
    u16At(message, ttl + 2) === 0
  );
}

/** Reads the TSIG RR at `offset`. Throws `bad-message` when its lengths do not add up. */
export function readTsig(message: Uint8Array, offset: number, length: number): TsigRecord {
  const reader = new MessageReader(message, offset, length);
  const keyName = reader.canonicalName();
  reader.skip(RecordOffset.rdata);
  const algorithm = readUncompressed(reader);
  const record = {
    offset,
    keyName,
    algorithm,
    timeSigned: reader.u48(),
    fudge: reader.u16(),
    mac: reader.take(reader.u16()),
    originalId: reader.u16(),
    error: reader.u16(),
    otherData: reader.take(reader.u16()),
  };
  if (reader.remaining > 0) throw badTsig("its rdata is longer than its fields");
  return record;
}

/** RFC 8945 §4.2: the algorithm name is never compressed. */
function readUncompressed(reader: MessageReader): Name {
  const start = reader.offset;
  const name = reader.canonicalName();
  if (reader.offset - start !== name.length) throw badTsig("its algorithm name is compressed");
  return name;
}

/** Octets of a TSIG RR without its two names, its MAC and its other data. */
export const TSIG_FIXED_LENGTH = 26;

/** Writes the RR whole or, when it does not fit, nothing of it. Names are never compressed. */
export function writeTsig(writer: MessageWriter, record: TsigFields): void {
  const { keyName, algorithm, mac, otherData } = record;
  const variable = keyName.length + algorithm.length + mac.length + otherData.length;
  if (writer.remaining < TSIG_FIXED_LENGTH + variable) throw new WriterFull();
  writer.name(keyName, false);
  writer.u16(Type.TSIG);
  writer.u16(Class.any);
  writer.u32(0);
  writer.u16(algorithm.length + 16 + mac.length + otherData.length);
  writer.name(algorithm, false);
  writer.u48(record.timeSigned);
  writer.u16(record.fudge);
  writer.u16(mac.length);
  writer.bytes(mac);
  writer.u16(record.originalId);
  writer.u16(record.error);
  writer.u16(otherData.length);
  writer.bytes(otherData);
}

function badTsig(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badMessage, `malformed TSIG record: ${problem}`);
}
