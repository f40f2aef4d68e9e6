/**
 * What a TSIG signs, octet by octet (RFC 8945 §4.3, §5.3.1), fed to an HMAC.
 *
 *     [earlier MAC with its length]  message before the TSIG  variables | timers
 *
 * A request has no earlier MAC, an answer has the request's, a later message of an answer has the one before it
 * and signs the timers alone.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Limits } from "../base/limits.ts";
import { Class, HEADER_LENGTH } from "./code-points.ts";
import { type Mac, MessageHmac } from "./hmac.ts";
import { HeaderOffset } from "./message-walk.ts";
import type { TsigFields } from "./tsig-record.ts";
import { MessageWriter } from "./writer.ts";

/** Class, TTL, time, fudge, error and length of other data. */
const VARIABLES_LENGTH = 2 + 4 + 6 + 2 + 2 + 2;

/** For one message: no other is signed or verified before its digest. */
export function startMac(hash: string, secret: Uint8Array, earlierMac?: Uint8Array): Mac {
  return afterMac(new MessageHmac(hash, secret), earlierMac);
}

/** For messages that come one after the other. */
export function startStreamMac(hash: string, secret: Uint8Array, earlierMac: Uint8Array): Mac {
  return afterMac(createHmac(hash, secret), earlierMac);
}

function afterMac(hmac: Mac, earlierMac: Uint8Array | undefined): Mac {
  if (earlierMac === undefined) return hmac;
  const length = Uint8Array.of(earlierMac.length >>> 8, earlierMac.length & 0xff);
  return hmac.update(length).update(earlierMac);
}

/** What is fed to an HMAC at once. */
const header = new Uint8Array(HEADER_LENGTH);
const variables = new Uint8Array(2 * Limits.nameLength + VARIABLES_LENGTH);

/** The first `length` octets of a message, with the ID and the number of additional RRs it had before it was signed. */
export function updateMessage(
  hmac: Mac,
  message: Uint8Array,
  length: number,
  unsigned: { readonly id: number; readonly additionals: number },
): void {
  for (let at = 0; at < HEADER_LENGTH; at++) header[at] = message[at] as number;
  const writer = new MessageWriter(header);
  writer.patchU16(HeaderOffset.id, unsigned.id);
  writer.patchU16(HeaderOffset.additionals, unsigned.additionals);
  hmac.update(header).update(message.subarray(HEADER_LENGTH, length));
}

/** RFC 8945 §4.3.3: the signed fields of the TSIG RR, names canonical. */
export function updateVariables(hmac: Mac, tsig: TsigFields): void {
  const { keyName, algorithm, otherData } = tsig;
  const writer = new MessageWriter(variables);
  writer.bytes(keyName);
  writer.u16(Class.any);
  writer.u32(0);
  writer.bytes(algorithm);
  writeTimers(writer, tsig);
  writer.u16(tsig.error);
  writer.u16(otherData.length);
  hmac.update(variables.subarray(0, writer.offset)).update(otherData);
}

/** RFC 8945 §5.3.1: what the second and later messages of an answer sign of their TSIG RR. */
export function updateTimers(hmac: Mac, tsig: TsigFields): void {
  const octets = new Uint8Array(8);
  writeTimers(new MessageWriter(octets), tsig);
  hmac.update(octets);
}

function writeTimers(writer: MessageWriter, tsig: TsigFields): void {
  writer.u48(tsig.timeSigned);
  writer.u16(tsig.fudge);
}

/** Ends the HMAC and compares, in constant time, as many octets as `mac` has. */
export function isMac(hmac: Mac, mac: Uint8Array): boolean {
  const expected = hmac.digest();
  return mac.length <= expected.length && timingSafeEqual(expected.subarray(0, mac.length), mac);
}
