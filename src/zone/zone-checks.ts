/**
 * What is wrong with a zone as a whole, as named findings. Errors prevent loading: the zone could not be answered from
 * correctly. Warnings are data that cannot do what it was written for.
 */
import { Limits } from "../base/limits.ts";
import { isMetaType, Type } from "../wire/code-points.ts";
import {
  equalNames,
  formatName,
  isSubdomain,
  isWildcard,
  type Name,
  nameKey,
  parentName,
} from "../wire/name.ts";
import { rdataNames } from "../wire/rdata.ts";
import { typeName } from "../wire/rr-types.ts";
import { type RRset, rdataBytes } from "./rrset.ts";
import type { ZoneView } from "./zone-view.ts";

export type ZoneCheck =
  | "no-soa"
  | "several-soa"
  | "soa-not-at-apex"
  | "no-ns"
  | "cname-and-other-data"
  | "several-cname"
  | "several-dname"
  | "meta-type"
  | "rrset-too-large"
  | "too-many-rrsets"
  | "ttl-differs"
  | "dname-and-ns"
  | "ds-at-apex"
  | "ds-without-delegation"
  | "missing-address"
  | "target-is-alias"
  | "below-dname"
  | "below-cut"
  | "wildcard-ns"
  | "wildcard-dname";

export interface Finding {
  readonly severity: "error" | "warning";
  readonly check: ZoneCheck;
  readonly owner: Name;
  readonly message: string;
}

/** Types that may stand beside a CNAME (RFC 4034 §2.3, §3, §4; RFC 2181 §10.1; RFC 3007 for KEY and SIG). */
const BESIDE_CNAME: ReadonlySet<number> = new Set<number>([Type.RRSIG, Type.NSEC, 24, 25, 30]);

/** Types that are meant to stand at a zone cut or below it. */
const GLUE: ReadonlySet<number> = new Set<number>([Type.A, Type.AAAA]);
/** Types that one of the checks below asks for. */
const SUBJECT: ReadonlySet<number> = new Set<number>([
  Type.SOA,
  Type.NS,
  Type.CNAME,
  Type.DNAME,
  Type.DS,
  Type.MX,
  Type.SRV,
]);
const AT_CUT: ReadonlySet<number> = new Set<number>([Type.NS, Type.DS, Type.RRSIG, Type.NSEC]);

/** RRs of an owner, and octets of their rdata as `rdataBytes` counts them, up to which no bound can be passed. */
export const RRS_UNCHECKED = Math.min(Limits.nameRRsets, Limits.rrsetRecords);
export const RRSET_UNCHECKED = Limits.rrsetBytes;

/**
 * Whether anything can be wrong with few RRs of this type; `checkZone` need not see an owner that has no such type, is
 * not larger than the two bounds above, and has no delegation or DNAME above it.
 */
export function isSubjectToChecks(rrtype: number): boolean {
  return SUBJECT.has(rrtype) || isMetaType(rrtype);
}

/** Everything found, owner by owner, the apex first. */
export function checkZone(zone: ZoneView): Generator<Finding, void, undefined> {
  const found = checkOwners(zone, () => zone.owners());
  return found as Generator<Finding, void, undefined>;
}

/**
 * The same where `owners` leave out those that nothing can be found at. An `undefined` among them, where others may have
 * their turn, is handed on.
 */
export function* checkOwners(
  zone: ZoneView,
  owners: () => Iterable<Name | undefined>,
): Generator<Finding | undefined, void, undefined> {
  yield* checkApex(zone);
  const tops = yield* findTops(zone, owners());
  for (const owner of owners()) {
    if (owner === undefined) {
      yield undefined;
      continue;
    }
    const rrsets = zone.rrsets(owner);
    yield* checkOwner(zone.origin, owner, rrsets);
    yield* checkOccluded(zone.origin, owner, rrsets, tops);
    yield* checkTargets(zone, rrsets, tops);
  }
}

function finding(
  severity: Finding["severity"],
  check: ZoneCheck,
  owner: Name,
  problem: string,
): Finding {
  return { severity, check, owner, message: `${formatName(owner)} ${problem}` };
}

