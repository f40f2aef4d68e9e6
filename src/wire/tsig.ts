/**
 * Transaction signatures (RFC 8945) over the octets of messages. Keys and time are arguments; which key may do what
 * is for others. `TsigStream` in `tsig-stream.ts` signs and verifies the second and later messages of one answer.
 */
import { errorMessage } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { TsigError } from "./code-points.ts";
import { HeaderOffset, u16At } from "./message-walk.ts";
import { canonicalName, equalNames, formatName, type Name, parseName } from "./name.ts";
import { isMac, startMac, updateMessage, updateVariables } from "./tsig-mac.ts";
import {
  locateTsig,
  MALFORMED,
  readTsig,
  TSIG_FIXED_LENGTH,
  type TsigFields,
  type TsigRecord,
  writeTsig,
} from "./tsig-record.ts";
import { MessageWriter } from "./writer.ts";

export interface AlgorithmRow {
  /** As it stands in the TSIG RR. */
  readonly name: Name;
  /** As node:crypto calls it. */
  readonly hash: string;
  readonly hashLength: number;
  /** Octets of the MAC sent, fewer than the hash has in the truncated forms. */
  readonly macLength: number;
}

function row(name: string, hash: string, hashLength: number, macLength = hashLength): AlgorithmRow {
  return { name: parseName(name), hash, hashLength, macLength };
}

/** RFC 8945 §6, without GSS-TSIG. */
const ALGORITHMS = {
  "hmac-md5": row("hmac-md5.sig-alg.reg.int.", "md5", 16),
  "hmac-sha1": row("hmac-sha1.", "sha1", 20),
  "hmac-sha224": row("hmac-sha224.", "sha224", 28),
  "hmac-sha256": row("hmac-sha256.", "sha256", 32),
  "hmac-sha256-128": row("hmac-sha256-128.", "sha256", 32, 16),
  "hmac-sha384": row("hmac-sha384.", "sha384", 48),
  "hmac-sha384-192": row("hmac-sha384-192.", "sha384", 48, 24),
  "hmac-sha512": row("hmac-sha512.", "sha512", 64),
  "hmac-sha512-256": row("hmac-sha512-256.", "sha512", 64, 32),
} as const;

export type TsigAlgorithm = keyof typeof ALGORITHMS;

export const TSIG_ALGORITHMS = Object.keys(ALGORITHMS) as readonly TsigAlgorithm[];

export interface TsigKey {
  readonly name: Name;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
}

export function algorithmOf(key: TsigKey): AlgorithmRow {
  return ALGORITHMS[key.algorithm];
}

/** The algorithm of a name as a TSIG RR has it, or of a text in any case, with or without the final dot. */
export function parseTsigAlgorithm(name: string | Uint8Array): TsigAlgorithm | undefined {
  const text = typeof name === "string" ? name : formatName(canonicalName(name));
  const plain = text
    .toLowerCase()
    .replace(/\.$/, "")
    .replace(/^hmac-md5\..*$/, longMd5);
  return TSIG_ALGORITHMS.find((algorithm) => algorithm === plain);
}

function longMd5(text: string): string {
  return text === "hmac-md5.sig-alg.reg.int" ? "hmac-md5" : text;
}

export type TsigSearch =
  | { readonly status: "none" }
  | { readonly status: "found"; readonly tsig: TsigRecord }
  /** FORMERR (RFC 8945 §5.1, §5.2). */
  | { readonly status: "malformed"; readonly problem: string };

const NO_TSIG: TsigSearch = { status: "none" };

/** Looks for the TSIG RR of a message of `length` octets, a whole header at least. Never throws. */
export function findTsig(message: Uint8Array, length = message.length): TsigSearch {
  const offset = locateTsig(message, length);
  if (offset === 0) return NO_TSIG;
  if (offset === MALFORMED) {
    return { status: "malformed", problem: "the message or the place of its TSIG is malformed" };
  }
  try {
    return { status: "found", tsig: readTsig(message, offset, length) };
  } catch (error) {
    return { status: "malformed", problem: errorMessage(error) };
  }
}

