/**
 * The one place that judges a message before anything acts on it, the same for UDP, TCP and TLS: the 12-byte header,
 * the counts, the question, and which RRs may stand behind it. A message that passes is well formed to its last octet.
 * Hostile bytes never throw here.
 */
import { Limits } from "../base/limits.ts";
import { HEADER_LENGTH, Opcode, Rcode, Type } from "../wire/code-points.ts";
import { findOpt, OPT_LENGTH } from "../wire/edns.ts";
import {
  countRecords,
  HeaderOffset,
  nameEnd,
  questionSectionEnd,
  RecordOffset,
  rdataEnd,
  soleQuestionEnd,
  u16At,
} from "../wire/message-walk.ts";
import type { Name } from "../wire/name.ts";
import {
  findTsig,
  signTsigAnswer,
  type TsigKey,
  type TsigStatus,
  tsigLength,
  verifyTsig,
} from "../wire/tsig.ts";
import { TSIG_FIXED_LENGTH, type TsigRecord } from "../wire/tsig-record.ts";
import { CookieState } from "./cookies.ts";
import { Deferred } from "./deferred.ts";
import { readOpt } from "./edns-options.ts";
import type { IncomingQuery } from "./incoming-query.ts";

/** What the gate decides; a negative value is one of `Deferred`. */
export const Verdict = {
  answer: 0,
  silence: 1,
  /** Answer with `query.rcode` and no more than the question. */
  reject: 2,
  /** A query without question that asks for a server cookie (RFC 7873 §5.4). */
  cookieOnly: 3,
} as const;

/** An OPT and a TSIG are all that a query has use for. */
const ADDITIONALS = 2;
/** Root owner, type, class, TTL and no rdata: no RR is shorter. */
const RR_LENGTH = 11;
/** Root name, type and class. */
const QUESTION_LENGTH = 5;

/** Judges `bytes[0, length)` and fills `query`. */
export function readQuery(query: IncomingQuery, bytes: Uint8Array, length: number): number {
  // RFC 1035 §4.1.1; an answer is never answered, or two servers could talk for ever.
  if (length < HEADER_LENGTH || (bytes[2] as number) & 0x80) return Verdict.silence;
  query.questionEnd = HEADER_LENGTH;
  query.hasEdns = false;
  query.payload = Limits.udpPayload;
  query.isDnssecOk = false;
  query.wantsNsid = false;
  query.wantsKeepalive = false;
  query.cookieLength = 0;
  query.cookie = CookieState.absent;
  query.rcode = Rcode.noError;
  query.extendedError = -1;
  const opcode = opcodeOf(bytes);
  if (opcode !== Opcode.query) return readOther(query, bytes, length, opcode);
  const questions = u16At(bytes, HeaderOffset.questions);
  // RFC 9619: a query has exactly one question, or none when it asks for a cookie.
  if (questions > 1) return formErr(query);
  if (questions === 1 && !readQuestion(query, bytes, length)) return formErr(query);
  const hasNoRRs =
    u16At(bytes, HeaderOffset.answers) + u16At(bytes, HeaderOffset.authorities) === 0;
  if (!hasNoRRs && (questions === 0 || !isTransferWithSoa(query, bytes))) return formErr(query);
  const isSigned = readRest(query, bytes, length);
  if (isSigned < 0) return formErr(query);
  if (isSigned !== 0) return Deferred.signed;
  if (query.rcode !== Rcode.noError) return Verdict.reject;
  if (questions === 1) return Verdict.answer;
  return query.cookieLength > 0 ? Verdict.cookieOnly : formErr(query);
}

/** Messages that are no queries: known opcodes go to those who know them, if their counts can be true. */
function readOther(
  query: IncomingQuery,
  bytes: Uint8Array,
  length: number,
  opcode: number,
): number {
  if (!isKnownOpcode(opcode)) {
    if (u16At(bytes, HeaderOffset.questions) === 1) readQuestion(query, bytes, length);
    readLoneOpt(query, bytes, length);
    return reject(query, Rcode.notImp);
  }
  if (u16At(bytes, HeaderOffset.questions) !== 1) return formErr(query);
  const records =
    u16At(bytes, HeaderOffset.answers) +
    u16At(bytes, HeaderOffset.authorities) +
    u16At(bytes, HeaderOffset.additionals);
  const isPossible = records * RR_LENGTH + QUESTION_LENGTH <= length - HEADER_LENGTH;
  if (!readQuestion(query, bytes, length) || !isPossible) return formErr(query);
  return opcode === Opcode.update ? Deferred.update : Deferred.notify;
}

