/**
 * Signed messages: opened exactly when a second reading of RFC 8945, which shares nothing with ours but the walk to the
 * record, says that the MAC is right, in time and whole; every other is answered without having been acted on.
 */
import { createHmac } from "node:crypto";
import { openSigned, type SignedContext, sealSigned } from "../../../src/answer/gate.ts";
import { toHex } from "../../../src/base/bytes.ts";
import { HEADER_LENGTH, Rcode, TsigError, Type } from "../../../src/wire/code-points.ts";
import { questionSectionEnd, u16At } from "../../../src/wire/message-walk.ts";
import { canonicalName, equalNames, type Name } from "../../../src/wire/name.ts";
import { MessageReader } from "../../../src/wire/reader.ts";
import { algorithmOf, findTsig, type TsigKey, verifyTsig } from "../../../src/wire/tsig.ts";
import { TsigStream } from "../../../src/wire/tsig-stream.ts";
import { FUZZ_KEY, NOW_SECONDS } from "../hostile-zone.ts";
import { layOut } from "../packet-layout.ts";
import { mutatePacket } from "../packet-mutator.ts";
import type { Random } from "../random.ts";
import { goldenPackets, messageSeeds, sign, signedSeeds } from "../seed-messages.ts";
import { type FuzzTarget, must } from "../target.ts";
import { checkResponse, isAnswerable } from "./check-response.ts";

const goldenKeys = goldenPackets().flatMap(({ key }) => (key === undefined ? [] : [key]));
const KEYS: readonly TsigKey[] = [FUZZ_KEY, ...goldenKeys];

export const tsigTarget: FuzzTarget = {
  name: "tsig",
  seeds: [...signedSeeds(), ...messageSeeds()],
  mutate: (random, seeds) => mutateSigned(random, seeds),
  check(input) {
    checkOpening(input);
    checkAsAnswer(input);
  },
};

/** Spoilt after it was signed, or signed after it was spoilt, or both. */
export function mutateSigned(
  random: Random,
  seeds: readonly Uint8Array[],
  nowSeconds: number = NOW_SECONDS,
): Uint8Array {
  const spoilt = mutatePacket(random, seeds);
  if (spoilt.length < HEADER_LENGTH || spoilt.length > 60_000 || random.oneIn(3)) return spoilt;
  const signed = sign(spoilt, nowSeconds + random.pick([0, 0, 0, 300, 301, -301]));
  return random.oneIn(3) ? mutatePacket(random, [signed]) : signed;
}

function findKey(name: Name): TsigKey | undefined {
  return KEYS.find((key) => equalNames(key.name, name));
}

function checkOpening(input: Uint8Array): void {
  const before = toHex(input);
  const opened = openSigned(input, input.length, findKey, NOW_SECONDS);
  must(toHex(input) === before, "it changed the message");
  must((opened.kind === "silence") === !isAnswerable(input), `it is ${opened.kind}`);
  const isGenuine = isSignedRight(input);
  if (opened.kind !== "open") {
    must(!isGenuine, "a message that is signed right was not opened");
    if (opened.kind === "reply") checkFailure(input, opened.bytes);
    return;
  }
  const isUnknownOpcode = ![0, 4, 5].includes(((input[2] as number) >> 3) & 15);
  must(
    isUnknownOpcode || (opened.tsig !== undefined) === isGenuine,
    "what is not signed right was opened as signed",
  );
  if (opened.tsig !== undefined) checkSealing(opened.message.slice(0, opened.length), opened.tsig);
}

/** FORMERR, or NOTAUTH with a TSIG that says why; signed only when the key was proven. */
function checkFailure(input: Uint8Array, reply: Uint8Array): void {
  const { rcode, answers, authorities } = checkResponse(input, reply.slice());
  must(rcode === Rcode.formErr || rcode === Rcode.notAuth, `the rcode is ${rcode}`);
  must(answers.length + authorities.length === 0, "it says more than that it failed");
  const search = findTsig(reply);
  must((search.status === "found") === (rcode === Rcode.notAuth), "NOTAUTH has a TSIG");
  if (search.status !== "found") return;
  const { error, mac } = search.tsig;
  const isProven = error === TsigError.badTime || error === TsigError.badTrunc;
  must(isProven === mac.length > 0, "only a key that was proven signs");
}

