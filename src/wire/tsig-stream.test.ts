import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../base/bytes.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "./code-points.ts";
import { makeQuery, writeMessage } from "./message.ts";
import { parseName } from "./name.ts";
import { findTsig, signTsig, type TsigKey, verifyTsig } from "./tsig.ts";
import type { TsigRecord } from "./tsig-record.ts";
import { TsigStream } from "./tsig-stream.ts";
import { WriterFull } from "./writer.ts";

const NOW = 1_700_000_000;
const KEY: TsigKey = {
  name: parseName("transfer.key."),
  algorithm: "hmac-sha256",
  secret: Uint8Array.of(1, 2, 3, 4),
};

function unsigned(id: number): { message: Uint8Array; length: number } {
  const message = new Uint8Array(300);
  const query = makeQuery({ id, name: parseName("example.com."), qtype: Type.AXFR });
  return { message, length: writeMessage(query, message) };
}

function tsigOf(message: Uint8Array): TsigRecord {
  const search = findTsig(message);
  if (search.status !== "found") throw new Error(`no TSIG: ${search.status}`);
  return search.tsig;
}

function signedRequest(): Uint8Array {
  const { message, length } = unsigned(7);
  return message.slice(0, signTsig({ message, length, key: KEY, nowSeconds: NOW }));
}

const REQUEST_MAC = tsigOf(signedRequest()).mac;

/** The messages of an answer, each signed. */
function answer(count: number): Uint8Array[] {
  const stream = new TsigStream(KEY, REQUEST_MAC);
  return Array.from({ length: count }, (_, at) => {
    const place = unsigned(at);
    return place.message.slice(0, stream.sign(place, NOW + at));
  });
}

function verifyAll(messages: readonly Uint8Array[], nowSeconds = NOW): string[] {
  const stream = new TsigStream(KEY, REQUEST_MAC);
  return messages.map((message) => stream.verify(message, nowSeconds));
}

/** RFC 8945 §5.3.1 by the letter, to check the stream against something else than itself. */
function laterMac(earlierMac: Uint8Array, messages: readonly Uint8Array[], time: number): Buffer {
  const length = Uint8Array.of(0, earlierMac.length);
  const timers = Buffer.alloc(8);
  timers.writeUIntBE(time, 0, 6);
  timers.writeUInt16BE(Limits.tsigFudge, 6);
  const signed = concatBytes([length, earlierMac, ...messages, timers]);
  return createHmac("sha256", KEY.secret).update(signed).digest();
}

function withoutTsig(message: Uint8Array): Uint8Array {
  const bare = message.slice(0, tsigOf(message).offset);
  bare[11] = 0;
  return bare;
}

/** An answer whose first and last messages are signed, with so many between that are not. */
function sparseAnswer(between: number): Uint8Array[] {
  const [first] = answer(1) as [Uint8Array];
  const middle = Array.from({ length: between }, (_, at) => {
    const { message, length } = unsigned(100 + at);
    return message.slice(0, length);
  });
  const place = unsigned(999);
  const length = signTsig({ ...place, key: KEY, nowSeconds: NOW });
  const last = place.message.slice(0, length);
  const mac = laterMac(tsigOf(first).mac, [...middle, withoutTsig(last)], NOW);
  last.set(mac, last.length - 6 - mac.length);
  return [first, ...middle, last];
}

