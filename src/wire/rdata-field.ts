/** What a field kind of the RR type table must be able to do, and what its text is parsed from and into. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import type { Name } from "./name.ts";
import type { Token } from "./token.ts";

/** How a domain name inside rdata is treated; see the table in `rr-types.ts`. */
export interface NameTreatment {
  readonly isLowered: boolean;
  readonly isExpanded: boolean;
  readonly isCompressible: boolean;
}

/**
 * One field kind. `rdata` is always a whole uncompressed rdata, so that a field may look at what stands before it;
 * `at` is where the field starts.
 */
export interface Field {
  /** Octets, where they are always the same. */
  readonly length?: number;
  readonly name?: NameTreatment;
  /** The offset after the field. Throws `bad-rdata` when what stands there is not one. */
  end(rdata: Uint8Array, at: number): number;
  /** The text of the octets; `undefined` when only RFC 3597's form can say them. */
  format(rdata: Uint8Array, at: number, end: number): string | undefined;
  parse(tokens: TokenCursor, rdata: RdataSink): void;
  /** Offsets of the domain names in the field; a field with a `name` treatment has this. */
  names?(rdata: Uint8Array, at: number, end: number): readonly number[];
}

/** The tokens of one rdata, taken in order. */
export class TokenCursor {
  readonly #tokens: readonly Token[];
  /** What relative names are relative to. */
  readonly origin: Name;
  /** Tokens taken so far. */
  taken = 0;

  constructor(tokens: readonly Token[], origin: Name) {
    this.#tokens = tokens;
    this.origin = origin;
  }

  get remaining(): number {
    return this.#tokens.length - this.taken;
  }

  /** The next token's text; `expected` says what is missing when there is none. */
  next(expected: string): string {
    const token = this.#tokens[this.taken++];
    if (token === undefined) throw badRdata(`${expected} is missing`);
    return token.text;
  }

  /** The texts of all that is left, joined: for encodings that may be cut by blanks anywhere. */
  joined(): string {
    let text = "";
    while (this.remaining > 0) text += this.next("");
    return text;
  }
}

const RDATA_LENGTH = 0xffff;

/** Rdata being parsed; what stands before is visible to later fields. */
export class RdataSink {
  readonly #bytes = new Uint8Array(RDATA_LENGTH);
  length = 0;

  u8(value: number): void {
    this.#bytes[this.#advance(1)] = value;
  }

  u16(value: number): void {
    const at = this.#advance(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value & 0xffff);
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#advance(bytes.length));
  }

  /** The octet written at `offset`. */
  at(offset: number): number {
    return this.#bytes[offset] as number;
  }

  /** A copy of what was written; the sink is empty again. */
  take(): Uint8Array {
    const rdata = this.#bytes.slice(0, this.length);
    this.length = 0;
    return rdata;
  }

  #advance(length: number): number {
    const at = this.length;
    if (at + length > RDATA_LENGTH) throw badRdata("longer than 65,535 octets");
    this.length = at + length;
    return at;
  }
}

export function badRdata(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badRdata, problem);
}

/** Text shown in a message, cut to a bearable length. */
export function shown(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}

/** `at + length`, if the rdata is that long. */
export function endAfter(rdata: Uint8Array, at: number, length: number): number {
  if (at + length > rdata.length) throw badRdata("it ends too early");
  return at + length;
}

export function readU16(rdata: Uint8Array, at: number): number {
  return ((rdata[at] as number) << 8) | (rdata[at + 1] as number);
}

export function readU32(rdata: Uint8Array, at: number): number {
  return readU16(rdata, at) * 0x1_0000 + readU16(rdata, at + 2);
}

/** A decimal number of at most `max`; `expected` names it in the message. */
export function parseNumber(text: string, max: number, expected: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  if (value > max) throw badRdata(`${shown(text)} is not ${expected} (0 to ${max})`);
  return value;
}
