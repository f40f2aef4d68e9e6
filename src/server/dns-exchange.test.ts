/** The dispatcher over real parts: table, answering, keyring, engine and the reference store. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listLogger, standingClock } from "../../test/update/fakes.ts";
import { at, exampleZone, OPERATOR, ORIGIN, rrset, soa } from "../../test/update/zone-fixtures.ts";
import { createAnswerQuery } from "../answer/answer-query.ts";
import { type AnswerSettings, defaultAnswerSettings } from "../answer/answer-settings.ts";
import { type Client, Transport } from "../answer/client.ts";
import { ServerCookies } from "../answer/cookies.ts";
import { createRateLimitTable, RateLimiter } from "../answer/rate-limit.ts";
import type { Clock } from "../base/clock.ts";
import { counterRow, createCounterMemory, readCounters } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import { Keyring } from "../identity/keyring.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { createTableMemory } from "../table/table-memory.ts";
import { TableReader } from "../table/table-reader.ts";
import { TableWriter } from "../table/table-writer.ts";
import { createUpdateEngine, type UpdateEngine } from "../update/update-engine.ts";
import { Class, ExtendedError, Opcode, Rcode, TsigError, Type } from "../wire/code-points.ts";
import { DNSSEC_OK, readExtendedError, recordEdns } from "../wire/edns.ts";
import { type Message, makeQuery, readMessage, writeMessage } from "../wire/message.ts";
import { parseName } from "../wire/name.ts";
import { findTsig, signTsig, type TsigKey, verifyTsig } from "../wire/tsig.ts";
import { TsigStream } from "../wire/tsig-stream.ts";
import { createDnsExchange, type DnsExchange } from "./dns-exchange.ts";
import { Transfers } from "./transfers.ts";

const NOW_SECONDS = standingClock.nowMs() / 1000;
const TABLE_BYTES = 4 * 1024 * 1024;
const TEXT = "x".repeat(60);

const secret = Buffer.from("0123456789abcdef0123456789abcdef").toString("base64");
const goodKey: TsigKey = {
  name: parseName("router"),
  algorithm: "hmac-sha256",
  secret: new Uint8Array(Buffer.from(secret, "base64")),
};

const clients: readonly (readonly [string, Client])[] = [
  ["UDP", { transport: Transport.udp, address: "192.0.2.9", port: 4321 }],
  ["TCP", { transport: Transport.tcp, address: "192.0.2.9", port: 4321 }],
  ["TLS", { transport: Transport.tls, address: "192.0.2.9", port: 4321 }],
];
const [[, udp], [, tcp]] = clients as [(typeof clients)[0], (typeof clients)[0]];

interface ExchangeOptions {
  readonly engine?: UpdateEngine;
  readonly clock?: Clock;
  readonly limiter?: RateLimiter;
}

async function startExchange(options: ExchangeOptions = {}) {
  const log = listLogger();
  const store = new MemoryStore();
  const table = createTableMemory(TABLE_BYTES);
  const writer = new TableWriter(table);
  const clock = options.clock ?? standingClock;
  const engine = createUpdateEngine({ store, writer, clock, log });
  await engine.start();
  const texts = Array.from({ length: 40 }, (_, index) => `"${index}${TEXT}"`);
  const zone = [
    ...exampleZone(),
    rrset("few", 60, "TXT", `"${TEXT}"`, `"${TEXT}y"`, `"${TEXT}z"`),
    rrset("many", 60, "TXT", ...texts),
  ];
  await engine.createZone({ origin: ORIGIN, principal: OPERATOR, door: "cli", address: "" }, zone);
  const keyring = new Keyring({ store, log });
  keyring.replaceConfigured([
    {
      name: "router",
      algorithm: "hmac-sha256",
      secret,
      grants: [{ allow: ["update"], zone: "dyn.example.com" }],
    },
    {
      name: "secondary",
      algorithm: "hmac-sha256",
      secret,
      grants: [{ allow: ["transfer"], zone: "dyn.example.com" }],
    },
  ]);
  const counterMemory = createCounterMemory(1);
  const counters = counterRow(counterMemory, 0);
  const settings = { ...defaultAnswerSettings, cookieSecret: new Uint8Array(16).fill(7) };
  const reader = new TableReader(table, 0);
  const answerQuery = createAnswerQuery({ reader, counters, settings, clock });
  const cookies = new ServerCookies(settings.cookieSecret as Uint8Array, clock);
  const { udpPayload } = settings;
  const answering = { answerQuery, cookies, limiter: options.limiter, udpPayload };
  const parts = { answering, keyring, clock, log, counters };
  const transfers = new Transfers({ zones: engine, table: writer, clock, log });
  const exchange = createDnsExchange({ ...parts, transfers, engine: options.engine ?? engine });
  const serial = () => engine.zones()[0]?.serial;
  const change = (changed: AnswerSettings) => {
    const next = createAnswerQuery({ reader, counters, settings: changed, clock });
    exchange.change({ ...answering, answerQuery: next });
  };
  return { exchange, change, keyring, log, serial, counts: () => readCounters(counterMemory) };
}

/** As the transports do it: streams bring everything, workers what they deferred. */
async function exchangeOf(exchange: DnsExchange, message: Uint8Array, client: Client) {
  const door = client.transport === Transport.udp ? exchange.datagram : exchange.stream;
  const reply = await door(message.slice(), client);
  if (reply !== undefined && !(reply instanceof Uint8Array)) throw new Error("several messages");
  return reply?.slice();
}

