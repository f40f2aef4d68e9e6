/**
 * What must hold for an update to be made (RFC 2136 §3.2). The order is the RFC's: one by one as they stand in the
 * message, then the value-dependent ones, each RRset compared as a whole and without its TTL (§3.2.3).
 */
import { Rcode } from "../wire/code-points.ts";
import { formatName, isSubdomain, type Name, nameKey } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import { equalRdatas, makeRRset } from "../zone/rrset.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { Prerequisite } from "./update-request.ts";

/** An RRset that the zone must have, RR by RR. */
interface Expected {
  readonly owner: Name;
  readonly rrtype: number;
  readonly rdatas: Uint8Array[];
}

export function checkPrerequisites(
  zone: ZoneView,
  prerequisites: readonly Prerequisite[],
): Refusal | undefined {
  if (prerequisites.length === 0) return undefined;
  const expected = new Map<string, Expected>();
  for (const prerequisite of prerequisites) {
    if (!isSubdomain(prerequisite.owner, zone.origin)) return outside(zone, prerequisite.owner);
    if (prerequisite.kind === "rrset-equals") expect(expected, prerequisite);
    else {
      const refused = checkOne(zone, prerequisite);
      if (refused !== undefined) return refused;
    }
  }
  return checkExpected(zone, expected.values());
}

type Existence = Exclude<Prerequisite, { kind: "rrset-equals" }>;

function checkOne(zone: ZoneView, prerequisite: Existence): Refusal | undefined {
  const { owner } = prerequisite;
  switch (prerequisite.kind) {
    case "name-in-use":
      if (zone.rrsets(owner).length > 0) return undefined;
      return failed(Rcode.nxDomain, `${formatName(owner)} is not in use`);
    case "name-not-in-use":
      if (zone.rrsets(owner).length === 0) return undefined;
      return failed(Rcode.yxDomain, `${formatName(owner)} is in use`);
    case "rrset-exists":
      if (zone.rrset(owner, prerequisite.rrtype) !== undefined) return undefined;
      return failed(Rcode.nxRRset, `there is no ${rrsetText(owner, prerequisite.rrtype)}`);
    default:
      return checkAbsent(zone, prerequisite);
  }
}

function checkAbsent(
  zone: ZoneView,
  { owner, rrtype }: Extract<Prerequisite, { kind: "rrset-absent" }>,
): Refusal | undefined {
  if (zone.rrset(owner, rrtype) === undefined) return undefined;
  return failed(Rcode.yxRRset, `there is a ${rrsetText(owner, rrtype)}`);
}

function expect(
  expected: Map<string, Expected>,
  { owner, rrtype, rdata }: Extract<Prerequisite, { kind: "rrset-equals" }>,
): void {
  const key = `${rrtype}/${nameKey(owner)}`;
  const known = expected.get(key);
  if (known === undefined) expected.set(key, { owner, rrtype, rdatas: [rdata] });
  else known.rdatas.push(rdata);
}

function checkExpected(zone: ZoneView, expected: Iterable<Expected>): Refusal | undefined {
  for (const { owner, rrtype, rdatas } of expected) {
    const present = zone.rrset(owner, rrtype);
    if (present !== undefined && equalRdatas(present, makeRRset(owner, rrtype, 0, rdatas)))
      continue;
    return failed(Rcode.nxRRset, `${rrsetText(owner, rrtype)} is not as the update expects it`);
  }
  return undefined;
}

function rrsetText(owner: Name, rrtype: number): string {
  return `${formatName(owner)} ${typeName(rrtype)}`;
}

function failed(rcode: Rcode, detail: string): Refusal {
  return refuse(rcode, "prerequisite", detail);
}

function outside(zone: ZoneView, owner: Name): Refusal {
  const detail = `prerequisite ${formatName(owner)} is outside zone ${formatName(zone.origin)}`;
  return refuse(Rcode.notZone, "not-in-zone", detail);
}
