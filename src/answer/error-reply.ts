/** The response to a message that is turned away as a whole: its header and question, an rcode, and the reason. */
import { Limits } from "../base/limits.ts";
import { HEADER_LENGTH, HeaderFlag, type Rcode } from "../wire/code-points.ts";
import { extendedError, findOpt, OPT_LENGTH, writeEdns } from "../wire/edns.ts";
import { countRecords, HeaderOffset, soleQuestionEnd, u16At } from "../wire/message-walk.ts";
import { MessageWriter } from "../wire/writer.ts";

/** What is said, and the extended error (RFC 8914) that goes with it to clients that use EDNS. */
export interface Rejection {
  readonly rcode: Rcode;
  readonly infoCode: number;
  readonly text: string;
}

/** Octets of such a response at most: header, one question, OPT RR with one option. */
export const ERROR_REPLY_LENGTH =
  HEADER_LENGTH + Limits.nameLength + 4 + OPT_LENGTH + 4 + 2 + Limits.extendedErrorText;

/** Flags that are the client's own: opcode and RD (RFC 1035 §4.1.1). */
const ECHOED_FLAGS = 0x7800 | HeaderFlag.rd;

/**
 * Writes the response to the first `length` octets of `message`, a whole header at least. Returns its octets, never
 * more than `ERROR_REPLY_LENGTH`, which `response` must hold.
 */
export function writeErrorReply(
  message: Uint8Array,
  length: number,
  { rcode, infoCode, text }: Rejection,
  response: Uint8Array,
): number {
  const end = soleQuestionEnd(message, length);
  const opt = end === 0 ? 0 : findOpt(message, end, length, countRecords(message));
  const writer = new MessageWriter(response);
  writer.u16(u16At(message, HeaderOffset.id));
  writer.u16(HeaderFlag.qr | (u16At(message, HeaderOffset.flags) & ECHOED_FLAGS) | rcode);
  writer.u16(end > 0 ? 1 : 0);
  writer.u16(0);
  writer.u16(0);
  writer.u16(opt > 0 ? 1 : 0);
  if (end > 0) writer.bytes(message.subarray(HEADER_LENGTH, end));
  if (opt > 0) {
    writeEdns(writer, {
      udpPayload: Limits.ednsPayload,
      extendedRcode: 0,
      version: 0,
      isDnssecOk: false,
      options: [extendedError(infoCode, text)],
    });
  }
  return writer.offset;
}
