import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientOf, startAnswering } from "../../test/scenarios/scenario-server.ts";
import { HeaderFlag, Opcode, Rcode, TsigError, Type } from "../wire/code-points.ts";
import { makeQuery, readMessage, writeMessage } from "../wire/message.ts";
import { equalNames, type Name, parseName } from "../wire/name.ts";
import { findTsig, signTsig, type TsigKey, verifyTsig } from "../wire/tsig.ts";
import { type Opened, openSigned, sealSigned } from "./gate.ts";

const NOW = 1_800_000_000;
const KEY: TsigKey = {
  name: parseName("router.key."),
  algorithm: "hmac-sha256",
  secret: new Uint8Array(32).fill(7),
};

function findKey(name: Name): TsigKey | undefined {
  return equalNames(name, KEY.name) ? KEY : undefined;
}

function plainQuery(): Uint8Array {
  const buffer = new Uint8Array(512);
  const message = makeQuery({ id: 0x1234, name: parseName("www.example."), qtype: Type.A });
  return buffer.slice(0, writeMessage(message, buffer));
}

function signedQuery(key: TsigKey = KEY, nowSeconds = NOW): Uint8Array {
  const plain = plainQuery();
  const buffer = new Uint8Array(1024);
  buffer.set(plain);
  const length = signTsig({ message: buffer, length: plain.length, key, nowSeconds });
  return buffer.slice(0, length);
}

function open(message: Uint8Array, nowSeconds = NOW): Opened {
  return openSigned(message, message.length, findKey, nowSeconds);
}

/** The response to a message that must not be opened. */
function replyTo(message: Uint8Array, nowSeconds = NOW) {
  const opened = open(message, nowSeconds);
  if (opened.kind !== "reply") throw new Error(`it is ${opened.kind}`);
  const search = findTsig(opened.bytes);
  const { id, rcode, flags, questions } = readMessage(new Uint8Array(opened.bytes));
  expect(id).toBe((message[0]! << 8) | message[1]!);
  expect(flags & HeaderFlag.qr).toBe(HeaderFlag.qr);
  const tsig = search.status === "found" ? search.tsig : undefined;
  return { rcode, questions, tsig, bytes: opened.bytes };
}

function openedContext(message: Uint8Array) {
  const opened = open(message);
  if (opened.kind !== "open" || opened.tsig === undefined) throw new Error("not opened");
  return { ...opened, tsig: opened.tsig };
}

/** The TSIG RR copied out of a signed message, to be put where it does not belong. */
function tsigOf(message: Uint8Array): Uint8Array {
  return message.slice(plainQuery().length);
}

function withCounts(bytes: Uint8Array, [answers, authorities, additionals]: number[]): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[7] = answers!;
  copy[9] = authorities!;
  copy[11] = additionals!;
  return copy;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("a message without TSIG", () => {
  test("opens as it is, unsigned", () => {
    const plain = plainQuery();
    expect(open(plain)).toEqual({
      kind: "open",
      message: plain,
      length: plain.length,
      tsig: undefined,
    });
  });

  test("is silence when it is an answer or has no header", () => {
    const answer = plainQuery();
    answer[2] = 0x80;
    expect(open(answer).kind).toBe("silence");
    expect(open(plainQuery().slice(0, 11)).kind).toBe("silence");
  });

  test("is FORMERR when the way to a TSIG is malformed", () => {
    const { rcode, tsig, questions } = replyTo(withCounts(plainQuery(), [0, 0, 1]));
    expect({ rcode, tsig, questions: questions.length }).toEqual({
      rcode: Rcode.formErr,
      tsig: undefined,
      questions: 1,
    });
  });

  test("of an unknown opcode is left to the gate, as is a signed one", () => {
    for (const message of [withCounts(plainQuery(), [0, 0, 1]), signedQuery()]) {
      message[2] = Opcode.status << 3;
      const { length } = message;
      expect(open(message)).toEqual({ kind: "open", message, length, tsig: undefined });
    }
  });
});

test("a question that is a pointer is not repeated to who fails to prove a key", () => {
  const header = plainQuery().slice(0, 12);
  const message = withCounts(join(header, Uint8Array.of(0xc0, 12, 0, 1, 0, 1)), [0, 0, 1]);
  const { rcode, questions } = replyTo(join(message, tsigOf(signedQuery())));
  expect({ rcode, questions }).toEqual({ rcode: Rcode.notAuth, questions: [] });
});

