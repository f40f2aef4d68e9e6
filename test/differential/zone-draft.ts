/**
 * A zone while it is being made up: takes a record only where the RFCs allow it beside those it has, so that random
 * choices end in a zone that every server loads.
 */

import { formatName, type Name, nameKey, parseName } from "../../src/wire/name.ts";
import type { Chance } from "./chance.ts";

interface DraftRRset {
  readonly ttl: number;
  readonly rdatas: Set<string>;
}

/**
 * Owners of all the zones of a server, and which of them have a DNAME. NSD keeps one tree for all its zones, and takes
 * no zone with a DNAME above another zone's name.
 */
export class AllOwners {
  readonly #owners = new Set<string>();
  readonly #dnames: string[] = [];

  add(owner: string, rrtype: string): void {
    this.#owners.add(owner);
    if (rrtype === "DNAME") this.#dnames.push(owner);
  }

  /** Whether the owner is below a DNAME, or would be one above another owner. */
  touchesDname(owner: string, rrtype: string): boolean {
    if (this.#dnames.some((dname) => isBelow(owner, dname))) return true;
    return rrtype === "DNAME" && [...this.#owners].some((each) => isBelow(each, owner));
  }
}

/** What a zone may hold that some server refuses to load. */
export interface Allowances {
  /** Data below a DNAME: NSD loads no such zone. */
  readonly belowDname?: boolean;
  /** NS at a wildcard: BIND loads no such zone. */
  readonly wildcardNs?: boolean;
}

/** Types of which an owner has one RR at most. */
const SINGLE: ReadonlySet<string> = new Set(["SOA", "CNAME", "DNAME"]);

export class ZoneDraft {
  readonly origin: string;
  readonly allowances: Allowances;
  readonly #names = new Map<string, Map<string, DraftRRset>>();
  readonly #all: AllOwners;

  constructor(origin: string, all: AllOwners, allowances: Allowances = {}) {
    this.origin = origin;
    this.#all = all;
    this.allowances = allowances;
  }

  /** Adds a record owned by `owner`, relative to the origin; false when it may not stand there. */
  add(owner: string, ttl: number, rrtype: string, rdata: string): boolean {
    const name = this.#absolute(owner);
    if (name === undefined || !this.#mayStand(name, rrtype)) return false;
    const key = formatName(name);
    const rrsets = this.#names.get(key) ?? new Map<string, DraftRRset>();
    const rrset = rrsets.get(rrtype) ?? { ttl, rdatas: new Set() };
    if (SINGLE.has(rrtype) && rrset.rdatas.size > 0) return false;
    rrset.rdatas.add(rdata);
    rrsets.set(rrtype, rrset);
    this.#names.set(key, rrsets);
    this.#all.add(key, rrtype);
    return true;
  }

  /** Owners as absolute names. */
  owners(): string[] {
    return [...this.#names.keys()];
  }

  /** The zone file; some owners are written in upper case, which must not matter. */
  text(chance: Chance): string {
    const lines: string[] = [];
    for (const [owner, rrsets] of this.#names) {
      const spelled = chance.is(10) ? owner.toUpperCase() : owner;
      for (const [rrtype, { ttl, rdatas }] of rrsets) {
        for (const rdata of rdatas) lines.push(`${spelled} ${ttl} IN ${rrtype} ${rdata}\n`);
      }
    }
    return lines.join("");
  }

  #absolute(owner: string): Name | undefined {
    try {
      return parseName(owner, parseName(this.origin));
    } catch {
      return undefined;
    }
  }

  #mayStand(owner: Name, rrtype: string): boolean {
    const types = [...(this.#names.get(formatName(owner))?.keys() ?? [])];
    const isApex = nameKey(owner) === nameKey(parseName(this.origin));
    const others = types.filter((each) => each !== rrtype);
    if (rrtype === "CNAME" && (isApex || others.length > 0)) return false;
    if (others.includes("CNAME")) return false;
    if (rrtype === "DS" && isApex) return false;
    if (rrtype === "SOA" && !isApex) return false;
    if (rrtype === "NS" && isWildcardText(owner) && !this.allowances.wildcardNs) return false;
    return (
      this.allowances.belowDname === true || !this.#all.touchesDname(formatName(owner), rrtype)
    );
  }
}

function isWildcardText(owner: Name): boolean {
  return owner[0] === 1 && owner[1] === 0x2a;
}

/** By text: an escaped dot before the ancestor would only forbid more than needed. */
function isBelow(name: string, ancestor: string): boolean {
  return name.endsWith(`.${ancestor}`);
}
