/**
 * The update section made into changes of an overlay (RFC 2136 §3.4). All operations are looked at first, so that
 * a malformed one changes nothing; then they are made in order.
 *
 * A DNS UPDATE follows the RFC to the letter: what would break a rule of the zone (a CNAME beside other data, the
 * last NS of the apex) is passed over in silence. Other doors say what shall be and want to hear when it cannot:
 * for them nothing is passed over, and `check-zone.ts` refuses what does not fit.
 */
import { equalBytes } from "../base/bytes.ts";
import { Limits } from "../base/limits.ts";
import { isMetaType, Rcode, Type } from "../wire/code-points.ts";
import { equalNames, formatName, isSubdomain, type Name } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import type { Overlay } from "../zone/overlay.ts";
import { equalRRsets, makeRRset, type RRset } from "../zone/rrset.ts";
import { isSerialAfter } from "../zone/serial.ts";
import { rdataSerial, soaSerial, withSerial } from "../zone/soa.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { isBesideCname, isSignerType, isSingleton, WKS } from "./rrtype-rules.ts";
import { withoutRdata, withRdata } from "./sorted-rdatas.ts";
import type { UpdateOperation } from "./update-request.ts";

type Operation<Kind> = Extract<UpdateOperation, { kind: Kind }>;

/** Writes the operations into `zone`. After a refusal the overlay is to be thrown away. */
export function applyUpdate(
  zone: Overlay,
  operations: readonly UpdateOperation[],
  isLenient: boolean,
): Refusal | undefined {
  for (const operation of operations) {
    const refused = prescan(zone, operation);
    if (refused !== undefined) return refused;
  }
  for (const operation of operations) {
    const refused = applyOperation(zone, operation, isLenient);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** RFC 2136 §3.4.1, for every door: operations that no zone could take. */
function prescan(zone: Overlay, operation: UpdateOperation): Refusal | undefined {
  const { kind, owner } = operation;
  if (!isSubdomain(owner, zone.origin)) {
    const detail = `${formatName(owner)} is outside zone ${formatName(zone.origin)}`;
    return refuse(Rcode.notZone, "not-in-zone", detail);
  }
  if (kind === "delete-name") return undefined;
  const { rrtype } = operation;
  if (isMetaType(rrtype)) {
    return bad(Rcode.formErr, `${typeName(rrtype)} is no type of zone data`);
  }
  if (isSignerType(rrtype)) {
    return bad(Rcode.refused, `${typeName(rrtype)} is made by the signer and cannot be updated`);
  }
  if (kind === "delete-rr" || kind === "delete-rrset") return undefined;
  if (rrtype === Type.DS && equalNames(owner, zone.origin)) {
    return bad(Rcode.refused, "a DS RRset belongs to the parent zone, not to the apex");
  }
  if (!(operation.ttl >= 0 && operation.ttl <= Limits.ttl)) {
    return bad(Rcode.formErr, `TTL ${operation.ttl} is not between 0 and ${Limits.ttl}`);
  }
  return undefined;
}

function applyOperation(
  zone: Overlay,
  operation: UpdateOperation,
  isLenient: boolean,
): Refusal | undefined {
  switch (operation.kind) {
    case "add":
      return applyAdd(zone, operation, isLenient);
    case "delete-rr":
      return applyDeleteRR(zone, operation, isLenient);
    case "delete-rrset":
      return applyDeleteRRset(zone, operation, isLenient);
    case "delete-name":
      return applyDeleteName(zone, operation);
    default:
      return applyReplace(zone, operation);
  }
}

/** RFC 2136 §3.4.2.2. */
function applyAdd(zone: Overlay, operation: Operation<"add">, isLenient: boolean) {
  const { owner, rrtype, ttl, rdata } = operation;
  if (rrtype === Type.SOA) return applySoa(zone, operation, isLenient);
  if (isLenient && isBarredByCname(zone, owner, rrtype)) return undefined;
  const present = zone.rrset(owner, rrtype);
  const isAlone = present === undefined || isSingleton(rrtype);
  const rrset = isAlone
    ? { owner, rrtype, ttl, rdatas: [rdata] }
    : withRdata(rrtype === WKS ? withoutSameService(present, rdata) : present, rdata, ttl);
  if (rrset.rdatas.length > Limits.rrsetRecords) return tooManyRecords(rrset);
  setRRset(zone, present, rrset);
  return undefined;
}

/** A WKS RR takes the place of the one for the same address and protocol (RFC 2136 §1.1.5). */
function withoutSameService(present: RRset, rdata: Uint8Array): RRset {
  const service = rdata.subarray(0, 5);
  const rdatas = present.rdatas.filter((each) => !equalBytes(each.subarray(0, 5), service));
  return { ...present, rdatas };
}

/** A CNAME beside other data, or other data beside a CNAME (RFC 1034 §3.6.2). */
function isBarredByCname(zone: Overlay, owner: Name, rrtype: number): boolean {
  if (isBesideCname(rrtype)) return false;
  return zone
    .rrsets(owner)
    .some((each) =>
      rrtype === Type.CNAME
        ? each.rrtype !== Type.CNAME && !isBesideCname(each.rrtype)
        : each.rrtype === Type.CNAME,
    );
}

/**
 * A DNS UPDATE replaces the SOA only with a later serial; otherwise it is ignored (RFC 2136 §3.4.2.2). From
 * another door the other fields count, and a serial that is not later is taken as "the next one".
 */
function applySoa(
  zone: Overlay,
  { owner, ttl, rdata }: { owner: Name; ttl: number; rdata: Uint8Array },
  isLenient: boolean,
): Refusal | undefined {
  if (!equalNames(owner, zone.origin)) {
    if (isLenient) return undefined;
    return bad(Rcode.refused, `only the apex ${formatName(zone.origin)} may have an SOA`);
  }
  const present = zone.rrset(owner, Type.SOA);
  if (present === undefined) return undefined;
  const wanted: RRset = { owner, rrtype: Type.SOA, ttl, rdatas: [rdata] };
  if (isSerialAfter(rdataSerial(rdata), soaSerial(present))) setRRset(zone, present, wanted);
  else if (!isLenient) setRRset(zone, present, withSerial(wanted, soaSerial(present)));
  return undefined;
}

/** RFC 2136 §3.4.2.4: never the SOA, never the last NS of the apex. */
function applyDeleteRR(zone: Overlay, operation: Operation<"delete-rr">, isLenient: boolean) {
  const { owner, rrtype, rdata } = operation;
  const present = zone.rrset(owner, rrtype);
  if (present === undefined) return undefined;
  const rrset = withoutRdata(present, rdata);
  if (isLenient && isKept(zone, owner, rrtype) && (rrtype === Type.SOA || rrset === undefined)) {
    return undefined;
  }
  if (rrset !== present) zone.set({ owner, rrtype, rrset });
  return undefined;
}

/** RFC 2136 §3.4.2.3. */
function applyDeleteRRset(zone: Overlay, operation: Operation<"delete-rrset">, isLenient: boolean) {
  const { owner, rrtype } = operation;
  if (isLenient && isKept(zone, owner, rrtype)) return undefined;
  if (zone.rrset(owner, rrtype) !== undefined) zone.set({ owner, rrtype, rrset: undefined });
  return undefined;
}

/** RFC 2136 §3.4.2.3: at the apex SOA and NS stay, from whatever door. */
function applyDeleteName(zone: Overlay, { owner }: Operation<"delete-name">): undefined {
  for (const { rrtype } of zone.rrsets(owner)) {
    if (!isKept(zone, owner, rrtype)) zone.set({ owner, rrtype, rrset: undefined });
  }
}

/** Never in a DNS UPDATE, which has no words for it: nothing is passed over. */
function applyReplace(zone: Overlay, operation: Operation<"replace">) {
  const { owner, rrtype, ttl, rdatas } = operation;
  const [rdata] = rdatas;
  if (rdata === undefined) {
    return applyDeleteRRset(zone, { kind: "delete-rrset", owner, rrtype }, false);
  }
  const rrset = makeRRset(owner, rrtype, ttl, rdatas);
  if (isSingleton(rrtype) && rrset.rdatas.length > 1) {
    const what = `${formatName(owner)} ${typeName(rrtype)}`;
    return bad(Rcode.refused, `${what} can have one RR only, not ${rrset.rdatas.length}`);
  }
  if (rrtype === Type.SOA) return applySoa(zone, { owner, ttl, rdata }, false);
  setRRset(zone, zone.rrset(owner, rrtype), rrset);
  return undefined;
}

function isKept(zone: Overlay, owner: Name, rrtype: number): boolean {
  return (rrtype === Type.SOA || rrtype === Type.NS) && equalNames(owner, zone.origin);
}

function setRRset(zone: Overlay, present: RRset | undefined, rrset: RRset): void {
  if (present === rrset || (present !== undefined && equalRRsets(present, rrset))) return;
  zone.set({ owner: rrset.owner, rrtype: rrset.rrtype, rrset });
}

/** Asked at once as well as at the end, so that no update makes RRsets it cannot have. */
function tooManyRecords({ owner, rrtype }: RRset): Refusal {
  const what = `${formatName(owner)} ${typeName(rrtype)}`;
  const detail = `${what} would have more than ${Limits.rrsetRecords} RRs`;
  return refuse(Rcode.refused, "limit", detail);
}

function bad(rcode: Rcode, detail: string): Refusal {
  return refuse(rcode, "bad-operation", detail);
}
