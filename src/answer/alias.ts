/**
 * Aliases: CNAME (RFC 1034 §3.6.2) and DNAME with its synthesised CNAME (RFC 6672 §3). A chain is followed through
 * all zones that are ours, and ends where it leaves them, where it meets a name it has been at, and after
 * `Limits.aliasChain` links; what has been written until then is the answer.
 */
import { Limits } from "../base/limits.ts";
import type { LookupName } from "../table/lookup-name.ts";
import { Class, Type } from "../wire/code-points.ts";
import { type Draft, Section } from "./draft.ts";
import { POINTER_LIMIT } from "./far-owner.ts";
import { State } from "./state.ts";
import { chooseZone } from "./zone-choice.ts";

const POINTER_LENGTH = 2;
/** Owner pointer, type, class, TTL, RDLENGTH. */
const RR_HEADER = 12;

/** Behind it, the names of one more link might stand where no pointer leads. */
const REACH = POINTER_LIMIT - 2 * (RR_HEADER + Limits.nameLength);

/** Prefix and DNAME target joined, before it is read as a name. */
const joined = new Uint8Array(2 * Limits.nameLength);

/** By link, the DNAME it wrote (0 for none) and where that one's target stands: a chain may pass it again. */
const dnames = new Uint32Array(Limits.aliasChain + 1);
const dnameTargets = new Uint32Array(Limits.aliasChain + 1);

/** Writes the CNAME RRset of `node`, owned by the name being answered, and goes to its target. */
export function followCname(draft: Draft, node: number): State {
  const { reader } = draft;
  const rrset = reader.findRRset(node, Type.CNAME);
  if (!draft.writeAnswer(rrset)) return State.truncated;
  dnames[draft.links] = 0;
  const targetAt = draft.rrsetAt + reader.targetOffset(rrset, 0);
  const target = nextName(draft);
  reader.readTarget(draft.zone, rrset, 0, target);
  return follow(draft, target, targetAt, Limits.nameLength, 0);
}

/** Writes the DNAME of `node`, the suffix of the name at `label`, and the CNAME that follows from it. */
export function followDname(draft: Draft, node: number, label: number): State {
  const { reader, name, zone } = draft;
  draft.decide(label);
  const rrset = reader.findRRset(node, Type.DNAME);
  const targetAt = writeDname(draft, rrset, label);
  if (targetAt === 0) return State.truncated;
  const target = nextName(draft);
  reader.readTarget(zone, rrset, 0, target);
  const prefix = name.offsets[label] as number;
  if (!joinTarget(name, prefix, target)) return State.tooLong;
  const cnameAt = draft.at;
  if (!writeSynthesised(draft, prefix, targetAt, reader.rrsetTtl(rrset))) return State.truncated;
  return follow(draft, target, cnameAt + RR_HEADER, prefix, targetAt);
}

/** Writes a DNAME unless the chain has passed it already. Returns where its target stands, 0 when it does not fit. */
function writeDname(draft: Draft, rrset: number, label: number): number {
  dnames[draft.links] = 0;
  for (let link = 0; link < draft.links; link++) {
    if (dnames[link] === rrset) return dnameTargets[link] as number;
  }
  const owner = draft.labelOffset(label);
  if (!draft.write(Section.answer, rrset, draft.name, label, owner, -1)) return 0;
  const targetAt = draft.rrsetAt + draft.reader.targetOffset(rrset, 0);
  dnames[draft.links] = rrset;
  dnameTargets[draft.links] = targetAt;
  return targetAt;
}

/** Puts `prefix` octets of `name` before the name in `target`; false when the whole is too long. */
function joinTarget(name: LookupName, prefix: number, target: LookupName): boolean {
  const length = prefix + target.length;
  if (length > Limits.nameLength) return false;
  for (let at = 0; at < prefix; at++) joined[at] = name.bytes[at] as number;
  for (let at = prefix; at < length; at++) joined[at] = target.bytes[at - prefix] as number;
  return target.read(joined, 0, length) === length;
}

/**
 * Writes the CNAME from the name being answered to `joined`: its prefix, then a pointer to the DNAME's target, with
 * the DNAME's TTL (RFC 6672 §3.1).
 */
function writeSynthesised(draft: Draft, prefix: number, targetAt: number, ttl: number): boolean {
  const { response, at, headOffset } = draft;
  const rdlength = prefix + POINTER_LENGTH;
  const after = at + RR_HEADER + rdlength;
  if (after > draft.limit) return false;
  writeU16(response, at, 0xc000 | headOffset);
  writeU16(response, at + 2, Type.CNAME);
  writeU16(response, at + 4, Class.in);
  writeU16(response, at + 6, ttl >>> 16);
  writeU16(response, at + 8, ttl);
  writeU16(response, at + 10, rdlength);
  for (let octet = 0; octet < prefix; octet++) {
    response[at + RR_HEADER + octet] = joined[octet] as number;
  }
  writeU16(response, after - POINTER_LENGTH, 0xc000 | targetAt);
  draft.counts[Section.answer] = (draft.counts[Section.answer] as number) + 1;
  draft.at = after;
  return true;
}

function nextName(draft: Draft): LookupName {
  return draft.names[draft.links + 1] as LookupName;
}

/** Makes `target` the name being answered, unless the chain ends here. */
function follow(
  draft: Draft,
  target: LookupName,
  headOffset: number,
  headLength: number,
  tailOffset: number,
): State {
  // RFC 1034 §3.6.2: a query for the alias itself is not followed.
  if (draft.qtype === Type.CNAME || hasBeenAt(draft, target)) return end(draft);
  if (draft.links === Limits.aliasChain || draft.at > REACH) return end(draft);
  const zone = chooseZone(draft.reader, target, draft.qtype);
  if (zone === 0) return end(draft);
  if (isOwnApex(draft, target, zone, tailOffset)) {
    if (!draft.placeAtOrigin()) return end(draft);
  } else draft.placeName(headOffset, headLength, tailOffset);
  draft.links += 1;
  draft.name = target;
  draft.enterZone(zone);
  return State.follow;
}

/**
 * Whether a CNAME leads to the origin of its own zone and another zone answers for that: the parent, asked for a DS.
 * (A name made by a DNAME has its labels written out.)
 */
function isOwnApex(draft: Draft, target: LookupName, zone: number, tailOffset: number): boolean {
  if (zone === draft.zone || tailOffset !== 0) return false;
  return draft.reader.findZone(target, 0) === draft.zone;
}

/** The chain is over and the answer complete: no RRset of it wants additional addresses. */
function end(draft: Draft): State {
  draft.rrset = 0;
  return State.hit;
}

function hasBeenAt(draft: Draft, target: LookupName): boolean {
  for (let link = 0; link <= draft.links; link++) {
    if (equalLookups(draft.names[link] as LookupName, target)) return true;
  }
  return false;
}

function equalLookups(a: LookupName, b: LookupName): boolean {
  if (a.length !== b.length || a.hashes[0] !== b.hashes[0]) return false;
  for (let at = 0; at < a.length; at++) {
    if (a.bytes[at] !== b.bytes[at]) return false;
  }
  return true;
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}
