/**
 * The serial inside an SOA RR (RFC 1035 §3.3.13). Rdata is checked before it becomes part of an RRset: two names
 * and five 32-bit numbers, the serial the first of them.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import type { RRset } from "./rrset.ts";

/** Octets from the serial to the end of the rdata. */
const TAIL = 20;
/** Two root names and the numbers. */
const SHORTEST = 2 + TAIL;

export function soaSerial(soa: RRset): number {
  return rdataSerial(soa.rdatas[0] as Uint8Array);
}

export function rdataSerial(rdata: Uint8Array): number {
  assert(rdata.length >= SHORTEST, "SOA rdata is whole");
  const at = rdata.length - TAIL;
  const high = (rdata[at]! << 8) | rdata[at + 1]!;
  return high * 0x1_0000 + ((rdata[at + 2]! << 8) | rdata[at + 3]!);
}

/** The same SOA with another serial. */
export function withSerial(soa: RRset, serial: number): RRset {
  const rdata = copyBytes(soa.rdatas[0] as Uint8Array);
  assert(rdata.length >= SHORTEST, "SOA rdata is whole");
  const at = rdata.length - TAIL;
  rdata[at] = serial >>> 24;
  rdata[at + 1] = serial >>> 16;
  rdata[at + 2] = serial >>> 8;
  rdata[at + 3] = serial;
  return { owner: soa.owner, rrtype: soa.rrtype, ttl: soa.ttl, rdatas: [rdata] };
}
