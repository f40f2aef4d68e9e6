/**
 * Steps over the parts of a message in place: positions in, positions out, nothing made and nothing thrown, so that
 * the hot path can find what stands behind the question. 0 means malformed; no part of a message ends at 0.
 */
import { Limits } from "../base/limits.ts";
import { HEADER_LENGTH } from "./code-points.ts";

/** Where the 16-bit words of the header stand (RFC 1035 §4.1.1). */
export const HeaderOffset = {
  id: 0,
  flags: 2,
  questions: 4,
  answers: 6,
  authorities: 8,
  additionals: 10,
} as const;

/** Where the fields of an RR stand, counted from the end of its owner (RFC 1035 §4.1.3). */
export const RecordOffset = { rrtype: 0, class: 2, ttl: 4, length: 8, rdata: 10 } as const;

export function u16At(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

/** RRs of all sections behind the question section, as the header counts them. */
export function countRecords(message: Uint8Array): number {
  const answers = u16At(message, HeaderOffset.answers);
  const authorities = u16At(message, HeaderOffset.authorities);
  return answers + authorities + u16At(message, HeaderOffset.additionals);
}

/** The octet after the name at `offset`, whose pointer is not followed. */
export function nameEnd(bytes: Uint8Array, offset: number, end: number): number {
  let at = offset;
  for (;;) {
    if (at >= end) return 0;
    const octet = bytes[at]!;
    if (octet >= 0xc0) return at + 2 <= end ? at + 2 : 0;
    at += octet + 1;
    if (octet > Limits.labelLength || at - offset > Limits.nameLength) return 0;
    if (octet === 0) return at;
  }
}

/** The octet after the question at `offset`. */
export function questionEnd(bytes: Uint8Array, offset: number, end: number): number {
  const after = nameEnd(bytes, offset, end);
  return after === 0 || after + 4 > end ? 0 : after + 4;
}

/** The octet after the RR at `offset`. */
export function recordEnd(bytes: Uint8Array, offset: number, end: number): number {
  const fields = nameEnd(bytes, offset, end);
  return fields === 0 ? 0 : rdataEnd(bytes, fields, end);
}

/** The octet after the RR whose fields, behind its owner, stand at `fields`. */
export function rdataEnd(bytes: Uint8Array, fields: number, end: number): number {
  const rdata = fields + RecordOffset.rdata;
  if (rdata > end) return 0;
  const after = rdata + u16At(bytes, fields + RecordOffset.length);
  return after > end ? 0 : after;
}

/** The octet after the question section of a message of `end` octets. */
export function questionSectionEnd(bytes: Uint8Array, end: number): number {
  if (end < HEADER_LENGTH) return 0;
  let at: number = HEADER_LENGTH;
  for (let left = u16At(bytes, HeaderOffset.questions); left > 0; left--) {
    at = questionEnd(bytes, at, end);
    if (at === 0) return 0;
  }
  return at;
}

/**
 * The octet after the question of a message that has exactly one; 0 for any other. Its name has no pointer: nothing
 * stands before it that one could lead to. Whoever repeats such a question makes no malformed message.
 */
export function soleQuestionEnd(bytes: Uint8Array, end: number): number {
  if (end < HEADER_LENGTH || u16At(bytes, HeaderOffset.questions) !== 1) return 0;
  let at: number = HEADER_LENGTH;
  while (at < end && bytes[at] !== 0) {
    if (bytes[at]! > Limits.labelLength) return 0;
    at += bytes[at]! + 1;
  }
  return questionEnd(bytes, HEADER_LENGTH, end);
}
