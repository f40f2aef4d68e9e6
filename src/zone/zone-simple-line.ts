/**
 * The lines that large zones are made of, `owner [ttl] [IN] type rdata` with one address or one plain name as rdata,
 * read straight from their octets: many times faster than by tokens. Whatever is not plainly such a line is left to
 * the full reader, right or wrong.
 */
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { LOWER_CASE, type Name } from "../wire/name.ts";

const DOT = 0x2e;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const IPV6_LENGTH = 16;

/** Letters, digits, hyphen, underscore and asterisk: what needs no escape and means nothing else. */
const PLAIN = new Uint8Array(256);
for (const octet of Buffer.from(
  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*",
)) {
  PLAIN[octet] = 1;
}

/** The value of a hex digit; 255 for what is none. */
const HEX_DIGIT = Uint8Array.from({ length: 256 }, (_, octet) => {
  const value = Number.parseInt(String.fromCharCode(octet), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** Types by their mnemonics, lower-cased, as `wordOf` makes one number of them. */
const TYPES = new Map<number, number>();
for (const mnemonic of ["A", "AAAA", "NS", "CNAME", "PTR"] as const) {
  TYPES.set(wordOf(Buffer.from(mnemonic.toLowerCase())), Type[mnemonic]);
}
const WORD_LENGTH = 5;
const WORD_IN = wordOf(Buffer.from("in"));

/** Used again for every line; what it holds is good after `read` returned true, until it is called again. */
export class SimpleLine {
  /** Canonical; `ownerLength` octets are valid. A line that begins with no plain name leaves it as it was. */
  readonly owner: Uint8Array = new Uint8Array(Limits.nameLength + 1);
  ownerLength = 0;
  /** −1 when the line has none. */
  ttl = 0;
  rrtype = 0;
  /** `rdataLength` octets are valid. */
  readonly rdata: Uint8Array = new Uint8Array(Limits.nameLength + 1);
  rdataLength = 0;
  #bytes: Uint8Array = this.owner;
  #end = 0;
  /** Where the part that was read last ended. */
  #after = 0;

  /** False when `bytes[start, end)` is not plainly a record. */
  read(bytes: Uint8Array, start: number, end: number, origin: Name): boolean {
    this.#bytes = bytes;
    this.#end = end;
    let at = start;
    if (!isBlank(bytes[start])) {
      const length = this.#readName(start, origin, this.owner);
      at = this.#after;
      if (length === 0 || at === end || !isBlank(bytes[at])) return false;
      this.ownerLength = length;
    }
    at = this.#skipBlanks(at);
    this.ttl = this.#readNumber(at, 0xffff_ffff);
    if (this.ttl >= 0) {
      if (!isBlank(bytes[this.#after])) return false;
      at = this.#skipBlanks(this.#after);
    }
    let word = this.#readWord(at);
    if (word === WORD_IN) word = this.#readWord(this.#skipBlanks(this.#after));
    const rrtype = TYPES.get(word);
    if (rrtype === undefined) return false;
    this.rrtype = rrtype;
    this.rdataLength = this.#readRdata(this.#skipBlanks(this.#after), rrtype, origin);
    return this.rdataLength > 0 && this.#isLineEnd(this.#after);
  }

  #readRdata(at: number, rrtype: number, origin: Name): number {
    if (rrtype === Type.A) return this.#readIpv4(at);
    if (rrtype === Type.AAAA) return this.#readIpv6(at);
    return this.#readName(at, origin, this.rdata);
  }

  /** Writes the plain name at `start` into `target`, lower-cased; its wire length, or 0. */
  #readName(start: number, origin: Name, target: Uint8Array): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let labelStart = 0;
    let length = 1;
    let at = start;
    for (; at < end; at++) {
      const octet = bytes[at] as number;
      if (PLAIN[octet] === 1) {
        if (length >= Limits.nameLength) return 0;
        target[length++] = LOWER_CASE[octet] as number;
      } else {
        if (octet !== DOT) break;
        if (!closeLabel(target, labelStart, length)) return 0;
        labelStart = length++;
      }
    }
    this.#after = at;
    if (at === start) return 0;
    if (bytes[at - 1] === DOT) {
      target[labelStart] = 0;
      return length > Limits.nameLength ? 0 : length;
    }
    if (!closeLabel(target, labelStart, length)) return 0;
    if (length + origin.length > Limits.nameLength) return 0;
    for (let from = 0; from < origin.length; from++) target[length++] = origin[from] as number;
    return length;
  }

  #readIpv4(start: number): number {
    const bytes = this.#bytes;
    let at = start;
    for (let part = 0; part < 4; part++) {
      const octet = this.#readNumber(at, 255);
      if (octet < 0 || (bytes[at] === 0x30 && this.#after > at + 1)) return 0;
      this.rdata[part] = octet;
      if (part < 3 && (this.#after === this.#end || bytes[this.#after] !== DOT)) return 0;
      at = this.#after + 1;
    }
    return 4;
  }

  /** Groups and at most one `::`; an IPv4 tail is left to the full reader. */
  #readIpv6(start: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    const address = this.rdata;
    let length = 0;
    let gap = -1;
    let at = start;
    if (at + 1 < end && bytes[at] === COLON && bytes[at + 1] === COLON) {
      gap = 0;
      at += 2;
    }
    while (at < end && HEX_DIGIT[bytes[at] as number] !== 255) {
      const after = this.#readGroup(at, length);
      if (after === 0) return 0;
      length += 2;
      at = after;
      if (at === end || bytes[at] !== COLON) break;
      at++;
      if (at < end && bytes[at] === COLON) {
        if (gap >= 0) return 0;
        gap = length;
        at++;
      } else if (at === end || HEX_DIGIT[bytes[at] as number] === 255) return 0;
    }
    this.#after = at;
    return closeGap(address, length, gap);
  }

  /** Up to four hex digits into two octets of rdata; where they end, or 0 when there are more of them, or no room. */
  #readGroup(start: number, length: number): number {
    let value = 0;
    let at = start;
    for (; at < this.#end; at++) {
      const digit = HEX_DIGIT[this.#bytes[at] as number] as number;
      if (digit === 255) break;
      value = value * 16 + digit;
    }
    if (at - start > 4 || length === IPV6_LENGTH) return 0;
    this.rdata[length] = value >>> 8;
    this.rdata[length + 1] = value;
    return at;
  }

  /** The decimal number at `start`, or −1 when there is none of at most `max`. */
  #readNumber(start: number, max: number): number {
    let value = 0;
    let at = start;
    for (; at < this.#end; at++) {
      const digit = (this.#bytes[at] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > max) return -1;
    }
    this.#after = at;
    return at === start ? -1 : value;
  }

  /** A word of a few letters before a blank, lower-cased, as one number; 0 when there is none. */
  #readWord(start: number): number {
    let word = 1;
    let at = start;
    for (; at < this.#end && at - start <= WORD_LENGTH; at++) {
      const octet = this.#bytes[at] as number;
      if (isBlank(octet)) {
        this.#after = at;
        return word;
      }
      word = word * 256 + (LOWER_CASE[octet] as number);
    }
    return 0;
  }

  #skipBlanks(start: number): number {
    let at = start;
    while (at < this.#end && isBlank(this.#bytes[at])) at++;
    return at;
  }

  /** Nothing but blanks, a carriage return, and a comment after at least one of them. */
  #isLineEnd(start: number): boolean {
    const bytes = this.#bytes;
    let at = start;
    while (at < this.#end && (isBlank(bytes[at]) || bytes[at] === 0x0d)) at++;
    return at === this.#end || (at > start && bytes[at] === SEMICOLON);
  }
}

/** A leading 1 tells words apart that begin with a zero octet. */
function wordOf(octets: Uint8Array): number {
  return octets.reduce((word, octet) => word * 256 + octet, 1);
}

function closeLabel(target: Uint8Array, labelStart: number, end: number): boolean {
  const length = end - labelStart - 1;
  target[labelStart] = length;
  return length > 0 && length <= Limits.labelLength;
}

/** Moves what stands after the `::` to the end; 16, or 0 when the groups make no address. */
function closeGap(address: Uint8Array, length: number, gap: number): number {
  if (gap < 0) return length === IPV6_LENGTH ? IPV6_LENGTH : 0;
  if (length === IPV6_LENGTH) return 0;
  address.copyWithin(IPV6_LENGTH - (length - gap), gap, length);
  address.fill(0, gap, IPV6_LENGTH - (length - gap));
  return IPV6_LENGTH;
}

function isBlank(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09;
}
