/**
 * A zone file over a zone that is there: the difference as one change, so that history, IXFR and the serial go on.
 * The file's serial counts only when it is later than the zone's. The difference is found owner by owner, with pauses
 * for whatever else waits; updates of this zone wait until it is committed.
 */
import { setImmediate as othersTurn } from "node:timers/promises";
import { Limits } from "../base/limits.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { formatName, isSubdomain, type Name } from "../wire/name.ts";
import type { RRsetChange } from "../zone/changeset.ts";
import type { Overlay } from "../zone/overlay.ts";
import { equalRRsets, type RRset } from "../zone/rrset.ts";
import { isSerialAfter } from "../zone/serial.ts";
import { soaSerial, withSerial } from "../zone/soa.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import type { Change, Intent } from "./judge-change.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** Makes the zone that `published` shows what `wanted` is. Policy: whole zones are for operators. */
export function draftImport(intent: Intent, wanted: ZoneView, published: () => ZoneView): Change {
  let changes: RRsetChange[] = [];
  let refused: Refusal | undefined;
  const prepare = async () => {
    changes = [];
    refused = checkPrincipal(intent);
    if (refused !== undefined) return;
    let owners = 0;
    for (const found of compare(published(), wanted)) {
      if (Array.isArray(found)) changes.push(...found);
      else refused ??= found as Refusal;
      if (++owners % Limits.zoneSlice === 0) await othersTurn();
    }
  };
  const write = (zone: Overlay) => {
    if (refused !== undefined) return refused;
    for (const change of changes) zone.set(change);
    return undefined;
  };
  return { intent, prepare, write };
}

function checkPrincipal({ principal, origin }: Intent): Refusal | undefined {
  if (principal.isOperator) return undefined;
  const detail = `${principal.actor} may not import zone ${formatName(origin)}`;
  return refuse(Rcode.refused, "no-grant", detail);
}

/** For each owner of both, what has to change there, or why it cannot. */
function* compare(
  zone: ZoneView,
  wanted: ZoneView,
): Generator<readonly RRsetChange[] | Refusal, void, undefined> {
  for (const owner of zone.owners()) {
    const isEnded = wanted.rrsets(owner).length === 0;
    yield isEnded ? compareName(zone, owner, []) : [];
  }
  for (const owner of wanted.owners()) {
    if (isSubdomain(owner, zone.origin)) yield compareName(zone, owner, wanted.rrsets(owner));
    else {
      const detail = `${formatName(owner)} is outside zone ${formatName(zone.origin)}`;
      yield refuse(Rcode.notZone, "not-in-zone", detail);
    }
  }
}

function compareName(zone: ZoneView, owner: Name, wanted: readonly RRset[]): RRsetChange[] {
  const present = zone.rrsets(owner);
  const changes: RRsetChange[] = [];
  for (const { rrtype } of present) {
    const isEnded = !wanted.some((each) => each.rrtype === rrtype);
    if (isEnded) changes.push({ owner, rrtype, rrset: undefined });
  }
  for (const each of wanted) {
    const before = present.find(({ rrtype }) => rrtype === each.rrtype);
    const rrset = each.rrtype === Type.SOA ? withSerialKept(each, before) : each;
    if (before === undefined || !equalRRsets(before, rrset)) {
      changes.push({ owner, rrtype: rrset.rrtype, rrset });
    }
  }
  return changes;
}

function withSerialKept(soa: RRset, present: RRset | undefined): RRset {
  if (present === undefined || isSerialAfter(soaSerial(soa), soaSerial(present))) return soa;
  return withSerial(soa, soaSerial(present));
}
