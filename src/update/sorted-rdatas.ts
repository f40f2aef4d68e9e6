/**
 * One RR more, one RR less. Rdatas are sorted, so a place is found by halving: an update that adds thousands of RRs
 * to one RRset costs a copy of pointers each, not a comparison with every RR that is there.
 */
import { compareBytes } from "../base/bytes.ts";
import type { RRset } from "../zone/rrset.ts";

/** The RRset with this RR, all of it with this TTL (RFC 2136 §3.4.2.2, RFC 2181 §5.2); itself when that is so. */
export function withRdata(rrset: RRset, rdata: Uint8Array, ttl: number): RRset {
  const at = placeOf(rrset, rdata);
  if (isAt(rrset, at, rdata)) return ttl === rrset.ttl ? rrset : { ...rrset, ttl };
  return { ...rrset, ttl, rdatas: rrset.rdatas.toSpliced(at, 0, rdata) };
}

/** The RRset without this RR; itself when it has no such RR, `undefined` when that was its last. */
export function withoutRdata(rrset: RRset, rdata: Uint8Array): RRset | undefined {
  const at = placeOf(rrset, rdata);
  if (!isAt(rrset, at, rdata)) return rrset;
  if (rrset.rdatas.length === 1) return undefined;
  return { ...rrset, rdatas: rrset.rdatas.toSpliced(at, 1) };
}

/** Where this rdata stands or would stand. */
function placeOf(rrset: RRset, rdata: Uint8Array): number {
  let low = 0;
  let high = rrset.rdatas.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(rrset.rdatas[middle] as Uint8Array, rdata) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isAt(rrset: RRset, at: number, rdata: Uint8Array): boolean {
  return at < rrset.rdatas.length && compareBytes(rrset.rdatas[at] as Uint8Array, rdata) === 0;
}