describe("a signed message", () => {
  test("opens to what was signed, with ARCOUNT lowered", () => {
    const opened = openedContext(signedQuery());
    expect(opened.message.slice(0, opened.length)).toEqual(plainQuery());
    expect(opened.tsig.key).toBe(KEY);
  });

  test("stays as it was received, even in a Buffer", () => {
    const received = Buffer.from(signedQuery());
    const before = Buffer.from(received);
    openSigned(received, received.length, findKey, NOW);
    expect(received).toEqual(before);
  });

  test.each([
    ["to the second", 300, "open"],
    ["one second later", 301, "reply"],
    ["from the future", -300, "open"],
    ["one second further", -301, "reply"],
  ])("is timely %s", (_, seconds, kind) => {
    expect(open(signedQuery(), NOW + seconds).kind).toBe(kind);
  });
});

describe("a message whose TSIG fails", () => {
  test("unknown key: NOTAUTH, BADKEY, no MAC", () => {
    const { rcode, tsig } = replyTo(signedQuery({ ...KEY, name: parseName("other.key.") }));
    expect(rcode).toBe(Rcode.notAuth);
    expect(tsig).toMatchObject({ error: TsigError.badKey, mac: new Uint8Array(0) });
  });

  test("another algorithm than the key's: BADKEY", () => {
    const { rcode, tsig } = replyTo(signedQuery({ ...KEY, algorithm: "hmac-sha512" }));
    expect(rcode).toBe(Rcode.notAuth);
    expect(tsig).toMatchObject({ error: TsigError.badKey, mac: new Uint8Array(0) });
  });

  test("wrong MAC: NOTAUTH, BADSIG, no MAC", () => {
    const { rcode, tsig } = replyTo(signedQuery({ ...KEY, secret: new Uint8Array(32) }));
    expect(rcode).toBe(Rcode.notAuth);
    expect(tsig).toMatchObject({ error: TsigError.badSig, mac: new Uint8Array(0) });
  });

  test("any octet changed: never opened", () => {
    const signed = signedQuery();
    for (let at = 0; at < signed.length; at++) {
      const changed = new Uint8Array(signed);
      changed[at] = changed[at]! ^ 0x01;
      const opened = open(changed);
      // The ID is not signed: the TSIG has its own copy of it (RFC 8945 §4.3.2). A name may change its case.
      if (at < 2) expect(opened.kind).toBe("open");
      else if (opened.kind === "open") expect(opened.tsig, `octet ${at}`).toBeUndefined();
    }
  });

  test("wrong time: NOTAUTH, BADTIME, signed, with the server's time", () => {
    const request = signedQuery();
    const { rcode, tsig, bytes } = replyTo(request, NOW + 4000);
    expect(rcode).toBe(Rcode.notAuth);
    if (tsig === undefined) throw new Error("no TSIG");
    expect(tsig).toMatchObject({ error: TsigError.badTime, timeSigned: NOW });
    expect(Buffer.from(tsig.otherData).readUIntBE(0, 6)).toBe(NOW + 4000);
    const search = findTsig(request);
    if (search.status !== "found") throw new Error("no TSIG in the request");
    const verdict = verifyTsig({
      message: bytes,
      tsig,
      key: KEY,
      nowSeconds: NOW,
      requestMac: search.tsig.mac,
    });
    expect(verdict.status).toBe("ok");
  });

  test("truncated MAC: BADTRUNC", () => {
    const { rcode, tsig } = replyTo(withMacLength(16));
    expect(rcode).toBe(Rcode.notAuth);
    expect(tsig).toMatchObject({ error: TsigError.badTrunc });
  });

  test("MAC shorter than anyone may make it: FORMERR", () => {
    const { rcode, tsig } = replyTo(withMacLength(9));
    expect({ rcode, tsig }).toEqual({ rcode: Rcode.formErr, tsig: undefined });
  });

  test.each([
    ["twice", join(plainQuery(), tsigOf(signedQuery()), tsigOf(signedQuery())), [0, 0, 2]],
    ["in the answer section", signedQuery(), [1, 0, 0]],
    ["in the authority section", signedQuery(), [0, 1, 0]],
    ["not last", join(signedQuery(), Uint8Array.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)), [0, 0, 2]],
  ])("%s: never opened as signed", (_, bytes, counts) => {
    const message = withCounts(bytes, counts);
    const opened = open(message);
    if (opened.kind === "open") {
      // Then the gate refuses it as the unsigned message it is.
      expect(opened.tsig).toBeUndefined();
      const { answer } = startAnswering([]);
      const response = new Uint8Array(512);
      answer(opened.message, opened.length, clientOf("udp"), response);
      expect(response[3]! & 15).toBe(Rcode.formErr);
    } else expect(replyTo(message).rcode).toBe(Rcode.formErr);
  });

  test.each([
    ["class IN", 2, [0, 1]],
    ["a TTL", 4, [0, 0, 0, 1]],
  ])("with %s: FORMERR", (_, field, octets) => {
    const message = signedQuery();
    message.set(octets, plainQuery().length + KEY.name.length + field);
    expect(replyTo(message).rcode).toBe(Rcode.formErr);
  });
});

