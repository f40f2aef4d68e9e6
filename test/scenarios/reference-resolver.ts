/**
 * A second opinion on every answer: RFC 1034 §4.3.2, RFC 4592 and RFC 6672 read word by word over a list of RRs, with
 * names as text and no thought of speed. For the property test; knows no limits and no truncation.
 */
export interface ReferenceRecord {
  readonly owner: string;
  readonly ttl: number;
  readonly rrtype: string;
  readonly rdata: string;
}

export interface ReferenceZone {
  readonly origin: string;
  readonly records: readonly ReferenceRecord[];
}

export interface ReferenceAnswer {
  rcode: "NOERROR" | "NXDOMAIN" | "REFUSED" | "YXDOMAIN";
  isAuthoritative: boolean;
  readonly answer: ReferenceRecord[];
  readonly authority: ReferenceRecord[];
  readonly additional: ReferenceRecord[];
}

const CHAIN = 20;

function isBelow(name: string, ancestor: string): boolean {
  return ancestor === "." ? name !== "." : name.endsWith(`.${ancestor}`);
}

function isIn(name: string, ancestor: string): boolean {
  return name === ancestor || isBelow(name, ancestor);
}

function parentOf(name: string): string {
  return name.slice(name.indexOf(".") + 1) || ".";
}

/** From the child of `origin` down to `name`. */
function pathTo(name: string, origin: string): string[] {
  return name === origin ? [] : [...pathTo(parentOf(name), origin), name];
}

function zoneOf(zones: readonly ReferenceZone[], name: string): ReferenceZone | undefined {
  return zones
    .filter((zone) => isIn(name, zone.origin))
    .sort((a, b) => b.origin.length - a.origin.length)[0];
}

function rrset(zone: ReferenceZone, owner: string, rrtype: string): ReferenceRecord[] {
  return zone.records.filter((record) => record.owner === owner && record.rrtype === rrtype);
}

function exists(zone: ReferenceZone, name: string): boolean {
  return zone.records.some((record) => isIn(record.owner, name));
}

type Found =
  | { kind: "delegation"; cut: string }
  | { kind: "dname"; owner: string }
  | { kind: "node"; source: string }
  | { kind: "nothing" };

function lookUp(zone: ReferenceZone, name: string, qtype: string): Found {
  if (name !== zone.origin && rrset(zone, zone.origin, "DNAME").length > 0) {
    return { kind: "dname", owner: zone.origin };
  }
  for (const step of pathTo(name, zone.origin)) {
    const isCut = rrset(zone, step, "NS").length > 0;
    if (isCut && !(step === name && qtype === "DS")) return { kind: "delegation", cut: step };
    const isRedirected = step !== name && rrset(zone, step, "DNAME").length > 0;
    if (isRedirected) return { kind: "dname", owner: step };
  }
  if (exists(zone, name)) return { kind: "node", source: name };
  let encloser = parentOf(name);
  while (!exists(zone, encloser)) encloser = parentOf(encloser);
  const source = encloser === "." ? "*." : `*.${encloser}`;
  return exists(zone, source) ? { kind: "node", source } : { kind: "nothing" };
}

/** Where glue for a name that is not the zone's to answer comes from, wildcards included. */
function coveredSource(zone: ReferenceZone, name: string): string {
  if (exists(zone, name)) return name;
  let encloser = parentOf(name);
  while (!exists(zone, encloser)) encloser = parentOf(encloser);
  return rrset(zone, encloser, "DNAME").length > 0 ? "" : `*.${encloser}`;
}

function addresses(zone: ReferenceZone, name: string, isGlueGiven: boolean): ReferenceRecord[] {
  if (!isIn(name, zone.origin)) return [];
  const found = lookUp(zone, name, "A");
  if (found.kind === "nothing" || (found.kind !== "node" && !isGlueGiven)) return [];
  const source = found.kind === "node" ? found.source : coveredSource(zone, name);
  return ["A", "AAAA"]
    .flatMap((rrtype) => rrset(zone, source, rrtype))
    .map((record) => ({ ...record, owner: name }));
}