function write(message: Message): Uint8Array {
  const buffer = new Uint8Array(Limits.messageLength);
  return buffer.slice(0, writeMessage(message, buffer));
}

const query = (owner: string, qtype: number, id = 77) =>
  write(makeQuery({ id, name: at(owner), qtype }));

function update(owner: string, address: readonly number[], origin = ORIGIN): Uint8Array {
  const rdata = Uint8Array.from(address);
  const record = { owner: at(owner), rrtype: Type.A, class: Class.in, ttl: 60, rdata };
  const head = makeQuery({ id: 99, name: origin, qtype: Type.SOA });
  return write({ ...head, opcode: Opcode.update, authorities: [record] });
}

function sign(message: Uint8Array, key: TsigKey = goodKey, nowSeconds = NOW_SECONDS): Uint8Array {
  const buffer = new Uint8Array(Limits.messageLength);
  buffer.set(message);
  return buffer.slice(0, signTsig({ message: buffer, length: message.length, key, nowSeconds }));
}

function tsigOf(message: Uint8Array) {
  const search = findTsig(message);
  if (search.status !== "found") throw new Error(`TSIG is ${search.status}`);
  return search.tsig;
}

/** Whether the reply is signed as the answer to this request. */
function isSealed(reply: Uint8Array, request: Uint8Array, key = goodKey): boolean {
  const tsig = tsigOf(reply);
  const requestMac = tsigOf(request).mac;
  const check = { message: reply, tsig, key, nowSeconds: NOW_SECONDS, requestMac };
  return verifyTsig(check).status === "ok";
}

const rcodeOf = (reply: Uint8Array | undefined) => (reply?.[3] ?? 0xff) & 0xf;

function addressesOf(reply: Uint8Array | undefined): string[] {
  if (reply === undefined) return [];
  const { answers } = readMessage(reply);
  return answers.filter(({ rrtype }) => rrtype === Type.A).map(({ rdata }) => rdata.join("."));
}

