/** Referrals: the NS RRset of a zone cut and the addresses a resolver needs to go there (RFC 1034 §4.3.2 step 3b). */
import { Type } from "../wire/code-points.ts";
import { COVERED, writeAddresses } from "./additional.ts";
import { type Draft, Section } from "./draft.ts";

/**
 * Writes the referral to the cut that `draft` tells. Glue for name servers at or below the cut is required: a
 * response without it says so by TC (RFC 9471 §3.1). Other addresses of the zone are welcome while they fit (§3.2).
 */
export function writeReferral(draft: Draft): void {
  const { reader, name, cut, cutLabel } = draft;
  // After an alias the response is still authoritative for what it has answered (RFC 1035 §4.1.1).
  if (draft.links === 0) draft.isAuthoritative = false;
  const ns = reader.findRRset(cut, Type.NS);
  if (!draft.write(Section.authority, ns, name, cutLabel, draft.labelOffset(cutLabel), -1)) {
    draft.isTruncated = true;
    return;
  }
  const nsAt = draft.rrsetAt;
  const others = writeGlue(draft, ns, nsAt, true);
  if (others < 0) draft.isTruncated = true;
  else if (others > 0) writeGlue(draft, ns, nsAt, false);
}

/**
 * Writes the addresses of the name servers that are in domain, or of those that are not, as asked. Returns how many
 * were passed over; −1 when one did not fit.
 */
function writeGlue(draft: Draft, ns: number, nsAt: number, isInDomain: boolean): number {
  const { reader, target } = draft;
  const count = reader.rrsetCount(ns);
  let others = 0;
  for (let index = 0; index < count; index++) {
    reader.readTarget(draft.zone, ns, index, target);
    if (isAtOrBelowCut(draft) !== isInDomain) others++;
    else if (!writeAddresses(draft, nsAt + reader.targetOffset(ns, index), COVERED)) return -1;
  }
  return others;
}

function isAtOrBelowCut({ target, name, cutLabel }: Draft): boolean {
  const depth = target.labels - (name.labels - cutLabel);
  return depth >= 0 && target.hashes[depth] === name.hashes[cutLabel];
}
