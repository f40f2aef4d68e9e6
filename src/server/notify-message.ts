/**
 * A NOTIFY and its response as octets (RFC 1996 §3, RFC 8945): signed, and believed only when signed, if the secondary
 * has a key.
 */
import { assert } from "../base/assert.ts";
import { Limits } from "../base/limits.ts";
import { Class, HeaderFlag, Opcode, Type } from "../wire/code-points.ts";
import { type Message, makeQuery, readMessage, writeMessage } from "../wire/message.ts";
import { findTsig, signTsig, type TsigKey, verifyTsig } from "../wire/tsig.ts";
import type { RRset } from "../zone/rrset.ts";

export interface NotifyMessage {
  readonly octets: Uint8Array;
  /** What it is signed with, and its MAC, which the response signs. */
  readonly signature: { readonly key: TsigKey; readonly mac: Uint8Array } | undefined;
}

/** RFC 1996 §3.7: the new SOA in the answer section spares the secondary nothing but tells it the serial. */
export function writeNotify(
  id: number,
  soa: RRset,
  key: TsigKey | undefined,
  nowSeconds: number,
): NotifyMessage {
  const { owner, rrtype, ttl, rdatas } = soa;
  const record = { owner, rrtype, class: Class.in, ttl, rdata: rdatas[0] as Uint8Array };
  const query = makeQuery({ id, name: owner, qtype: Type.SOA, flags: HeaderFlag.aa });
  const buffer = new Uint8Array(2 * Limits.ednsPayload);
  const length = writeMessage({ ...query, opcode: Opcode.notify, answers: [record] }, buffer);
  if (key === undefined) return { octets: buffer.subarray(0, length), signature: undefined };
  const octets = buffer.subarray(0, signTsig({ message: buffer, length, key, nowSeconds }));
  const search = findTsig(octets);
  assert(search.status === "found", "a message that was signed has a TSIG");
  return { octets, signature: { key, mac: search.tsig.mac } };
}

/** The response to some NOTIFY; `undefined` when it is none. */
export function readNotifyResponse(bytes: Uint8Array): Message | undefined {
  try {
    const message = readMessage(bytes);
    const isResponse = (message.flags & HeaderFlag.qr) !== 0 && message.opcode === Opcode.notify;
    return isResponse && message.questions.length === 1 ? message : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a response may be believed: always where the NOTIFY was not signed, else if its TSIG is good (RFC 8945 §5.3).
 * A secondary that does not know the key answers unsigned; so could anybody.
 */
export function isBelievable(
  bytes: Uint8Array,
  { signature }: NotifyMessage,
  nowSeconds: number,
): boolean {
  if (signature === undefined) return true;
  const search = findTsig(bytes);
  if (search.status !== "found") return false;
  const { key, mac: requestMac } = signature;
  const { status } = verifyTsig({ message: bytes, tsig: search.tsig, key, nowSeconds, requestMac });
  return status === "ok";
}
