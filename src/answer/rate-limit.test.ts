import { describe, expect, test } from "vitest";
import { clientOf, startAnswering } from "../../test/scenarios/scenario-server.ts";
import { type AddressPrefix, parsePrefix } from "../base/address-octets.ts";
import { Counter } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import { HeaderFlag, Rcode, Type } from "../wire/code-points.ts";
import { recordEdns } from "../wire/edns.ts";
import { makeQuery, readMessage, writeMessage } from "../wire/message.ts";
import { parseName, parseWireName } from "../wire/name.ts";
import { defaultAnswerSettings } from "./answer-settings.ts";
import { Deferred } from "./deferred.ts";
import {
  Admission,
  createRateLimitTable,
  RateLimiter,
  type RateLimitSettings,
  ResponseKind,
} from "./rate-limit.ts";

const { send, drop, slip } = Admission;
const { answer, noData } = ResponseKind;

const START_MS = 1_704_067_200_000;

function limiterOf(settings: Partial<RateLimitSettings> = {}) {
  const time = { ms: 0 };
  const clock = { nowMs: () => START_MS + time.ms, monotonicMs: () => 0 };
  const told: [string, number][] = [];
  const limiter = new RateLimiter(
    { perSecond: 3, slip: 2, exempt: [], table: createRateLimitTable(), ...settings },
    clock,
    (address, kind) => told.push([address, kind]),
  );
  const admit = (address: string, times: number, kind: ResponseKind = answer, name = 7) =>
    Array.from({ length: times }, () => limiter.admit(address, kind, name));
  return { admit, time, told };
}

describe("one prefix, kind and name", () => {
  test("gets its number in a second, the next one is held back; every second of those slips", () => {
    const { admit, time } = limiterOf();
    expect(admit("192.0.2.1", 8)).toEqual([send, send, send, drop, slip, drop, slip, drop]);
    time.ms = 999;
    expect(admit("192.0.2.1", 1)).toEqual([slip]);
    time.ms = 1000;
    expect(admit("192.0.2.1", 4)).toEqual([send, send, send, drop]);
  });

  test("a limit of one, each slips, or none", () => {
    expect(limiterOf({ perSecond: 1, slip: 1 }).admit("192.0.2.1", 3)).toEqual([send, slip, slip]);
    const none = limiterOf({ perSecond: 1, slip: 0 }).admit("192.0.2.1", 50);
    expect(none).toEqual([send, ...Array(49).fill(drop)]);
    expect(() => limiterOf({ perSecond: 0 })).toThrow();
  });

  test("is not held back for another's sake", () => {
    const { admit } = limiterOf({ perSecond: 1 });
    expect(admit("192.0.2.1", 2)).toEqual([send, drop]);
    expect(admit("192.0.2.255", 1)).toEqual([slip]);
    expect(admit("192.0.3.1", 1)).toEqual([send]);
    expect(admit("192.0.2.1", 1, noData)).toEqual([send]);
    expect(admit("192.0.2.1", 1, answer, 8)).toEqual([send]);
    expect(admit("2001:db8:0:100::1", 1)).toEqual([send]);
    expect(admit("2001:db8:0:1ff::1", 1)).toEqual([drop]);
    expect(admit("2001:db8:0:200::1", 1)).toEqual([send]);
  });

  test("exempt prefixes have no limit", () => {
    const exempt = ["192.0.2.128/25", "2001:db8::/32"].map((each) => parsePrefix(each));
    const { admit } = limiterOf({ perSecond: 1, exempt: exempt as AddressPrefix[] });
    expect(admit("192.0.2.129", 5)).toEqual(Array(5).fill(send));
    expect(admit("2001:db8::1", 5)).toEqual(Array(5).fill(send));
    expect(admit("192.0.2.1", 2)).toEqual([send, drop]);
  });
});

describe("time and threads", () => {
  test("a clock that is set back by a little fills nothing, set by much it does", () => {
    const { admit, time } = limiterOf({ perSecond: 1, slip: 0 });
    time.ms = 10_000;
    expect(admit("192.0.2.1", 2)).toEqual([send, drop]);
    time.ms = 5_000;
    expect(admit("192.0.2.1", 1)).toEqual([drop]);
    time.ms = 4_999;
    expect(admit("192.0.2.1", 2)).toEqual([send, drop]);
    time.ms = 2 ** 31 * 1000;
    expect(admit("192.0.2.1", 2)).toEqual([send, drop]);
  });

  test("threads with one table have one limit", () => {
    const table = createRateLimitTable();
    const [one, other] = [limiterOf({ table, slip: 0 }), limiterOf({ table, slip: 0 })];
    expect(one.admit("192.0.2.1", 2)).toEqual([send, send]);
    expect(other.admit("192.0.2.1", 2)).toEqual([send, drop]);
    expect(one.admit("192.0.2.1", 1)).toEqual([drop]);
  });
});

