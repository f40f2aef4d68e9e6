import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { ExtendedError, Rcode, Type } from "../wire/code-points.ts";
import { recordEdns } from "../wire/edns.ts";
import { makeQuery, readMessage, writeMessage } from "../wire/message.ts";
import { parseWireName } from "../wire/name.ts";
import { type Client, Transport } from "./client.ts";
import { ServerCookies } from "./cookies.ts";
import { ERROR_REPLY_LENGTH, writeErrorReply } from "./error-reply.ts";
import {
  appendOptions,
  PADDING_BLOCK,
  padReply,
  REPLY_OPTIONS_LENGTH,
  readAskedOptions,
} from "./reply-options.ts";

const WHY = { rcode: Rcode.refused, infoCode: ExtendedError.prohibited, text: "no" };
const cookies = new ServerCookies(new Uint8Array(16), { nowMs: () => 0, monotonicMs: () => 0 });

function clientOn(transport: keyof typeof Transport): Client {
  return { transport: Transport[transport], address: "192.0.2.1", port: 1 };
}

/** A query whose OPT has these options; without an OPT when there are none. */
function queryWith(options: string | undefined, version = 0): Uint8Array {
  const buffer = new Uint8Array(1024);
  const name = parseWireName("a.example.");
  let length = writeMessage(makeQuery({ id: 1, name, qtype: Type.SOA }), buffer);
  if (options === undefined) return buffer.slice(0, length);
  const bytes = Buffer.from(options, "hex");
  buffer[11] = 1;
  buffer.set([0, 0, 41, 4, 208, 0, version, 0, 0, 0, bytes.length, ...bytes], length);
  length += 11 + bytes.length;
  return buffer.slice(0, length);
}

const COOKIE = "000a00080102030405060708";
const KEEPALIVE = "000b0000";
const PADDING = "000c000400000000";

describe("readAskedOptions", () => {
  const read = (options: string | undefined, transport: keyof typeof Transport, version = 0) => {
    const query = queryWith(options, version);
    return readAskedOptions(query, query.length, clientOn(transport));
  };

  test("what counts on which transport", () => {
    const all = COOKIE + KEEPALIVE + PADDING;
    const cookieAt = expect.any(Number);
    expect(read(all, "udp")).toEqual({ cookieAt, wantsKeepalive: false, isPadded: false });
    expect(read(all, "tcp")).toEqual({ cookieAt, wantsKeepalive: true, isPadded: false });
    expect(read(all, "tls")).toEqual({ cookieAt, wantsKeepalive: true, isPadded: true });
    expect(read("", "tls")).toEqual({ cookieAt: 0, wantsKeepalive: false, isPadded: false });
    expect(read(undefined, "tls")).toEqual({ cookieAt: 0, wantsKeepalive: false, isPadded: false });
    expect(read("000a000101", "tcp", 1)?.cookieAt).toBe(0);
  });

  test.each([
    ["a cookie of a length that none has", "000a000101", "udp"],
    ["a keepalive with a time", "000b00020064", "tcp"],
    ["options that do not add up", "000c00ff00", "tls"],
  ] as const)("%s is malformed", (_, options, transport) => {
    expect(read(options, transport)).toBeUndefined();
  });

  test("a keepalive with a time over UDP is ignored", () => {
    expect(read("000b00020064", "udp")?.wantsKeepalive).toBe(false);
  });
});

function reply(query: Uint8Array, transport: keyof typeof Transport): Uint8Array {
  const client = clientOn(transport);
  const asked = readAskedOptions(query, query.length, client);
  if (asked === undefined) throw new Error("malformed");
  const buffer = new Uint8Array(ERROR_REPLY_LENGTH + REPLY_OPTIONS_LENGTH);
  const length = writeErrorReply(query, query.length, WHY, buffer);
  const end = appendOptions(cookies, { message: query, asked }, client, buffer, length);
  return buffer.slice(0, end);
}

function optionsOf(message: Uint8Array) {
  const opt = readMessage(message).additionals.find(({ rrtype }) => rrtype === Type.OPT);
  return opt && recordEdns(opt).options.map(({ code, bytes }) => [code, bytes.length]);
}

describe("appendOptions", () => {
  test("cookie and keepalive stand behind the extended error", () => {
    const sent = reply(queryWith(COOKIE + KEEPALIVE), "tcp");
    expect(optionsOf(sent)).toEqual([
      [15, 4],
      [10, 24],
      [11, 2],
    ]);
  });

  test("nothing is added that nobody asked for, nor where there is no OPT", () => {
    expect(optionsOf(reply(queryWith(""), "tcp"))).toEqual([[15, 4]]);
    expect(optionsOf(reply(queryWith(undefined), "tcp"))).toBeUndefined();
  });
});

describe("padReply", () => {
  const padded = (text: string, signature: number, room: number = Limits.messageLength) => {
    const query = queryWith(PADDING);
    const buffer = new Uint8Array(room).fill(0xee);
    const length = writeErrorReply(query, query.length, { ...WHY, text }, buffer);
    const end = padReply(buffer, length, signature);
    return { length, message: buffer.slice(0, end) };
  };

  test("a whole number of blocks together with its TSIG, in zeros", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.nat(600), (text, signature) => {
        const { length, message } = padded(text, signature);
        expect((message.length + signature) % PADDING_BLOCK).toBe(0);
        expect(message.length - length).toBeGreaterThanOrEqual(4);
        expect(message.length - length).toBeLessThan(PADDING_BLOCK + 4);
        expect(message.slice(length + 4).every((octet) => octet === 0)).toBe(true);
        expect(optionsOf(message)?.at(-1)).toEqual([12, message.length - length - 4]);
      }),
    );
  });

  test("not where something stands behind its OPT, as in a reply that is signed", () => {
    const query = queryWith(PADDING);
    const buffer = new Uint8Array(600);
    const length = writeErrorReply(query, query.length, WHY, buffer);
    const tsig = [0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0];
    buffer.set(tsig, length);
    buffer[11] = 2;
    const signed = buffer.slice();
    expect(readMessage(signed.slice(0, length + tsig.length)).additionals).toHaveLength(2);
    expect(padReply(buffer, length + tsig.length, 0)).toBe(length + tsig.length);
    expect(buffer).toEqual(signed);
  });

  test("as far as there is room", () => {
    const { length } = padded("x", 0);
    expect(padded("x", 0, length + 4 + 9).message).toHaveLength(length + 13);
    expect(padded("x", 10, length + 4 + 19).message).toHaveLength(length + 13);
    expect(padded("x", 0, length + 4).message).toHaveLength(length + 4);
    expect(padded("x", 0, length + 3).message).toHaveLength(length);
  });
});
