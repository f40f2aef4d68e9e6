/** Address prefix lists (RFC 3123 §4): `!1:192.0.2.0/24 2:2001:db8::/32`. */
import { badRdata, endAfter, type Field, readU16, shown } from "../rdata-field.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";

interface Family {
  readonly length: number;
  format(address: Uint8Array): string;
  parse(text: string): Uint8Array | undefined;
}

/** IANA address families: the two that have a text. */
const FAMILIES: ReadonlyMap<number, Family> = new Map([
  [1, { length: 4, format: formatIpv4, parse: parseIpv4 }],
  [2, { length: 16, format: formatIpv6, parse: parseIpv6 }],
]);

const HEADER = 4;
const NEGATION = 0x80;

function itemEnd(rdata: Uint8Array, at: number): number {
  const headerEnd = endAfter(rdata, at, HEADER);
  const end = endAfter(rdata, headerEnd, (rdata[at + 3] as number) & ~NEGATION);
  const family = FAMILIES.get(readU16(rdata, at));
  if (family === undefined) return end;
  if ((rdata[at + 2] as number) > 8 * family.length || end - headerEnd > family.length) {
    throw badRdata("a prefix is longer than its address");
  }
  if (end > headerEnd && rdata[end - 1] === 0)
    throw badRdata("an address prefix ends in a zero octet");
  return end;
}

function formatItem(rdata: Uint8Array, at: number, end: number): string | undefined {
  const family = FAMILIES.get(readU16(rdata, at));
  if (family === undefined) return undefined;
  const address = new Uint8Array(family.length);
  address.set(rdata.subarray(at + HEADER, end));
  const negation = ((rdata[at + 3] as number) & NEGATION) === 0 ? "" : "!";
  return `${negation}${readU16(rdata, at)}:${family.format(address)}/${rdata[at + 2]}`;
}

function parseItem(text: string): Uint8Array {
  const match = /^(!?)([12]):([^/]+)\/(\d{1,3})$/.exec(text);
  const family = FAMILIES.get(Number(match?.[2]));
  const address = family?.parse(match?.[3] as string);
  if (match === null || address === undefined) {
    throw badRdata(`${shown(text)} is not an address prefix like 1:192.0.2.0/24`);
  }
  if (Number(match[4]) > 8 * address.length) throw badRdata(`${shown(text)} has too long a prefix`);
  let length = address.length;
  while (length > 0 && address[length - 1] === 0) length--;
  const negation = match[1] === "!" ? NEGATION : 0;
  return Uint8Array.of(
    0,
    Number(match[2]),
    Number(match[4]),
    negation | length,
    ...address.subarray(0, length),
  );
}

export const prefixes: Field = {
  end: (rdata, at) => {
    let end = at;
    while (end < rdata.length) end = itemEnd(rdata, end);
    return end;
  },
  format: (rdata, at, end) => {
    const texts: string[] = [];
    for (let start = at; start < end; ) {
      const next = itemEnd(rdata, start);
      const text = formatItem(rdata, start, next);
      if (text === undefined) return undefined;
      texts.push(text);
      start = next;
    }
    return texts.join(" ");
  },
  parse: (tokens, rdata) => {
    while (tokens.remaining > 0) rdata.bytes(parseItem(tokens.next("")));
  },
};
