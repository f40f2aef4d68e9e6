/** IPv4 and IPv6 addresses, hardware addresses and locators: their text, and the field kinds made of them. */
import { fromHex, toHex } from "../../base/bytes.ts";
import { badRdata, endAfter, type Field, readU16, shown } from "../rdata-field.ts";

const IPV4_LENGTH = 4;
const IPV6_LENGTH = 16;
const IPV6_GROUPS = 8;

/** Four decimal octets without leading zeros; `undefined` when the text is anything else. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== IPV4_LENGTH) return undefined;
  const address = new Uint8Array(IPV4_LENGTH);
  for (const [at, part] of parts.entries()) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address[at] = Number(part);
  }
  return address;
}

export function formatIpv4(address: Uint8Array, at = 0): string {
  return `${address[at]}.${address[at + 1]}.${address[at + 2]}.${address[at + 3]}`;
}

const COLON = 0x3a;

/** RFC 4291 §2.2: groups, one `::`, the last 32 bits also as IPv4; no zone index. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    const end = groupEnd(text, at);
    if (end < text.length && text.charCodeAt(end) !== COLON) {
      return parseMixed(groups, gap, parseIpv4(text.slice(at)));
    }
    if (end === at || end - at > 4) return undefined;
    groups.push(Number.parseInt(text.slice(at, end), 16));
    if (end === text.length) break;
    at = end + 1;
    if (text.charCodeAt(at) === COLON) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at += 1;
    } else if (at === text.length) return undefined;
  }
  return expandGroups(groups, gap);
}

/** The offset after the hex digits at `start`. */
function groupEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && isHexDigit(text.charCodeAt(at))) at++;
  return at;
}

function isHexDigit(code: number): boolean {
  const letter = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (letter >= 0x61 && letter <= 0x66);
}

function parseMixed(groups: readonly number[], gap: number, ipv4: Uint8Array | undefined) {
  if (ipv4 === undefined) return undefined;
  return expandGroups([...groups, readU16(ipv4, 0), readU16(ipv4, 2)], gap);
}

/** The address of these groups, zeros where the `::` stood; without one (−1) all eight must be there. */
function expandGroups(groups: readonly number[], gap: number): Uint8Array | undefined {
  const missing = IPV6_GROUPS - groups.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined;
  const address = new Uint8Array(IPV6_LENGTH);
  for (const [at, group] of groups.entries()) {
    const offset = 2 * (gap >= 0 && at >= gap ? at + missing : at);
    address[offset] = group >>> 8;
    address[offset + 1] = group;
  }
  return address;
}

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`, IPv4-mapped addresses with dots. */
export function formatIpv6(address: Uint8Array, at = 0): string {
  if (isMapped(address, at)) return `::ffff:${formatIpv4(address, at + 12)}`;
  const groups: number[] = [];
  for (let group = 0; group < IPV6_GROUPS; group++) groups.push(readU16(address, at + 2 * group));
  const { start, length } = longestZeroRun(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** ::ffff:0:0/96 */
function isMapped(address: Uint8Array, at: number): boolean {
  for (let octet = at; octet < at + 10; octet++) if (address[octet] !== 0) return false;
  return readU16(address, at + 10) === 0xffff;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; ) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > longest.length) longest = { start, length };
    start += length + 1;
  }
  return longest;
}

/** A field whose text is one token for a fixed number of octets. */
function fixed(
  length: number,
  expected: string,
  format: (rdata: Uint8Array, at: number) => string,
  parse: (text: string) => Uint8Array | undefined,
): Field {
  return {
    length,
    end: (rdata, at) => endAfter(rdata, at, length),
    format,
    parse: (tokens, rdata) => {
      const text = tokens.next(expected);
      const octets = parse(text);
      if (octets === undefined) throw badRdata(`${shown(text)} is not ${expected}`);
      rdata.bytes(octets);
    },
  };
}

/** Octets in hex, a separator between groups of them. */
function formatGroups(octets: Uint8Array, octetsPerGroup: number, separator: string): string {
  const groups: string[] = [];
  for (let at = 0; at < octets.length; at += octetsPerGroup) {
    groups.push(toHex(octets.subarray(at, at + octetsPerGroup)));
  }
  return groups.join(separator);
}

/** The octets of groups that each match `pattern`, leading zeros added to `digits`. */
function parseHexGroups(groups: readonly string[], pattern: RegExp, digits: number) {
  if (!groups.every((group) => pattern.test(group))) return undefined;
  return fromHex(groups.map((group) => group.padStart(digits, "0")).join(""));
}

/** RFC 7043: octets in hex with hyphens. */
function eui(length: number, expected: string): Field {
  return fixed(
    length,
    expected,
    (rdata, at) => formatGroups(rdata.subarray(at, at + length), 1, "-"),
    (text) => {
      const groups = text.split("-");
      return groups.length === length ? parseHexGroups(groups, /^[0-9a-fA-F]{2}$/, 2) : undefined;
    },
  );
}

export const ipv4 = fixed(IPV4_LENGTH, "an IPv4 address", formatIpv4, parseIpv4);
export const ipv6 = fixed(IPV6_LENGTH, "an IPv6 address", formatIpv6, parseIpv6);
export const eui48 = eui(6, "six octets like 00-00-5e-00-53-2a");
export const eui64 = eui(8, "eight octets like 00-00-5e-ef-10-00-00-2a");
/** RFC 6742 §2.1.1 */
export const locator64 = fixed(
  8,
  "four groups like 2001:db8:1140:1000",
  (rdata, at) => formatGroups(rdata.subarray(at, at + 8), 2, ":"),
  (text) => {
    const groups = text.split(":");
    return groups.length === 4 ? parseHexGroups(groups, /^[0-9a-fA-F]{1,4}$/, 4) : undefined;
  },
);