describe.each(clients)("over %s", (_, client) => {
  test("a signed query is answered and sealed", async () => {
    const { exchange } = await startExchange();
    const request = sign(query("home", Type.A));
    const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
    expect(addressesOf(reply)).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(isSealed(reply, request)).toBe(true);
  });

  test("a signed update is applied, sealed, and seen by the next query", async () => {
    const { exchange, counts } = await startExchange();
    const request = sign(update("new", [192, 0, 2, 77]));
    const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
    expect(rcodeOf(reply)).toBe(Rcode.noError);
    expect(isSealed(reply, request)).toBe(true);
    const seen = await exchangeOf(exchange, sign(query("new", Type.A)), client);
    expect(addressesOf(seen)).toEqual(["192.0.2.77"]);
    const { queriesUdp, queriesTcp, queriesTls, responsesNoError } = counts();
    expect([queriesUdp, queriesTcp, queriesTls][client.transport]).toBe(2);
    expect(queriesUdp + queriesTcp + queriesTls).toBe(2);
    expect(responsesNoError).toBe(2);
  });

  test("an unsigned update is refused and changes nothing", async () => {
    const { exchange, serial, log, counts } = await startExchange();
    const reply = await exchangeOf(exchange, update("new", [192, 0, 2, 77]), client);
    expect(rcodeOf(reply)).toBe(Rcode.refused);
    expect(serial()).toBe(1);
    expect(counts().responsesRefused).toBe(1);
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        message: "update refused",
        fields: expect.objectContaining({ actor: "anonymous", reason: "no-grant" }),
      }),
    );
  });

  test.each([
    ["a wrong MAC", wrongMac, Rcode.notAuth, TsigError.badSig],
    ["a truncated MAC", truncatedMac, Rcode.formErr, undefined],
    ["a MAC cut to half", halfMac, Rcode.notAuth, TsigError.badTrunc],
    ["another algorithm", otherAlgorithm, Rcode.notAuth, TsigError.badKey],
    ["an unknown key", unknownKey, Rcode.notAuth, TsigError.badKey],
    ["a clock that is slow", (m: Uint8Array) => late(m, -1), Rcode.notAuth, TsigError.badTime],
    ["a clock that is fast", (m: Uint8Array) => late(m, 1), Rcode.notAuth, TsigError.badTime],
    ["a TSIG that is not last", notLast, Rcode.formErr, undefined],
    ["two TSIGs", (m: Uint8Array) => sign(sign(m)), Rcode.formErr, undefined],
    ["a TSIG among the answers", misplaced, Rcode.formErr, undefined],
  ] as const)(
    "%s proves nothing: no update, no signed answer",
    async (_name, spoil, rcode, error) => {
      for (const plain of [update("new", [192, 0, 2, 77]), query("home", Type.A)]) {
        const { exchange, serial } = await startExchange();
        const reply = (await exchangeOf(exchange, spoil(plain), client)) as Uint8Array;
        expect(rcodeOf(reply)).toBe(rcode);
        expect(addressesOf(reply)).toEqual([]);
        expect(serial()).toBe(1);
        const search = findTsig(reply);
        expect(search.status === "found" ? search.tsig.error : undefined).toBe(error);
      }
    },
  );

  test("an update played again after its time is refused", async () => {
    let nowMs = standingClock.nowMs();
    const { exchange, serial } = await startExchange({
      clock: { nowMs: () => nowMs, monotonicMs: () => 0 },
    });
    const request = sign(update("new", [192, 0, 2, 77]));
    expect(rcodeOf(await exchangeOf(exchange, request, client))).toBe(Rcode.noError);
    const after = serial();
    nowMs += (Limits.tsigFudge + 1) * 1000;
    expect(rcodeOf(await exchangeOf(exchange, request, client))).toBe(Rcode.notAuth);
    expect(serial()).toBe(after);
  });

  test("an update for a zone that is not here is not ours to make", async () => {
    const { exchange } = await startExchange();
    const request = sign(update("new", [192, 0, 2, 77], parseName("other.example")));
    expect(rcodeOf(await exchangeOf(exchange, request, client))).toBe(Rcode.notAuth);
  });

  test("a malformed update is told so, sealed, and logged", async () => {
    const { exchange, log } = await startExchange();
    const head = makeQuery({ id: 5, name: ORIGIN, qtype: Type.A });
    const request = sign(write({ ...head, opcode: Opcode.update }));
    const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
    expect(rcodeOf(reply)).toBe(Rcode.formErr);
    expect(isSealed(reply, request)).toBe(true);
    expect(log.lines.map(({ message }) => message)).toContain("update refused");
  });

  test("a NOTIFY is not for a primary", async () => {
    const { exchange, counts } = await startExchange();
    const head = makeQuery({ id: 5, name: ORIGIN, qtype: Type.SOA });
    const message = write({ ...head, opcode: Opcode.notify });
    const reply = (await exchangeOf(exchange, message, client)) as Uint8Array;
    expect(readMessage(reply)).toMatchObject({
      id: 5,
      opcode: Opcode.notify,
      rcode: Rcode.notAuth,
      questions: [{ name: ORIGIN, qtype: Type.SOA }],
    });
    expect(counts().responsesNotAuth).toBe(1);
  });

  test.each([Type.IXFR, Type.AXFR])("a transfer of type %i gives nothing away", async (qtype) => {
    const { exchange } = await startExchange();
    const request = sign(query("@", qtype));
    const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
    const isAxfrOverUdp = qtype === Type.AXFR && client.transport === Transport.udp;
    expect(rcodeOf(reply)).toBe(isAxfrOverUdp ? Rcode.notImp : Rcode.refused);
    expect(readMessage(reply).answers).toEqual([]);
    expect(isSealed(reply, request)).toBe(true);
  });

  test("answers and scraps get silence", async () => {
    const { exchange } = await startExchange();
    const answer = query("home", Type.A);
    answer[2] = 0x80;
    expect(await exchangeOf(exchange, answer, client)).toBeUndefined();
    expect(await exchangeOf(exchange, answer.slice(0, 11), client)).toBeUndefined();
  });

  test("an engine that breaks costs a SERVFAIL and a line in the log", async () => {
    const engine = { submit: () => Promise.reject(new Error("out of order")) };
    const { exchange, log } = await startExchange({ engine });
    const request = sign(update("new", [192, 0, 2, 77]));
    const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
    expect(rcodeOf(reply)).toBe(Rcode.servFail);
    expect(isSealed(reply, request)).toBe(true);
    expect(log.lines.at(-1)).toMatchObject({ level: "error", fields: { problem: "out of order" } });
  });
});