function* checkApex(zone: ZoneView): Generator<Finding> {
  const { origin } = zone;
  if (zone.rrset(origin, Type.SOA) === undefined) {
    yield finding("error", "no-soa", origin, "has no SOA: a zone needs one at its origin");
  }
  if (zone.rrset(origin, Type.NS) === undefined) {
    yield finding("error", "no-ns", origin, "has no NS: a zone needs at least one at its origin");
  }
  if (zone.rrset(origin, Type.DS) !== undefined) {
    const problem = "has a DS at the zone's origin: it belongs into the parent zone";
    yield finding("warning", "ds-at-apex", origin, problem);
  }
}

function* checkOwner(origin: Name, owner: Name, rrsets: readonly RRset[]): Generator<Finding> {
  const isApex = equalNames(owner, origin);
  const types = new Set(rrsets.map((rrset) => rrset.rrtype));
  if (types.has(Type.SOA) && !isApex) {
    yield finding("error", "soa-not-at-apex", owner, "has an SOA and is not the zone's origin");
  }
  yield* checkAlias(owner, rrsets);
  if (rrsets.length > Limits.nameRRsets) {
    const problem = `has ${rrsets.length} RRsets; at most ${Limits.nameRRsets} are allowed`;
    yield finding("error", "too-many-rrsets", owner, problem);
  }
  for (const rrset of rrsets) yield* checkRRset(rrset);
  if (isApex) return;
  if (types.has(Type.DS) && !types.has(Type.NS)) {
    const problem = "has a DS and no NS: nothing is delegated there";
    yield finding("warning", "ds-without-delegation", owner, problem);
  }
  if (types.has(Type.DNAME) && types.has(Type.NS)) {
    const problem = "has a DNAME beside an NS: the delegation hides the DNAME (RFC 6672 §2.3)";
    yield finding("warning", "dname-and-ns", owner, problem);
  }
}

/** RFC 2181 §10.1 */
function* checkAlias(owner: Name, rrsets: readonly RRset[]): Generator<Finding> {
  if (!rrsets.some((rrset) => rrset.rrtype === Type.CNAME)) return;
  const others = rrsets.filter(({ rrtype }) => rrtype !== Type.CNAME && !BESIDE_CNAME.has(rrtype));
  if (others.length === 0) return;
  const names = others.map((rrset) => typeName(rrset.rrtype)).join(", ");
  const problem = `has a CNAME and other data (${names}); remove one or the other`;
  yield finding("error", "cname-and-other-data", owner, problem);
}

const SINGLE: ReadonlyMap<number, ZoneCheck> = new Map([
  [Type.SOA, "several-soa"],
  [Type.CNAME, "several-cname"],
  [Type.DNAME, "several-dname"],
]);

function* checkRRset(rrset: RRset): Generator<Finding> {
  const { owner, rrtype, rdatas } = rrset;
  const single = SINGLE.get(rrtype);
  const name = typeName(rrtype);
  if (single !== undefined && rdatas.length > 1) {
    yield finding("error", single, owner, `has ${rdatas.length} ${name} RRs; only one is allowed`);
  }
  if (isMetaType(rrtype)) {
    yield finding("error", "meta-type", owner, `has ${name}, which is no type of zone data`);
  }
  if (rdatas.length > Limits.rrsetRecords || rdataBytes(rrset) > Limits.rrsetBytes) {
    const problem =
      `has ${rdatas.length} ${name} RRs of ${rdataBytes(rrset)} octets in all; ` +
      `at most ${Limits.rrsetRecords} and ${Limits.rrsetBytes} are allowed`;
    yield finding("error", "rrset-too-large", owner, problem);
  }
  if (!isWildcard(owner)) return;
  if (rrtype === Type.NS) {
    yield finding("warning", "wildcard-ns", owner, "delegates by a wildcard (RFC 4592 §4.2)");
  } else if (rrtype === Type.DNAME) {
    yield finding("warning", "wildcard-dname", owner, "has a DNAME at a wildcard (RFC 4592 §4.4)");
  }
}

/** Owners whose descendants are not the zone's to answer for: delegations and DNAMEs. */
interface Tops {
  readonly cuts: ReadonlySet<string>;
  readonly dnames: ReadonlySet<string>;
}

function* findTops(
  zone: ZoneView,
  owners: Iterable<Name | undefined>,
): Generator<undefined, Tops, undefined> {
  const cuts = new Set<string>();
  const dnames = new Set<string>();
  for (const owner of owners) {
    if (owner === undefined) {
      yield undefined;
      continue;
    }
    for (const { rrtype } of zone.rrsets(owner)) {
      if (rrtype === Type.NS && !equalNames(owner, zone.origin)) cuts.add(nameKey(owner));
      if (rrtype === Type.DNAME) dnames.add(nameKey(owner));
    }
  }
  return { cuts, dnames };
}

