/**
 * The difference between two versions of a zone, as IXFR says it (RFC 1995 §4): RRs removed, RRs added, the
 * SOA among both. A TTL change removes the RRset with the old TTL and adds it with the new one.
 */
import { assert } from "../base/assert.ts";
import { bytesKey, compareBytes } from "../base/bytes.ts";
import { Type } from "../wire/code-points.ts";
import { equalNames, type Name, nameKey } from "../wire/name.ts";
import {
  equalRRsets,
  hasRdata,
  makeRRset,
  mergeRRsets,
  type RRset,
  subtractRRset,
} from "./rrset.ts";
import { withSerial } from "./soa.ts";
import type { ZoneView } from "./zone-view.ts";

export interface Changeset {
  readonly origin: Name;
  readonly fromSerial: number;
  readonly toSerial: number;
  /** RRs that end, by RRset: an RRset here may hold only some of the zone's RRs of that owner and rrtype. */
  readonly removed: readonly RRset[];
  readonly added: readonly RRset[];
}

/** An RRset as it is after a change; `undefined` when the change ended it. What tables and stores write. */
export interface RRsetChange {
  readonly owner: Name;
  readonly rrtype: number;
  readonly rrset: RRset | undefined;
}

/** RRs that end and RRs that begin, by RRset. */
export interface Difference {
  readonly removed: RRset[];
  readonly added: RRset[];
}

/** A zone that can be changed: an overlay, or a test's map. */
export interface WritableView extends ZoneView {
  set(change: RRsetChange): void;
}

/** Adds to `into` what leads from one version of an RRset to the next. */
function diffRRsets(before: RRset, after: RRset | undefined, into: Difference): void {
  if (before === after) return;
  if (after === undefined || before.ttl !== after.ttl) {
    into.removed.push(before);
    if (after !== undefined) into.added.push(after);
    return;
  }
  const ended = rdatasOnlyIn(before, after);
  const begun = rdatasOnlyIn(after, before);
  if (ended.length > 0) into.removed.push({ ...before, rdatas: ended });
  if (begun.length > 0) into.added.push({ ...after, rdatas: begun });
}

/** Both are sorted, so one walk over both is enough. */
function rdatasOnlyIn(one: RRset, other: RRset): Uint8Array[] {
  let at = 0;
  return one.rdatas.filter((rdata) => {
    while (at < other.rdatas.length && compareBytes(other.rdatas[at] as Uint8Array, rdata) < 0)
      at++;
    return at === other.rdatas.length || compareBytes(other.rdatas[at] as Uint8Array, rdata) !== 0;
  });
}

/** Adds to `into` what leads from one version of a name to the next. */
export function diffNames(
  before: readonly RRset[],
  after: readonly RRset[],
  into: Difference,
): void {
  for (const old of before) {
    diffRRsets(
      old,
      after.find((each) => each.rrtype === old.rrtype),
      into,
    );
  }
  for (const begun of after) {
    if (!before.some((each) => each.rrtype === begun.rrtype)) into.added.push(begun);
  }
}

export function diffViews(before: ZoneView, after: ZoneView): Difference {
  const difference: Difference = { removed: [], added: [] };
  for (const owner of before.owners()) {
    diffNames(before.rrsets(owner), after.rrsets(owner), difference);
  }
  for (const owner of after.owners()) {
    if (before.rrsets(owner).length === 0) difference.added.push(...after.rrsets(owner));
  }
  return difference;
}

/**
 * Writes a changeset into a zone. False when it does not fit: an RR it removes is not there with that TTL, or
 * one it adds is there already. Then the zone is half changed and must be thrown away.
 */
export function applyChangeset(zone: WritableView, changeset: Changeset): boolean {
  return (
    changeset.removed.every((rrset) => removeRRs(zone, rrset)) &&
    changeset.added.every((rrset) => addRRs(zone, rrset))
  );
}

function removeRRs(zone: WritableView, removed: RRset): boolean {
  const { owner, rrtype } = removed;
  const present = zone.rrset(owner, rrtype);
  if (present === undefined || present.ttl !== removed.ttl) return false;
  const rrset = subtractRRset(present, removed);
  const left = rrset?.rdatas.length ?? 0;
  if (left + removed.rdatas.length !== present.rdatas.length) return false;
  zone.set({ owner, rrtype, rrset });
  return true;
}

