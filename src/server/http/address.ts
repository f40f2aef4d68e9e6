/** IP addresses as clients write them, and as rdata. */
import { isIP } from "node:net";
import { Type } from "../../wire/code-points.ts";
import { ROOT } from "../../wire/name.ts";
import { formatRdata, parseRdata } from "../../wire/rdata.ts";

export interface Address {
  readonly rrtype: typeof Type.A | typeof Type.AAAA;
  readonly rdata: Uint8Array;
  /** As the client wrote it, because some compare the answer with what they sent. */
  readonly text: string;
}

/** `undefined` for anything else. An IPv4-mapped address (RFC 4291 §2.5.5.2) is the IPv4 address in it. */
export function parseAddress(text: string): Address | undefined {
  const family = text.includes("%") ? 0 : isIP(text);
  if (family === 0) return undefined;
  const rrtype = family === 4 ? Type.A : Type.AAAA;
  const rdata = parseRdata(rrtype, [{ text, quoted: false }], ROOT);
  return isMapped(rdata) ? makeAddress(rdata.slice(12)) : { rrtype, rdata, text };
}

/** A prefix length may follow: `address` is what stands before it, `length` the whole address without one. */
export function parseAddressPrefix(
  text: string,
): { readonly address: Address; readonly length: number } | undefined {
  const [, before, digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = before === undefined ? undefined : parseAddress(before);
  if (address === undefined) return undefined;
  const bits = address.rdata.length * 8;
  const length = digits === undefined ? bits : Number(digits);
  return length > bits ? undefined : { address, length };
}

/** `/32` and `/128` are taken off; a shorter prefix is no host's address. */
export function singleAddress(text: string): Address | undefined {
  const parsed = parseAddressPrefix(text);
  if (parsed === undefined || parsed.length < parsed.address.rdata.length * 8) return undefined;
  return parsed.address;
}

/** Whether all bits after the first `length` are zero: what tells a prefix from an address in it. */
export function isZeroAfter(rdata: Uint8Array, length: number): boolean {
  return rdata.every((octet, at) => {
    const kept = Math.min(Math.max(length - at * 8, 0), 8);
    return (octet & (0xff >> kept)) === 0;
  });
}

export function isUnspecified(address: Address): boolean {
  return isZeroAfter(address.rdata, 0);
}

/** The address of a socket's other end: mapped addresses as IPv4, zone ids left out; empty when unknown. */
export function peerAddress(remoteAddress: string | undefined): string {
  return parseAddress((remoteAddress ?? "").replace(/%.*$/, ""))?.text ?? "";
}

/** What one client is known by in a bounded table: an IPv4 address, or an IPv6 customer's /64. */
export function clientKey(address: string): string {
  const rdata = parseAddress(address)?.rdata;
  return rdata === undefined ? "" : Buffer.from(rdata.subarray(0, 8)).toString("latin1");
}

function makeAddress(rdata: Uint8Array): Address {
  const rrtype = rdata.length === 4 ? Type.A : Type.AAAA;
  return { rrtype, rdata, text: formatRdata(rrtype, rdata) };
}

function isMapped(rdata: Uint8Array): boolean {
  return (
    rdata.length === 16 &&
    rdata[10] === 0xff &&
    rdata[11] === 0xff &&
    rdata.subarray(0, 10).every((octet) => octet === 0)
  );
}
