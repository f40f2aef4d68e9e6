/**
 * QTYPE ANY (RFC 8482). Over UDP the answer is one RRset, that of the lowest type, as Knot and NSD answer (§4.1): a
 * forged source address gains nothing from asking. A client on a stream has shown its address and gets all (§4.4).
 */
import type { Draft } from "./draft.ts";
import { State } from "./state.ts";

export function writeAny(draft: Draft, node: number): State {
  return draft.isStream ? writeAll(draft, node) : writeLowest(draft, node);
}

function writeAll(draft: Draft, node: number): State {
  const { reader } = draft;
  const rrsets = reader.nodeRRsets(node);
  if (rrsets === 0) return State.noData;
  for (let index = 0; index < rrsets; index++) {
    if (!draft.writeAnswer(reader.nodeRRset(node, index))) return State.truncated;
  }
  draft.rrset = 0;
  return State.hit;
}

function writeLowest(draft: Draft, node: number): State {
  const { reader } = draft;
  let lowest = 0;
  let lowestType = 0x1_0000;
  for (let index = reader.nodeRRsets(node) - 1; index >= 0; index--) {
    const rrset = reader.nodeRRset(node, index);
    const rrtype = reader.rrsetType(rrset);
    if (rrtype < lowestType) {
      lowest = rrset;
      lowestType = rrtype;
    }
  }
  if (lowest === 0) return State.noData;
  return draft.writeAnswer(lowest) ? State.hit : State.truncated;
}
