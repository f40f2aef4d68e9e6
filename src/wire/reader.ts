/**
 * A bounded cursor over a message. Whatever the bytes are, it ends: it throws `bad-message` past the end, and a
 * compression pointer must lead to before the labels it continues, so that no name can loop.
 */
import { copyBytes } from "../base/bytes.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { HEADER_LENGTH } from "./code-points.ts";
import { LOWER_CASE, type Name } from "./name.ts";

/** The first two bits of a label's first octet (RFC 1035 §4.1.4); 01 and 10 mean nothing today. */
const LABEL_TYPE = 0xc0;
const POINTER = 0xc0;

/** Where `name` puts a name together before it knows how long it is. Never kept across calls. */
const scratch = new Uint8Array(Limits.nameLength);

export class MessageReader {
  readonly #bytes: Uint8Array;
  offset: number;
  readonly end: number;

  /** Reads `bytes` from `offset` to `end`; pointers count from the start of `bytes`, the message's header. */
  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.offset = offset;
    this.end = Math.min(end, bytes.length);
  }

  /** Octets left before the end. */
  get remaining(): number {
    return this.end - this.offset;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)]!;
  }

  u16(): number {
    const at = this.#advance(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  u32(): number {
    const high = this.u16();
    return high * 0x1_0000 + this.u16();
  }

  u48(): number {
    const high = this.u16();
    return high * 0x1_0000_0000 + this.u32();
  }

  /** A copy of the next `length` octets. */
  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return copyBytes(this.#bytes, at, at + length);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** The name here, uncompressed, in the case it was sent in. */
  name(): Uint8Array {
    return copyBytes(scratch, 0, this.#gatherName());
  }

  /** The name here, uncompressed and lower-case. */
  canonicalName(): Name {
    const length = this.#gatherName();
    const name = new Uint8Array(length);
    for (let at = 0; at < length; at++) name[at] = LOWER_CASE[scratch[at]!]!;
    return name as Name;
  }

  /** Puts the name here into `scratch` and returns its octets. */
  #gatherName(): number {
    let at = this.offset;
    let runStart = at;
    let after = 0;
    let hops = 0;
    let length = 0;
    for (;;) {
      const octet = this.#at(at);
      if ((octet & LABEL_TYPE) === POINTER) {
        const target = ((octet & ~LABEL_TYPE) << 8) | this.#at(at + 1);
        if (after === 0) after = at + 2;
        if (target >= runStart) throw badMessage("a compression pointer does not lead backwards");
        if (target < HEADER_LENGTH) throw badMessage("a compression pointer leads into the header");
        if (++hops > Limits.pointerHops) throw badMessage("a name has too many pointers");
        at = target;
        runStart = target;
        continue;
      }
      const next = this.#labelEnd(at, octet);
      if (length + next - at > Limits.nameLength) throw badMessage("a name is over 255 octets");
      for (let from = at; from < next; from++) scratch[length++] = this.#bytes[from]!;
      at = next;
      if (octet === 0) break;
    }
    this.offset = after === 0 ? at : after;
    return length;
  }

  /** Passes over the name here without following its pointer. */
  skipName(): void {
    const start = this.offset;
    let at = start;
    for (;;) {
      const octet = this.#at(at);
      if ((octet & LABEL_TYPE) === POINTER) {
        this.#at(at + 1);
        this.offset = at + 2;
        return;
      }
      at = this.#labelEnd(at, octet);
      if (at - start > Limits.nameLength) throw badMessage("a name is over 255 octets");
      if (octet === 0) break;
    }
    this.offset = at;
  }

  /** Where the label after the one at `at`, whose length octet is `octet`, starts. */
  #labelEnd(at: number, octet: number): number {
    if ((octet & LABEL_TYPE) !== 0) throw badMessage("a label has an unknown type");
    const next = at + 1 + octet;
    if (next > this.end) throw pastEnd();
    return next;
  }

  #at(position: number): number {
    if (position >= this.end) throw pastEnd();
    return this.#bytes[position]!;
  }

  #advance(length: number): number {
    const at = this.offset;
    if (at + length > this.end) throw pastEnd();
    this.offset = at + length;
    return at;
  }
}

function pastEnd(): WindhoverError {
  return badMessage("it ends too early");
}

function badMessage(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badMessage, `malformed DNS message: ${problem}`);
}
