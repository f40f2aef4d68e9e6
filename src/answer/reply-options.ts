/**
 * The EDNS options of replies that are not written by `answerQuery`, and the padding of all: appended to a whole reply
 * whose last RR is its OPT, before it is signed. A reply without OPT stays as it is.
 */
import { Limits } from "../base/limits.ts";
import { EdnsOption } from "../wire/code-points.ts";
import { findOpt, findOption, OPT_LENGTH, OPTION_HEADER_LENGTH, OptOffset } from "../wire/edns.ts";
import { countRecords, questionSectionEnd, u16At } from "../wire/message-walk.ts";
import { type Client, Transport } from "./client.ts";
import { COOKIE_OPTION_LENGTH, isCookieLength, type ServerCookies } from "./cookies.ts";
import { KEEPALIVE_OPTION_LENGTH, KEEPALIVE_TIMEOUT } from "./edns-options.ts";

/** Octets that cookie and keepalive take together: leave so many free behind the reply. */
export const REPLY_OPTIONS_LENGTH: number = COOKIE_OPTION_LENGTH + KEEPALIVE_OPTION_LENGTH;

/** RFC 8467 §4.1: responses are padded to a multiple of so many octets. */
export const PADDING_BLOCK = 468;

/** What the OPT of a request asks of its reply. */
export interface AskedOptions {
  /** Where the value of its COOKIE option stands; 0 when there is none. */
  readonly cookieAt: number;
  readonly wantsKeepalive: boolean;
  /** RFC 7830 §4: the query was padded, so the response may be. */
  readonly isPadded: boolean;
}

const NOTHING: AskedOptions = { cookieAt: 0, wantsKeepalive: false, isPadded: false };

/** Of a message that the gate has let through. `undefined` when an option makes it FORMERR, as in `readOpt`. */
export function readAskedOptions(
  message: Uint8Array,
  length: number,
  { transport }: Client,
): AskedOptions | undefined {
  const opt = findOpt(message, questionSectionEnd(message, length), length, countRecords(message));
  if (opt <= 0 || message[opt + OptOffset.version] !== 0) return NOTHING;
  const isStream = transport !== Transport.udp;
  const cookie = findOption(message, opt, EdnsOption.cookie);
  const keepalive = isStream ? findOption(message, opt, EdnsOption.tcpKeepalive) : 0;
  const padding = transport === Transport.tls ? findOption(message, opt, EdnsOption.padding) : 0;
  if (cookie < 0 || keepalive < 0 || padding < 0) return undefined;
  if (cookie > 0 && !isCookieLength(u16At(message, cookie + 2))) return undefined;
  if (keepalive > 0 && u16At(message, keepalive + 2) > 0) return undefined;
  return {
    cookieAt: cookie === 0 ? 0 : cookie + OPTION_HEADER_LENGTH,
    wantsKeepalive: keepalive > 0,
    isPadded: padding > 0,
  };
}

/** Appends cookie and keepalive; there is room for them. Returns the reply's new length. */
export function appendOptions(
  cookies: ServerCookies,
  { message, asked }: { readonly message: Uint8Array; readonly asked: AskedOptions },
  { address }: Client,
  reply: Uint8Array,
  length: number,
): number {
  const opt = replyOpt(reply, length);
  if (opt <= 0) return length;
  let end = length;
  if (asked.cookieAt > 0) {
    const octets = u16At(message, asked.cookieAt - 2);
    cookies.judge(message, asked.cookieAt, octets, address);
    end = cookies.write(reply, end);
  }
  if (asked.wantsKeepalive) {
    writeU16(reply, end, EdnsOption.tcpKeepalive);
    writeU16(reply, end + 2, 2);
    writeU16(reply, end + OPTION_HEADER_LENGTH, KEEPALIVE_TIMEOUT);
    end += KEEPALIVE_OPTION_LENGTH;
  }
  writeU16(reply, opt + OptOffset.length, end - opt - OPT_LENGTH);
  return end;
}

/**
 * Pads a reply that `signature` octets of TSIG will follow, as far as the message or the buffer goes. Returns its new
 * length.
 */
export function padReply(reply: Uint8Array, length: number, signature: number): number {
  const opt = replyOpt(reply, length);
  const least = length + OPTION_HEADER_LENGTH;
  const limit = Math.min(reply.length, Limits.messageLength) - signature;
  if (opt <= 0 || least > limit) return length;
  const whole = Math.ceil((least + signature) / PADDING_BLOCK) * PADDING_BLOCK - signature;
  const end = Math.min(whole, limit);
  writeU16(reply, length, EdnsOption.padding);
  writeU16(reply, length + 2, end - least);
  reply.fill(0, least, end);
  writeU16(reply, opt + OptOffset.length, end - opt - OPT_LENGTH);
  return end;
}

/** The OPT at the very end of a reply; 0 when none stands there. */
function replyOpt(reply: Uint8Array, length: number): number {
  const opt = findOpt(reply, questionSectionEnd(reply, length), length, countRecords(reply));
  if (opt <= 0) return 0;
  return opt + OPT_LENGTH + u16At(reply, opt + OptOffset.length) === length ? opt : 0;
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}