test("an unsigned query on a stream is answered at once", async () => {
  const { exchange } = await startExchange();
  const reply = exchange.stream(query("home", Type.A), tcp);
  expect(reply).toBeInstanceOf(Uint8Array);
  expect(addressesOf(reply as Uint8Array)).toEqual(["192.0.2.1", "192.0.2.2"]);
});

test("replies to a stream stay as they are when the next one is made", async () => {
  const { exchange } = await startExchange();
  const first = exchange.stream(query("home", Type.A, 1), tcp) as Uint8Array;
  const before = first.slice();
  await exchange.stream(sign(query("many", Type.TXT, 2)), tcp);
  expect(first).toEqual(before);
});

test("a signed response over UDP keeps to the client's size, its TSIG included", async () => {
  const { exchange } = await startExchange();
  for (const owner of ["few", "many"]) {
    const request = sign(query(owner, Type.TXT));
    const reply = (await exchangeOf(exchange, request, udp)) as Uint8Array;
    expect(reply.length).toBeLessThanOrEqual(Limits.udpPayload);
    const isTruncated = ((reply[2] as number) & 2) !== 0;
    expect(isTruncated).toBe(owner === "many");
    expect(isSealed(reply, request)).toBe(true);
  }
});

test("the same response over TCP is whole", async () => {
  const { exchange } = await startExchange();
  const request = sign(query("many", Type.TXT));
  const reply = (await exchangeOf(exchange, request, tcp)) as Uint8Array;
  expect(readMessage(reply).answers.length).toBe(40);
});

test("a signed query for the longest name is answered and sealed within 512 octets", async () => {
  const { exchange } = await startExchange();
  const label = `${"a".repeat(63)}.`;
  const owner = parseName(`${label}${label}${label}${"b".repeat(61)}.`);
  const request = sign(write(makeQuery({ id: 3, name: owner, qtype: Type.A })));
  const reply = (await exchangeOf(exchange, request, udp)) as Uint8Array;
  expect(rcodeOf(reply)).toBe(Rcode.refused);
  expect(reply.length).toBeLessThanOrEqual(Limits.udpPayload);
  expect(isSealed(reply, request)).toBe(true);
});

test("no octets make it throw, log an error or change the zone", async () => {
  const { exchange, serial, log } = await startExchange();
  const seeds = [
    query("home", Type.A),
    sign(query("home", Type.A)),
    wrongMac(update("new", [192, 0, 2, 77])),
    update("new", [192, 0, 2, 77]),
  ];
  const flip = fc.record({ place: fc.nat(300), octet: fc.nat(255) });
  const spoilt = fc
    .tuple(fc.constantFrom(...seeds), fc.array(flip, { maxLength: 6 }), fc.nat(40))
    .map(([seed, flips, cut]) => {
      const message = seed.slice(0, Math.max(0, seed.length - Math.max(0, cut - 20)));
      for (const { place, octet } of flips) message[place % message.length] = octet;
      return message;
    });
  const anything = fc.oneof(fc.uint8Array({ maxLength: 200 }), spoilt);
  await fc.assert(
    fc.asyncProperty(anything, fc.constantFrom(...clients), async (message, [, client]) => {
      const reply = await exchangeOf(exchange, message, client);
      if (reply !== undefined)
        expect([...reply.subarray(0, 2)]).toEqual([...message.subarray(0, 2)]);
      expect(serial()).toBe(1);
    }),
    { numRuns: 2_000 },
  );
  expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
});

