/** EDNS on the hot path (RFC 6891): the client's OPT into an `IncomingQuery`, and ours behind the response. */
import { Limits } from "../base/limits.ts";
import { EdnsOption, Rcode, Type } from "../wire/code-points.ts";
import { OPT_LENGTH, OPTION_HEADER_LENGTH, OptOffset } from "../wire/edns.ts";
import { u16At } from "../wire/message-walk.ts";
import type { IncomingQuery } from "./incoming-query.ts";

/**
 * Reads the OPT at `opt`; the caller knows that its rdata ends inside the message. False when an option does not end
 * inside it. Options of a version we do not know are not looked at (RFC 6891 §6.1.3).
 */
export function readOpt(query: IncomingQuery, bytes: Uint8Array, opt: number): boolean {
  query.hasEdns = true;
  query.payload = Math.max(u16At(bytes, opt + OptOffset.udpPayload), Limits.udpPayload);
  query.isDnssecOk = ((bytes[opt + OptOffset.flags] as number) & 0x80) !== 0;
  query.rcode = bytes[opt + OptOffset.version] === 0 ? Rcode.noError : Rcode.badVers;
  if (query.rcode !== Rcode.noError) return true;
  const from = opt + OptOffset.options;
  return readOptions(query, bytes, from, from + u16At(bytes, opt + OptOffset.length));
}

function readOptions(query: IncomingQuery, bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end) {
    if (at + OPTION_HEADER_LENGTH > end) return false;
    if (u16At(bytes, at) === EdnsOption.nsid) query.wantsNsid = true;
    at += OPTION_HEADER_LENGTH + u16At(bytes, at + 2);
  }
  return at === end;
}

/** Octets our OPT takes, to be kept free while the sections are written. An extended error is not counted. */
export function optLength(query: IncomingQuery, nsid: Uint8Array): number {
  if (!query.hasEdns) return 0;
  return query.wantsNsid && nsid.length > 0
    ? OPT_LENGTH + OPTION_HEADER_LENGTH + nsid.length
    : OPT_LENGTH;
}

/**
 * Writes our OPT at `at`, and the extended error where the query has one and it fits before `end`; the space of
 * `optLength` is there. Cookies (RFC 7873) would be one more option here. Returns the offset after it.
 */
export function writeOpt(
  query: IncomingQuery,
  nsid: Uint8Array,
  payload: number,
  response: Uint8Array,
  at: number,
  end: number,
): number {
  response[at] = 0;
  writeU16(response, at + 1, Type.OPT);
  writeU16(response, at + 3, payload);
  response[at + 5] = query.rcode >> 4;
  response[at + 6] = 0;
  response[at + 7] = query.isDnssecOk ? 0x80 : 0;
  response[at + 8] = 0;
  let next = at + OPT_LENGTH;
  if (query.wantsNsid && nsid.length > 0) next = writeOption(response, next, EdnsOption.nsid, nsid);
  if (query.extendedError >= 0 && next + OPTION_HEADER_LENGTH + 2 <= end) {
    writeU16(response, next, EdnsOption.extendedError);
    writeU16(response, next + 2, 2);
    writeU16(response, next + 4, query.extendedError);
    next += OPTION_HEADER_LENGTH + 2;
  }
  writeU16(response, at + 9, next - at - OPT_LENGTH);
  return next;
}

function writeOption(response: Uint8Array, at: number, code: number, bytes: Uint8Array): number {
  writeU16(response, at, code);
  writeU16(response, at + 2, bytes.length);
  response.set(bytes, at + OPTION_HEADER_LENGTH);
  return at + OPTION_HEADER_LENGTH + bytes.length;
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}