function addRRs(zone: WritableView, added: RRset): boolean {
  const { owner, rrtype } = added;
  const present = zone.rrset(owner, rrtype);
  if (present !== undefined) {
    if (present.ttl !== added.ttl) return false;
    if (added.rdatas.some((rdata) => hasRdata(present, rdata))) return false;
  }
  zone.set({ owner, rrtype, rrset: mergeRRsets(present, added) });
  return true;
}

/** The changeset that takes the zone back. Its serials go back too: whoever commits it gives it new ones. */
export function invertChangeset(changeset: Changeset): Changeset {
  return {
    origin: changeset.origin,
    fromSerial: changeset.toSerial,
    toSerial: changeset.fromSerial,
    removed: changeset.added,
    added: changeset.removed,
  };
}

/** What a change did besides the step of the serial, which every change makes: without the SOAs, if that is all they say. */
export function withoutSerialStep({
  removed,
  added,
}: Pick<Changeset, "removed" | "added">): Difference {
  const isSoa = ({ rrtype }: RRset) => rrtype === Type.SOA;
  const before = removed.find(isSoa);
  const after = added.find(isSoa);
  const isStep =
    before !== undefined &&
    after !== undefined &&
    equalRRsets(withSerial(before, 0), withSerial(after, 0));
  const isContent = (rrset: RRset) => !(isStep && isSoa(rrset));
  return { removed: removed.filter(isContent), added: added.filter(isContent) };
}

/**
 * One changeset with the effect of all, each beginning at the serial where the one before it ended
 * ("condensation", RFC 1995 §6). RRs that came and went, or went and came back, are in neither list.
 */
export function joinChangesets(changesets: readonly Changeset[]): Changeset {
  const joiner = new ChangesetJoiner();
  for (const changeset of changesets) joiner.add(changeset);
  return joiner.join();
}

/** `joinChangesets` for who reads them one after the other and does not want to hold them all. */
export class ChangesetJoiner {
  readonly #steps = new Map<string, Step>();
  #first: Changeset | undefined;
  #toSerial = 0;
  #records = 0;

  /** RRs that end or begin by all of them together. */
  get records(): number {
    return this.#records;
  }

  add(changeset: Changeset): void {
    const first = this.#first ?? changeset;
    assert(equalNames(changeset.origin, first.origin), "changesets of one zone");
    const follows = changeset === first || changeset.fromSerial === this.#toSerial;
    assert(follows, "each changeset begins where the last one ended");
    this.#first = first;
    this.#toSerial = changeset.toSerial;
    for (const rrset of changeset.removed) this.#count(rrset, -1);
    for (const rrset of changeset.added) this.#count(rrset, 1);
  }

  join(): Changeset {
    assert(this.#first !== undefined, "there is something to join");
    const { origin, fromSerial } = this.#first;
    const removed = gatherRRsets(this.#steps, -1);
    const added = gatherRRsets(this.#steps, 1);
    return { origin, fromSerial, toSerial: this.#toSerial, removed, added };
  }

  #count(rrset: RRset, by: number): void {
    const key = `${rrset.rrtype}/${rrset.ttl}/${nameKey(rrset.owner)}`;
    let step = this.#steps.get(key);
    if (step === undefined) {
      step = { rrset, net: new Map() };
      this.#steps.set(key, step);
    }
    for (const rdata of rrset.rdatas) {
      const rdataKey = bytesKey(rdata);
      const count = (step.net.get(rdataKey)?.count ?? 0) + by;
      this.#records += Math.abs(count) - Math.abs(count - by);
      if (count === 0) step.net.delete(rdataKey);
      else step.net.set(rdataKey, { rdata, count });
    }
    if (step.net.size === 0) this.#steps.delete(key);
  }
}

/** One owner, rrtype and TTL; each rdata with the sum of its comings (+1) and goings (−1), where it is not 0. */
interface Step {
  readonly rrset: RRset;
  readonly net: Map<string, { readonly rdata: Uint8Array; readonly count: number }>;
}

function gatherRRsets(steps: ReadonlyMap<string, Step>, sign: number): RRset[] {
  const rrsets: RRset[] = [];
  for (const { rrset, net } of steps.values()) {
    const rdatas = [...net.values()].filter(({ count }) => count === sign);
    if (rdatas.length === 0) continue;
    const bytes = rdatas.map(({ rdata }) => rdata);
    rrsets.push(makeRRset(rrset.owner, rrset.rrtype, rrset.ttl, bytes));
  }
  return rrsets;
}
