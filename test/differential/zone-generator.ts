/**
 * The zones of one round: related ones (parent, children with and without a delegation, siblings, one that begins
 * below a name without data), each with a random choice of constructs, so that aliases and delegations lead from
 * one to another.
 */
import type { Chance } from "./chance.ts";
import type { PeerName } from "./peer.ts";
import { AllOwners, type Allowances, ZoneDraft } from "./zone-draft.ts";
import {
  addAllTypes,
  addChains,
  addDelegation,
  addDense,
  addDnames,
  addLarge,
  addOddNames,
  addTargets,
  addWildcards,
  type Ground,
  randomOwner,
  randomTtl,
} from "./zone-features.ts";

export interface GeneratedZone {
  readonly origin: string;
  readonly text: string;
  /** Absolute owner names. */
  readonly owners: readonly string[];
  /** Peers that refuse to load such a zone and are not compared on its names. */
  readonly refusedBy: readonly PeerName[];
}

/**
 * Zones that neither point to the others nor are pointed to, because one of the peers does not have them. Knot
 * takes data below a DNAME only when told to overlook it, and then answers from it (RFC 6672 §2.4 forbids it).
 */
const SPECIAL: readonly {
  origin: string;
  allowances: Allowances;
  refusedBy: readonly PeerName[];
}[] = [
  { origin: "under.", allowances: { belowDname: true }, refusedBy: ["NSD", "Knot"] },
  { origin: "wildns.", allowances: { wildcardNs: true }, refusedBy: ["BIND"] },
];

const ORIGINS = [
  "p.test.",
  "c.p.test.",
  "g.c.p.test.",
  "u.p.test.",
  "s.test.",
  "y.x.s.test.",
  "w.test.",
];
const DNAME_APEX = "dn.test.";
const TOP = "test.";

const FEATURES = [
  addDense,
  addDense,
  addDelegation,
  addWildcards,
  addChains,
  addDnames,
  addLarge,
  addOddNames,
  addAllTypes,
  addTargets,
] as const;

export function generateZones(chance: Chance): GeneratedZone[] {
  const origins = ORIGINS.filter((_, at) => at < 2 || chance.is(80));
  if (chance.is(40)) origins.unshift(TOP);
  const all = new AllOwners();
  const drafts = origins.map((origin) => new ZoneDraft(origin, all));
  const anyName = () => makeTarget(chance, origins);
  for (const zone of drafts) addApex({ chance, zone, anyName });
  for (const zone of drafts) {
    for (const add of FEATURES) {
      if (chance.is(55)) add({ chance, zone, anyName });
    }
  }
  delegateChildren(chance, drafts);
  if (chance.is(60)) drafts.push(dnameApex(chance, all, anyName));
  const special = SPECIAL.map(({ origin, allowances, refusedBy }) => {
    const zone = new ZoneDraft(origin, new AllOwners(), allowances);
    fillSpecial({ chance, zone, anyName: () => makeTarget(chance, [origin]) });
    return finish(chance, zone, refusedBy);
  });
  return [...drafts.map((zone) => finish(chance, zone, [])), ...special];
}

function finish(chance: Chance, zone: ZoneDraft, refusedBy: readonly PeerName[]): GeneratedZone {
  return { origin: zone.origin, text: zone.text(chance), owners: zone.owners(), refusedBy };
}

function addApex({ chance, zone, anyName }: Ground): void {
  const soa = `ns.${zone.origin} host\\.master.${zone.origin} 1 3600 600 86400`;
  zone.add("@", randomTtl(chance), "SOA", `${soa} ${randomTtl(chance)}`);
  const ttl = randomTtl(chance);
  zone.add("@", ttl, "NS", `ns.${zone.origin}`);
  zone.add("ns", randomTtl(chance), "A", "192.0.2.53");
  zone.add("ns", randomTtl(chance), "AAAA", "2001:db8::53");
  if (chance.is(50)) zone.add("@", ttl, "NS", "ns.elsewhere.invalid.");
  if (chance.is(50)) zone.add("@", randomTtl(chance), "MX", `10 ${anyName()}`);
  if (chance.is(30)) zone.add("@", randomTtl(chance), "TXT", '"apex"');
}

/** An apex with a DNAME has nothing below it that NSD would load. */
function dnameApex(chance: Chance, all: AllOwners, anyName: () => string): ZoneDraft {
  const zone = new ZoneDraft(DNAME_APEX, all);
  zone.add("@", 300, "SOA", "ns.p.test. h.p.test. 1 3600 600 86400 60");
  zone.add("@", 300, "NS", "ns.p.test.");
  zone.add("@", randomTtl(chance), "DNAME", anyName());
  zone.add("@", 300, "A", "192.0.2.77");
  return zone;
}

/** Zones that have a parent here are delegated in it more often than not. */
function delegateChildren(chance: Chance, drafts: readonly ZoneDraft[]): void {
  for (const child of drafts) {
    const parents = drafts.filter((each) => child.origin.endsWith(`.${each.origin}`));
    const parent = parents.sort((a, b) => b.origin.length - a.origin.length)[0];
    if (parent === undefined || child.origin === "u.p.test." || chance.is(20)) continue;
    const owner = child.origin.slice(0, -parent.origin.length - 1);
    parent.add(owner, 300, "NS", `ns.${child.origin}`);
    if (chance.is(70)) parent.add(`ns.${owner}`, 300, "A", "192.0.2.53");
    if (chance.is(50)) {
      parent.add(owner, 300, "DS", `12345 8 2 ${"0123456789ABCDEF".repeat(4)}`);
    }
  }
}

function fillSpecial(ground: Ground): void {
  const { zone } = ground;
  addApex(ground);
  addDense(ground);
  addDense(ground);
  addDelegation(ground);
  addWildcards(ground);
  addDnames(ground);
  zone.add("top", 60, "DNAME", `w1.${zone.origin}`);
  zone.add("a.top", 60, "A", "192.0.2.1");
  zone.add("*.top", 60, "A", "192.0.2.2");
  zone.add("cut.top", 60, "NS", `ns.cut.top.${zone.origin}`);
  zone.add("ns.cut.top", 60, "A", "192.0.2.3");
  zone.add("b.a.top", 60, "DNAME", `target-dn1.${zone.origin}`);
  zone.add("*.wn", 60, "NS", `ns.sub.wn.${zone.origin}`);
  zone.add("ns.sub.wn", 60, "A", "192.0.2.4");
}

/** Where aliases, mail exchangers and name servers point: most often to a name that could be there. */
function makeTarget(chance: Chance, origins: readonly string[]): string {
  const origin = chance.is(10) ? "elsewhere.invalid." : chance.pick(origins);
  const left = chance.weighted([
    [5, () => ""],
    [25, () => `${randomOwner(chance)}.`],
    [6, () => `ns.`],
    [4, () => `host.`],
    [4, () => `0.ch${chance.below(3)}.`],
    [4, () => `x.dn${chance.below(3)}.`],
    [3, () => `a.over-dn${chance.below(3)}.`],
    [3, () => `www.cut${chance.below(4)}.`],
    [3, () => `any.b.w${chance.below(3)}.`],
    [2, () => `txt.big${chance.below(3)}.`],
  ])();
  return `${left}${origin}`;
}
