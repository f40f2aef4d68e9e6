/**
 * From the octets of a message to the octets of the response: pure, synchronous, the same for every transport, and
 * without allocation on its common path. Hostile input never throws.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { Counter, type CounterRow } from "../base/counters.ts";
import { SIPHASH_KEY_LENGTH } from "../base/siphash.ts";
import type { TableReader } from "../table/table-reader.ts";
import { Class, ExtendedError, HEADER_LENGTH, Rcode, Type } from "../wire/code-points.ts";
import { type AnswerSettings, assertAnswerSettings } from "./answer-settings.ts";
import { type ChaosTexts, makeChaosTexts, writeChaosText } from "./chaos.ts";
import { type Client, Transport } from "./client.ts";
import { CookieState, ServerCookies } from "./cookies.ts";
import { Deferred } from "./deferred.ts";
import { Draft, Section } from "./draft.ts";
import { type OptSources, optLength, writeOpt } from "./edns-options.ts";
import { readQuery, Verdict } from "./gate.ts";
import { IncomingQuery } from "./incoming-query.ts";
import { Admission, type LimitingListener, RateLimiter, ResponseKind } from "./rate-limit.ts";
import { solve } from "./solve.ts";
import { chooseZone } from "./zone-choice.ts";

/**
 * Answers the message in `query[0, length)` into `response`, whose length is the hard limit of the transport. Returns
 * the length of the response; 0 for silence; a negative `Deferred` when the message is for the main thread.
 */
export type AnswerQuery = (
  query: Uint8Array,
  length: number,
  client: Client,
  response: Uint8Array,
) => number;

export interface AnswerParts {
  readonly reader: TableReader;
  /** This thread's own row. */
  readonly counters: CounterRow;
  readonly settings: AnswerSettings;
  readonly clock: Clock;
  /** Told when rate limiting begins to act after a quiet time. */
  readonly onLimiting?: LimitingListener;
}

/** What one answering function keeps between queries: settings in wire form, and objects that are filled anew. */
interface Answerer extends OptSources {
  readonly reader: TableReader;
  readonly counters: CounterRow;
  readonly chaosTexts: ChaosTexts;
  readonly query: IncomingQuery;
  readonly draft: Draft;
}

export function createAnswerQuery(parts: AnswerParts): AnswerQuery {
  const { reader, counters, settings, clock, onLimiting } = parts;
  assertAnswerSettings(settings);
  const query = new IncomingQuery(reader.newLookupName());
  const answerer: Answerer = {
    reader,
    counters,
    udpPayload: settings.udpPayload,
    nsid: new Uint8Array(Buffer.from(settings.nsid ?? "", "utf8")),
    cookies: new ServerCookies(settings.cookieSecret ?? randomBytes(SIPHASH_KEY_LENGTH), clock),
    chaosTexts: makeChaosTexts(settings),
    query,
    draft: new Draft(reader, query.name),
  };
  const { rateLimit } = settings;
  if (rateLimit === undefined) {
    return (bytes, length, client, response) => answer(answerer, bytes, length, client, response);
  }
  const limiter = new RateLimiter(rateLimit, clock, onLimiting);
  return (bytes, length, client, response) => {
    const written = answer(answerer, bytes, length, client, response);
    return written <= 0 ? written : limit(answerer, limiter, bytes, client, written);
  };
}

function answer(
  answerer: Answerer,
  bytes: Uint8Array,
  length: number,
  client: Client,
  response: Uint8Array,
): number {
  const { query, counters } = answerer;
  query.isStream = client.transport !== Transport.udp;
  let verdict = readQuery(query, bytes, length);
  if (verdict === Verdict.silence) {
    step(counters, Counter.ignored);
    return 0;
  }
  if (verdict === Verdict.answer) verdict = routeByType(query);
  if (verdict < 0) {
    step(counters, Counter.deferred);
    return verdict;
  }
  if (query.cookieLength > 0) judgeCookie(answerer, bytes, client, verdict);
  const end = startResponse(answerer, bytes, response);
  if (verdict === Verdict.answer) query.rcode = answerClass(answerer);
  const responseLength = finishResponse(answerer, bytes, end);
  count(answerer, client);
  return responseLength;
}