function wrongMac(message: Uint8Array): Uint8Array {
  return sign(message, { ...goodKey, secret: Uint8Array.of(1, 2, 3) });
}

function unknownKey(message: Uint8Array): Uint8Array {
  return sign(message, { ...goodKey, name: parseName("stranger") });
}

function otherAlgorithm(message: Uint8Array): Uint8Array {
  return sign(message, { ...goodKey, algorithm: "hmac-sha512" });
}

function late(message: Uint8Array, direction: number): Uint8Array {
  return sign(message, goodKey, NOW_SECONDS + direction * (Limits.tsigFudge + 1));
}

/** Octets behind the MAC in a TSIG without other data: original id, error, other length. */
const BEHIND_MAC = 6;
const MAC_LENGTH = 32;

/** As `message` signed, with only the first `keep` octets of the MAC. */
function cutMac(message: Uint8Array, keep: number): Uint8Array {
  const signed = sign(message);
  const macAt = signed.length - BEHIND_MAC - MAC_LENGTH;
  const cut = Uint8Array.of(
    ...signed.subarray(0, macAt + keep),
    ...signed.subarray(macAt + MAC_LENGTH),
  );
  cut[macAt - 1] = keep;
  const tsig = message.length + goodKey.name.length;
  const rdlength = tsig + 8;
  cut[rdlength + 1] = (cut[rdlength + 1] as number) - (MAC_LENGTH - keep);
  return cut;
}

function truncatedMac(message: Uint8Array): Uint8Array {
  return cutMac(message, 9);
}

function halfMac(message: Uint8Array): Uint8Array {
  return cutMac(message, MAC_LENGTH / 2);
}

function notLast(message: Uint8Array): Uint8Array {
  const signed = sign(message);
  const opt = [0, 0, Type.OPT, 4, 208, 0, 0, 0, 0, 0, 0];
  const spoilt = Uint8Array.of(...signed, ...opt);
  spoilt[11] = 2;
  return spoilt;
}

/** The TSIG stands in the answer section, and nothing in the additional. */
function misplaced(message: Uint8Array): Uint8Array {
  const signed = sign(message);
  signed[7] = (signed[7] as number) + 1;
  signed[11] = 0;
  return signed;
}

/** The message with an OPT that has these options, in hex. */
function withOpt(message: Uint8Array, options: string): Uint8Array {
  const parsed = readMessage(message);
  const rdata = new Uint8Array(Buffer.from(options, "hex"));
  const opt = { owner: parseName("."), rrtype: Type.OPT, class: 1232, ttl: DNSSEC_OK, rdata };
  return write({ ...parsed, additionals: [opt] });
}

function optionsOf(reply: Uint8Array) {
  const opt = readMessage(reply).additionals.find(({ rrtype }) => rrtype === Type.OPT);
  return opt === undefined ? undefined : recordEdns(opt).options;
}

const COOKIE = "000a00080102030405060708";
const KEEPALIVE = "000b0000";
const PADDING = "000c00020000";

