/**
 * A zone file over a zone that is there: the difference as one change, so that history, IXFR and the serial go on.
 * The file's serial counts only when it is later than the zone's.
 */
import type { Principal } from "../identity/principal.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { formatName, isSubdomain, type Name } from "../wire/name.ts";
import type { Overlay } from "../zone/overlay.ts";
import { equalRRsets, type RRset } from "../zone/rrset.ts";
import { isSerialAfter } from "../zone/serial.ts";
import { soaSerial, withSerial } from "../zone/soa.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** Makes `zone` what `wanted` is. Policy: whole zones are for operators. */
export function writeImport(
  zone: Overlay,
  principal: Principal,
  wanted: ZoneView,
): Refusal | undefined {
  if (!principal.isOperator) {
    const detail = `${principal.actor} may not import zone ${formatName(zone.origin)}`;
    return refuse(Rcode.refused, "no-grant", detail);
  }
  for (const owner of wanted.owners()) {
    if (!isSubdomain(owner, zone.origin)) {
      const detail = `${formatName(owner)} is outside zone ${formatName(zone.origin)}`;
      return refuse(Rcode.notZone, "not-in-zone", detail);
    }
  }
  const ended = [...zone.owners()].filter((owner) => wanted.rrsets(owner).length === 0);
  for (const owner of ended) writeName(zone, owner, []);
  for (const owner of wanted.owners()) writeName(zone, owner, wanted.rrsets(owner));
  return undefined;
}

function writeName(zone: Overlay, owner: Name, wanted: readonly RRset[]): void {
  for (const { rrtype } of zone.rrsets(owner)) {
    const isEnded = !wanted.some((each) => each.rrtype === rrtype);
    if (isEnded) zone.set({ owner, rrtype, rrset: undefined });
  }
  for (const each of wanted) {
    const present = zone.rrset(owner, each.rrtype);
    const rrset = each.rrtype === Type.SOA ? withSerialKept(each, present) : each;
    if (present !== undefined && equalRRsets(present, rrset)) continue;
    zone.set({ owner, rrtype: rrset.rrtype, rrset });
  }
}

function withSerialKept(soa: RRset, present: RRset | undefined): RRset {
  if (present === undefined || isSerialAfter(soaSerial(soa), soaSerial(present))) return soa;
  return withSerial(soa, soaSerial(present));
}