/** RFC 6891 §6.1.1: an OPT is answered by an OPT, whatever the questions and RRs before it may mean. */
function readLoneOpt(query: IncomingQuery, bytes: Uint8Array, length: number): void {
  const from = questionSectionEnd(bytes, length);
  const opt = from === 0 ? 0 : findOpt(bytes, from, length, countRecords(bytes));
  if (opt > 0 && !readOpt(query, bytes, opt)) query.hasEdns = false;
}

/** Reads qname, qtype and qclass; false leaves `questionEnd` at the header's end. */
function readQuestion(query: IncomingQuery, bytes: Uint8Array, length: number): boolean {
  const nameLength = query.name.read(bytes, HEADER_LENGTH, length);
  const at = HEADER_LENGTH + nameLength;
  if (nameLength === 0 || at + 4 > length) return false;
  query.qtype = u16At(bytes, at);
  query.qclass = u16At(bytes, at + 2);
  query.questionEnd = at + 4;
  return true;
}

/** An IXFR query carries the client's SOA in the authority section (RFC 1995 §3); no other query carries any. */
function isTransferWithSoa(query: IncomingQuery, bytes: Uint8Array): boolean {
  return (
    query.qtype === Type.IXFR &&
    u16At(bytes, HeaderOffset.answers) === 0 &&
    u16At(bytes, HeaderOffset.authorities) === 1
  );
}

/**
 * Walks the RRs behind the question: 0 when there is no TSIG, 1 when there is one, −1 when the message is
 * malformed. Nothing may follow the last RR. RRs other than OPT and TSIG are skipped, as all servers do.
 */
function readRest(query: IncomingQuery, bytes: Uint8Array, length: number): number {
  const additionals = u16At(bytes, HeaderOffset.additionals);
  if (additionals > ADDITIONALS) return -1;
  let at = query.questionEnd;
  let isSigned = 0;
  let opts = 0;
  const authorities = u16At(bytes, HeaderOffset.authorities);
  for (let index = 0; index < authorities + additionals; index++) {
    const fixed = nameEnd(bytes, at, length);
    const end = fixed === 0 ? 0 : rdataEnd(bytes, fixed, length);
    if (end === 0) return -1;
    const rrtype = u16At(bytes, fixed + RecordOffset.rrtype);
    if (rrtype === Type.TSIG) isSigned = 1;
    if (rrtype === Type.OPT) {
      // RFC 6891 §6.1.1: one OPT, in the additional section, owned by the root.
      if (index < authorities || ++opts > 1 || fixed !== at + 1 || !readOpt(query, bytes, at)) {
        query.hasEdns = false;
        return -1;
      }
    }
    at = end;
  }
  return at === length ? isSigned : -1;
}

function opcodeOf(bytes: Uint8Array): number {
  return ((bytes[2] as number) >> 3) & 15;
}

function isKnownOpcode(opcode: number): boolean {
  return opcode === Opcode.query || opcode === Opcode.update || opcode === Opcode.notify;
}

function formErr(query: IncomingQuery): number {
  return reject(query, Rcode.formErr);
}

function reject(query: IncomingQuery, rcode: number): number {
  query.rcode = rcode;
  return Verdict.reject;
}

/** A TSIG that was verified: what the response to it is signed with. */
export interface SignedContext {
  readonly key: TsigKey;
  readonly request: TsigRecord;
  /** Octets that the TSIG of the response takes: leave so many free when the response is written. */
  readonly length: number;
}

/** What `openSigned` makes of a message. */
export type Opened =
  /** Not to be answered at all. */
  | { readonly kind: "silence" }
  /** The response to a message whose TSIG fails, ready to be sent. */
  | { readonly kind: "reply"; readonly bytes: Uint8Array }
  /** A message without TSIG; `tsig` when it had one and it was good. */
  | {
      readonly kind: "open";
      readonly message: Uint8Array;
      readonly length: number;
      readonly tsig: SignedContext | undefined;
    };

/**
 * Takes the TSIG off a message, whatever its transport (RFC 8945 §5.2). Until that has succeeded nothing in
 * the message may be acted on. A message without one comes back as it is, to be judged as any unsigned message.
 */
