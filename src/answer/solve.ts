/**
 * Answering one query from the zone table, section by section (RFC 1034 §4.3.2 with RFC 4592 and RFC 6672): the
 * lookup says which state the query is in, and the state says what goes into authority and additional.
 *
 *     solveAnswer ──► Hit ─────────► additional addresses
 *        ▲            NoData ──────► SOA
 *        │            NxDomain ────► SOA, rcode NXDOMAIN
 *        │            Delegation ──► NS of the cut, glue
 *        │            Truncated ───► TC, nothing more
 *        │            TooLong ─────► YXDOMAIN
 *        │            Failed ──────► SERVFAIL, which `answer-query.ts` tries once more
 *        └─────────── Follow: the next name of an alias chain
 */
import { NodeFlag } from "../table/table-reader.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { COVERED, writeAdditional } from "./additional.ts";
import { followCname, followDname } from "./alias.ts";
import { writeAny } from "./any.ts";
import { writeDenial } from "./denial.ts";
import type { Draft } from "./draft.ts";
import { writeReferral } from "./referral.ts";
import { State } from "./state.ts";

/** Fills the sections for the name in `draft`, whose zone has been entered. Returns the rcode. */
export function solve(draft: Draft): number {
  let state = solveAnswer(draft);
  while (state === State.follow) state = solveAnswer(draft);
  switch (state) {
    case State.hit:
      writeAdditional(draft);
      return Rcode.noError;
    case State.noData:
      writeDenial(draft);
      return Rcode.noError;
    case State.nxDomain:
      writeDenial(draft);
      return Rcode.nxDomain;
    case State.delegation:
      writeReferral(draft);
      return Rcode.noError;
    case State.truncated:
      draft.isTruncated = true;
      return Rcode.noError;
    case State.tooLong:
      return Rcode.yxDomain;
    default:
      return Rcode.servFail;
  }
}

/** One name: looks it up and writes what the answer section has of it. */
function solveAnswer(draft: Draft): State {
  const { reader, zone, name } = draft;
  const node = reader.findNode(zone, name, 0);
  if (node === 0) return solveMissing(draft);
  const flags = reader.nodeFlags(node);
  if ((flags & COVERED) === 0) return solveNode(draft, node, flags);
  if (flags & NodeFlag.occluded) return solveCovered(draft, 1);
  // The parent side of a cut has the DS RRset and answers for it; all else is below.
  if (draft.qtype === Type.DS) return solveNode(draft, node, flags);
  return delegate(draft, node, 0);
}

/** The name exists, or a wildcard stands in for it: `node` has the data. */
function solveNode(draft: Draft, node: number, flags: number): State {
  const { reader, qtype } = draft;
  if (qtype === Type.ANY) return writeAny(draft, node);
  const rrset = reader.findRRset(node, qtype);
  if (rrset !== 0) return draft.writeAnswer(rrset) ? State.hit : State.truncated;
  if (flags & NodeFlag.cname) return followCname(draft, node);
  return State.noData;
}

/** The name has no node: its closest encloser decides (RFC 4592 §3.3.1). */
function solveMissing(draft: Draft): State {
  const { reader, zone, name } = draft;
  let label = 0;
  let encloser = 0;
  // The origin has a node always.
  do encloser = reader.findNode(zone, name, ++label);
  while (encloser === 0 && label < draft.originLabel);
  return solveBelow(draft, encloser, label);
}

/** `name` is missing below `encloser`, its closest one, which is its suffix at `label`. */
function solveBelow(draft: Draft, encloser: number, label: number): State {
  const { reader } = draft;
  const flags = reader.nodeFlags(encloser);
  if (flags & NodeFlag.occluded) return solveCovered(draft, label + 1);
  if (flags & NodeFlag.cut) return delegate(draft, encloser, label);
  if (flags & NodeFlag.dname) return followDname(draft, encloser, label);
  if ((flags & NodeFlag.wildcardChild) === 0) {
    draft.decide(draft.originLabel);
    return State.nxDomain;
  }
  draft.decide(label);
  const source = reader.findWildcard(draft.zone, draft.name, label);
  return source === 0 ? State.nxDomain : solveNode(draft, source, reader.nodeFlags(source));
}

/**
 * `name` is occluded: the cut or DNAME that covers it stands at `fromLabel` or above. An update may take it away
 * between two of our looks; then we look again from the start.
 */
function solveCovered(draft: Draft, fromLabel: number): State {
  const { reader, zone, name } = draft;
  for (let label = fromLabel; label <= draft.originLabel; label++) {
    const node = reader.findNode(zone, name, label);
    const flags = node === 0 ? NodeFlag.occluded : reader.nodeFlags(node);
    if (flags & NodeFlag.occluded) continue;
    if (flags & NodeFlag.cut) return delegate(draft, node, label);
    if (flags & NodeFlag.dname) return followDname(draft, node, label);
  }
  return State.failed;
}

function delegate(draft: Draft, node: number, label: number): State {
  draft.cut = node;
  draft.cutLabel = label;
  draft.decide(label);
  return State.delegation;
}