/**
 * `badkey`, `badsig`, `badtime` and `badtrunc` are answered NOTAUTH with the TSIG error of that name; `formerr`
 * is answered FORMERR without a TSIG: the MAC has a length no honest signer makes (RFC 8945 §5.2.2.1).
 */
export type TsigStatus = "ok" | "badkey" | "badsig" | "badtime" | "badtrunc" | "formerr";

export interface TsigVerdict {
  readonly status: TsigStatus;
  /** The MAC of the message, which the answer to it signs. */
  readonly mac: Uint8Array;
}

export interface TsigCheck {
  /** The message up to the TSIG RR, at least. Its octets are as they were received. */
  readonly message: Uint8Array;
  readonly tsig: TsigRecord;
  /** The key of that name, if there is one. */
  readonly key: TsigKey | undefined;
  readonly nowSeconds: number;
  /** For an answer: the MAC of the request. */
  readonly requestMac?: Uint8Array;
  /** Takes a MAC cut down to what RFC 8945 §5.2.2.1 permits, instead of calling it `badtrunc`. */
  readonly isTruncationAllowed?: boolean;
}

/** Checks in the order of RFC 8945 §5.2: key, MAC, time, truncation. */
export function verifyTsig(check: TsigCheck): TsigVerdict {
  const { message, tsig, key, nowSeconds } = check;
  const verdict = (status: TsigStatus): TsigVerdict => ({ status, mac: tsig.mac });
  if (key === undefined || !isKeyOf(tsig, key)) return verdict("badkey");
  const { hash, macLength } = ALGORITHMS[key.algorithm];
  if (!isMacLength(tsig.mac.length, key.algorithm)) return verdict("formerr");
  const hmac = startMac(hash, key.secret, check.requestMac);
  updateMessage(hmac, message, tsig.offset, beforeSigning(message, tsig));
  updateVariables(hmac, tsig);
  if (!isMac(hmac, tsig.mac)) return verdict("badsig");
  if (!isTimely(tsig, nowSeconds)) return verdict("badtime");
  if (tsig.mac.length < macLength && check.isTruncationAllowed !== true) return verdict("badtrunc");
  return verdict("ok");
}

/** Whether a TSIG RR names this key and its algorithm. */
export function isKeyOf(tsig: TsigRecord, key: TsigKey): boolean {
  return equalNames(tsig.keyName, key.name) && equalNames(tsig.algorithm, algorithmOf(key).name);
}

/** RFC 8945 §5.2.2.1: at least ten octets and half the hash, and never more than the algorithm makes. */
export function isMacLength(length: number, algorithm: TsigAlgorithm): boolean {
  const { hashLength, macLength } = ALGORITHMS[algorithm];
  return length >= Math.max(10, hashLength / 2) && length <= macLength;
}

/** RFC 8945 §5.2.3. The signer chooses the fudge. */
export function isTimely(tsig: TsigRecord, nowSeconds: number): boolean {
  return Math.abs(nowSeconds - tsig.timeSigned) <= tsig.fudge;
}

/** The ID and number of additional RRs a received message had before its TSIG was added. */
export function beforeSigning(
  message: Uint8Array,
  tsig: TsigRecord,
): { id: number; additionals: number } {
  return { id: tsig.originalId, additionals: u16At(message, HeaderOffset.additionals) - 1 };
}

const NO_OCTETS = new Uint8Array(0);

/** A message to be signed: the first `length` octets of a buffer with room for the TSIG RR behind them. */
export interface UnsignedMessage {
  readonly message: Uint8Array;
  readonly length: number;
  /** How far the message may grow; by default to the end of the buffer. */
  readonly capacity?: number;
}

export interface TsigSigning extends UnsignedMessage {
  readonly key: TsigKey;
  readonly nowSeconds: number;
  /** For an answer: the MAC of the request. */
  readonly requestMac?: Uint8Array;
  readonly error?: number;
  readonly otherData?: Uint8Array;
}

