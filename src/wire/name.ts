/**
 * Domain names as wire-form bytes (RFC 1035 §3.1), without compression.
 *
 * A `Name` is canonical: complete, valid, and lower-case (RFC 4343, RFC 4034 §6.2), so that equal names are
 * equal bytes. The case a client asked with is kept only in the question, which is echoed from the query.
 * Text exists only at the edges: `parseName` and `formatName`.
 */
import { bytesKey, equalBytes } from "../base/bytes.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";

declare const nameBrand: unique symbol;

/** A valid, lower-case, uncompressed wire-form name of 1 to 255 octets, ending in the root label. */
export type Name = Uint8Array & { readonly [nameBrand]: "Name" };

/** ASCII lower case by octet; a table, because names are folded on the hot path. */
export const LOWER_CASE: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet,
);

export const ROOT = new Uint8Array([0]) as Name;

const DOT = 0x2e;
const BACKSLASH = 0x5c;
const ASTERISK = 0x2a;

/** The canonical twin of an uncompressed wire-form name. Throws `bad-name` when it is not one. */
export function canonicalName(wire: Uint8Array): Name {
  const length = wireNameLength(wire, 0);
  if (length === 0 || length !== wire.length) throw badName("not a wire-form domain name");
  return lowerCase(wire);
}

/** Octets of the uncompressed name at `offset`, root label included; 0 when it is not a valid one. */
export function wireNameLength(bytes: Uint8Array, offset: number): number {
  let position = offset;
  for (;;) {
    const length = bytes[position];
    if (length === undefined || length > Limits.labelLength) return 0;
    position += length + 1;
    if (position > bytes.length || position - offset > Limits.nameLength) return 0;
    if (length === 0) return position - offset;
  }
}

/**
 * Reads presentation form (RFC 1035 §5.1): labels between dots, `\X` and `\DDD` escapes, `@` and names
 * without a final dot relative to `origin`. Without an origin every name is taken as absolute.
 * Throws `bad-name` saying what is wrong.
 */
export function parseName(text: string, origin: Name = ROOT): Name {
  return lowerCase(parseWireName(text, origin));
}

/** As `parseName`, keeping the case of the text: for rdata whose names have no canonical case. */
export function parseWireName(text: string, origin: Uint8Array = ROOT): Uint8Array {
  if (text === "@") return origin;
  if (text === ".") return ROOT;
  if (text === "") throw badName("empty domain name");
  const plainLength = writePlainLabels(text, origin);
  if (plainLength > 0) return new Uint8Array(scratch.subarray(0, plainLength));
  const source = Buffer.from(text, "utf8");
  const wire = new Uint8Array(Limits.nameLength + 1);
  const end = writeLabels(source, wire, text);
  const isAbsolute = wire[end] === 0;
  const tail = isAbsolute ? ROOT : origin;
  if (end + tail.length > Limits.nameLength) throw badName("longer than 255 octets", text);
  wire.set(tail, end);
  return wire.slice(0, end + tail.length);
}

/** Where names are put together; never kept across calls. Room for every octet of a name escaped. */
const scratch = Buffer.alloc(4 * Limits.nameLength);

/** Writes a name of plain ASCII without escapes into `scratch`, several times faster; 0 when it is not that, or wrong. */
function writePlainLabels(text: string, origin: Uint8Array): number {
  if (text.length + 1 + origin.length > Limits.nameLength) return 0;
  let labelStart = 0;
  for (let at = 0; at < text.length; at++) {
    const octet = text.charCodeAt(at);
    if (octet === BACKSLASH || octet > 0x7e) return 0;
    scratch[at + 1] = octet;
    if (octet !== DOT) continue;
    const length = at - labelStart;
    if (length === 0 || length > Limits.labelLength) return 0;
    scratch[labelStart] = length;
    labelStart = at + 1;
  }
  const length = text.length - labelStart;
  scratch[labelStart] = length;
  if (length === 0) return text.length + 1;
  if (length > Limits.labelLength) return 0;
  scratch.set(origin, text.length + 1);
  return text.length + 1 + origin.length;
}

/** Writes the labels of `source`; leaves 0 at the returned end for an absolute name, 1 for a relative one. */
function writeLabels(source: Uint8Array, wire: Uint8Array, text: string): number {
  let labelStart = 0;
  let end = 1;
  for (let at = 0; at < source.length; ) {
    if (source[at] === DOT) {
      labelStart = closeLabel(wire, labelStart, end, text);
      end = labelStart + 1;
      at += 1;
      if (at === source.length) {
        wire[labelStart] = 0;
        return labelStart;
      }
      continue;
    }
    if (end >= Limits.nameLength) throw badName("longer than 255 octets", text);
    const [octet, length] = readOctet(source, at, text);
    wire[end++] = octet;
    at += length;
  }
  labelStart = closeLabel(wire, labelStart, end, text);
  wire[labelStart] = 1;
  return labelStart;
}

function closeLabel(wire: Uint8Array, labelStart: number, end: number, text: string): number {
  const length = end - labelStart - 1;
  if (length === 0) throw badName("empty label", text);
  if (length > Limits.labelLength) throw badName("label longer than 63 octets", text);
  wire[labelStart] = length;
  return end;
}

