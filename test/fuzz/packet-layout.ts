/** Where the parts of a message stand, as far as it can be followed: what a mutation takes hold of. */
import { concatBytes } from "../../src/base/bytes.ts";
import { HEADER_LENGTH } from "../../src/wire/code-points.ts";
import {
  HeaderOffset,
  nameEnd,
  questionEnd,
  rdataEnd,
  u16At,
} from "../../src/wire/message-walk.ts";

export interface RecordSpan {
  /** 0 the answer section, 1 authority, 2 additional, as the header counts them. */
  readonly section: number;
  readonly start: number;
  /** Behind the owner: type, class, TTL, length. */
  readonly fields: number;
  readonly end: number;
}

export interface PacketLayout {
  /** Where the first question ends; 12 when there is none. */
  readonly questionEnd: number;
  readonly records: readonly RecordSpan[];
}

export function layOut(bytes: Uint8Array): PacketLayout {
  const records: RecordSpan[] = [];
  if (bytes.length < HEADER_LENGTH) return { questionEnd: bytes.length, records };
  let at: number = HEADER_LENGTH;
  for (let left = Math.min(u16At(bytes, HeaderOffset.questions), 100); left > 0; left--) {
    at = questionEnd(bytes, at, bytes.length);
    if (at === 0) return { questionEnd: HEADER_LENGTH, records };
  }
  const layout = { questionEnd: at, records };
  for (let section = 0; section < 3; section++) {
    const count = u16At(bytes, HeaderOffset.answers + 2 * section);
    for (let left = count; left > 0; left--) {
      const fields = nameEnd(bytes, at, bytes.length);
      const end = fields === 0 ? 0 : rdataEnd(bytes, fields, bytes.length);
      if (end === 0) return layout;
      records.push({ section, start: at, fields, end });
      at = end;
    }
  }
  return layout;
}

/** The octets with `bytes[from, to)` replaced. */
export function replaced(bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  return concatBytes([bytes.subarray(0, from), by, bytes.subarray(to)]);
}

/** Adds to the count of a section: −1 the questions, 0 to 2 as in `RecordSpan`. */
export function addToCount(bytes: Uint8Array, section: number, difference: number): void {
  const at = HeaderOffset.answers + 2 * section;
  if (at + 2 > bytes.length) return;
  setU16(bytes, at, u16At(bytes, at) + difference);
}

export function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >> 8) & 0xff;
  bytes[at + 1] = value & 0xff;
}