/** Signs a message and returns its new length. Throws `WriterFull`: leave `tsigLength` octets of room. */
export function signTsig(signing: TsigSigning): number {
  const { message, length, key, nowSeconds, requestMac } = signing;
  const { hash, name, macLength } = algorithmOf(key);
  const { error = TsigError.none, otherData = NO_OCTETS } = signing;
  const fields = {
    timeSigned: nowSeconds,
    fudge: Limits.tsigFudge,
    originalId: u16At(message, HeaderOffset.id),
    keyName: key.name,
    algorithm: name,
    mac: NO_OCTETS as Uint8Array,
    error,
    otherData,
  };
  const hmac = startMac(hash, key.secret, requestMac);
  updateMessage(hmac, message, length, asItIs(message));
  updateVariables(hmac, fields);
  fields.mac = hmac.digest().subarray(0, macLength);
  return appendTsig(signing, fields);
}

/** Octets that signing with this key adds to a message. */
export function tsigLength(key: TsigKey, otherLength = 0): number {
  const { name, macLength } = algorithmOf(key);
  return TSIG_FIXED_LENGTH + key.name.length + name.length + macLength + otherLength;
}

export interface TsigAnswer extends UnsignedMessage {
  readonly request: TsigRecord;
  /** What `verifyTsig` said of the request, and the key it was given. */
  readonly status: TsigStatus;
  readonly key: TsigKey | undefined;
  readonly nowSeconds: number;
}

/**
 * Adds the TSIG RR an answer must have and returns the new length (RFC 8945 §5.2, §5.3.2). Key and MAC errors are
 * answered without a MAC; a wrong time with the time of both sides, signed; `formerr` without a TSIG at all.
 */
export function signTsigAnswer(answer: TsigAnswer): number {
  const { request, status, key, nowSeconds, message, length, capacity = message.length } = answer;
  if (status === "formerr") return length;
  const error = STATUS_ERROR[status];
  if (key === undefined || status === "badkey" || status === "badsig") {
    const { keyName, algorithm } = request;
    return appendTsig(answer, { ...unsignedFields(answer, nowSeconds), keyName, algorithm, error });
  }
  const requestMac = request.mac;
  if (status !== "badtime") {
    return signTsig({ message, length, capacity, key, nowSeconds, requestMac, error });
  }
  const otherData = new Uint8Array(6);
  new MessageWriter(otherData).u48(nowSeconds);
  const timeSigned = { nowSeconds: request.timeSigned, otherData };
  return signTsig({ message, length, capacity, key, requestMac, error, ...timeSigned });
}

const STATUS_ERROR = {
  ok: TsigError.none,
  badkey: TsigError.badKey,
  badsig: TsigError.badSig,
  badtime: TsigError.badTime,
  badtrunc: TsigError.badTrunc,
} as const;

/** The fields of a TSIG RR that do not depend on a key, without a MAC. */
export function unsignedFields(
  { message }: UnsignedMessage,
  timeSigned: number,
): Omit<TsigFields, "keyName" | "algorithm"> {
  return {
    timeSigned,
    fudge: Limits.tsigFudge,
    mac: NO_OCTETS,
    originalId: u16At(message, HeaderOffset.id),
    error: TsigError.none,
    otherData: NO_OCTETS,
  };
}

/** The ID and number of additional RRs of a message that has no TSIG yet. */
export function asItIs(message: Uint8Array): { id: number; additionals: number } {
  return {
    id: u16At(message, HeaderOffset.id),
    additionals: u16At(message, HeaderOffset.additionals),
  };
}

/** Puts the RR behind the message and counts it in the header. */
export function appendTsig(unsigned: UnsignedMessage, fields: TsigFields): number {
  const { message, length, capacity } = unsigned;
  const writer = new MessageWriter(message, length, capacity);
  writeTsig(writer, fields);
  const additionals = u16At(message, HeaderOffset.additionals) + 1;
  writer.patchU16(HeaderOffset.additionals, additionals);
  return writer.offset;
}