/** One octet of presentation form and how many characters spelled it (RFC 1035 §5.1 escapes). */
function readOctet(source: Uint8Array, at: number, text: string): [octet: number, length: number] {
  const octet = source[at] as number;
  if (octet !== BACKSLASH) return [octet, 1];
  const next = source[at + 1];
  if (next === undefined) throw badName("ends in a backslash", text);
  if (next < 0x30 || next > 0x39) return [next, 2];
  const digits = Buffer.from(source.subarray(at + 1, at + 4)).toString("latin1");
  const value = /^\d{3}$/.test(digits) ? Number(digits) : 256;
  if (value > 255) throw badName("escape is not \\000 to \\255", text);
  return [value, 4];
}

/** Presentation form, always absolute with its final dot; special and unprintable octets escaped. */
export function formatName(name: Uint8Array): string {
  if (name[0] === 0) return ".";
  let length = 0;
  for (let at = 0; (name[at] as number) > 0; at += (name[at] as number) + 1) {
    const end = at + 1 + (name[at] as number);
    for (let octet = at + 1; octet < end; octet++) {
      length = formatOctet(name[octet] as number, length);
    }
    scratch[length++] = DOT;
  }
  return scratch.toString("latin1", 0, length);
}

/** Octets that mean something else in a name or in a zone file. */
const SPECIAL: ReadonlySet<number> = new Set(Buffer.from('."\\();@$'));

/** Writes the text of one octet into `scratch` at `at`; where it ends. */
function formatOctet(octet: number, at: number): number {
  const isPrintable = octet >= 0x21 && octet <= 0x7e;
  if (isPrintable && !SPECIAL.has(octet)) {
    scratch[at] = octet;
    return at + 1;
  }
  scratch[at] = BACKSLASH;
  if (isPrintable) {
    scratch[at + 1] = octet;
    return at + 2;
  }
  return at + 1 + scratch.write(String(octet).padStart(3, "0"), at + 1, "latin1");
}

/** A string that is equal exactly for equal names: a Map key. */
export function nameKey(name: Name): string {
  return bytesKey(name);
}

export function equalNames(a: Name, b: Name): boolean {
  return equalBytes(a, b);
}

/** Canonical order of names (RFC 4034 §6.1): by label from the root down, octets unsigned. */
export function compareNames(a: Name, b: Name): number {
  const aLabels = labelOffsets(a);
  const bLabels = labelOffsets(b);
  const shared = Math.min(aLabels.length, bLabels.length);
  for (let depth = 1; depth <= shared; depth++) {
    const order = compareLabels(a, aLabels.at(-depth) as number, b, bLabels.at(-depth) as number);
    if (order !== 0) return order;
  }
  return aLabels.length - bLabels.length;
}

function compareLabels(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  const aEnd = aOffset + 1 + (a[aOffset] as number);
  const bEnd = bOffset + 1 + (b[bOffset] as number);
  return Buffer.compare(a.subarray(aOffset + 1, aEnd), b.subarray(bOffset + 1, bEnd));
}

/** Offsets of the labels, leftmost first, without the root label. */
export function labelOffsets(name: Uint8Array): number[] {
  const offsets: number[] = [];
  for (let at = 0; (name[at] ?? 0) !== 0; at += (name[at] as number) + 1) offsets.push(at);
  return offsets;
}

/** Labels without the root label: 0 for the root, 3 for `www.example.com.` */
export function labelCount(name: Uint8Array): number {
  let count = 0;
  for (let at = 0; (name[at] ?? 0) !== 0; at += (name[at] as number) + 1) count++;
  return count;
}

/** Whether `name` is `ancestor` or below it. */
export function isSubdomain(name: Name, ancestor: Name): boolean {
  const start = name.length - ancestor.length;
  if (start < 0) return false;
  let at = 0;
  while (at < start) at += (name[at] as number) + 1;
  if (at !== start) return false;
  for (let octet = 0; octet < ancestor.length; octet++) {
    if (name[start + octet] !== ancestor[octet]) return false;
  }
  return true;
}

/** The name without its leftmost label. The root has no parent: asking is a programmer's error. */
export function parentName(name: Name): Name {
  return name.subarray((name[0] as number) + 1) as Name;
}

/** `*.name`, the wildcard whose closest encloser `name` is (RFC 4592 §2.1.1), if it fits. */
export function wildcardOf(name: Name): Name | undefined {
  if (name.length + 2 > Limits.nameLength) return undefined;
  const wildcard = new Uint8Array(name.length + 2);
  wildcard[0] = 1;
  wildcard[1] = ASTERISK;
  wildcard.set(name, 2);
  return wildcard as Name;
}

export function isWildcard(name: Uint8Array): boolean {
  return name[0] === 1 && name[1] === ASTERISK;
}

function lowerCase(wire: Uint8Array): Name {
  const lower = new Uint8Array(wire.length);
  for (let at = 0; at < wire.length; at++) lower[at] = LOWER_CASE[wire[at] as number] as number;
  return lower as Name;
}

function badName(problem: string, text?: string): WindhoverError {
  const shown = text === undefined ? "" : ` "${text.length > 80 ? `${text.slice(0, 80)}…` : text}"`;
  return new WindhoverError(ErrorCode.badName, `bad domain name${shown}: ${problem}`);
}