/** A cookie alone, and not a good one, is told so (RFC 7873 §5.4); with a question it is answered like none (§5.2.3). */
function judgeCookie(
  { query, cookies }: Answerer,
  bytes: Uint8Array,
  client: Client,
  verdict: number,
): void {
  query.cookie = cookies.judge(bytes, query.cookieAt, query.cookieLength, client.address);
  const isBad = verdict === Verdict.cookieOnly && query.cookie === CookieState.invalid;
  if (isBad) query.rcode = Rcode.badCookie;
}

/**
 * What becomes of a response that is ready: it goes out, or it is held back. Clients that have proved their address, by
 * a stream or a cookie, are never limited.
 */
function limit(
  answerer: Answerer,
  limiter: RateLimiter,
  bytes: Uint8Array,
  client: Client,
  length: number,
): number {
  const { query, draft, counters } = answerer;
  if (query.isStream || query.cookie === CookieState.valid) return length;
  const kind = responseKind(query, draft);
  const admission = limiter.admit(client.address, kind, subjectHash(query, draft, kind));
  if (admission === Admission.send) return length;
  if (admission === Admission.drop) {
    step(counters, Counter.rateLimitDropped);
    return 0;
  }
  step(counters, Counter.rateLimitSlipped);
  // An error is small, and TC in its place would be a lie (as BIND has it).
  if (kind === ResponseKind.error && query.cookieLength === 0) return length;
  return slip(answerer, bytes);
}

/** In place of a response held back: BADCOOKIE with the cookie to come again with, or TC, which sends it to TCP. */
function slip(answerer: Answerer, bytes: Uint8Array): number {
  const { query, draft } = answerer;
  const end = startResponse(answerer, bytes, draft.response);
  const hasCookie = query.cookieLength > 0;
  query.rcode = hasCookie ? Rcode.badCookie : Rcode.noError;
  draft.isTruncated = !hasCookie;
  return finishResponse(answerer, bytes, end);
}

function responseKind({ rcode, questionEnd }: IncomingQuery, draft: Draft): ResponseKind {
  if (rcode === Rcode.nxDomain) return ResponseKind.nxDomain;
  if (rcode !== Rcode.noError || questionEnd === HEADER_LENGTH) return ResponseKind.error;
  if (draft.counts[Section.answer] !== 0 || draft.isTruncated) return ResponseKind.answer;
  return draft.isAuthoritative ? ResponseKind.noData : ResponseKind.referral;
}

/** What a response is about: for errors nothing, for answers the type too. */
function subjectHash({ name, qtype }: IncomingQuery, draft: Draft, kind: ResponseKind): number {
  if (kind === ResponseKind.error) return 0;
  const hash = name.hashes[draft.decisiveLabel] as number;
  return kind === ResponseKind.answer ? hash ^ Math.imul(qtype, 0x9e37_79b1) : hash | 0;
}

/** Types that are no data in any zone are decided before a zone is looked for. */
function routeByType(query: IncomingQuery): number {
  const { qtype } = query;
  if (qtype < Type.TKEY || qtype > Type.AXFR || query.qclass !== Class.in) return Verdict.answer;
  if (qtype === Type.IXFR) return Deferred.transfer;
  if (qtype === Type.AXFR && query.isStream) return Deferred.transfer;
  if (qtype === Type.TSIG) return Verdict.answer;
  // AXFR has no meaning over UDP (RFC 5936 §4.2), and we negotiate no keys (RFC 2930).
  query.rcode = Rcode.notImp;
  query.extendedError = ExtendedError.notSupported;
  return Verdict.reject;
}

/** Echoes header and question, and starts the draft behind them. Returns how far the response may grow. */
function startResponse(
  { query, draft, udpPayload, nsid }: Answerer,
  bytes: Uint8Array,
  response: Uint8Array,
): number {
  const { questionEnd } = query;
  for (let at = 0; at < questionEnd; at++) response[at] = bytes[at] as number;
  draft.isStream = query.isStream;
  const payload = draft.isStream ? response.length : Math.min(query.payload, udpPayload);
  const end = Math.min(payload, response.length);
  draft.start(response, questionEnd, end - optLength(query, nsid), query.qtype);
  return end;
}

