import { describe, expect, test } from "vitest";
import { clientOf, startAnswering } from "../../test/scenarios/scenario-server.ts";
import { Counter } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import { HeaderFlag, Type } from "../wire/code-points.ts";
import { makeQuery, readMessage, writeMessage } from "../wire/message.ts";
import { formatName, parseName, parseWireName } from "../wire/name.ts";
import { defaultAnswerSettings } from "./answer-settings.ts";

const APEX = "@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n";

function startExample(text: string) {
  return startAnswering([{ origin: parseName("example."), text: APEX + text }]);
}

function queryFor(name: string, qtype: number): Uint8Array {
  const buffer = new Uint8Array(512);
  const length = writeMessage(makeQuery({ id: 1, name: parseWireName(name), qtype }), buffer);
  return buffer.slice(0, length);
}

type Server = ReturnType<typeof startExample>;

function ask({ answer }: Server, name: string, qtype: number, transport: "udp" | "tcp" = "tcp") {
  const query = queryFor(name, qtype);
  const response = new Uint8Array(Limits.messageLength);
  const length = answer(query, query.length, clientOf(transport), response);
  return { length, ...readMessage(response.slice(0, length)) };
}

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${line(index)}\n`).join("");
}

describe("counters", () => {
  test("tell transports, rcodes, truncation, silence and what is handed over", () => {
    const server = startExample(`big 60 TXT ${`"${"x".repeat(200)}" `.repeat(3)}\n`);
    ask(server, "ns.example.", Type.A, "udp");
    ask(server, "nope.example.", Type.A, "tcp");
    ask(server, "elsewhere.test.", Type.A, "tcp");
    ask(server, "big.example.", Type.TXT, "udp");
    const response = new Uint8Array(512);
    server.answer(new Uint8Array(11), 11, clientOf("udp"), response);
    const transfer = queryFor("example.", Type.AXFR);
    server.answer(transfer, transfer.length, clientOf("tls"), response);
    const bad = queryFor("example.", Type.A).fill(0xff, 12);
    server.answer(bad, bad.length, clientOf("tls"), response);
    const status = queryFor("example.", Type.A);
    status[2] = 0x10;
    server.answer(status, status.length, clientOf("tls"), response);
    const counted = Object.fromEntries(
      Object.entries(Counter)
        .map(([name, at]) => [name, server.counters[at]])
        .filter(([, count]) => count !== 0),
    );
    expect(counted).toEqual({
      queriesUdp: 2,
      queriesTcp: 2,
      queriesTls: 2,
      responsesNoError: 2,
      responsesNxDomain: 1,
      responsesRefused: 1,
      responsesFormErr: 1,
      responsesNotImp: 1,
      responsesTruncated: 1,
      ignored: 1,
      deferred: 1,
    });
  });
});

describe("the question", () => {
  test("comes back in the case it was asked in, and owners point to it", () => {
    const { answer } = startExample("");
    const query = queryFor("nS.eXaMpLe.", Type.A);
    const response = new Uint8Array(512);
    const length = answer(query, query.length, clientOf("udp"), response);
    expect(Buffer.from(response.slice(12, query.length))).toEqual(Buffer.from(query.slice(12)));
    expect([...response.slice(query.length, query.length + 2)]).toEqual([0xc0, 12]);
    expect(length).toBe(query.length + 16);
  });
});

describe("limits", () => {
  test("the addresses of as many exchangers as the limit says, and no more", () => {
    const count = Limits.additionalTargets + 1;
    const mx = lines(count, (index) => `mx 60 MX ${index} h${index}`);
    const hosts = lines(count, (index) => `h${index} 60 A 192.0.2.${index}`);
    const { answers, additionals } = ask(startExample(mx + hosts), "mx.example.", Type.MX);
    expect(answers.length).toBe(count);
    expect(additionals.length).toBe(Limits.additionalTargets);
  });

  test("settings below 512 octets are a programmer's error", () => {
    const zones = [{ origin: parseName("example."), text: APEX }];
    for (const [udpPayload, isAllowed] of [
      [512, true],
      [511, false],
      [65_535, true],
      [65_536, false],
    ] as const) {
      const start = () => startAnswering(zones, { ...defaultAnswerSettings, udpPayload });
      if (isAllowed) expect(start).not.toThrow();
      else expect(start).toThrow(/payload/);
    }
  });

  test("NSID, version and identity fit a response of 512 octets", () => {
    const zones = [{ origin: parseName("example."), text: APEX }];
    const start = (nsid: string) => () => startAnswering(zones, { ...defaultAnswerSettings, nsid });
    expect(start("n".repeat(128))).not.toThrow();
    expect(start("n".repeat(129))).toThrow(/128/);
  });
});

describe("beyond the reach of compression pointers", () => {
  test("owners are written out, and every name is what it should be", () => {
    const count = 700;
    const name = (index: number) => `server-number-${index}.in-a-long-name.del`;
    const ns = lines(count, (index) => `del 60 NS ${name(index)}`);
    const glue = lines(count, (index) => `${name(index)} 60 A 192.0.2.${index % 250}`);
    const { length, flags, authorities, additionals } = ask(
      startExample(ns + glue),
      "www.del.example.",
      Type.A,
    );
    expect(length).toBeGreaterThan(0x4000 * 2);
    expect(flags & HeaderFlag.tc).toBe(0);
    expect(authorities.length).toBe(count);
    const owners = additionals.map((record) => formatName(record.owner));
    const expected = Array.from({ length: count }, (_, index) => `${name(index)}.example.`);
    expect(owners.sort()).toEqual(expected.sort());
  });

  test.each([
    [
      "its RRs alone would fill the message",
      "AAAA",
      2_400,
      (n: number) => `2001:db8::${n.toString(16)}`,
    ],
    ["its owners, written out, would", "A", 1_500, (n: number) => `10.0.${n >> 8}.${n & 255}`],
  ])("glue that does not fit because %s is left out, and TC says so", (_, type, size, address) => {
    const count = 700;
    const name = (index: number) => `server-number-${index}.in-a-long-name.del`;
    const ns = lines(count, (index) => `del 60 NS ${name(index)}`);
    const glue = lines(count - 1, (index) => `${name(index)} 60 A 192.0.2.${index % 250}`);
    const large = lines(size, (index) => `${name(count - 1)} 60 ${type} ${address(index)}`);
    const { flags, additionals, length } = ask(
      startExample(ns + glue + large),
      "www.del.example.",
      Type.A,
    );
    expect(length).toBeGreaterThan(0x4000 * 2);
    expect(flags & HeaderFlag.tc).toBe(HeaderFlag.tc);
    expect(additionals.length).toBe(count - 1);
  });

  test("what does not fit 65,535 octets is truncated at a whole RRset", () => {
    const texts = lines(250, (index) => `many 60 TXT "${index} ${"t".repeat(180)}"`);
    const address = lines(1100, (index) => `many 60 AAAA 2001:db8::${index.toString(16)}`);
    const { flags, answers } = ask(startExample(texts + address), "many.example.", Type.ANY);
    expect(flags & HeaderFlag.tc).toBe(HeaderFlag.tc);
    expect(answers.length).toBe(250);
  });
});