/** An answer to it verifies with the request's MAC and with no other. */
function checkSealing(message: Uint8Array, context: SignedContext): void {
  const response = new Uint8Array(65_535);
  const end = Math.max(questionSectionEnd(message, message.length), HEADER_LENGTH);
  response.set(message.subarray(0, end));
  response.fill(0, 6, HEADER_LENGTH);
  const length = sealSigned(context, response, end, NOW_SECONDS);
  const sealed = response.slice(0, length);
  const search = findTsig(sealed);
  must(search.status === "found", `the TSIG of the answer is ${search.status}`);
  const check = { message: sealed, tsig: search.tsig, key: context.key, nowSeconds: NOW_SECONDS };
  const { mac } = context.request;
  must(verifyTsig({ ...check, requestMac: mac }).status === "ok", "the answer does not verify");
  must(verifyTsig(check).status === "badsig", "it verifies without the request");
  const other = mac.map((octet) => octet ^ 1);
  must(verifyTsig({ ...check, requestMac: other }).status === "badsig", "it verifies for another");
}

/** As a secondary or a client of ours would see it: the octets are the answer to something we asked. */
function checkAsAnswer(input: Uint8Array): void {
  if (input.length < HEADER_LENGTH) return;
  const requestMac = new Uint8Array(32).fill(9);
  const search = findTsig(input);
  if (search.status === "found") {
    const check = { message: input, tsig: search.tsig, key: FUZZ_KEY, nowSeconds: NOW_SECONDS };
    const { status } = verifyTsig({ ...check, requestMac });
    must(status !== "ok", "the answer to another request verifies");
  }
  const stream = new TsigStream(FUZZ_KEY, requestMac);
  must(stream.verify(input, NOW_SECONDS) !== "ok", "a stream began with the answer to another");
}

/** The MAC by the book: RFC 8945 §4.3 and §5.2, octets put together by hand. */
function isSignedRight(input: Uint8Array): boolean {
  if (!isAnswerable(input)) return false;
  const { records } = layOut(input);
  const last = records.at(-1);
  const tsigs = records.filter(({ fields }) => u16At(input, fields) === Type.TSIG);
  if (last === undefined || tsigs.length !== 1 || tsigs[0] !== last) return false;
  const counted = [6, 8, 10].reduce((sum, at) => sum + u16At(input, at), 0);
  if (last.section !== 2 || last.end !== input.length || counted !== records.length) return false;
  const { fields, end } = last;
  const fixed = toHex(input.subarray(fields, fields + 8));
  if (fixed !== "00fa00ff00000000") return false;
  let keyName: Name;
  let algorithm: Name;
  const reader = new MessageReader(input, last.start);
  try {
    keyName = canonicalName(reader.name());
    reader.offset = fields + 10;
    algorithm = canonicalName(reader.name());
  } catch {
    return false;
  }
  if (reader.offset !== fields + 10 + algorithm.length) return false;
  return isMacRight(input, { start: last.start, at: reader.offset, end, keyName, algorithm });
}

interface TsigPlace {
  readonly start: number;
  /** Behind the algorithm's name. */
  readonly at: number;
  readonly end: number;
  readonly keyName: Name;
  readonly algorithm: Name;
}

function isMacRight(input: Uint8Array, { start, at, end, keyName, algorithm }: TsigPlace): boolean {
  const key = findKey(keyName);
  if (key === undefined || toHex(algorithmOf(key).name) !== toHex(algorithm)) return false;
  if (at + 10 > end) return false;
  const bytes = Buffer.from(input);
  const macLength = bytes.readUInt16BE(at + 8);
  const behind = at + 10 + macLength;
  if (behind + 6 > end || behind + 6 + bytes.readUInt16BE(behind + 4) !== end) return false;
  const header = Buffer.from(bytes.subarray(0, HEADER_LENGTH));
  bytes.copy(header, 0, behind, behind + 2);
  header.writeUInt16BE((bytes.readUInt16BE(10) + 0xffff) & 0xffff, 10);
  const hmac = createHmac(algorithmOf(key).hash, key.secret);
  hmac.update(header).update(bytes.subarray(HEADER_LENGTH, start));
  hmac.update(keyName).update(Buffer.from("00ff00000000", "hex")).update(algorithm);
  hmac.update(bytes.subarray(at, at + 8)).update(bytes.subarray(behind + 2, end));
  const mac = hmac.digest().subarray(0, algorithmOf(key).macLength);
  const isTimely = Math.abs(NOW_SECONDS - bytes.readUIntBE(at, 6)) <= bytes.readUInt16BE(at + 6);
  return isTimely && toHex(mac) === toHex(bytes.subarray(at + 10, behind));
}
