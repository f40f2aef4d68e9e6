/**
 * RRsets as values (RFC 2181 §5): all RRs of one owner and rrtype, with one TTL. Class is always IN.
 *
 * Rdata is in canonical wire form: no compression, and names lower-cased for the types of RFC 4034 §6.2,
 * so that equal rdata are equal bytes.
 */

import { assert } from "../base/assert.ts";
import { compareBytes, equalBytes } from "../base/bytes.ts";
import { equalNames, type Name } from "../wire/name.ts";

export interface RRset {
  readonly owner: Name;
  readonly rrtype: number;
  /** Seconds, 0 to 2^31 − 1 (RFC 2181 §8). */
  readonly ttl: number;
  /** At least one, distinct, in canonical order (RFC 4034 §6.3). */
  readonly rdatas: readonly Uint8Array[];
}

/** Sorts and removes duplicates. An RRset without RRs does not exist: asking for one is a programmer's error. */
export function makeRRset(
  owner: Name,
  rrtype: number,
  ttl: number,
  rdatas: readonly Uint8Array[],
): RRset {
  assert(rdatas.length > 0, "an RRset has at least one RR");
  if (rdatas.length === 1) return { owner, rrtype, ttl, rdatas };
  const sorted = [...rdatas].sort(compareBytes);
  const distinct = sorted.filter(
    (rdata, at) => at === 0 || !equalBytes(rdata, sorted[at - 1] as Uint8Array),
  );
  return { owner, rrtype, ttl, rdatas: distinct };
}

/** All RRs of both; the TTL of `added` (RFC 2136 §3.4.2.2 gives the whole RRset the new TTL). */
export function mergeRRsets(existing: RRset | undefined, added: RRset): RRset {
  if (existing === undefined) return added;
  return makeRRset(added.owner, added.rrtype, added.ttl, [...existing.rdatas, ...added.rdatas]);
}

/** The RRs of `existing` that are not in `removed`, whatever the TTLs; `undefined` when none is left. */
export function subtractRRset(existing: RRset, removed: RRset): RRset | undefined {
  const rdatas = existing.rdatas.filter((rdata) => !hasRdata(removed, rdata));
  if (rdatas.length === 0) return undefined;
  return { ...existing, rdatas };
}

export function hasRdata(rrset: RRset, rdata: Uint8Array): boolean {
  return rrset.rdatas.some((each) => equalBytes(each, rdata));
}

export function findType(rrsets: readonly RRset[], rrtype: number): RRset | undefined {
  for (const rrset of rrsets) if (rrset.rrtype === rrtype) return rrset;
  return undefined;
}

/** Same owner, rrtype and RRs; TTLs are not compared (RFC 2136 §3.2.3 compares without them). */
export function equalRdatas(a: RRset, b: RRset): boolean {
  return (
    a.rrtype === b.rrtype &&
    equalNames(a.owner, b.owner) &&
    a.rdatas.length === b.rdatas.length &&
    a.rdatas.every((rdata, at) => equalBytes(rdata, b.rdatas[at] as Uint8Array))
  );
}

export function equalRRsets(a: RRset, b: RRset): boolean {
  return a.ttl === b.ttl && equalRdatas(a, b);
}

/** Octets of rdata in all, each with its two-byte length: what the size limits count. */
export function rdataBytes(rrset: RRset): number {
  let bytes = 0;
  for (const rdata of rrset.rdatas) bytes += rdata.length + 2;
  return bytes;
}