/** Adds what is not there yet. */
function add(section: ReferenceRecord[], records: readonly ReferenceRecord[]): void {
  for (const record of records) {
    const text = JSON.stringify(record);
    if (!section.some((each) => JSON.stringify(each) === text)) section.push(record);
  }
}

function addTargets(result: ReferenceAnswer, zone: ReferenceZone, last: ReferenceRecord[]): void {
  for (const { rrtype, rdata } of last) {
    if (rrtype === "NS") add(result.additional, addresses(zone, rdata, true));
    if (rrtype === "MX") add(result.additional, addresses(zone, rdata.split(" ")[1] ?? "", false));
  }
}

/** RFC 4035 §3.1.4.1: the DS of a zone stands in its parent. */
function zoneFor(
  zones: readonly ReferenceZone[],
  name: string,
  qtype: string,
): ReferenceZone | undefined {
  const zone = zoneOf(zones, name);
  const isParents = qtype === "DS" && zone?.origin === name && name !== ".";
  return isParents ? (zoneOf(zones, parentOf(name)) ?? zone) : zone;
}

export function resolve(
  zones: readonly ReferenceZone[],
  qname: string,
  qtype: string,
): ReferenceAnswer {
  const result: ReferenceAnswer = {
    rcode: "NOERROR",
    isAuthoritative: true,
    answer: [],
    authority: [],
    additional: [],
  };
  let zone = zoneFor(zones, qname, qtype);
  if (zone === undefined) return { ...result, rcode: "REFUSED", isAuthoritative: false };
  const names = [qname];
  for (;;) {
    const name = names.at(-1) as string;
    const next = step(result, zone, name, qtype, names.length > 1);
    if (next === undefined || qtype === "CNAME") return result;
    if (names.includes(next) || names.length > CHAIN) return result;
    const nextZone = zoneFor(zones, next, qtype);
    if (nextZone === undefined) return result;
    zone = nextZone;
    names.push(next);
  }
}

/** Answers for one name; returns the target when it was an alias. */
function step(
  result: ReferenceAnswer,
  zone: ReferenceZone,
  name: string,
  qtype: string,
  isTarget: boolean,
): string | undefined {
  const found = lookUp(zone, name, qtype);
  if (found.kind === "delegation") {
    const ns = rrset(zone, found.cut, "NS");
    result.isAuthoritative = isTarget;
    result.authority.push(...ns);
    const [inDomain, others] = [true, false].map((wanted) =>
      ns.filter((record) => isIn(record.rdata, found.cut) === wanted),
    ) as [ReferenceRecord[], ReferenceRecord[]];
    addTargets(result, zone, [...inDomain, ...others]);
    return undefined;
  }
  if (found.kind === "dname") {
    const [dname] = rrset(zone, found.owner, "DNAME") as [ReferenceRecord];
    add(result.answer, [dname]);
    const prefix = name.slice(0, name.length - found.owner.length);
    const target = dname.rdata === "." ? prefix : `${prefix}${dname.rdata}`;
    // Without escapes a name on the wire has one octet more than its text.
    if (target.length + 1 > 255) {
      result.rcode = "YXDOMAIN";
      return undefined;
    }
    result.answer.push({ owner: name, ttl: dname.ttl, rrtype: "CNAME", rdata: target });
    return target;
  }
  const data = found.kind === "nothing" ? [] : zone.records.filter(isOwnedBy(found.source));
  const own = data.map((record) => ({ ...record, owner: name }));
  const asked = own.filter((record) => qtype === "ANY" || record.rrtype === qtype);
  if (asked.length > 0) {
    result.answer.push(...asked);
    if (qtype !== "ANY") addTargets(result, zone, asked);
    return undefined;
  }
  const alias = own.find((record) => record.rrtype === "CNAME");
  if (alias !== undefined) {
    result.answer.push(alias);
    return alias.rdata;
  }
  if (found.kind === "nothing") result.rcode = "NXDOMAIN";
  const [soa] = rrset(zone, zone.origin, "SOA") as [ReferenceRecord];
  const ttl = Math.min(soa.ttl, Number(soa.rdata.split(" ").at(-1)));
  result.authority.push({ ...soa, ttl });
  return undefined;
}

function isOwnedBy(owner: string): (record: ReferenceRecord) => boolean {
  return (record) => record.owner === owner;
}
