/**
 * Checks and limits on what an update leaves behind, for every name it touched and whatever the door: the rules
 * that keep a zone servable, and the bounds that keep one credential from filling it (BIND CVE-2024-1737). An
 * RRset or name that is too large already, by an import of old, may still become smaller.
 */
import { Limits } from "../base/limits.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { equalNames, formatName } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import type { Overlay, TouchedName } from "../zone/overlay.ts";
import { findType, type RRset, rdataBytes } from "../zone/rrset.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { isBesideCname, isSingleton } from "./rrtype-rules.ts";

export function checkZone(zone: Overlay): Refusal | undefined {
  for (const touched of zone.touched()) {
    const refused = checkName(zone, touched);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function checkName(zone: Overlay, touched: TouchedName): Refusal | undefined {
  const { owner, before, after } = touched;
  if (after.length > Limits.nameRRsets && after.length > before.length) {
    return limit(`${formatName(owner)} would have more than ${Limits.nameRRsets} RRsets`);
  }
  for (const rrset of after) {
    const refused = checkRRset(rrset, findType(before, rrset.rrtype));
    if (refused !== undefined) return refused;
  }
  return checkCname(touched) ?? checkApex(zone, touched);
}

function checkRRset(rrset: RRset, before: RRset | undefined): Refusal | undefined {
  if (rrset === before) return undefined;
  const count = rrset.rdatas.length;
  if (isSingleton(rrset.rrtype) && count > 1) {
    return bad(`${rrsetText(rrset)} can have one RR only`);
  }
  if (count > Limits.rrsetRecords && count > (before?.rdatas.length ?? 0)) {
    return limit(`${rrsetText(rrset)} would have more than ${Limits.rrsetRecords} RRs`);
  }
  const bytes = rdataBytes(rrset);
  if (bytes > Limits.rrsetBytes && bytes > (before === undefined ? 0 : rdataBytes(before))) {
    return limit(`${rrsetText(rrset)} would have more than ${Limits.rrsetBytes} octets of rdata`);
  }
  return undefined;
}

/** RFC 1034 §3.6.2, RFC 2181 §10.1. */
function checkCname({ owner, after }: TouchedName): Refusal | undefined {
  if (after.length < 2 || findType(after, Type.CNAME) === undefined) return undefined;
  const other = after.find(({ rrtype }) => rrtype !== Type.CNAME && !isBesideCname(rrtype));
  if (other === undefined) return undefined;
  const name = formatName(owner);
  return bad(`${name} would have a CNAME beside ${typeName(other.rrtype)}: delete one of them`);
}

/** RFC 1034 §4.2.1: the apex has an SOA and at least one NS. */
function checkApex(zone: Overlay, { owner, after }: TouchedName): Refusal | undefined {
  if (!equalNames(owner, zone.origin)) return undefined;
  for (const rrtype of [Type.SOA, Type.NS]) {
    if (findType(after, rrtype) !== undefined) continue;
    return bad(`the apex ${formatName(owner)} must keep its ${typeName(rrtype)} RRset`);
  }
  return undefined;
}

function rrsetText({ owner, rrtype }: RRset): string {
  return `${formatName(owner)} ${typeName(rrtype)}`;
}

function limit(detail: string): Refusal {
  return refuse(Rcode.refused, "limit", detail);
}

function bad(detail: string): Refusal {
  return refuse(Rcode.refused, "bad-operation", detail);
}