export function openSigned(
  message: Uint8Array,
  length: number,
  findKey: (name: Name) => TsigKey | undefined,
  nowSeconds: number,
): Opened {
  if (length < HEADER_LENGTH || (message[2] as number) & 0x80) return { kind: "silence" };
  // The gate answers NOTIMP, whoever signed: what such a message means by its octets is not ours to judge.
  if (!isKnownOpcode(opcodeOf(message))) return { kind: "open", message, length, tsig: undefined };
  const search = findTsig(message, length);
  if (search.status === "none") return { kind: "open", message, length, tsig: undefined };
  if (search.status === "malformed") {
    return { kind: "reply", bytes: makeErrorReply(message, length, Rcode.formErr, 0) };
  }
  const { tsig } = search;
  const key = findKey(tsig.keyName);
  const { status } = verifyTsig({ message, tsig, key, nowSeconds });
  if (status !== "ok" || key === undefined) {
    return { kind: "reply", bytes: answerFailure(message, length, tsig, status, key, nowSeconds) };
  }
  const opened = new Uint8Array(message.subarray(0, tsig.offset));
  const additionals = u16At(opened, HeaderOffset.additionals) - 1;
  opened[HeaderOffset.additionals] = additionals >> 8;
  opened[HeaderOffset.additionals + 1] = additionals;
  return {
    kind: "open",
    message: opened,
    length: opened.length,
    tsig: { key, request: tsig, length: tsigLength(key) },
  };
}

/** The longest MAC, and the server's time, which the TSIG of a BADTIME response holds. */
const FAILURE_LENGTH = 64 + 6;

/** FORMERR without, NOTAUTH with a TSIG that says what failed (RFC 8945 §5.2.1 to §5.2.4). */
function answerFailure(
  message: Uint8Array,
  length: number,
  request: TsigRecord,
  status: TsigStatus,
  key: TsigKey | undefined,
  nowSeconds: number,
): Uint8Array {
  if (status === "formerr") return makeErrorReply(message, length, Rcode.formErr, 0);
  const names = request.keyName.length + request.algorithm.length;
  const room = TSIG_FIXED_LENGTH + names + FAILURE_LENGTH;
  const reply = makeErrorReply(message, length, Rcode.notAuth, room);
  const unsigned = { message: reply, length: reply.length - room };
  const end = signTsigAnswer({ ...unsigned, request, status, key, nowSeconds });
  return reply.subarray(0, end);
}

/**
 * Header and, where they are there and can be read, question and a plain OPT (RFC 6891 §7); `room` octets stay free
 * behind them.
 */
function makeErrorReply(
  message: Uint8Array,
  length: number,
  rcode: number,
  room: number,
): Uint8Array {
  const end = soleQuestionEnd(message, length);
  const hasOpt = end > 0 && findOpt(message, end, length, countRecords(message)) > 0;
  const opt = Math.max(end, HEADER_LENGTH);
  const reply = new Uint8Array(opt + (hasOpt ? OPT_LENGTH : 0) + room);
  reply.set(message.subarray(0, opt));
  reply[2] = 0x80 | ((message[2] as number) & 0x79);
  reply[3] = rcode;
  reply.fill(0, HeaderOffset.questions, HEADER_LENGTH);
  if (end > 0) reply[HeaderOffset.questions + 1] = 1;
  if (hasOpt) {
    reply.set([0, 0, Type.OPT, Limits.ednsPayload >> 8, Limits.ednsPayload & 0xff], opt);
    reply[HeaderOffset.additionals + 1] = 1;
  }
  return reply;
}

/**
 * Signs the `length` octets of `response`, which may grow to the end of the buffer, and returns the new length. A
 * response that leaves no room for its TSIG becomes a truncated one that does (RFC 8945 §5.3).
 */
export function sealSigned(
  context: SignedContext,
  response: Uint8Array,
  length: number,
  nowSeconds: number,
): number {
  const { key, request } = context;
  const fits = length + context.length <= response.length;
  const sealed = fits ? length : truncate(response, length);
  return signTsigAnswer({
    message: response,
    length: sealed,
    request,
    status: "ok",
    key,
    nowSeconds,
  });
}

/** Cuts a response down to its question and sets TC. Returns its length. */
function truncate(response: Uint8Array, length: number): number {
  response[2] = (response[2] as number) | 0x02;
  response.fill(0, HeaderOffset.answers, HEADER_LENGTH);
  return Math.max(questionSectionEnd(response, length), HEADER_LENGTH);
}
