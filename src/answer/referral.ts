/**
 * Referrals: the NS RRset of a zone cut and the addresses a resolver needs to go there (RFC 1034 §4.3.2 step 3b).
 *
 * The table cuts names where they end in the origin of the zone. Those of name servers at or below the cut end in the
 * cut as well, and that stands in the response: they are cut again, so that more glue has room.
 */
import { Type } from "../wire/code-points.ts";
import { COVERED, writeAddresses } from "./additional.ts";
import { type Draft, Section } from "./draft.ts";

/** Owner pointer, type, class, TTL, RDLENGTH. */
const RR_HEADER = 12;
const POINTER_LENGTH = 2;
const POINTER = 0xc0;

/**
 * Writes the referral to the cut that `draft` tells. Glue for name servers at or below the cut is required: a
 * response without it says so by TC (RFC 9471 §3.1). Other addresses of the zone are welcome while they fit (§3.2).
 */
export function writeReferral(draft: Draft): void {
  // After an alias the response is still authoritative for what it has answered (RFC 1035 §4.1.1).
  if (draft.links === 0) draft.isAuthoritative = false;
  const ns = draft.reader.findRRset(draft.cut, Type.NS);
  if (!writeNameServers(draft, ns)) {
    draft.isTruncated = true;
    return;
  }
  const nsAt = draft.rrsetAt;
  const others = writeGlue(draft, ns, nsAt, true);
  if (others < 0) draft.isTruncated = true;
  else if (others > 0) writeGlue(draft, ns, nsAt, false);
}

/** Writes the NS RRset of the cut; false when it does not fit even with its names shortened. */
function writeNameServers(draft: Draft, ns: number): boolean {
  const { name, cutLabel, limit } = draft;
  const cutAt = draft.labelOffset(cutLabel);
  draft.limit = draft.response.length;
  const isWritten = draft.write(Section.authority, ns, name, cutLabel, cutAt, -1);
  draft.limit = limit;
  if (!isWritten) return false;
  draft.at = shortenTargets(draft, draft.rrsetAt, cutAt);
  if (draft.at <= limit) return true;
  draft.at = draft.rrsetAt;
  draft.counts[Section.authority] = 0;
  return false;
}

/** Makes targets at or below the cut, in the NS RRs from `nsAt` on, point to it. Returns where the RRs end now. */
function shortenTargets(draft: Draft, nsAt: number, cutAt: number): number {
  const { response, at } = draft;
  let to = nsAt;
  for (let from = nsAt; from < at; ) {
    const start = to;
    const end = recordEnd(response, from);
    const kept = findCut(draft, from + RR_HEADER, end);
    while (from < kept) response[to++] = response[from++] as number;
    if (kept < end) {
      response[to++] = ((POINTER << 8) | cutAt) >>> 8;
      response[to++] = cutAt;
      // The rdata of an NS RR has at most 255 octets.
      response[start + RR_HEADER - 1] = to - start - RR_HEADER;
    }
    from = end;
  }
  return to;
}

/**
 * Where the name in `response[at, end)` goes on like the name of the cut, to its own end: a pointer to the origin, or
 * the root label where that is the origin. `end` when it does not.
 */
function findCut(
  { response, name, cutLabel, originLabel }: Draft,
  at: number,
  end: number,
): number {
  const cutFrom = name.offsets[cutLabel] as number;
  const length = (name.offsets[originLabel] as number) - cutFrom;
  const from = end - length - (originLabel === name.labels ? 1 : POINTER_LENGTH);
  let label = at;
  while (label < from) label += (response[label] as number) + 1;
  if (label !== from) return end;
  for (let octet = 0; octet < length; octet++) {
    if (response[from + octet] !== name.bytes[cutFrom + octet]) return end;
  }
  return from;
}

function recordEnd(response: Uint8Array, at: number): number {
  return at + RR_HEADER + (((response[at + 10] as number) << 8) | (response[at + 11] as number));
}

/**
 * Writes the addresses of the name servers that are in domain, or of those that are not, as asked. Returns how many
 * were passed over; −1 when one did not fit.
 */
function writeGlue(draft: Draft, ns: number, nsAt: number, isInDomain: boolean): number {
  const { reader, response, target } = draft;
  const count = reader.rrsetCount(ns);
  let others = 0;
  let rrAt = nsAt;
  for (let index = 0; index < count; index++) {
    reader.readTarget(draft.zone, ns, index, target);
    if (isAtOrBelowCut(draft) !== isInDomain) others++;
    else if (!writeAddresses(draft, rrAt + RR_HEADER, COVERED)) return -1;
    rrAt = recordEnd(response, rrAt);
  }
  return others;
}

function isAtOrBelowCut({ target, name, cutLabel }: Draft): boolean {
  const depth = target.labels - (name.labels - cutLabel);
  return depth >= 0 && target.hashes[depth] === name.hashes[cutLabel];
}
