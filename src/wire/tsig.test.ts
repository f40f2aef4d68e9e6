import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/bytes.ts";
import { Limits } from "../base/limits.ts";
import { Class, HEADER_LENGTH, HeaderFlag, Rcode, TsigError, Type } from "./code-points.ts";
import { HeaderOffset, u16At } from "./message-walk.ts";
import { formatName, type Name, parseName } from "./name.ts";
import {
  findTsig,
  parseTsigAlgorithm,
  signTsig,
  signTsigAnswer,
  TSIG_ALGORITHMS,
  type TsigAlgorithm,
  type TsigKey,
  type TsigStatus,
  tsigLength,
  verifyTsig,
} from "./tsig.ts";
import { type TsigRecord, writeTsig } from "./tsig-record.ts";
import { MessageWriter, WriterFull } from "./writer.ts";

const NOW = 1_700_000_000;
const SECRET = Uint8Array.from({ length: 32 }, (_, octet) => octet);
const KEY: TsigKey = { name: parseName("Router.Key."), algorithm: "hmac-sha256", secret: SECRET };
const QNAME = parseName("home.dyn.example.com.");

/** A question for the address of QNAME, followed by room for a TSIG. */
function question(flags = 0): { buffer: Uint8Array; length: number } {
  const buffer = new Uint8Array(1024);
  const writer = new MessageWriter(buffer);
  for (const word of [0x1234, flags, 1, 0, 0, 0]) writer.u16(word);
  writer.name(QNAME, true);
  writer.u16(Type.A);
  writer.u16(Class.in);
  return { buffer, length: writer.offset };
}

function signedQuestion(key = KEY, nowSeconds = NOW): Uint8Array {
  const { buffer, length } = question();
  return buffer.slice(0, signTsig({ message: buffer, length, key, nowSeconds }));
}

function tsigOf(message: Uint8Array): TsigRecord {
  const search = findTsig(message);
  if (search.status !== "found") throw new Error(`no TSIG: ${search.status}`);
  return search.tsig;
}

function verify(message: Uint8Array, key: TsigKey | undefined = KEY, nowSeconds = NOW): TsigStatus {
  return verifyTsig({ message, tsig: tsigOf(message), key, nowSeconds }).status;
}

/** A question with a TSIG RR of these fields, whatever they are. */
function questionWith(fields: Partial<TsigRecord>, key = KEY): Uint8Array {
  const signed = signedQuestion(key);
  const tsig = tsigOf(signed);
  const buffer = new Uint8Array(70_000);
  buffer.set(signed.subarray(0, tsig.offset));
  const writer = new MessageWriter(buffer, tsig.offset);
  writeTsig(writer, { ...tsig, ...fields });
  return buffer.slice(0, writer.offset);
}

describe("algorithms", () => {
  it.each([
    ["hmac-sha256", "hmac-sha256"],
    ["HMAC-SHA512.", "hmac-sha512"],
    ["hmac-md5", "hmac-md5"],
    ["HMAC-MD5.SIG-ALG.REG.INT", "hmac-md5"],
    ["hmac-md5.sig-alg.reg.int.", "hmac-md5"],
    ["hmac-sha256-128", "hmac-sha256-128"],
    ["hmac-md5.example.", undefined],
    ["hmac-sha3", undefined],
    ["gss-tsig", undefined],
    ["", undefined],
    ["toString", undefined],
  ])("reads %s", (text, algorithm) => {
    expect(parseTsigAlgorithm(text)).toBe(algorithm);
  });

  it("reads the name as it stands in a message, in any case", () => {
    const wire = new Uint8Array(Buffer.from("\x08HMAC-MD5\x07SIG-ALG\x03REG\x03INT\x00", "latin1"));
    expect(parseTsigAlgorithm(wire)).toBe("hmac-md5");
    expect(parseTsigAlgorithm(parseName("example."))).toBeUndefined();
    for (const algorithm of TSIG_ALGORITHMS) {
      const tsig = tsigOf(signedQuestion({ ...KEY, algorithm }));
      expect(parseTsigAlgorithm(tsig.algorithm)).toBe(algorithm);
      expect(parseTsigAlgorithm(formatName(tsig.algorithm))).toBe(algorithm);
    }
  });
});

