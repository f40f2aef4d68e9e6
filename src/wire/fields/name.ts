/** Field kinds that are domain names, by how RFC 3597 §4 and RFC 4034 §6.2 treat them. */
import { formatName, parseWireName, wireNameLength } from "../name.ts";
import {
  badRdata,
  type Field,
  type NameTreatment,
  parseNumber,
  type RdataSink,
  shown,
  type TokenCursor,
} from "../rdata-field.ts";
import { formatIpv6, parseIpv6 } from "./address.ts";

/** The offset after the uncompressed name at `at`. */
export function nameEnd(rdata: Uint8Array, at: number): number {
  const length = wireNameLength(rdata, at);
  if (length === 0) throw badRdata("a domain name in it is not valid, or ends too late");
  return at + length;
}

function nameField(treatment: NameTreatment): Field {
  return {
    name: treatment,
    end: nameEnd,
    format: (rdata, at, end) => formatName(rdata.subarray(at, end)),
    parse: (tokens, rdata) =>
      rdata.bytes(parseWireName(tokens.next("a domain name"), tokens.origin)),
    names: (_rdata, at) => [at],
  };
}

const kept = { isLowered: false, isExpanded: false, isCompressible: false };
const lowered = { isLowered: true, isExpanded: false, isCompressible: false };

export const name1035 = nameField({ isLowered: true, isExpanded: true, isCompressible: true });
export const nameExpanded = nameField({ isLowered: true, isExpanded: true, isCompressible: false });
export const nameLower = nameField(lowered);
export const name = nameField(kept);

/** Zero or more names, to the end. */
export const names: Field = {
  name: kept,
  end: (rdata, at) => {
    let end = at;
    while (end < rdata.length) end = nameEnd(rdata, end);
    return end;
  },
  format: (rdata, at) =>
    nameOffsets(rdata, at)
      .map((offset) => formatName(rdata.subarray(offset)))
      .join(" "),
  parse: (tokens, rdata) => {
    while (tokens.remaining > 0) rdata.bytes(parseWireName(tokens.next(""), tokens.origin));
  },
  names: nameOffsets,
};

function nameOffsets(rdata: Uint8Array, at: number): number[] {
  const offsets: number[] = [];
  for (let offset = at; offset < rdata.length; offset = nameEnd(rdata, offset))
    offsets.push(offset);
  return offsets;
}

/** RFC 2874 §3.1: how many bits come from the name, the octets that hold the others, the name if any do. */
export const a6: Field = {
  name: lowered,
  end: (rdata, at) => {
    const prefix = rdata[at] ?? 129;
    if (prefix > 128) throw badRdata("its prefix length is not 0 to 128");
    const suffixEnd = at + 1 + suffixLength(prefix);
    if (suffixEnd > rdata.length) throw badRdata("it ends too early");
    return prefix === 0 ? suffixEnd : nameEnd(rdata, suffixEnd);
  },
  format: formatA6,
  parse: (tokens, rdata) => parseA6(tokens, rdata),
  names: (rdata, at) => (rdata[at] === 0 ? [] : [at + 1 + suffixLength(rdata[at] as number)]),
};

function suffixLength(prefix: number): number {
  return Math.ceil((128 - prefix) / 8);
}

/** Prefix length, suffix as an address, prefix name. A suffix with bits that belong to the prefix has no such text. */
function formatA6(rdata: Uint8Array, at: number, end: number): string | undefined {
  const prefix = rdata[at] as number;
  const length = suffixLength(prefix);
  const address = new Uint8Array(16);
  address.set(rdata.subarray(at + 1, at + 1 + length), 16 - length);
  if (length > 0 && (address[16 - length] as number) >>> (8 - (prefix % 8)) !== 0) return undefined;
  const parts = [String(prefix)];
  if (length > 0) parts.push(formatIpv6(address));
  if (prefix > 0) parts.push(formatName(rdata.subarray(at + 1 + length, end)));
  return parts.join(" ");
}

function parseA6(tokens: TokenCursor, rdata: RdataSink): void {
  const prefix = parseNumber(tokens.next("a prefix length"), 128, "a prefix length");
  rdata.u8(prefix);
  if (prefix < 128) {
    const text = tokens.next("an address suffix");
    const address = parseIpv6(text);
    if (address === undefined) throw badRdata(`${shown(text)} is not an IPv6 address`);
    const suffix = address.slice(16 - suffixLength(prefix));
    if (prefix % 8 !== 0) suffix[0] = (suffix[0] as number) & (0xff >>> (prefix % 8));
    rdata.bytes(suffix);
  }
  if (prefix > 0) rdata.bytes(parseWireName(tokens.next("a prefix name"), tokens.origin));
}
