/**
 * The difference between two versions of a zone, as IXFR says it (RFC 1995 §4): RRs removed, RRs added, the
 * SOA among both. A TTL change removes the RRset with the old TTL and adds it with the new one.
 */
import { assert } from "../base/assert.ts";
import { compareBytes, keyBytes } from "../base/bytes.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { equalNames, type Name, wireNameLength } from "../wire/name.ts";
import {
  equalRRsets,
  findType,
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
  if (ended.length > 0) into.removed.push(withRdatas(before, ended));
  if (begun.length > 0) into.added.push(withRdatas(after, begun));
}

function withRdatas({ owner, rrtype, ttl }: RRset, rdatas: readonly Uint8Array[]): RRset {
  return { owner, rrtype, ttl, rdatas };
}

/** Both are sorted, so one walk over both is enough. */
function rdatasOnlyIn(one: RRset, other: RRset): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  for (const rdata of one.rdatas) {
    let order = 1;
    while (at < other.rdatas.length) {
      order = compareBytes(other.rdatas[at] as Uint8Array, rdata);
      if (order >= 0) break;
      at++;
    }
    if (at === other.rdatas.length || order !== 0) found.push(rdata);
  }
  return found;
}

/** Adds to `into` what leads from one version of a name to the next. */
export function diffNames(
  before: readonly RRset[],
  after: readonly RRset[],
  into: Difference,
): void {
  for (const old of before) diffRRsets(old, findType(after, old.rrtype), into);
  for (const begun of after) {
    if (findType(before, begun.rrtype) === undefined) into.added.push(begun);
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

/**
 * `joinChangesets` for who reads them one after the other and does not want to hold them all: some hundred octets for
 * each RR that ends or begins by all of them together.
 */
export class ChangesetJoiner {
  /** By `recordKey`, the sum of each RR's comings (+1) and goings (−1), where it is not 0. */
  readonly #net = new Map<string, number>();
  #first: Pick<Changeset, "origin" | "fromSerial"> | undefined;
  #toSerial = 0;
  #records = 0;

  /** RRs that end or begin by all of them together. */
  get records(): number {
    return this.#records;
  }

  add({ origin, fromSerial, toSerial, removed, added }: Changeset): void {
    const first = this.#first ?? { origin, fromSerial };
    assert(equalNames(origin, first.origin), "changesets of one zone");
    const follows = this.#first === undefined || fromSerial === this.#toSerial;
    assert(follows, "each changeset begins where the last one ended");
    this.#first = first;
    this.#toSerial = toSerial;
    for (const rrset of removed) this.#count(rrset, -1);
    for (const rrset of added) this.#count(rrset, 1);
  }

  join(): Changeset {
    assert(this.#first !== undefined, "there is something to join");
    const removed = gatherRRsets(this.#net, -1);
    const added = gatherRRsets(this.#net, 1);
    return { ...this.#first, toSerial: this.#toSerial, removed, added };
  }

  #count(rrset: RRset, by: number): void {
    const head = writeKeyHead(rrset);
    for (const rdata of rrset.rdatas) {
      const key = recordKey(head, rdata);
      const count = (this.#net.get(key) ?? 0) + by;
      this.#records += Math.abs(count) - Math.abs(count - by);
      if (count === 0) this.#net.delete(key);
      else this.#net.set(key, count);
    }
  }
}

/** rrtype u16 ‖ ttl u32 ‖ owner ‖ rdata: an RR whole, as a string of octets. */
const OWNER_AT = 2 + 4;
const scratch = Buffer.alloc(OWNER_AT + Limits.nameLength + Limits.messageLength);

/** Returns where the rdata begins. */
function writeKeyHead({ owner, rrtype, ttl }: RRset): number {
  scratch.writeUInt16BE(rrtype, 0);
  scratch.writeUInt32BE(ttl, 2);
  scratch.set(owner, OWNER_AT);
  return OWNER_AT + owner.length;
}

function recordKey(head: number, rdata: Uint8Array): string {
  scratch.set(rdata, head);
  return scratch.toString("latin1", 0, head + rdata.length);
}

function gatherRRsets(net: ReadonlyMap<string, number>, sign: number): RRset[] {
  const rrsets = new Map<string, RRset & { readonly rdatas: Uint8Array[] }>();
  for (const [key, count] of net) {
    if (count !== sign) continue;
    const octets = keyBytes(key);
    const end = OWNER_AT + wireNameLength(octets, OWNER_AT);
    const rdata = octets.subarray(end);
    const head = key.slice(0, end);
    const rrset = rrsets.get(head);
    if (rrset !== undefined) rrset.rdatas.push(rdata);
    else rrsets.set(head, { ...readKeyHead(octets, end), rdatas: [rdata] });
  }
  return Array.from(rrsets.values(), ({ owner, rrtype, ttl, rdatas }) =>
    makeRRset(owner, rrtype, ttl, rdatas),
  );
}

function readKeyHead(octets: Uint8Array, end: number) {
  const view = new DataView(octets.buffer, octets.byteOffset, end);
  const owner = octets.subarray(OWNER_AT, end) as Name;
  return { owner, rrtype: view.getUint16(0), ttl: view.getUint32(2) };
}
