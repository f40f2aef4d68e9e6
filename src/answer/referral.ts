/** Referrals: the NS RRset of a zone cut and the addresses a resolver needs to go there (RFC 1034 §4.3.2 step 3b). */
import { NodeFlag } from "../table/table-reader.ts";
import { Type } from "../wire/code-points.ts";
import { writeAddresses } from "./additional.ts";
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
  if (ns === 0) return;
  if (!draft.write(Section.authority, ns, name, cutLabel, draft.labelOffset(cutLabel), -1)) {
    draft.isTruncated = true;
    return;
  }
  const nsAt = draft.rrsetAt;
  const count = reader.rrsetCount(ns);
  for (let index = 0; index < count; index++) {
    if (!writeGlue(draft, ns, nsAt, index, true)) {
      draft.isTruncated = true;
      return;
    }
  }
  for (let index = 0; index < count; index++) {
    if (!writeGlue(draft, ns, nsAt, index, false)) return;
  }
}

/** Glue of the `index`-th name server if it is in domain, or is not, as asked; false when it does not fit. */
function writeGlue(
  draft: Draft,
  ns: number,
  nsAt: number,
  index: number,
  isInDomain: boolean,
): boolean {
  const { reader, name, cutLabel } = draft;
  const target = draft.target;
  if (!reader.readTarget(draft.zone, ns, index, target)) return true;
  const depth = target.labels - (name.labels - cutLabel);
  const isBelowCut = depth >= 0 && target.hashes[depth] === name.hashes[cutLabel];
  if (isBelowCut !== isInDomain) return true;
  return writeAddresses(
    draft,
    nsAt + reader.targetOffset(ns, index),
    NodeFlag.occluded | NodeFlag.cut,
  );
}