/** A signed query with its MAC cut to `length` octets. */
function withMacLength(length: number): Uint8Array {
  const signed = signedQuery();
  const mac = signed.length - 6 - 32;
  const copy = join(signed.slice(0, mac + length), signed.slice(mac + 32));
  copy[mac - 1] = length;
  const rdlength = plainQuery().length + KEY.name.length + 8;
  copy[rdlength + 1] = copy[rdlength + 1]! - (32 - length);
  return copy;
}

describe("sealing", () => {
  test("the response verifies with the request's MAC", () => {
    const { tsig } = openedContext(signedQuery());
    const response = new Uint8Array(512);
    response.set(plainQuery());
    response[2] = 0x84;
    const length = sealSigned(tsig, response, plainQuery().length, NOW + 5);
    const sealed = response.slice(0, length);
    expect(length).toBe(plainQuery().length + tsig.length);
    expectVerifies(sealed, tsig.request.mac);
  });

  test("to the octet; one less and it is a truncated, signed response", () => {
    const { tsig } = openedContext(signedQuery());
    const extra = Uint8Array.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1);
    const full = withCounts(join(plainQuery(), extra), [1, 0, 0]);
    full[2] = 0x84;
    for (const [room, answers] of [
      [tsig.length, 1],
      [tsig.length - 1, 0],
    ] as const) {
      const response = new Uint8Array(full.length + room);
      response.set(full);
      const sealed = response.slice(0, sealSigned(tsig, response, full.length, NOW));
      const message = readMessage(sealed);
      expect(message.answers.length).toBe(answers);
      expect(message.questions.length).toBe(1);
      expect((message.flags & HeaderFlag.tc) !== 0).toBe(answers === 0);
      expectVerifies(sealed, tsig.request.mac);
    }
  });
});

function expectVerifies(message: Uint8Array, requestMac: Uint8Array): void {
  const search = findTsig(message);
  if (search.status !== "found") throw new Error("no TSIG");
  const check = { message, tsig: search.tsig, key: KEY, nowSeconds: NOW, requestMac };
  expect(verifyTsig(check).status).toBe("ok");
}

describe("hostile octets", () => {
  const zone = "@ 60 SOA a b 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n*.w 60 CNAME ns\n";
  const { answer } = startAnswering([{ origin: parseName("example."), text: zone }]);
  const seeds = [plainQuery(), signedQuery()];
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
      fc.option(fc.nat(200), { nil: undefined }),
    )
    .map(([seed, changes, length]) => {
      const copy = new Uint8Array(seed);
      for (const [at, octet] of changes) if (at < copy.length) copy[at] = octet;
      return length === undefined ? copy : copy.slice(0, length);
    });
  const octets = fc.oneof(mutated, fc.uint8Array({ maxLength: 300 }));

  test("never throw and never outgrow the response", () => {
    fc.assert(
      fc.property(octets, fc.integer({ min: 300, max: 1300 }), (bytes, size) => {
        const response = new Uint8Array(size);
        for (const transport of ["udp", "tcp"] as const) {
          const length = answer(bytes, bytes.length, clientOf(transport), response);
          expect(length).toBeLessThanOrEqual(size);
          if (length > 0) readMessage(response.slice(0, length));
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("are judged alike by the gate and by what opens signed messages", () => {
    fc.assert(
      fc.property(octets, (bytes) => {
        const response = new Uint8Array(512);
        const length = answer(bytes, bytes.length, clientOf("tcp"), response);
        const opened = open(bytes);
        if (opened.kind === "silence") expect(length).toBe(0);
        if (opened.kind === "reply" && length > 0) {
          expect(opened.bytes[3]! & 15).toBe(response[3]! & 15);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
