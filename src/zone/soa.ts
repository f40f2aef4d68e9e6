/**
 * The serial inside an SOA RR (RFC 1035 §3.3.13). Rdata is checked before it becomes part of an RRset: two names
 * and five 32-bit numbers, the serial the first of them.
 */
import { assert } from "../base/assert.ts";
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
  return new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(at);
}

/** The same SOA with another serial. */
export function withSerial(soa: RRset, serial: number): RRset {
  const rdata = new Uint8Array(soa.rdatas[0] as Uint8Array);
  assert(rdata.length >= SHORTEST, "SOA rdata is whole");
  new DataView(rdata.buffer).setUint32(rdata.length - TAIL, serial);
  return { owner: soa.owner, rrtype: soa.rrtype, ttl: soa.ttl, rdatas: [rdata] };
}