function answerClass(answerer: Answerer): number {
  const { query } = answerer;
  switch (query.qclass) {
    case Class.in:
    case Class.any:
      return answerZone(answerer);
    case Class.ch:
      return answerChaos(answerer);
    default:
      return refuse(query, ExtendedError.notSupported);
  }
}

function answerZone(answerer: Answerer): number {
  const { reader, draft, query } = answerer;
  reader.enter();
  try {
    const rcode = answerFromTable(answerer);
    if (rcode !== Rcode.servFail) return rcode;
    // An update has taken away between two of our looks what the first had found: the second time it is gone at once.
    draft.start(draft.response, query.questionEnd, draft.limit, query.qtype);
    return answerFromTable(answerer);
  } finally {
    reader.leave();
  }
}

function answerFromTable({ reader, draft, query }: Answerer): number {
  const zone = chooseZone(reader, draft.name, draft.qtype);
  if (zone === 0) return refuse(query, ExtendedError.notAuthoritative);
  draft.enterZone(zone);
  return solve(draft);
}

function answerChaos({ chaosTexts, draft, query }: Answerer): number {
  const { name, qtype } = query;
  const at = writeChaosText(chaosTexts, name, qtype, draft.response, draft.at, draft.limit);
  if (at === 0) return refuse(query, ExtendedError.notSupported);
  draft.at = at;
  draft.counts[Section.answer] = 1;
  return Rcode.noError;
}

function refuse(query: IncomingQuery, extendedError: number): number {
  query.extendedError = extendedError;
  return Rcode.refused;
}

/** Writes OPT and header. Returns the length of the response. */
function finishResponse(answerer: Answerer, bytes: Uint8Array, end: number): number {
  const { query, draft } = answerer;
  const { response } = draft;
  let at = draft.at;
  if (query.hasEdns) {
    at = writeOpt(query, answerer, response, at, end);
    draft.counts[Section.additional] = (draft.counts[Section.additional] as number) + 1;
  }
  writeHeader(query, draft, bytes);
  return at;
}

function count({ query, draft, counters }: Answerer, client: Client): void {
  step(counters, Counter.queriesUdp + client.transport);
  step(counters, rcodeCounter(query.rcode));
  if (draft.isTruncated) step(counters, Counter.responsesTruncated);
}

/**
 * ID, opcode and RD are the query's; CD and AD are clear in an authoritative response (RFC 4035 §3.1.6), RA because
 * nothing here recurses.
 */
function writeHeader(query: IncomingQuery, draft: Draft, bytes: Uint8Array): void {
  const { response, counts } = draft;
  const isAuthoritative = hasAuthority(query) && draft.isAuthoritative;
  response[2] =
    0x80 |
    ((bytes[2] as number) & 0x79) |
    (isAuthoritative ? 0x04 : 0) |
    (draft.isTruncated ? 0x02 : 0);
  response[3] = query.rcode & 0x0f;
  response[4] = 0;
  response[5] = query.questionEnd > HEADER_LENGTH ? 1 : 0;
  writeU16(response, 6, counts[Section.answer] as number);
  writeU16(response, 8, counts[Section.authority] as number);
  writeU16(response, 10, counts[Section.additional] as number);
}

/**
 * Errors are never authoritative, nor are answers to class ANY, where another class may have more, nor those to class
 * CH, which has no zones here; as NSD says.
 */
function hasAuthority(query: IncomingQuery): boolean {
  const { rcode, qclass, questionEnd } = query;
  if (questionEnd === HEADER_LENGTH) return false;
  const isOurs = rcode === Rcode.noError || rcode === Rcode.nxDomain || rcode === Rcode.yxDomain;
  return isOurs && qclass === Class.in;
}

function rcodeCounter(rcode: number): number {
  switch (rcode) {
    case Rcode.noError:
      return Counter.responsesNoError;
    case Rcode.nxDomain:
      return Counter.responsesNxDomain;
    case Rcode.refused:
      return Counter.responsesRefused;
    case Rcode.formErr:
      return Counter.responsesFormErr;
    case Rcode.notImp:
      return Counter.responsesNotImp;
    case Rcode.servFail:
      return Counter.responsesServFail;
    default:
      return Counter.responsesOther;
  }
}

function step(counters: CounterRow, counter: number): void {
  counters[counter] = (counters[counter] as number) + 1;
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}
