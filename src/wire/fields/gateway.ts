/** Field kinds whose form depends on a type or a length before them: IPSECKEY, AMTRELAY and HIP. */
import { fromHex, toHex } from "../../base/bytes.ts";
import type { WindhoverError } from "../../base/errors.ts";
import { formatName, parseWireName } from "../name.ts";
import {
  badRdata,
  endAfter,
  type Field,
  parseNumber,
  type RdataSink,
  readU16,
  shown,
  type TokenCursor,
} from "../rdata-field.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";
import { formatBase64, parseBase64 } from "./binary.ts";
import { nameEnd } from "./name.ts";

const KEPT = { isLowered: false, isExpanded: false, isCompressible: false };

/** RFC 4025 §2.3 and RFC 8777 §4.2.3 number alike. */
const GatewayType = { none: 0, ipv4: 1, ipv6: 2, name: 3 } as const;

function hostEnd(rdata: Uint8Array, at: number, type: number): number {
  if (type === GatewayType.none) return at;
  if (type === GatewayType.ipv4) return endAfter(rdata, at, 4);
  if (type === GatewayType.ipv6) return endAfter(rdata, at, 16);
  if (type === GatewayType.name) return nameEnd(rdata, at);
  throw badType(type);
}

function badType(type: number): WindhoverError {
  return badRdata(`${type} is not a gateway type (0 to 3)`);
}

function formatHost(rdata: Uint8Array, at: number, type: number): string {
  if (type === GatewayType.none) return ".";
  if (type === GatewayType.ipv4) return formatIpv4(rdata, at);
  return type === GatewayType.ipv6 ? formatIpv6(rdata, at) : formatName(rdata.subarray(at));
}

function parseHost(tokens: TokenCursor, rdata: RdataSink, type: number): void {
  const text = tokens.next("a gateway");
  if (type === GatewayType.name) {
    rdata.bytes(parseWireName(text, tokens.origin));
    return;
  }
  if (type === GatewayType.none) {
    if (text !== ".") throw badRdata(`${shown(text)} where no gateway is: write a dot`);
    return;
  }
  if (type > GatewayType.name) throw badType(type);
  const address = type === GatewayType.ipv4 ? parseIpv4(text) : parseIpv6(text);
  if (address === undefined)
    throw badRdata(`${shown(text)} is not an address of gateway type ${type}`);
  rdata.bytes(address);
}

/** By the gateway type in the second octet of the rdata. */
export const gateway: Field = {
  name: KEPT,
  end: (rdata, at) => hostEnd(rdata, at, rdata[1] as number),
  format: (rdata, at) => formatHost(rdata, at, rdata[1] as number),
  parse: (tokens, rdata) => parseHost(tokens, rdata, rdata.at(1)),
  names: (rdata, at) => (rdata[1] === GatewayType.name ? [at] : []),
};

const DISCOVERY = 0x80;

export const relay: Field = {
  name: KEPT,
  end: (rdata, at) => {
    const start = endAfter(rdata, at, 1);
    return hostEnd(rdata, start, (rdata[at] as number) & ~DISCOVERY);
  },
  format: (rdata, at) => {
    const octet = rdata[at] as number;
    const type = octet & ~DISCOVERY;
    return `${octet >>> 7} ${type} ${formatHost(rdata, at + 1, type)}`;
  },
  parse: (tokens, rdata) => {
    const discovery = parseNumber(tokens.next("a discovery bit"), 1, "a discovery bit");
    const type = parseNumber(tokens.next("a relay type"), 3, "a relay type");
    rdata.u8((discovery << 7) | type);
    parseHost(tokens, rdata, type);
  },
  names: (rdata, at) => (((rdata[at] as number) & ~DISCOVERY) === GatewayType.name ? [at + 1] : []),
};

/** RFC 8005 §5: HIT length, algorithm and key length, then HIT and key. */
const HIP_HEADER = 4;

export const hostIdentity: Field = {
  end: (rdata, at) => {
    const start = endAfter(rdata, at, HIP_HEADER);
    const hitLength = rdata[at] as number;
    const keyLength = readU16(rdata, at + 2);
    if (hitLength === 0 || keyLength === 0) throw badRdata("its HIT or its key is empty");
    return endAfter(rdata, start, hitLength + keyLength);
  },
  format: (rdata, at, end) => {
    const hit = rdata.subarray(at + HIP_HEADER, at + HIP_HEADER + (rdata[at] as number));
    const key = rdata.subarray(at + HIP_HEADER + hit.length, end);
    return `${rdata[at + 1]} ${toHex(hit)} ${formatBase64(key)}`;
  },
  parse: (tokens, rdata) => {
    const algorithm = parseNumber(tokens.next("an algorithm"), 0xff, "an algorithm");
    const hit = fromHex(tokens.next("a HIT"));
    const key = parseBase64(tokens.next("a key"));
    if (hit === undefined || hit.length > 255)
      throw badRdata("its HIT is not hex of 1 to 255 octets");
    if (key === undefined) throw badRdata("its key is not base64");
    rdata.u8(hit.length);
    rdata.u8(algorithm);
    rdata.u16(key.length);
    rdata.bytes(hit);
    rdata.bytes(key);
  },
};
