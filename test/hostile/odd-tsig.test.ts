/** Classes 3 and 4: TSIG records that no honest signer makes, on every opcode, and what signing may not depend on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openSigned } from "../../src/answer/gate.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { Opcode, Rcode, TsigError, Type } from "../../src/wire/code-points.ts";
import { makeQuery, readMessage } from "../../src/wire/message.ts";
import { equalNames, type Name, parseName } from "../../src/wire/name.ts";
import { findTsig, signTsig, type TsigKey, verifyTsig } from "../../src/wire/tsig.ts";
import { FUZZ_KEY, NOW_SECONDS, ORIGIN } from "../fuzz/hostile-zone.ts";
import { layOut, replaced, setU16 } from "../fuzz/packet-layout.ts";
import { sign, write } from "../fuzz/seed-messages.ts";
import { checkResponse } from "../fuzz/targets/check-response.ts";
import { PROJECT_ROOT } from "../project-root.ts";

const OPCODES = [
  ["QUERY", Opcode.query],
  ["NOTIFY", Opcode.notify],
  ["UPDATE", Opcode.update],
] as const;

const findKey = (name: Name): TsigKey | undefined =>
  equalNames(name, FUZZ_KEY.name) ? FUZZ_KEY : undefined;

function open(message: Uint8Array) {
  return openSigned(message, message.length, findKey, NOW_SECONDS);
}

/** Where the parts of the one TSIG stand in a signed message. */
function tsigPlaces(message: Uint8Array) {
  const { records, questionEnd } = layOut(message);
  const tsig = records.at(-1);
  if (tsig === undefined) throw new Error("there is no TSIG");
  const rdata = tsig.fields + 10;
  const time = rdata + 13;
  return { ...tsig, questionEnd, rdata, time, macLength: time + 8, mac: time + 10 };
}

type Spoil = (message: Uint8Array) => Uint8Array;

function setWord(place: (places: ReturnType<typeof tsigPlaces>) => number, value: number): Spoil {
  return (message) => {
    setU16(message, place(tsigPlaces(message)), value);
    return message;
  };
}

const OPT = Uint8Array.of(0, 0, Type.OPT, 4, 208, 0, 0, 0, 0, 0, 0);

const MALFORMED: readonly (readonly [string, Spoil])[] = [
  ["class IN", setWord(({ fields }) => fields + 2, 1)],
  ["class NONE", setWord(({ fields }) => fields + 2, 254)],
  ["a TTL of one", setWord(({ fields }) => fields + 6, 1)],
  ["a TTL of 2^31", setWord(({ fields }) => fields + 4, 0x8000)],
  ["rdata of no octets", setWord(({ fields }) => fields + 8, 0)],
  ["rdata that ends in the MAC", setWord(({ fields }) => fields + 8, 40)],
  ["rdata longer than the message", setWord(({ fields }) => fields + 8, 0xffff)],
  ["a MAC longer than the rdata", setWord(({ macLength }) => macLength, 0xffff)],
  ["a MAC of no octets in front of one", setWord(({ macLength }) => macLength, 0)],
  ["other data that is not there", setWord(({ end }) => end - 2, 6)],
  [
    "an algorithm that is a pointer",
    (m) => replaced(m, tsigPlaces(m).rdata, tsigPlaces(m).rdata + 2, Uint8Array.of(0xc0, 12)),
  ],
  ["an octet behind it", (m) => concatBytes([m, Uint8Array.of(0)])],
  ["an OPT behind it", (m) => counted(concatBytes([m, OPT]), 2, 1)],
  ["itself behind it", (m) => counted(concatBytes([m, m.subarray(tsigPlaces(m).start)]), 2, 1)],
  ["a place in the answer section", (m) => counted(counted(m, 0, 1), 2, -1)],
  ["a place in the authority section, counted twice", (m) => counted(m, 1, 1)],
  ["a count that says there is more", (m) => counted(m, 2, 1)],
  ["all counts at 65,535", (m) => m.fill(0xff, 6, 12)],
];

function counted(message: Uint8Array, section: number, more: number): Uint8Array {
  const at = 6 + 2 * section;
  setU16(message, at, ((message[at] as number) << 8) + (message[at + 1] as number) + more);
  return message;
}

/** Well formed, and not what was signed. */
const UNPROVEN: readonly (readonly [string, Spoil, number])[] = [
  ["another algorithm name", (m) => spoilAt(m, tsigPlaces(m).rdata + 1), TsigError.badKey],
  ["another key name", (m) => spoilAt(m, tsigPlaces(m).start + 1), TsigError.badKey],
  ["another time", (m) => spoilAt(m, tsigPlaces(m).time + 5), TsigError.badSig],
  ["another fudge", (m) => spoilAt(m, tsigPlaces(m).time + 7), TsigError.badSig],
  ["another original ID", (m) => spoilAt(m, tsigPlaces(m).end - 5), TsigError.badSig],
  ["an error in a request", (m) => spoilAt(m, tsigPlaces(m).end - 3), TsigError.badSig],
  ["one bit of the MAC", (m) => spoilAt(m, tsigPlaces(m).mac + 31), TsigError.badSig],
  ["another question", (m) => spoilAt(m, 14), TsigError.badSig],
];