describe("signing", () => {
  it.each(TSIG_ALGORITHMS)("makes what verifies, with %s", (algorithm) => {
    const key = { ...KEY, algorithm };
    const signed = signedQuestion(key);
    expect(signed.length).toBe(question().length + tsigLength(key));
    expect(u16At(signed, HeaderOffset.additionals)).toBe(1);
    const tsig = tsigOf(signed);
    expect(tsig).toMatchObject({ timeSigned: NOW, fudge: 300, originalId: 0x1234, error: 0 });
    expect(tsig.keyName).toEqual(KEY.name);
    expect(tsig.offset).toBe(question().length);
    expect(verify(signed, key)).toBe("ok");
    const other = { ...key, secret: SECRET.slice(1) };
    expect(verify(signed, other)).toBe("badsig");
  });

  it("fills its capacity to the last octet and throws one short of it, changing nothing", () => {
    const { buffer, length } = question();
    const before = buffer.slice();
    const capacity = length + tsigLength(KEY);
    const signing = { message: buffer, length, key: KEY, nowSeconds: NOW };
    expect(() => signTsig({ ...signing, capacity: capacity - 1 })).toThrow(WriterFull);
    expect(buffer).toEqual(before);
    expect(signTsig({ ...signing, capacity })).toBe(capacity);
  });

  it("signs times that 32 bits do not hold", () => {
    for (const time of [2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1]) {
      const signed = signedQuestion(KEY, time);
      expect(tsigOf(signed).timeSigned).toBe(time);
      expect(verify(signed, KEY, time)).toBe("ok");
      expect(verify(signed, KEY, time - 2 ** 32)).toBe("badtime");
    }
  });

  it("signs other data and an error", () => {
    const { buffer, length } = question();
    const otherData = Uint8Array.of(1, 2, 3);
    const signing = { message: buffer, length, key: KEY, nowSeconds: NOW, error: 18, otherData };
    const signed = buffer.slice(0, signTsig(signing));
    expect(signed.length).toBe(length + tsigLength(KEY, 3));
    expect(tsigOf(signed)).toMatchObject({ error: 18, otherData });
    expect(verify(signed)).toBe("ok");
  });
});

