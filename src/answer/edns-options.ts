/** EDNS on the hot path (RFC 6891): the client's OPT into an `IncomingQuery`, and ours behind the response. */
import { Limits } from "../base/limits.ts";
import { EdnsOption, Rcode, Type } from "../wire/code-points.ts";
import { OPT_LENGTH, OPTION_HEADER_LENGTH, OptOffset } from "../wire/edns.ts";
import { u16At } from "../wire/message-walk.ts";
import { COOKIE_OPTION_LENGTH, isCookieLength, type ServerCookies } from "./cookies.ts";
import type { IncomingQuery } from "./incoming-query.ts";

/** What our OPT is made from. */
export interface OptSources {
  readonly udpPayload: number;
  /** Empty: none. */
  readonly nsid: Uint8Array;
  readonly cookies: ServerCookies;
}

/** Octets of edns-tcp-keepalive with its TIMEOUT (RFC 7828 §3.1), in units of 100 ms. */
export const KEEPALIVE_OPTION_LENGTH: number = OPTION_HEADER_LENGTH + 2;
export const KEEPALIVE_TIMEOUT: number = Limits.tcpIdleMs / 100;

/** An extended error without text. */
const ERROR_OPTION_LENGTH = OPTION_HEADER_LENGTH + 2;

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
    const length = u16At(bytes, at + 2);
    readOption(query, u16At(bytes, at), at + OPTION_HEADER_LENGTH, length);
    at += OPTION_HEADER_LENGTH + length;
  }
  return at === end;
}

/** Those that are malformed in themselves make the query FORMERR, with an OPT. */
function readOption(query: IncomingQuery, code: number, at: number, length: number): void {
  switch (code) {
    case EdnsOption.nsid:
      query.wantsNsid = true;
      break;
    case EdnsOption.cookie:
      if (!isCookieLength(length)) query.rcode = Rcode.formErr;
      // RFC 7873 §5.2: of several the first counts.
      else if (query.cookieLength === 0) {
        query.cookieAt = at;
        query.cookieLength = length;
      }
      break;
    case EdnsOption.tcpKeepalive:
      if (query.isStream) {
        query.wantsKeepalive = true;
        // RFC 7828 §3.2.1: a client says no time.
        if (length > 0) query.rcode = Rcode.formErr;
      }
      break;
  }
}

/** Octets our OPT takes, to be kept free while the sections are written. An extended error is not counted. */
export function optLength(query: IncomingQuery, nsid: Uint8Array): number {
  if (!query.hasEdns) return 0;
  let length = OPT_LENGTH;
  if (query.wantsNsid && nsid.length > 0) length += OPTION_HEADER_LENGTH + nsid.length;
  if (query.cookieLength > 0) length += COOKIE_OPTION_LENGTH;
  if (query.wantsKeepalive) length += KEEPALIVE_OPTION_LENGTH;
  return length;
}

/**
 * Writes our OPT at `at`, and the extended error where the query has one and it fits before `end`; the space of
 * `optLength` is there. Returns the offset after it.
 */
export function writeOpt(
  query: IncomingQuery,
  { udpPayload, nsid, cookies }: OptSources,
  response: Uint8Array,
  at: number,
  end: number,
): number {
  response[at] = 0;
  writeU16(response, at + 1, Type.OPT);
  writeU16(response, at + 3, udpPayload);
  response[at + 5] = query.rcode >> 4;
  response[at + 6] = 0;
  response[at + 7] = query.isDnssecOk ? 0x80 : 0;
  response[at + 8] = 0;
  let next = at + OPT_LENGTH;
  if (query.wantsNsid && nsid.length > 0) next = writeOption(response, next, EdnsOption.nsid, nsid);
  if (query.cookieLength > 0) next = cookies.write(response, next);
  if (query.wantsKeepalive)
    next = writeU16Option(response, next, EdnsOption.tcpKeepalive, KEEPALIVE_TIMEOUT);
  if (query.extendedError >= 0 && next + ERROR_OPTION_LENGTH <= end)
    next = writeU16Option(response, next, EdnsOption.extendedError, query.extendedError);
  writeU16(response, at + 9, next - at - OPT_LENGTH);
  return next;
}

function writeOption(response: Uint8Array, at: number, code: number, bytes: Uint8Array): number {
  writeU16(response, at, code);
  writeU16(response, at + 2, bytes.length);
  response.set(bytes, at + OPTION_HEADER_LENGTH);
  return at + OPTION_HEADER_LENGTH + bytes.length;
}

function writeU16Option(response: Uint8Array, at: number, code: number, value: number): number {
  writeU16(response, at, code);
  writeU16(response, at + 2, 2);
  writeU16(response, at + OPTION_HEADER_LENGTH, value);
  return at + OPTION_HEADER_LENGTH + 2;
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}