function spoilAt(message: Uint8Array, at: number): Uint8Array {
  message[at]! ^= 1;
  return message;
}

describe.each(OPCODES)("opcode %s", (_, opcode) => {
  const honest = () => {
    const head = makeQuery({ id: 7, name: ORIGIN, qtype: Type.SOA });
    return sign(write({ ...head, opcode }));
  };

  test("an honest one is opened", () => {
    expect(open(honest())).toMatchObject({ kind: "open", tsig: { key: FUZZ_KEY } });
  });

  test.each(MALFORMED)("%s is never opened as signed", (_name, spoil) => {
    const message = spoil(honest());
    const opened = open(message);
    if (opened.kind === "open") expect(opened.tsig).toBeUndefined();
    else if (opened.kind === "reply") {
      expect(checkResponse(message, opened.bytes.slice()).rcode).toBe(Rcode.formErr);
      expect(findTsig(opened.bytes).status).toBe("none");
    }
    expect(opened.kind).not.toBe("silence");
  });

  test.each(UNPROVEN)("%s is NOTAUTH, and the answer is not signed", (_name, spoil, error) => {
    const message = spoil(honest());
    const opened = open(message);
    if (opened.kind !== "reply") throw new Error(`it is ${opened.kind}`);
    expect(checkResponse(message, opened.bytes.slice()).rcode).toBe(Rcode.notAuth);
    const search = findTsig(opened.bytes);
    expect(search).toMatchObject({ status: "found", tsig: { error, mac: new Uint8Array(0) } });
  });

  test("every length of the MAC but the right one proves nothing", () => {
    for (let keep = 0; keep < 80; keep++) {
      const message = honest();
      const { mac, fields, end, macLength } = tsigPlaces(message);
      if (keep === 32) continue;
      const octets = new Uint8Array(keep).fill(9);
      octets.set(message.subarray(mac, mac + Math.min(keep, 32)));
      const cut = replaced(message, mac, mac + 32, octets);
      setU16(cut, fields + 8, end - fields - 10 - 32 + keep);
      setU16(cut, macLength, keep);
      const opened = open(cut);
      if (opened.kind !== "reply") throw new Error(`${keep} octets: it is ${opened.kind}`);
      const { rcode } = readMessage(opened.bytes.slice());
      // RFC 8945 §5.2.2.1: shorter than anyone may cut it, or longer than it is, is FORMERR.
      expect(rcode).toBe(keep < 16 || keep > 32 ? Rcode.formErr : Rcode.notAuth);
    }
  });
});

describe("the state of a signer", () => {
  const answerTo = (requestMac: Uint8Array) => {
    const buffer = new Uint8Array(512);
    const length = write(makeQuery({ id: 7, name: ORIGIN, qtype: Type.SOA })).length;
    buffer.set(write(makeQuery({ id: 7, name: ORIGIN, qtype: Type.SOA, flags: 0x8000 })));
    const signing = { message: buffer, length, key: FUZZ_KEY, nowSeconds: NOW_SECONDS };
    return buffer.slice(0, signTsig({ ...signing, requestMac }));
  };

  test("an answer belongs to its request: to no other, to none, and is no request itself", () => {
    const own = new Uint8Array(32).fill(1);
    const message = answerTo(own);
    const search = findTsig(message);
    if (search.status !== "found") throw new Error("there is no TSIG");
    const check = { message, tsig: search.tsig, key: FUZZ_KEY, nowSeconds: NOW_SECONDS };
    expect(verifyTsig({ ...check, requestMac: own }).status).toBe("ok");
    expect(verifyTsig({ ...check, requestMac: new Uint8Array(32) }).status).toBe("badsig");
    expect(verifyTsig({ ...check, requestMac: new Uint8Array(0) }).status).toBe("badsig");
    expect(verifyTsig(check).status).toBe("badsig");
    expect(open(message).kind).toBe("silence");
  });

  test("a request whose answer was forged into one is not taken for it", () => {
    const message = answerTo(new Uint8Array(32).fill(1));
    message[2] = (message[2] as number) & 0x7f;
    const opened = open(message);
    expect(opened.kind).toBe("reply");
  });

  test("a key proves its own name only, whoever shares its secret", () => {
    const twin: TsigKey = { ...FUZZ_KEY, name: parseName("twin") };
    const message = sign(
      write(makeQuery({ id: 7, name: ORIGIN, qtype: Type.SOA })),
      NOW_SECONDS,
      twin,
    );
    const opened = openSigned(message, message.length, () => FUZZ_KEY, NOW_SECONDS);
    expect(opened.kind).toBe("reply");
  });

  test("MACs are compared in constant time: nowhere but by timingSafeEqual", () => {
    const source = readFileSync(join(PROJECT_ROOT, "src/wire/tsig-mac.ts"), "utf8");
    expect(source).toMatch(/timingSafeEqual\(expected/);
    for (const file of ["tsig.ts", "tsig-stream.ts", "tsig-record.ts"]) {
      const text = readFileSync(join(PROJECT_ROOT, "src/wire", file), "utf8");
      expect(text).not.toMatch(/equalBytes|Buffer\.compare|\.digest\(\)\s*[!=]==/);
    }
  });
});
