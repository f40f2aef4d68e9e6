/**
 * RRsets in the far part of a large response: a compression pointer has 14 bits (RFC 1035 §4.1.4), so an owner that
 * stands at 16,384 or beyond is written out. Only stream transports have responses that large.
 */
import { Limits } from "../base/limits.ts";
import type { LookupName } from "../table/lookup-name.ts";
import type { Draft } from "./draft.ts";

/** The first offset no pointer can name. */
export const POINTER_LIMIT = 0x4000;

const POINTER_LENGTH = 2;
/** Type, class, TTL, RDLENGTH. */
const FIXED_LENGTH = 10;

/** The RRset with pointers as owners, before they are replaced. */
const scratch = new Uint8Array(Limits.messageLength);

/** Writes at `draft.at` with each owner in full. Returns the offset after it, or 0 when it does not fit. */
export function writeFarRRset(
  draft: Draft,
  rrset: number,
  owner: LookupName,
  label: number,
  ttl: number,
): number {
  const end = draft.reader.writeRRset(
    rrset,
    scratch,
    0,
    scratch.length,
    0,
    draft.originOffset,
    ttl,
  );
  if (end === 0) return 0;
  let from = 0;
  let at = draft.at;
  while (from < end) {
    const rdlength = ((scratch[from + 10] as number) << 8) | (scratch[from + 11] as number);
    const next = from + POINTER_LENGTH + FIXED_LENGTH + rdlength;
    at = copyRR(draft, at, owner, label, from, next);
    if (at === 0) return 0;
    from = next;
  }
  return at;
}

function copyRR(
  draft: Draft,
  at: number,
  owner: LookupName,
  label: number,
  from: number,
  next: number,
): number {
  const ownerStart = owner.offsets[label] as number;
  const body = at + owner.length - ownerStart;
  const end = body + next - from - POINTER_LENGTH;
  if (end > draft.limit) return 0;
  draft.response.set(owner.bytes.subarray(ownerStart, owner.length), at);
  draft.response.set(scratch.subarray(from + POINTER_LENGTH, next), body);
  return end;
}