/** The nearest name from `name` up to the origin that is in `tops`. */
function findTop(origin: Name, name: Name, tops: ReadonlySet<string>): Name | undefined {
  if (tops.size === 0) return undefined;
  for (let at = name; ; at = parentName(at)) {
    if (tops.has(nameKey(at))) return at;
    if (at.length === origin.length) return undefined;
  }
}

function* checkOccluded(
  origin: Name,
  owner: Name,
  rrsets: readonly RRset[],
  tops: Tops,
): Generator<Finding> {
  const isApex = equalNames(owner, origin);
  const dname = isApex ? undefined : findTop(origin, parentName(owner), tops.dnames);
  if (dname !== undefined) {
    const problem = `is below the DNAME at ${formatName(dname)} and never answered`;
    yield finding("warning", "below-dname", owner, problem);
  }
  const cut = findTop(origin, owner, tops.cuts);
  if (cut === undefined) return;
  const isCut = equalNames(owner, cut);
  const hidden = rrsets.filter(
    ({ rrtype }) => !GLUE.has(rrtype) && !(isCut && (AT_CUT.has(rrtype) || rrtype === Type.DNAME)),
  );
  if (hidden.length === 0) return;
  const names = hidden.map((rrset) => typeName(rrset.rrtype)).join(", ");
  const where = isCut ? "at" : "below";
  const problem = `has ${names} ${where} the delegation of ${formatName(cut)}, never answered`;
  yield finding("warning", "below-cut", owner, problem);
}

/** Types whose target must not be an alias (RFC 2181 §10.3, RFC 2782). */
const TARGETS: ReadonlySet<number> = new Set<number>([Type.NS, Type.MX, Type.SRV]);

function* checkTargets(zone: ZoneView, rrsets: readonly RRset[], tops: Tops): Generator<Finding> {
  for (const rrset of rrsets) {
    if (!TARGETS.has(rrset.rrtype)) continue;
    for (const rdata of rrset.rdatas) yield* checkTarget(zone, rrset, rdata, tops);
  }
}

function* checkTarget(
  zone: ZoneView,
  { owner, rrtype }: RRset,
  rdata: Uint8Array,
  tops: Tops,
): Generator<Finding> {
  const found = rdataNames(rrtype, rdata)[0];
  if (found === undefined || found.length === 1) return;
  const target = rdata.subarray(found.offset, found.offset + found.length) as Name;
  if (!isSubdomain(target, zone.origin)) return;
  const what = `has ${typeName(rrtype)} ${formatName(target)}`;
  const types = zone.rrsets(target).map((rrset) => rrset.rrtype);
  if (types.includes(Type.CNAME)) {
    const problem = `${what}, which is an alias: name the host itself`;
    yield finding("warning", "target-is-alias", owner, problem);
  } else if (
    !types.some((each) => GLUE.has(each)) &&
    mustHaveAddress(zone, rrtype, owner, target, tops)
  ) {
    const problem = `${what}, which has no A or AAAA in the zone`;
    yield finding("warning", "missing-address", owner, problem);
  }
}

/** Whether the address of this target could only come from here: not from a wildcard, a DNAME or another delegation. */
function mustHaveAddress(
  zone: ZoneView,
  rrtype: number,
  owner: Name,
  target: Name,
  tops: Tops,
): boolean {
  if (findTop(zone.origin, target, tops.dnames) !== undefined) return false;
  const cut = findTop(zone.origin, target, tops.cuts);
  if (cut !== undefined) return rrtype === Type.NS && isSubdomain(target, owner);
  return !hasWildcard(zone, target);
}

/** Whether a wildcard above the name could stand in for it; more lenient than synthesis itself. */
function hasWildcard(zone: ZoneView, name: Name): boolean {
  for (let at = name; at.length > zone.origin.length; at = parentName(at)) {
    const encloser = parentName(at);
    const wildcard = new Uint8Array(encloser.length + 2);
    wildcard.set([1, 0x2a]);
    wildcard.set(encloser, 2);
    if (zone.rrsets(wildcard as Name).length > 0) return true;
  }
  return false;
}
