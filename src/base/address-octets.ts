/** IP addresses and prefixes as octets, read from text without allocation: what cookies and rate limits are about. */
import { isIP } from "node:net";

/** Octets that `readAddress` writes at most. */
export const ADDRESS_LENGTH = 16;

const DOT = 0x2e;
const COLON = 0x3a;
const PERCENT = 0x25;
/** Octets before the address in an IPv4-mapped one (RFC 4291 §2.5.5.2). */
const MAPPED = 12;

/**
 * Writes the address at `at` and returns its octets: 4, or 16 for IPv6; 0 when the text is no address. An IPv4-mapped
 * address is an IPv4 address; a scope (`%eth0`) is no part of one. `text` is what `node:net` takes for an address:
 * what else passes for one here is not said.
 */
export function readAddress(text: string, octets: Uint8Array, at: number): number {
  const length = readIPv4(text, 0, octets, at);
  return length > 0 ? length : readIPv6(text, octets, at);
}

function readIPv4(text: string, from: number, octets: Uint8Array, at: number): number {
  let value = -1;
  let parts = 0;
  for (let index = from; index <= text.length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : DOT;
    const digit = code - 0x30;
    if (digit >= 0 && digit <= 9) {
      value = value < 0 ? digit : value * 10 + digit;
    } else {
      if (value < 0 || value > 255 || parts === 4) return 0;
      octets[at + parts++] = value;
      value = -1;
      if (code === PERCENT) break;
      if (code !== DOT) return 0;
    }
  }
  return parts === 4 ? 4 : 0;
}

function readIPv6(text: string, octets: Uint8Array, at: number): number {
  const end = at + ADDRESS_LENGTH;
  let next = at;
  let gap = -1;
  let group = 0;
  let digits = 0;
  for (let index = 0; index <= text.length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : PERCENT;
    const digit = hexDigit(code);
    if (digit >= 0) {
      group = (group << 4) | digit;
      digits += 1;
      continue;
    }
    if (code === DOT) {
      if (next + 4 > end || readIPv4(text, index - digits, octets, next) === 0) return 0;
      next += 4;
      break;
    }
    if (code !== COLON && code !== PERCENT) return 0;
    if (digits > 0) {
      if (next === end || digits > 4) return 0;
      octets[next] = group >> 8;
      octets[next + 1] = group;
      next += 2;
    } else if (index > 0) gap = next;
    if (code === PERCENT) break;
    group = 0;
    digits = 0;
  }
  if (!fillGap(octets, gap, next, end)) return 0;
  return isMapped(octets, at) ? unmap(octets, at) : ADDRESS_LENGTH;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/** Moves what stands behind `::` to the end and puts zeros between. False when the address is not whole. */
function fillGap(octets: Uint8Array, gap: number, next: number, end: number): boolean {
  if (gap < 0) return next === end;
  let to = end;
  for (let from = next; from > gap; ) octets[--to] = octets[--from]!;
  while (to > gap) octets[--to] = 0;
  return true;
}

function isMapped(octets: Uint8Array, at: number): boolean {
  for (let index = 0; index < MAPPED; index++) {
    if (octets[at + index] !== (index < MAPPED - 2 ? 0 : 0xff)) return false;
  }
  return true;
}

function unmap(octets: Uint8Array, at: number): number {
  for (let index = 0; index < 4; index++) octets[at + index] = octets[at + MAPPED + index]!;
  return 4;
}

/** Addresses whose first `bits` bits are those of `octets`. A plain record: it may cross threads. */
export interface AddressPrefix {
  /** 4 or 16. */
  readonly octets: Uint8Array;
  readonly bits: number;
}

/** `192.0.2.0/24`, `2001:db8::/32`, or an address alone; `undefined` for anything else. */
export function parsePrefix(text: string): AddressPrefix | undefined {
  const [, address, digits] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? [];
  if (address === undefined || isIP(address) === 0) return undefined;
  const octets = new Uint8Array(ADDRESS_LENGTH);
  const length = readAddress(address, octets, 0);
  const bits = digits === undefined ? length * 8 : Number(digits);
  return bits <= length * 8 ? { octets: octets.slice(0, length), bits } : undefined;
}

/** Whether the address of `length` octets at the start of `octets` has this prefix. */
export function hasPrefix(octets: Uint8Array, length: number, prefix: AddressPrefix): boolean {
  if (length !== prefix.octets.length) return false;
  const whole = prefix.bits >> 3;
  for (let at = 0; at < whole; at++) if (octets[at] !== prefix.octets[at]) return false;
  const rest = prefix.bits & 7;
  return rest === 0 || ((octets[whole]! ^ prefix.octets[whole]!) & (0xff00 >> rest)) === 0;
}
