/**
 * Additional addresses of names in the rdata of NS, MX, SRV, SVCB and HTTPS RRsets (RFC 1034 §4.3.2 step 6, RFC 2782,
 * RFC 9460 §4.1), as far as the answering zone has them. They save the client a question and are never a reason to
 * truncate; only the glue of a referral is, and `referral.ts` says when.
 */
import { Limits } from "../base/limits.ts";
import type { LookupName } from "../table/lookup-name.ts";
import { NodeFlag } from "../table/table-reader.ts";
import { Type } from "../wire/code-points.ts";
import { type Draft, Section } from "./draft.ts";

/** Data at such a node is not ours to answer from, but may be glue. */
export const COVERED = NodeFlag.occluded | NodeFlag.cut;

/** Hashes of the targets whose addresses are written: two SRVs or MXs often name one host. */
const targets = new Uint32Array(Limits.additionalTargets);

/** Writes the addresses that the last RRset of the answer section asks for, while they fit. */
export function writeAdditional(draft: Draft): void {
  const { reader, rrset } = draft;
  if (rrset === 0) return;
  const rrtype = draft.qtype === Type.ANY ? reader.rrsetType(rrset) : draft.qtype;
  switch (rrtype) {
    case Type.NS:
      writeNameServers(draft, rrset);
      break;
    case Type.MX:
    case Type.SRV:
    case Type.SVCB:
    case Type.HTTPS:
      writeHosts(draft, rrset);
  }
}

/** Name servers of a zone are distinct names, and their addresses may be glue in a zone below. */
function writeNameServers(draft: Draft, rrset: number): void {
  const { reader, rrsetAt } = draft;
  const count = reader.rrsetCount(rrset);
  for (let index = 0; index < count; index++) {
    reader.readTarget(draft.zone, rrset, index, draft.target);
    if (!writeAddresses(draft, rrsetAt + reader.targetOffset(rrset, index), COVERED)) return;
  }
}

function writeHosts(draft: Draft, rrset: number): void {
  const { reader, rrsetAt, target } = draft;
  const count = Math.min(reader.rrsetCount(rrset), Limits.additionalTargets);
  for (let index = 0; index < count; index++) {
    reader.readTarget(draft.zone, rrset, index, target);
    let targetAt = rrsetAt + reader.targetOffset(rrset, index);
    if (target.labels === 0 && isServiceBinding(reader.rrsetType(rrset))) {
      // RFC 9460 §2.5: the target "." is the owner itself, or says that there is no service where the priority is 0.
      if (isAliasMode(draft, targetAt)) continue;
      target.read(draft.name.bytes, 0, draft.name.length);
      targetAt = draft.headOffset;
    }
    if (isNew(target, index) && !writeAddresses(draft, targetAt, 0)) return;
  }
}

/** RFC 9460 §2.4.1: a priority of 0, in the two octets before the target. */
function isAliasMode({ response }: Draft, targetAt: number): boolean {
  return response[targetAt - 2] === 0 && response[targetAt - 1] === 0;
}

function isServiceBinding(rrtype: number): boolean {
  return rrtype === Type.SVCB || rrtype === Type.HTTPS;
}

/** Whether no target before the `index`-th was the same. A false match would only leave an address out. */
function isNew(target: LookupName, index: number): boolean {
  const hash = target.hashes[0] as number;
  targets[index] = hash;
  return targets.indexOf(hash) === index;
}

/**
 * Writes the A and AAAA RRsets of `draft.target`, which stands at `targetAt`, if the zone has them. `allowed` holds
 * the flags of covered nodes whose data may be given as glue. False when one does not fit.
 */
export function writeAddresses(draft: Draft, targetAt: number, allowed: number): boolean {
  const node = findTarget(draft, allowed);
  if (node === 0) return true;
  return writeExtra(draft, node, Type.A, targetAt) && writeExtra(draft, node, Type.AAAA, targetAt);
}

/** The node with the data of `draft.target`, wildcards included; 0 when the zone has none to give. */
function findTarget(draft: Draft, allowed: number): number {
  const { reader, zone, name, target, originLabel } = draft;
  const top = target.labels - (name.labels - originLabel);
  if (top < 0 || target.hashes[top] !== name.hashes[originLabel]) return 0;
  const node = reader.findNode(zone, target, 0);
  if (node !== 0) return (reader.nodeFlags(node) & COVERED & ~allowed) === 0 ? node : 0;
  let label = 0;
  let encloser = 0;
  do encloser = reader.findNode(zone, target, ++label);
  while (encloser === 0 && label < top);
  const flags = reader.nodeFlags(encloser);
  const isCovered = (flags & ((COVERED & ~allowed) | NodeFlag.dname)) !== 0;
  if (isCovered || (flags & NodeFlag.wildcardChild) === 0) return 0;
  return reader.findWildcard(zone, target, label);
}

function writeExtra(draft: Draft, node: number, rrtype: number, targetAt: number): boolean {
  const rrset = draft.reader.findRRset(node, rrtype);
  if (rrset === 0) return true;
  return draft.write(Section.additional, rrset, draft.target, 0, targetAt, -1);
}
