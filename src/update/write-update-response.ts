/**
 * The answer to an UPDATE (RFC 2136 §3.8): its id and opcode, the rcode, and the zone section as it came, as BIND
 * answers. Where the request had an OPT RR, a refusal says in an extended error (RFC 8914) which grant,
 * prerequisite or limit decided. TSIG comes after, from whoever verified the request.
 */
import { Limits } from "../base/limits.ts";
import { ExtendedError, HEADER_LENGTH, HeaderFlag, Opcode, Rcode } from "../wire/code-points.ts";
import { type EdnsOptionValue, extendedError, findOpt, writeEdns } from "../wire/edns.ts";
import { HeaderOffset, soleQuestionEnd, u16At } from "../wire/message-walk.ts";
import { MessageWriter } from "../wire/writer.ts";
import type { Refusal } from "./refusal.ts";
import type { RefusalReason, Verdict } from "./update-request.ts";

/** RFC 8914 §4's code for each reason; `other` where none fits, the text says it all. */
const INFO_CODES: Readonly<Record<RefusalReason, number>> = {
  "no-grant": ExtendedError.prohibited,
  prerequisite: ExtendedError.other,
  "not-in-zone": ExtendedError.other,
  "no-such-zone": ExtendedError.notAuthoritative,
  "bad-operation": ExtendedError.other,
  limit: ExtendedError.other,
  "queue-full": ExtendedError.notReady,
  "store-unavailable": ExtendedError.notReady,
  "not-replicated": ExtendedError.notReady,
  "shutting-down": ExtendedError.notReady,
};

/** Octets without TSIG: at most a header, a zone section and an OPT RR with its text. */
export const UPDATE_RESPONSE_LENGTH =
  HEADER_LENGTH + Limits.nameLength + 4 + 11 + 4 + 2 + Limits.extendedErrorText;

/**
 * Writes the response to the request in the first `length` octets of `message`, a whole header at least. Returns
 * its octets, never more than `UPDATE_RESPONSE_LENGTH`, which `response` must hold.
 */
export function writeUpdateResponse(
  message: Uint8Array,
  length: number,
  verdict: Verdict,
  response: Uint8Array,
): number {
  const refusal = verdict.status === "refused" ? verdict : undefined;
  const rcode = refusal?.rcode ?? Rcode.noError;
  const zoneEnd = soleQuestionEnd(message, length);
  const hasOpt = zoneEnd > 0 && hasEdns(message, zoneEnd, length);
  const writer = new MessageWriter(response);
  writer.u16(u16At(message, HeaderOffset.id));
  writer.u16(HeaderFlag.qr | (Opcode.update << 11) | responseRcode(rcode, hasOpt));
  writer.u16(zoneEnd > 0 ? 1 : 0);
  writer.u16(0);
  writer.u16(0);
  writer.u16(hasOpt ? 1 : 0);
  if (zoneEnd > 0) writer.bytes(message.subarray(HEADER_LENGTH, zoneEnd));
  if (hasOpt) {
    writeEdns(writer, {
      udpPayload: Limits.ednsPayload,
      extendedRcode: rcode >>> 4,
      version: 0,
      isDnssecOk: false,
      options: refusal === undefined ? [] : [explain(refusal)],
    });
  }
  return writer.offset;
}

function explain({ reason, detail }: Refusal): EdnsOptionValue {
  return extendedError(INFO_CODES[reason], detail);
}

/** An rcode of more than four bits needs an OPT RR; without one there is only FORMERR to say. */
function responseRcode(rcode: number, hasOpt: boolean): number {
  if (rcode < 16) return rcode;
  return hasOpt ? rcode & 0xf : Rcode.formErr;
}

/** Whether an OPT RR stands where one should; a message too broken to tell is taken to have none. */
function hasEdns(message: Uint8Array, zoneEnd: number, length: number): boolean {
  const answers = u16At(message, HeaderOffset.answers);
  const authorities = u16At(message, HeaderOffset.authorities);
  const records = answers + authorities + u16At(message, HeaderOffset.additionals);
  return findOpt(message, zoneEnd, length, records) > 0;
}