describe.each(clients)("EDNS over %s", (_, client) => {
  const isStream = client.transport !== Transport.udp;
  const isTls = client.transport === Transport.tls;
  const notify = write({
    ...makeQuery({ id: 5, name: ORIGIN, qtype: Type.SOA }),
    opcode: Opcode.notify,
  });
  const requests: readonly (readonly [string, Uint8Array, boolean])[] = [
    ["a refused update", update("new", [192, 0, 2, 77]), false],
    ["an applied update", update("new", [192, 0, 2, 77]), true],
    ["a NOTIFY", notify, false],
    ["a refused transfer", query("@", Type.IXFR), true],
    ["a signed query", query("home", Type.A), true],
  ];

  test.each(requests)(
    "%s gets cookie, keepalive and padding, each where it is due",
    async (_name, plain, isSigned) => {
      const { exchange } = await startExchange();
      const asking = withOpt(plain, COOKIE + KEEPALIVE + PADDING);
      const request = isSigned ? sign(asking) : asking;
      const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
      const options = new Map(optionsOf(reply)?.map(({ code, bytes }) => [code, bytes]));
      expect(options.get(10)).toHaveLength(24);
      expect(options.get(11)).toEqual(isStream ? Uint8Array.of(0, 100) : undefined);
      expect(options.has(12)).toBe(isTls);
      if (isTls) expect(reply.length % 468).toBe(0);
      expect(options.has(15)).toBe(rcodeOf(reply) !== Rcode.noError);
      if (isSigned) expect(isSealed(reply, request)).toBe(true);
    },
  );

  test.each(requests)("%s without EDNS gets none", async (_name, plain, isSigned) => {
    const { exchange } = await startExchange();
    const request = isSigned ? sign(plain) : plain;
    const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
    expect(optionsOf(reply)).toBeUndefined();
  });

  test.each([
    ["an unknown key", unknownKey],
    ["a wrong MAC", wrongMac],
    ["a clock that is slow", (m: Uint8Array) => late(m, -1)],
  ] as const)("%s is told with an OPT when the request had one", async (_name, spoil) => {
    const { exchange } = await startExchange();
    const request = spoil(withOpt(query("home", Type.A), COOKIE));
    const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
    expect(optionsOf(reply)).toEqual([]);
    const plain = (await exchangeOf(exchange, spoil(query("home", Type.A)), client)) as Uint8Array;
    expect(optionsOf(plain)).toBeUndefined();
  });

  test.each(requests)("%s with a broken cookie is FORMERR", async (_name, plain, isSigned) => {
    const { exchange, serial } = await startExchange();
    const asking = withOpt(plain, "000a000101");
    const request = isSigned ? sign(asking) : asking;
    const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
    expect(rcodeOf(reply)).toBe(Rcode.formErr);
    expect(serial()).toBe(1);
  });

  test("an unsigned query is padded on TLS alone", async () => {
    const { exchange } = await startExchange();
    if (!isStream) return;
    const reply = (await exchangeOf(
      exchange,
      withOpt(query("home", Type.A), PADDING),
      client,
    )) as Uint8Array;
    expect(addressesOf(reply)).toHaveLength(2);
    expect(reply.length % 468 === 0).toBe(isTls);
    const plain = (await exchangeOf(
      exchange,
      withOpt(query("home", Type.A), ""),
      client,
    )) as Uint8Array;
    expect(optionsOf(plain)).toEqual([]);
  });
});

describe("a transfer", () => {
  const secondaryKey = { ...goodKey, name: parseName("secondary") };
  const ixfr = (serial: number) => {
    const record = { owner: ORIGIN, rrtype: Type.SOA, class: Class.in, ttl: 0 };
    const rdata = soa(serial).rdatas[0] as Uint8Array;
    const head = makeQuery({ id: 8, name: ORIGIN, qtype: Type.IXFR });
    return write({ ...head, authorities: [{ ...record, rdata }] });
  };

  test.each(clients.slice(1))("over %s is a stream of signed messages", async (_, client) => {
    const { exchange, counts } = await startExchange();
    const asking = withOpt(query("@", Type.AXFR), COOKIE + KEEPALIVE + PADDING);
    const request = sign(asking, secondaryKey);
    const reply = await exchange.stream(request, client);
    if (reply === undefined || reply instanceof Uint8Array) throw new Error("no stream");
    const messages: Uint8Array[] = [];
    for (const message of reply) messages.push(message.slice());
    const stream = new TsigStream(secondaryKey, tsigOf(request).mac);
    expect(messages.map((message) => stream.verify(message, NOW_SECONDS))).toEqual(["ok"]);
    const { answers } = readMessage(messages[0] as Uint8Array);
    expect(answers.filter(({ rrtype }) => rrtype === Type.SOA)).toHaveLength(2);
    const options = optionsOf(messages[0] as Uint8Array)?.map(({ code }) => code);
    expect(options).toEqual(client.transport === Transport.tls ? [10, 11, 12] : [10, 11]);
    expect(counts().responsesNoError).toBe(1);
  });

  test("over UDP is one signed message, as large as the client says", async () => {
    const { exchange } = await startExchange();
    for (const owner of ["n1", "n2", "n3", "n4", "n5", "n6", "n7"]) {
      const text = Array.from(TEXT, (letter) => letter.charCodeAt(0));
      const rdata = Uint8Array.of(TEXT.length, ...text);
      const record = { owner: at(owner), rrtype: Type.TXT, class: Class.in, ttl: 60, rdata };
      const head = makeQuery({ id: 9, name: ORIGIN, qtype: Type.SOA });
      const change = write({ ...head, opcode: Opcode.update, authorities: [record] });
      expect(rcodeOf(await exchangeOf(exchange, sign(change), udp))).toBe(Rcode.noError);
    }
    const large = sign(withOpt(ixfr(1), ""), secondaryKey);
    const whole = (await exchangeOf(exchange, large, udp)) as Uint8Array;
    expect(readMessage(whole).answers).toHaveLength(4 + 7);
    expect(whole.length).toBeGreaterThan(Limits.udpPayload);
    expect(isSealed(whole, large, secondaryKey)).toBe(true);
    const small = sign(ixfr(1), secondaryKey);
    const soaOnly = (await exchangeOf(exchange, small, udp)) as Uint8Array;
    expect(readMessage(soaOnly).answers).toHaveLength(1);
    expect(isSealed(soaOnly, small, secondaryKey)).toBe(true);
  });

  test.each([
    ["an unsigned one", (message: Uint8Array) => message],
    ["one with a key that may only update", (message: Uint8Array) => sign(message)],
  ])("is prohibited to %s", async (_, prove) => {
    const { exchange, counts } = await startExchange();
    for (const [, client] of clients) {
      const request = prove(withOpt(ixfr(1), ""));
      const reply = (await exchangeOf(exchange, request, client)) as Uint8Array;
      expect(rcodeOf(reply)).toBe(Rcode.refused);
      const [error] = optionsOf(reply) ?? [];
      expect(readExtendedError(error?.bytes as Uint8Array)?.infoCode).toBe(
        ExtendedError.prohibited,
      );
    }
    expect(counts().responsesRefused).toBe(clients.length);
  });
});