describe("an answer of several messages", () => {
  it("verifies as a whole", () => {
    expect(verifyAll(answer(5))).toEqual(["ok", "ok", "ok", "ok", "ok"]);
  });

  it("begins as any signed answer does", () => {
    const [first] = answer(1) as [Uint8Array];
    const check = { message: first, tsig: tsigOf(first), key: KEY, nowSeconds: NOW };
    expect(verifyTsig({ ...check, requestMac: REQUEST_MAC }).status).toBe("ok");
  });

  it("goes on with the MAC before, the message and the timers", () => {
    const [first, second] = answer(2) as [Uint8Array, Uint8Array];
    const expected = laterMac(tsigOf(first).mac, [withoutTsig(second)], NOW + 1);
    expect(Buffer.from(tsigOf(second).mac)).toEqual(expected);
  });

  it("does not verify with a message left out, repeated, moved or changed", () => {
    const [a, b, c] = answer(3) as [Uint8Array, Uint8Array, Uint8Array];
    expect(verifyAll([a, c])).toEqual(["ok", "badsig"]);
    expect(verifyAll([a, a])).toEqual(["ok", "badsig"]);
    expect(verifyAll([b])).toEqual(["badsig"]);
    const changed = b.slice();
    changed[15] = changed[15]! ^ 1;
    expect(verifyAll([a, changed])).toEqual(["ok", "badsig"]);
    expect(verifyAll([a, changed, b, c])).toEqual(["ok", "badsig", "badsig", "badsig"]);
  });

  it("does not verify for another request, key or time", () => {
    const [a, b] = answer(2) as [Uint8Array, Uint8Array];
    const other = new Uint8Array(REQUEST_MAC.length);
    expect(new TsigStream(KEY, other).verify(a, NOW)).toBe("badsig");
    const key = { ...KEY, name: parseName("other.") };
    expect(new TsigStream(key, REQUEST_MAC).verify(a, NOW)).toBe("badkey");
    expect(verifyAll([a], NOW + Limits.tsigFudge + 1)).toEqual(["badtime"]);
    const stream = new TsigStream(KEY, REQUEST_MAC);
    expect(stream.verify(a, NOW)).toBe("ok");
    expect(stream.verify(b, NOW + 1 + Limits.tsigFudge + 1)).toBe("badtime");
  });

  /** The message of a stream's first answer, its MAC cut down to so many octets. */
  function cutMac(octets: number): Uint8Array {
    const [first] = answer(1) as [Uint8Array];
    const { offset, mac } = tsigOf(first);
    const macAt = offset + KEY.name.length + 10 + 13 + 10;
    const left = mac.length - octets;
    const cut = Uint8Array.from([...first.slice(0, macAt + octets), ...first.slice(macAt + 32)]);
    cut[macAt - 1] = octets;
    cut[offset + KEY.name.length + 9] = cut[offset + KEY.name.length + 9]! - left;
    return cut;
  }

  it("calls a malformed TSIG and an impossible MAC length by their name", () => {
    const [first] = answer(1) as [Uint8Array];
    expect(verifyAll([first.slice(0, -1)])).toEqual(["formerr"]);
    expect(verifyAll([cutMac(15)])).toEqual(["formerr"]);
  });

  it("does not take half a MAC, though it be the right half", () => {
    expect(verifyAll([cutMac(16)])).toEqual(["badtrunc"]);
    expect(verifyAll([cutMac(32)])).toEqual(["ok"]);
  });

  it("throws when there is no room, and can go on after that", () => {
    const stream = new TsigStream(KEY, REQUEST_MAC);
    const place = unsigned(0);
    const signed = answer(1)[0] as Uint8Array;
    expect(() => stream.sign({ ...place, capacity: signed.length - 1 }, NOW)).toThrow(WriterFull);
    expect(stream.sign({ ...place, capacity: signed.length }, NOW)).toBe(signed.length);
    expect(place.message.slice(0, signed.length)).toEqual(signed);
  });
});

describe("unsigned messages between signed ones", () => {
  it("are vouched for by the next signed one, up to 99 of them", () => {
    const statuses = verifyAll(sparseAnswer(Limits.tsigUnsigned));
    expect(statuses.slice(1, -1).every((status) => status === "unsigned")).toBe(true);
    expect([statuses[0], statuses.at(-1)]).toEqual(["ok", "ok"]);
  });

  it("are too many when there are 100", () => {
    const statuses = verifyAll(sparseAnswer(Limits.tsigUnsigned + 1).slice(0, -1));
    expect(statuses.at(-2)).toBe("unsigned");
    expect(statuses.at(-1)).toBe("badsig");
  });

  it("may not be changed", () => {
    const messages = sparseAnswer(3);
    messages[2]![15] = messages[2]![15]! ^ 1;
    expect(verifyAll(messages).at(-1)).toBe("badsig");
  });

  it("may be neither first nor last", () => {
    const [first, second] = sparseAnswer(1) as [Uint8Array, Uint8Array];
    expect(verifyAll([second])).toEqual(["badsig"]);
    const stream = new TsigStream(KEY, REQUEST_MAC);
    expect(stream.isVouched).toBe(false);
    stream.verify(first, NOW);
    expect(stream.isVouched).toBe(true);
    stream.verify(second, NOW);
    expect(stream.isVouched).toBe(false);
  });
});
