/** Transfers over real parts: grants, engine, journal, table and TSIG, without sockets. */
import { describe, expect, test } from "vitest";
import { type ListLogger, listLogger, standingClock } from "../../test/update/fakes.ts";
import {
  add,
  at,
  deleteRRset,
  exampleZone,
  OPERATOR,
  ORIGIN,
  principal,
  request,
  rrsetsText,
  ZONE_OWNER,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { type Client, Transport } from "../answer/client.ts";
import { openSigned } from "../answer/gate.ts";
import { PADDING_BLOCK, padReply } from "../answer/reply-options.ts";
import type { Clock } from "../base/clock.ts";
import { Limits } from "../base/limits.ts";
import type { Principal } from "../identity/principal.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { JournalEntry, JournalRange } from "../store/store.ts";
import { createTableMemory } from "../table/table-memory.ts";
import { TableWriter } from "../table/table-writer.ts";
import { createUpdateEngine } from "../update/update-engine.ts";
import { Class, Rcode, Type } from "../wire/code-points.ts";
import { makeQuery, type ResourceRecord, readMessage, writeMessage } from "../wire/message.ts";
import { type Name, parseName } from "../wire/name.ts";
import { signTsig, type TsigKey } from "../wire/tsig.ts";
import { TsigStream } from "../wire/tsig-stream.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { rdataSerial, withSerial } from "../zone/soa.ts";
import { type TransferReply, Transfers } from "./transfers.ts";

const KEY: TsigKey = { name: at("key"), algorithm: "hmac-sha256", secret: Uint8Array.of(1, 2, 3) };
const NOW_SECONDS = standingClock.nowMs() / 1000;
const tls: Client = { transport: Transport.tls, address: "192.0.2.9", port: 4321 };
const tcp: Client = { transport: Transport.tcp, address: "192.0.2.9", port: 4321 };
const udp: Client = { ...tcp, transport: Transport.udp };

const WHOLE = principal({ allow: ["transfer"], zone: ORIGIN });

interface Bench {
  readonly transfers: Transfers;
  readonly writer: TableWriter;
  readonly log: ListLogger;
  readonly serial: () => number;
  readonly text: () => string[];
  /** One update each. */
  readonly change: (count: number) => Promise<void>;
  readonly deleteZone: () => Promise<void>;
}

interface Options {
  readonly zone?: readonly RRset[];
  readonly clock?: Clock;
  readonly readJournal?: (
    read: (origin: Name, range: JournalRange) => Promise<readonly JournalEntry[]>,
  ) => (origin: Name, range: JournalRange) => Promise<readonly JournalEntry[]>;
}

async function start({ zone = exampleZone(), clock = standingClock, readJournal }: Options = {}) {
  const log = listLogger();
  const writer = new TableWriter(createTableMemory(16 * 1024 * 1024));
  const engine = createUpdateEngine({ store: new MemoryStore(), writer, clock, log });
  await engine.start();
  const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli", address: "" } as const;
  await engine.createZone(intent, zone);
  const read = (origin: Name, range: JournalRange) => engine.readJournal(origin, range);
  const zones = {
    version: (origin: Name) => engine.version(origin),
    view: (origin: Name) => engine.view(origin),
    readJournal: readJournal?.(read) ?? read,
  };
  let changes = 0;
  const bench: Bench = {
    transfers: new Transfers({ zones, table: writer, clock, log }),
    writer,
    log,
    serial: () => engine.version(ORIGIN)?.serial as number,
    text: () => zoneText(engine.view(ORIGIN) as NonNullable<ReturnType<typeof engine.view>>),
    change: async (count) => {
      for (let left = count; left > 0; left--) {
        const owner = `c${changes++}`;
        const verdict = await engine.submit(request([add(owner, 60, "A", "192.0.2.77")]));
        expect(verdict.status).toBe("applied");
      }
    },
    deleteZone: () => engine.deleteZone(intent),
  };
  return { ...bench, engine };
}

interface Asking {
  readonly who?: Principal;
  readonly client?: Client;
  readonly origin?: Name;
  /** The client's serial: an IXFR; without it an AXFR. */
  readonly serial?: number;
  readonly authorities?: readonly ResourceRecord[];
  readonly key?: TsigKey;
  readonly capacity?: number;
  /** Octets of the options of the query's OPT, in hex; it has none without. */
  readonly options?: string;
}

function soaRecord(serial: number, origin = ORIGIN): ResourceRecord {
  const { ttl, rdatas } = withSerial(exampleZone()[0] as RRset, serial);
  const rdata = rdatas[0] as Uint8Array;
  return { owner: origin, rrtype: Type.SOA, class: Class.in, ttl, rdata };
}

function optRecord(options: string): ResourceRecord {
  const rdata = new Uint8Array(Buffer.from(options, "hex"));
  return { owner: parseName("."), rrtype: Type.OPT, class: 1_232, ttl: 0, rdata };
}

/** What the gate makes of such a query, and the MAC of it. */
function queryOf({ who = WHOLE, client = tcp, origin = ORIGIN, serial, ...more }: Asking) {
  const isIxfr = serial !== undefined || more.authorities !== undefined;
  const question = makeQuery({ id: 7, name: origin, qtype: isIxfr ? Type.IXFR : Type.AXFR });
  const authorities = more.authorities ?? (serial === undefined ? [] : [soaRecord(serial, origin)]);
  const buffer = new Uint8Array(1_000);
  const additionals = more.options === undefined ? [] : [optRecord(more.options)];
  let length = writeMessage({ ...question, authorities, additionals }, buffer);
  const { key } = more;
  if (key !== undefined) {
    length = signTsig({ message: buffer, length, key, nowSeconds: NOW_SECONDS });
  }
  const opened = openSigned(buffer, length, () => key, NOW_SECONDS);
  if (opened.kind !== "open") throw new Error("the query is good");
  const capacity =
    more.capacity ?? (client.transport === Transport.udp ? 1_232 : Limits.messageLength);
  const isTls = client.transport === Transport.tls;
  const addOptions = isTls ? padReply : (_: Uint8Array, end: number) => end;
  return { ...opened, principal: who, client, capacity, optionsLength: 0, addOptions };
}

function messagesOf(reply: TransferReply): Uint8Array[] {
  if (reply.kind === "rejected") throw new Error(`rejected: ${reply.why.text}`);
  if (reply.kind === "message") return [reply.message];
  const messages: Uint8Array[] = [];
  for (const message of reply.messages) messages.push(message.slice());
  return messages;
}

async function ask(transfers: Transfers, asking: Asking): Promise<ResourceRecord[]> {
  const messages = messagesOf(await transfers.answer(queryOf(asking)));
  return messages.flatMap((message) => [...readMessage(message).answers]);
}

async function rejection(transfers: Transfers, asking: Asking): Promise<number> {
  const reply = await transfers.answer(queryOf(asking));
  if (reply.kind !== "rejected") throw new Error("it is answered");
  return reply.why.rcode;
}

const text = (records: readonly ResourceRecord[]) =>
  records.flatMap(({ owner, rrtype, ttl, rdata }) =>
    rrsetsText([makeRRset(owner, rrtype, ttl, [rdata])]),
  );

/** The serials of the SOAs among the answers. */
const serials = (records: readonly ResourceRecord[]) =>
  records.filter(({ rrtype }) => rrtype === Type.SOA).map(({ rdata }) => rdataSerial(rdata));

describe("AXFR", () => {
  test("gives the whole zone to who may have it", async () => {
    const { transfers, text: zone, log } = await start();
    const records = await ask(transfers, {});
    expect(text(records.slice(0, -1)).sort()).toEqual(zone());
    expect(text(records.slice(-1))).toEqual(text(records.slice(0, 1)));
    expect(log.lines.at(-1)).toMatchObject({
      message: "zone transferred",
      fields: { form: "AXFR", serial: 1, actor: "key:test", address: "192.0.2.9" },
    });
  });

  test("gives a part to who may have a part, with what every zone has", async () => {
    const { transfers } = await start();
    const grants = [
      { allow: ["transfer" as const], name: at("home"), types: [Type.AAAA] },
      { allow: ["transfer" as const], name: at("*.wild") },
      { allow: ["transfer" as const], zone: at("sub") },
      { allow: ["update" as const], zone: ORIGIN },
    ];
    const records = await ask(transfers, { who: principal(...grants) });
    const owners = text(records).map((line) => line.split(" ")[0]);
    expect(new Set(owners)).toEqual(
      new Set(["@", "home", "*.wild", "sub", "ns.sub"].map((owner) => whole(owner))),
    );
    expect(records.map(({ rrtype }) => rrtype).slice(0, 3)).toEqual([Type.SOA, Type.NS, Type.NS]);
    expect(records.filter(({ rrtype }) => rrtype === Type.A)).toHaveLength(1);
    expect(serials(records)).toEqual([1, 1]);
  });

  test.each([
    ["nobody", principal()],
    ["who may only update", ZONE_OWNER],
    ["who may have another zone", principal({ allow: ["transfer"], zone: parseName("org") })],
    ["whose grant has no types", principal({ allow: ["transfer"], zone: ORIGIN, types: [] })],
  ])("is refused to %s", async (_, who) => {
    const { transfers, log } = await start();
    expect(await rejection(transfers, { who })).toBe(Rcode.refused);
    expect(await rejection(transfers, { who, serial: 1 })).toBe(Rcode.refused);
    expect(log.lines.at(-1)).toMatchObject({ message: "transfer refused" });
  });

  test.each(["home.dyn.example.com", "example.com", "."])("is NOTAUTH for %s", async (origin) => {
    const { transfers } = await start();
    expect(await rejection(transfers, { origin: parseName(origin) })).toBe(Rcode.notAuth);
  });

  test("is one version, whatever is updated, replaced or deleted while it goes out", async () => {
    const zone = [...exampleZone(), ...manyHosts(4_000)];
    const { transfers, writer, text: now, change, engine, deleteZone } = await start({ zone });
    const before = now();
    const reply = await transfers.answer(queryOf({}));
    if (reply.kind !== "messages") throw new Error("a stream");
    const records: ResourceRecord[] = [];
    let step = 0;
    for (const message of reply.messages) {
      records.push(...readMessage(message).answers);
      step += 1;
      if (step === 1) await change(20);
      if (step === 2)
        await engine.submit(request([deleteRRset("n5", "A"), deleteRRset("home", "A")]));
      if (step === 3) await deleteZone();
      writer.reclaim();
    }
    expect(step).toBeGreaterThan(3);
    expect(text(records.slice(0, -1)).sort()).toEqual(before);
    expect(serials(records)).toEqual([1, 1]);
  });

  test("lets go of its version when the client goes away, and before it begins holds none", async () => {
    const { transfers, writer, change } = await start({
      zone: [...exampleZone(), ...manyHosts(2_000)],
    });
    const reply = await transfers.answer(queryOf({}));
    if (reply.kind !== "messages") throw new Error("a stream");
    const retired = async () => {
      await change(1);
      writer.reclaim();
      return writer.usage().bytesRetired;
    };
    expect(await retired()).toBe(0);
    for (const _ of reply.messages) {
      expect(await retired()).toBeGreaterThan(0);
      break;
    }
    expect(await retired()).toBe(0);
  });

  test("of a zone that went away before it began is NOTAUTH, signed", async () => {
    const { transfers, deleteZone } = await start();
    const query = queryOf({ key: KEY });
    const reply = await transfers.answer(query);
    await deleteZone();
    const [message] = messagesOf(reply);
    expect(readMessage(message as Uint8Array).rcode).toBe(Rcode.notAuth);
    expect(verifier(query).verify(message as Uint8Array, NOW_SECONDS)).toBe("ok");
  });

  test(`is had ${Limits.transfers} times at once and not once more`, async () => {
    const { transfers, log } = await start();
    const begin = async () => {
      const reply = await transfers.answer(queryOf({}));
      if (reply.kind !== "messages") throw new Error("a stream");
      return reply.messages[Symbol.iterator]();
    };
    const begun: Iterator<Uint8Array>[] = [];
    for (let left = Limits.transfers; left > 0; left--) begun.push(await begin());
    const rcodes = begun.map((each) => readMessage(each.next().value as Uint8Array).rcode);
    expect(new Set(rcodes)).toEqual(new Set([Rcode.noError]));
    const turnedAway = messagesOf(await transfers.answer(queryOf({})));
    expect(turnedAway.map((message) => readMessage(message).rcode)).toEqual([Rcode.servFail]);
    expect(log.lines.at(-1)).toMatchObject({ message: "transfer refused" });
    begun[0]?.return?.();
    expect(serials(await ask(transfers, {}))).toEqual([1, 1]);
  });

  test("is cut when it takes too long, and never looks finished", async () => {
    let nowMs = 0;
    const clock = { ...standingClock, monotonicMs: () => nowMs };
    const zone = [...exampleZone(), ...manyHosts(2_000)];
    const { transfers, writer } = await start({ zone, clock });
    const read = async (msBetween: number) => {
      const reply = await transfers.answer(queryOf({}));
      if (reply.kind !== "messages") throw new Error("a stream");
      const records: ResourceRecord[] = [];
      for (const message of reply.messages) {
        records.push(...readMessage(message).answers);
        if (serials(records).length < 2) nowMs += msBetween;
        msBetween = 0;
      }
    };
    await read(Limits.transferMs);
    await expect(read(Limits.transferMs + 1)).rejects.toThrow("took more than");
    writer.reclaim();
    expect(writer.usage().bytesRetired).toBe(0);
  });
});

describe("IXFR", () => {
  test("gives the difference in one step", async () => {
    const { transfers, change, log } = await start();
    await change(3);
    const records = await ask(transfers, { serial: 2 });
    expect(serials(records)).toEqual([4, 2, 4, 4]);
    expect(text(records.slice(3, -1)).sort()).toEqual([
      "c1.dyn.example.com. 60 A 192.0.2.77",
      "c2.dyn.example.com. 60 A 192.0.2.77",
    ]);
    expect(log.lines.at(-1)?.fields).toMatchObject({ form: "IXFR", serial: 4 });
  });

  test.each([tcp, udp])("gives the SOA alone to who is up to date or ahead", async (client) => {
    const { transfers, change } = await start();
    await change(1);
    for (const serial of [2, 3, 2 ** 31]) {
      expect(serials(await ask(transfers, { serial, client }))).toEqual([2]);
    }
  });

  test.each([
    ["a serial there never was", 2 ** 32 - 5, undefined],
    ["a serial that compares neither way", 2 ** 31 + 4, undefined],
    ["a journal that begins later", 1, 2],
  ])("gives the zone for %s", async (_, serial, forgotten = 0) => {
    const {
      transfers,
      change,
      text: zone,
    } = await start({
      readJournal: (read) => async (origin, range) =>
        (await read(origin, range)).filter(({ sequence }) => sequence > forgotten),
    });
    await change(3);
    const records = await ask(transfers, { serial });
    expect(text(records.slice(0, -1)).sort()).toEqual(zone());
    expect(serials(records)).toEqual([4, 4]);
  });

  test("gives the zone when the difference has more RRs than the zone has RRsets", async () => {
    const zone = exampleZone().slice(0, 2);
    const { transfers, engine } = await start({ zone });
    const replace = (value: string) => engine.submit(request([add("@", 60, "TXT", `"${value}"`)]));
    await replace("a");
    // Three RRsets; the difference is two SOAs and a TXT.
    expect(serials(await ask(transfers, { serial: 1 }))).toEqual([2, 1, 2, 2]);
    await replace("b");
    expect(serials(await ask(transfers, { serial: 1 }))).toEqual([3, 3]);
    expect(serials(await ask(transfers, { serial: 2 }))).toEqual([3, 2, 3, 3]);
  });

  test("gives the zone, and the operator a warning, when the journal cannot be read", async () => {
    const { transfers, change, log } = await start({
      readJournal: () => () => Promise.reject(new Error("disk gone")),
    });
    await change(1);
    expect(serials(await ask(transfers, { serial: 1 }))).toEqual([2, 2]);
    const warnings = log.lines.filter(({ level }) => level === "warn");
    expect(warnings.map(({ fields }) => fields.problem)).toEqual(["disk gone"]);
  });

  test("gives its part of the zone, never a difference, to who may have a part", async () => {
    const { transfers, change } = await start();
    await change(2);
    const who = principal({ allow: ["transfer"], name: at("c1") });
    const records = await ask(transfers, { who, serial: 2 });
    expect(records.map(({ rrtype }) => rrtype)).toEqual([6, 2, 2, 1, 6]);
    const overUdp = await ask(transfers, { who, serial: 2, client: udp });
    expect(serials(overUdp)).toEqual([3]);
  });

  test("over UDP gives the difference when it fits, else the SOA", async () => {
    const { transfers, change } = await start({ zone: [...exampleZone(), ...manyHosts(200)] });
    await change(3);
    expect(serials(await ask(transfers, { serial: 1, client: udp }))).toEqual([4, 1, 4, 4]);
    const fitting = messagesOf(await transfers.answer(queryOf({ serial: 1, client: udp })))[0];
    const capacity = fitting?.length ?? 0;
    const exact = { serial: 1, client: udp, capacity };
    expect(await ask(transfers, exact)).toHaveLength(7);
    expect(serials(await ask(transfers, { ...exact, capacity: capacity - 1 }))).toEqual([4]);
    expect(serials(await ask(transfers, { serial: 2 ** 32 - 1, client: udp }))).toEqual([4]);
  });

  test.each([
    ["no SOA", []],
    ["the SOA of another name", [soaRecord(1, at("home"))]],
    ["another type", [{ ...soaRecord(1), rrtype: Type.A, rdata: Uint8Array.of(1, 2, 3, 4) }]],
    ["another class", [{ ...soaRecord(1), class: Class.ch }]],
    [
      "an SOA of class ANY without rdata",
      [{ ...soaRecord(1), class: 255, rdata: new Uint8Array() }],
    ],
  ])("with %s is FORMERR", async (_, authorities) => {
    const { transfers } = await start();
    expect(await rejection(transfers, { authorities })).toBe(Rcode.formErr);
  });

  test("with malformed rdata is FORMERR", async () => {
    const { transfers } = await start();
    const rdata = Uint8Array.of(1, 2, 3);
    const query = queryOf({ authorities: [{ ...soaRecord(1), class: Class.ch, rdata }] });
    // Class, TTL, length and rdata are the last octets: class IN, whose SOA rdata this is not.
    query.message[query.length - rdata.length - 2 - 4 - 1] = Class.in;
    const reply = await transfers.answer(query);
    expect(reply).toMatchObject({
      kind: "rejected",
      why: { text: expect.stringMatching(/malformed/) },
    });
  });
});

describe("TSIG", () => {
  test.each([
    ["AXFR", undefined],
    ["IXFR", 1],
  ])("signs every message of an %s", async (_, serial) => {
    const { transfers, change } = await start({ zone: [...exampleZone(), ...manyHosts(3_000)] });
    await change(2);
    const query = queryOf({ key: KEY, ...(serial === undefined ? {} : { serial }) });
    const messages = messagesOf(await transfers.answer(query));
    const stream = verifier(query);
    const statuses = messages.map((message) => stream.verify(message, NOW_SECONDS));
    expect(new Set(statuses)).toEqual(new Set(["ok"]));
    expect(stream.isVouched).toBe(true);
    expect(messages.length).toBeGreaterThan(serial === undefined ? 3 : 0);
  });

  test.each([
    ["AXFR", undefined],
    ["IXFR", 1],
  ])("and over TLS every message is padded, if the query of an %s was", async (_, serial) => {
    const { transfers, change } = await start({ zone: [...exampleZone(), ...manyHosts(3_000)] });
    await change(2);
    const asking = { key: KEY, client: tls, ...(serial === undefined ? {} : { serial }) };
    const query = queryOf({ ...asking, options: "000c0000" });
    const messages = messagesOf(await transfers.answer(query));
    const stream = verifier(query);
    for (const message of messages) {
      expect(message.length % PADDING_BLOCK).toBe(0);
      expect(stream.verify(message, NOW_SECONDS)).toBe("ok");
    }
    expect(messages.length).toBeGreaterThan(serial === undefined ? 3 : 0);
    const plain = messagesOf(await transfers.answer(queryOf({ ...asking, options: "" })));
    const opts = plain.map((message) =>
      readMessage(message).additionals.filter(({ rrtype }) => rrtype === Type.OPT),
    );
    expect(opts.slice(1).flat()).toEqual([]);
  });

  test("signs a transfer over UDP within its octets", async () => {
    const { transfers, change } = await start();
    await change(1);
    const query = queryOf({ key: KEY, serial: 1, client: udp, capacity: 512 });
    const [message] = messagesOf(await transfers.answer(query));
    expect(verifier(query).verify(message as Uint8Array, NOW_SECONDS)).toBe("ok");
    expect(message?.length).toBeLessThanOrEqual(512);
  });
});

function verifier({ tsig }: ReturnType<typeof queryOf>): TsigStream {
  if (tsig === undefined) throw new Error("the query is signed");
  return new TsigStream(KEY, tsig.request.mac);
}

function whole(owner: string): string {
  return owner === "@" ? "dyn.example.com." : `${owner}.dyn.example.com.`;
}

function manyHosts(count: number): RRset[] {
  return Array.from({ length: count }, (_, index) =>
    makeRRset(at(`n${index}`), Type.A, 60, [Uint8Array.of(10, 0, index >> 8, index & 255)]),
  );
}