describe("rate limiting of what is refused", () => {
  const limited = () =>
    startExchange({
      limiter: new RateLimiter(
        { perSecond: 2, slip: 0, exempt: [], table: createRateLimitTable() },
        standingClock,
      ),
    });

  test.each([
    ["unsigned updates", update("new", [192, 0, 2, 77])],
    ["updates of unknown keys", unknownKey(update("new", [192, 0, 2, 77]))],
    ["queries of unknown keys", unknownKey(query("home", Type.A))],
  ])("%s over UDP are answered so many times a second", async (_, message) => {
    const { exchange, counts } = await limited();
    const replies = [];
    for (let times = 0; times < 4; times++) {
      replies.push((await exchangeOf(exchange, message, udp)) !== undefined);
    }
    expect(replies).toEqual([true, true, false, false]);
    expect(counts().rateLimitDropped).toBe(2);
  });

  test("who signs or comes over TCP is always answered", async () => {
    const { exchange } = await limited();
    for (let times = 0; times < 4; times++) {
      const signed = sign(update("new", [192, 0, 2, times]));
      expect(rcodeOf(await exchangeOf(exchange, signed, udp))).toBe(Rcode.noError);
      const open = update("new", [192, 0, 2, 77]);
      expect(rcodeOf(await exchangeOf(exchange, open, tcp))).toBe(Rcode.refused);
    }
  });
});

describe("while it runs", () => {
  test("other settings are those of the next message", async () => {
    const { exchange, change } = await startExchange();
    const ask = async () => {
      const chaos = write(makeQuery({ id: 5, name: parseName("id.server"), qtype: Type.TXT }));
      chaos[chaos.length - 1] = Class.ch;
      return rcodeOf(await exchangeOf(exchange, chaos, tcp));
    };
    expect(await ask()).toBe(Rcode.refused);
    change({ ...defaultAnswerSettings, identity: "me" });
    expect(await ask()).toBe(Rcode.noError);
  });

  test("a key that is gone proves nothing any more", async () => {
    const { exchange, keyring } = await startExchange();
    const signed = () => sign(update("home", [192, 0, 2, 9]));
    expect(rcodeOf(await exchangeOf(exchange, signed(), udp))).toBe(Rcode.noError);
    keyring.replaceConfigured([]);
    const reply = await exchangeOf(exchange, signed(), udp);
    expect(rcodeOf(reply)).toBe(Rcode.notAuth);
    expect(tsigOf(reply as Uint8Array).error).toBe(TsigError.badKey);
  });
});
