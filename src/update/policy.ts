/**
 * Default deny. Every RR an update touches must be covered by an update grant of its own: no quota, no padding
 * and no order of operations makes one grant speak for another RR (RFC 2136 §3.3 leaves the rule to the server).
 *
 * Who has no grant at all in the zone is refused before anything is said about its contents; who has one may ask
 * any prerequisite. Owners outside the zone are passed over here: they get NOTZONE when the update is read.
 */
import {
  isGranted,
  isGrantedEveryType,
  isGrantedSomeType,
  isGrantedWithin,
} from "../identity/grants.ts";
import type { Principal } from "../identity/principal.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { equalNames, formatName, isSubdomain, type Name } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { UpdateOperation } from "./update-request.ts";

export function checkPolicy(
  zone: ZoneView,
  principal: Principal,
  operations: readonly UpdateOperation[],
): Refusal | undefined {
  if (principal.isOperator) return undefined;
  const stranger = checkStranger(principal, zone.origin);
  if (stranger !== undefined) return stranger;
  for (const operation of operations) {
    if (!isSubdomain(operation.owner, zone.origin)) continue;
    const refused =
      operation.kind === "delete-name"
        ? checkDeleteName(zone, principal, operation.owner)
        : checkRRset(principal, operation.owner, operation.rrtype);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** Who has no grant in the zone at all: told without a look at the zone, and so without waiting for it. */
export function checkStranger(principal: Principal, origin: Name): Refusal | undefined {
  if (principal.isOperator || isGrantedWithin(principal, "update", origin)) return undefined;
  return noGrant(principal, `in zone ${formatName(origin)}`);
}

function checkRRset(principal: Principal, owner: Name, rrtype: number): Refusal | undefined {
  if (isGranted(principal, "update", owner, rrtype)) return undefined;
  return noGrant(principal, `for ${formatName(owner)} ${typeName(rrtype)}`);
}

/** All that the deletion would end must be covered: at the apex it leaves SOA and NS (RFC 2136 §3.4.2.3). */
function checkDeleteName(zone: ZoneView, principal: Principal, owner: Name): Refusal | undefined {
  if (isGrantedEveryType(principal, "update", owner)) return undefined;
  if (!isGrantedSomeType(principal, "update", owner)) {
    return noGrant(principal, `for ${formatName(owner)}`);
  }
  const isApex = equalNames(owner, zone.origin);
  for (const { rrtype } of zone.rrsets(owner)) {
    if (isApex && (rrtype === Type.SOA || rrtype === Type.NS)) continue;
    const refused = checkRRset(principal, owner, rrtype);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function noGrant(principal: Principal, what: string): Refusal {
  return refuse(Rcode.refused, "no-grant", `${principal.actor} has no update grant ${what}`);
}