describe("verifying", () => {
  it("leaves the message as it was, a Buffer too", () => {
    for (const message of [signedQuestion(), Buffer.from(signedQuestion())]) {
      message[0] = 0xff;
      const before = toHex(message);
      expect(verify(message)).toBe("ok");
      expect(toHex(message)).toBe(before);
    }
  });

  it("restores the original ID, which a forwarder may have changed", () => {
    const signed = signedQuestion();
    signed[0] = 0xff;
    expect(verify(signed)).toBe("ok");
  });

  it("takes names in any case", () => {
    const signed = signedQuestion();
    const at = tsigOf(signed).offset + 1;
    signed[at] = signed[at]! - 0x20;
    expect(String.fromCharCode(signed[at]!)).toBe("R");
    expect(verify(signed)).toBe("ok");
  });

  it("takes a key name that is compressed", () => {
    const key = { ...KEY, name: QNAME };
    const signed = signedQuestion(key);
    const { offset } = tsigOf(signed);
    const compressed = new Uint8Array(signed.length - QNAME.length + 2);
    compressed.set(signed.subarray(0, offset));
    compressed.set([0xc0, HEADER_LENGTH], offset);
    compressed.set(signed.subarray(offset + QNAME.length), offset + 2);
    expect(verify(compressed, key)).toBe("ok");
  });

  it("knows the key by its name and its algorithm", () => {
    const signed = signedQuestion();
    expect(
      verifyTsig({ message: signed, tsig: tsigOf(signed), key: undefined, nowSeconds: NOW }),
    ).toEqual({
      status: "badkey",
      mac: tsigOf(signed).mac,
    });
    expect(verify(signed, { ...KEY, name: parseName("other.") })).toBe("badkey");
    for (const algorithm of TSIG_ALGORITHMS) {
      const expected = algorithm === KEY.algorithm ? "ok" : "badkey";
      expect(verify(signed, { ...KEY, algorithm })).toBe(expected);
    }
  });

  it("allows a difference of the fudge and not one second more, either way", () => {
    const signed = signedQuestion();
    const fudge = Limits.tsigFudge;
    expect(verify(signed, KEY, NOW + fudge)).toBe("ok");
    expect(verify(signed, KEY, NOW - fudge)).toBe("ok");
    expect(verify(signed, KEY, NOW + fudge + 1)).toBe("badtime");
    expect(verify(signed, KEY, NOW - fudge - 1)).toBe("badtime");
  });

  it("looks at the MAC before the time, and at the key before both", () => {
    const signed = signedQuestion();
    const late = NOW + 10_000;
    expect(verify(signed, { ...KEY, secret: Uint8Array.of(1) }, late)).toBe("badsig");
    expect(verify(signed, { ...KEY, name: parseName("other.") }, late)).toBe("badkey");
    const cut = questionWith({ mac: tsigOf(signed).mac.slice(0, 16) });
    expect(verify(cut, KEY, late)).toBe("badtime");
    expect(verify(cut, { ...KEY, secret: Uint8Array.of(1) })).toBe("badsig");
  });

  const cuts: [TsigAlgorithm, shortest: number, full: number][] = [
    ["hmac-md5", 10, 16],
    ["hmac-sha1", 10, 20],
    ["hmac-sha224", 14, 28],
    ["hmac-sha256", 16, 32],
    ["hmac-sha384", 24, 48],
    ["hmac-sha512", 32, 64],
    ["hmac-sha256-128", 16, 16],
    ["hmac-sha384-192", 24, 24],
    ["hmac-sha512-256", 32, 32],
  ];
  it.each(cuts)(
    "takes a %s MAC of %i to %i octets, cut ones only where allowed",
    (algorithm, shortest, full) => {
      const key = { ...KEY, algorithm };
      const { mac } = tsigOf(signedQuestion(key));
      expect(mac).toHaveLength(full);
      const long = new Uint8Array(full + 1);
      long.set(mac);
      for (let length = 0; length <= full + 1; length++) {
        const message = questionWith({ mac: long.slice(0, length) }, key);
        const isPossible = length >= shortest && length <= full;
        const check = { message, tsig: tsigOf(message), key, nowSeconds: NOW };
        const strict = isPossible ? (length === full ? "ok" : "badtrunc") : "formerr";
        expect(verifyTsig(check).status).toBe(strict);
        const allowed = verifyTsig({ ...check, isTruncationAllowed: true }).status;
        expect(allowed).toBe(isPossible ? "ok" : "formerr");
      }
    },
  );

  /** All but the ID, which is the forwarder's, the names of the TSIG in lower case: what a MAC vouches for. */
  function vouched(message: Uint8Array): string {
    const { offset } = tsigOf(message);
    const folded = message.slice(2);
    for (let at = offset - 2; at < folded.length; at++) {
      const octet = folded[at]!;
      if (octet >= 0x41 && octet <= 0x5a) folded[at] = octet + 0x20;
    }
    return toHex(folded);
  }

  it("verifies nothing that was changed, whichever octet it was", () => {
    const signed = signedQuestion();
    for (let at = 0; at < signed.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = signed.slice();
        changed[at] = changed[at]! ^ (1 << bit);
        const search = findTsig(changed);
        if (search.status !== "found") continue;
        const { status } = verifyTsig({
          message: changed,
          tsig: search.tsig,
          key: KEY,
          nowSeconds: NOW,
        });
        if (status === "ok") expect(vouched(changed)).toBe(vouched(signed));
      }
    }
  });

  it("verifies no mutation of a signed message, and throws on none", () => {
    const signed = signedQuestion();
    const edit = fc.record({
      at: fc.nat(signed.length),
      remove: fc.nat(4),
      insert: fc.uint8Array({ maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let octets = [...signed];
        for (const { at, remove, insert } of edits) {
          octets = [...octets.slice(0, at), ...insert, ...octets.slice(at + remove)];
        }
        const mutated = Uint8Array.from(octets);
        if (mutated.length < HEADER_LENGTH) return;
        const search = findTsig(mutated);
        if (search.status !== "found") return;
        const { tsig } = search;
        const { status } = verifyTsig({ message: mutated, tsig, key: KEY, nowSeconds: NOW });
        if (status === "ok") expect(vouched(mutated)).toBe(vouched(signed));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("finding", () => {
  const RECORD = (owner: Name, rrtype: number, rrclass: number, ttl: number, rdata: Uint8Array) => {
    const bytes = new Uint8Array(owner.length + 10 + rdata.length);
    const writer = new MessageWriter(bytes);
    writer.name(owner, false);
    writer.u16(rrtype);
    writer.u16(rrclass);
    writer.u32(ttl);
    writer.u16(rdata.length);
    writer.bytes(rdata);
    return bytes;
  };
  const signed = signedQuestion();
  const { offset } = tsigOf(signed);
  const TSIG = signed.slice(offset);
  const RDATA = TSIG.slice(KEY.name.length + 10);
  const OPT = RECORD(parseName("."), Type.OPT, 1232, 0, new Uint8Array(0));
  const ADDRESS = RECORD(QNAME, Type.A, Class.in, 60, Uint8Array.of(192, 0, 2, 1));

  /** A question followed by these RRs, section by section. */
  const message = (answers: Uint8Array[], authorities: Uint8Array[], additionals: Uint8Array[]) => {
    const head = signed.slice(0, offset);
    head[7] = answers.length;
    head[9] = authorities.length;
    head[11] = additionals.length;
    return Uint8Array.from(
      [head, ...answers, ...authorities, ...additionals].flatMap((part) => [...part]),
    );
  };
  const tsigWith = (rdata: Uint8Array) => RECORD(KEY.name, Type.TSIG, Class.any, 0, rdata);
  const changed = (at: number, ...octets: number[]) => {
    const rdata = RDATA.slice();
    rdata.set(octets, at);
    return rdata;
  };
  const macLengthAt = parseName("hmac-sha256.").length + 8;
  const otherLengthAt = RDATA.length - 2;

  it("finds it last of the additional section, behind any records", () => {
    for (const additionals of [[TSIG], [OPT, TSIG], [ADDRESS, OPT, TSIG]]) {
      expect(findTsig(message([ADDRESS], [ADDRESS], additionals)).status).toBe("found");
    }
  });

  it("finds none where there is none", () => {
    expect(findTsig(message([], [], [])).status).toBe("none");
    expect(findTsig(message([ADDRESS], [ADDRESS], [OPT, ADDRESS])).status).toBe("none");
    expect(findTsig(new Uint8Array(HEADER_LENGTH)).status).toBe("none");
  });

  it.each([
    ["not last", message([], [], [TSIG, OPT])],
    ["twice", message([], [], [TSIG, TSIG])],
    ["in the answer section", message([TSIG], [], [OPT])],
    ["in the answer section too", message([TSIG], [], [TSIG])],
    ["in the authority section", message([], [TSIG], [OPT])],
    ["followed by octets", Uint8Array.from([...message([], [], [TSIG]), 0])],
    ["cut short", message([], [], [TSIG]).slice(0, -1)],
    ["missing though counted", message([], [], [OPT]).fill(2, 11, 12)],
    ["of class IN", message([], [], [RECORD(KEY.name, Type.TSIG, Class.in, 0, RDATA)])],
    ["with a TTL", message([], [], [RECORD(KEY.name, Type.TSIG, Class.any, 1, RDATA)])],
    ["with a high TTL", message([], [], [RECORD(KEY.name, Type.TSIG, Class.any, 2 ** 31, RDATA)])],
    ["without rdata", message([], [], [tsigWith(new Uint8Array(0))])],
    ["with rdata too long", message([], [], [tsigWith(Uint8Array.from([...RDATA, 0]))])],
    ["with rdata too short", message([], [], [tsigWith(RDATA.slice(0, -1))])],
    ["with too long a MAC length", message([], [], [tsigWith(changed(macLengthAt, 0xff, 0xff))])],
    ["with too short a MAC length", message([], [], [tsigWith(changed(macLengthAt, 0, 31))])],
    ["with other data missing", message([], [], [tsigWith(changed(otherLengthAt, 0, 6))])],
    [
      "with a compressed algorithm",
      message([], [], [tsigWith(Uint8Array.from([0xc0, 12, ...RDATA.slice(13)]))]),
    ],
    ["with a malformed algorithm", message([], [], [tsigWith(changed(0, 0x41))])],
    ["behind a question with a bad label", message([], [], [TSIG]).fill(0x40, 12, 13)],
  ])("calls it malformed when it is %s", (_, bytes) => {
    expect(findTsig(bytes).status).toBe("malformed");
  });

  it("looks only as far as the message goes", () => {
    const longer = new Uint8Array(2000).fill(0xff);
    longer.set(signed);
    expect(findTsig(longer, signed.length).status).toBe("found");
    expect(findTsig(longer).status).toBe("malformed");
  });

  it("never throws, whatever the octets", () => {
    const octet = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0, 0, 1, 0xc0, 250, 255),
    );
    fc.assert(
      fc.property(fc.array(octet, { minLength: HEADER_LENGTH, maxLength: 120 }), (octets) => {
        const bytes = Uint8Array.from(octets);
        bytes.fill(0, 4, 12);
        bytes[11] = octets[4]! % 3;
        expect(["none", "found", "malformed"]).toContain(findTsig(bytes).status);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("answering", () => {
  const LATER = NOW + 1000;

  /** The signed answer to a question, as `signTsigAnswer` makes it for this status. */
  function answer(
    request: Uint8Array,
    status: TsigStatus,
    key: TsigKey | undefined,
    nowSeconds = NOW,
  ) {
    const rcode = status === "ok" ? Rcode.noError : Rcode.notAuth;
    const { buffer, length } = question(HeaderFlag.qr | rcode);
    const tsig = tsigOf(request);
    const place = { message: buffer, length };
    return buffer.slice(0, signTsigAnswer({ ...place, request: tsig, status, key, nowSeconds }));
  }

  const check = (reply: Uint8Array, request: Uint8Array, nowSeconds = NOW) =>
    verifyTsig({
      message: reply,
      tsig: tsigOf(reply),
      key: KEY,
      nowSeconds,
      requestMac: tsigOf(request).mac,
    }).status;

  it("signs the MAC of the request along", () => {
    const request = signedQuestion();
    const reply = answer(request, "ok", KEY);
    expect(tsigOf(reply).error).toBe(TsigError.none);
    expect(check(reply, request)).toBe("ok");
    expect(check(reply, signedQuestion(KEY, NOW - 1))).toBe("badsig");
    expect(verify(reply)).toBe("badsig");
  });

  it.each([
    ["badkey", undefined, TsigError.badKey],
    ["badkey", KEY, TsigError.badKey],
    ["badsig", KEY, TsigError.badSig],
  ] as const)(
    "answers %s with the names of the request and without a MAC",
    (status, key, error) => {
      const request = signedQuestion({ ...KEY, algorithm: "hmac-sha512", name: parseName("who.") });
      const tsig = tsigOf(answer(request, status, key));
      expect(tsig).toMatchObject({ error, mac: new Uint8Array(0), timeSigned: NOW });
      expect(formatName(tsig.keyName)).toBe("who.");
      expect(formatName(tsig.algorithm)).toBe("hmac-sha512.");
    },
  );

  it("answers badtime signed, with the client's time and the server's", () => {
    const request = signedQuestion();
    const reply = answer(request, "badtime", KEY, LATER);
    const tsig = tsigOf(reply);
    expect(tsig).toMatchObject({ error: TsigError.badTime, timeSigned: NOW });
    expect(Buffer.from(tsig.otherData).readUIntBE(0, 6)).toBe(LATER);
    expect(check(reply, request, NOW)).toBe("ok");
  });

  it("answers badtrunc signed in full", () => {
    const request = questionWith({ mac: tsigOf(signedQuestion()).mac.slice(0, 16) });
    const reply = answer(request, "badtrunc", KEY);
    expect(tsigOf(reply)).toMatchObject({ error: TsigError.badTrunc });
    expect(tsigOf(reply).mac).toHaveLength(32);
    expect(check(reply, request)).toBe("ok");
  });

  it("answers a malformed TSIG without one", () => {
    expect(answer(signedQuestion(), "formerr", KEY)).toHaveLength(question().length);
  });
});