describe("bounds", () => {
  test("more prefixes than buckets: the idle ones make room, memory does not grow", () => {
    const { admit, time } = limiterOf({ perSecond: 1 });
    for (let count = 0; count < Limits.rateLimitBuckets * 2; count++) {
      time.ms = count;
      const address = `10.${(count >> 16) & 255}.${(count >> 8) & 255}.1`;
      expect(admit(address, 1, answer, count)).toEqual([send]);
    }
    expect(admit("10.1.255.1", 1, answer, Limits.rateLimitBuckets * 2 - 1)).toEqual([drop]);
  });
});

describe("telling", () => {
  test("once when it begins to act, and again only after a quiet minute", () => {
    const { admit, time, told } = limiterOf({ perSecond: 1 });
    admit("192.0.2.1", 10);
    admit("198.51.100.1", 10, noData);
    expect(told).toEqual([["192.0.2.1", answer]]);
    time.ms = Limits.rateLimitQuietSeconds * 1000;
    admit("192.0.2.1", 10);
    expect(told).toHaveLength(1);
    time.ms += (Limits.rateLimitQuietSeconds + 1) * 1000;
    admit("198.51.100.1", 10, noData);
    expect(told).toEqual([
      ["192.0.2.1", answer],
      ["198.51.100.1", noData],
    ]);
  });
});

test("it is told again when the clock was set back meanwhile", () => {
  const { admit, time, told } = limiterOf({ perSecond: 1 });
  time.ms = 3_600_000;
  admit("192.0.2.1", 10);
  expect(told).toHaveLength(1);
  time.ms -= 5_000;
  admit("192.0.2.1", 10);
  expect(told).toHaveLength(1);
  time.ms = 0;
  admit("192.0.2.1", 10);
  expect(told).toHaveLength(2);
});

const ZONE = `@ 60 SOA ns host 1 2 3 4 5
@ 60 NS ns
ns 60 A 192.0.2.1
*.wild 60 A 192.0.2.2
sub 60 NS ns.sub
ns.sub 60 A 192.0.2.3
d 60 DNAME ns
long 60 TXT ${`"${"x".repeat(200)}" `.repeat(4)}
`;

function startLimited(settings: Partial<RateLimitSettings> = {}) {
  const table = createRateLimitTable();
  const rateLimit = { perSecond: 2, slip: 1, exempt: [], table, ...settings };
  const all = { ...defaultAnswerSettings, cookieSecret: new Uint8Array(16), rateLimit };
  return startAnswering([{ origin: parseName("example."), text: ZONE }], all);
}

type Server = ReturnType<typeof startLimited>;
type Options = { transport?: "udp" | "tcp" | "tls"; cookie?: Uint8Array };

function ask(server: Server, name: string, qtype: number = Type.A, options: Options = {}) {
  const query = new Uint8Array(512);
  const head = makeQuery({ id: 1, name: parseWireName(name), qtype });
  let length = writeMessage(head, query);
  const { cookie, transport = "udp" } = options;
  if (cookie !== undefined) {
    query[11] = 1;
    const opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, cookie.length + 4, 0, 10, 0, cookie.length];
    query.set([...opt, ...cookie], length);
    length += opt.length + cookie.length;
  }
  const response = new Uint8Array(1232);
  const end = server.answer(query, length, clientOf(transport), response);
  if (end === 0) return undefined;
  const message = readMessage(response.slice(0, end));
  const opt = message.additionals.find(({ rrtype }) => rrtype === Type.OPT);
  const edns = opt && recordEdns(opt);
  return {
    rcode: message.rcode | ((edns?.extendedRcode ?? 0) << 4),
    isTruncated: (message.flags & 0x0200) !== 0,
    answers: message.answers.length,
    cookie: edns?.options.find(({ code }) => code === 10)?.bytes,
  };
}

const slipped = { rcode: 0, isTruncated: true, answers: 0 };

describe("answerQuery", () => {
  test("a response held back becomes TC without records", () => {
    const server = startLimited();
    expect(ask(server, "ns.example.")).toMatchObject({ answers: 1, isTruncated: false });
    expect(ask(server, "ns.example.")).toMatchObject({ answers: 1 });
    expect(ask(server, "ns.example.")).toMatchObject(slipped);
    expect(ask(server, "NS.example.")).toMatchObject(slipped);
    expect(ask(server, "ns.example.", Type.TXT)).toMatchObject({ rcode: 0, isTruncated: false });
    expect(server.counters[Counter.rateLimitSlipped]).toBe(2);
    expect(server.counters[Counter.queriesUdp]).toBe(5);
  });

  test("or is dropped", () => {
    const server = startLimited({ slip: 0 });
    expect([1, 2, 3, 4].map(() => ask(server, "ns.example.")?.answers)).toEqual([
      1,
      1,
      undefined,
      undefined,
    ]);
    expect(server.counters[Counter.rateLimitDropped]).toBe(2);
    expect(server.counters[Counter.rateLimitSlipped]).toBe(0);
  });

  test.each([
    ["names that do not exist", (n: number) => `${n}.example.`, Type.A],
    ["names of a wildcard", (n: number) => `${n}.a.wild.example.`, Type.A],
    ["names of a wildcard without the type", (n: number) => `${n}.wild.example.`, Type.TXT],
    ["names below a cut", (n: number) => `${n}.sub.example.`, Type.A],
    ["names below a DNAME", (n: number) => `${n}.d.example.`, Type.A],
  ])("who invents %s is limited all the same", (_, name, qtype) => {
    const server = startLimited({ slip: 0 });
    const sent = [1, 2, 3, 4].map((n) => ask(server, name(n), qtype) !== undefined);
    expect(sent).toEqual([true, true, false, false]);
    expect(ask(server, "ns.example.")).toBeDefined();
  });

  test("errors are dropped, or leak through as they are: TC would be a lie", () => {
    const server = startLimited({ slip: 2 });
    const rcodes = [1, 2, 3, 4, 5, 6].map((n) => ask(server, `${n}.elsewhere.`)?.rcode);
    const { refused } = Rcode;
    expect(rcodes).toEqual([refused, refused, undefined, refused, undefined, refused]);
  });

  test("silence stays silence, and what is for the main thread goes there, though the limit is reached", () => {
    const server = startLimited({ perSecond: 1, slip: 1 });
    for (let times = 0; times < 3; times++) ask(server, "ns.example.");
    const send = (qtype: number, flags = 0) => {
      const query = new Uint8Array(512);
      const name = parseWireName("example.");
      const length = writeMessage(makeQuery({ id: 1, name, qtype, flags }), query);
      return server.answer(query, length, clientOf("udp"), new Uint8Array(512));
    };
    for (let times = 0; times < 3; times++) {
      expect(send(Type.A, HeaderFlag.qr)).toBe(0);
      expect(send(Type.IXFR)).toBe(Deferred.transfer);
    }
    expect(server.counters[Counter.rateLimitSlipped]).toBe(2);
  });

  test("streams have no limit", () => {
    const server = startLimited({ perSecond: 1, slip: 0 });
    for (const transport of ["tcp", "tls"] as const) {
      const answers = [1, 2, 3].map(
        () => ask(server, "ns.example.", Type.A, { transport })?.answers,
      );
      expect(answers).toEqual([1, 1, 1]);
    }
  });

  test("a client with a client cookie hears BADCOOKIE, and has no limit from then on", () => {
    const server = startLimited({ perSecond: 1 });
    const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    ask(server, "ns.example.");
    const told = ask(server, "ns.example.", Type.A, { cookie });
    expect(told).toMatchObject({ rcode: Rcode.badCookie, answers: 0, isTruncated: false });
    const whole = told?.cookie as Uint8Array;
    expect(whole).toHaveLength(24);
    for (let times = 0; times < 5; times++) {
      expect(ask(server, "ns.example.", Type.A, { cookie: whole })?.answers).toBe(1);
    }
    const refused = ask(server, "elsewhere.", Type.A, { cookie });
    expect(refused?.rcode).toBe(Rcode.refused);
    expect(ask(server, "elsewhere.", Type.A, { cookie })?.rcode).toBe(Rcode.badCookie);
    const forged = whole.map((octet, at) => (at === 23 ? octet ^ 1 : octet));
    expect(ask(server, "ns.example.", Type.A, { cookie: forged })?.rcode).toBe(Rcode.badCookie);
  });
});
