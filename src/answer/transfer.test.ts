import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  at,
  exampleZone,
  ORIGIN,
  rrset,
  rrsetsText,
  soa,
} from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import { Class, HeaderFlag, Type } from "../wire/code-points.ts";
import { DNSSEC_OK, recordEdns } from "../wire/edns.ts";
import { makeQuery, type ResourceRecord, readMessage, writeMessage } from "../wire/message.ts";
import { formatName, ROOT } from "../wire/name.ts";
import { findTsig, signTsig, type TsigKey, tsigLength } from "../wire/tsig.ts";
import { TsigStream } from "../wire/tsig-stream.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import {
  fullTransfer,
  incrementalTransfer,
  type TransferEnvelope,
  writeTransfer,
  writeWholeTransfer,
} from "./transfer.ts";

const NOW = 1_700_000_000;
const KEY: TsigKey = { name: at("key"), algorithm: "hmac-sha256", secret: Uint8Array.of(1, 2, 3) };

/** An OPT RR as a client sends it. */
const OPT: ResourceRecord = {
  owner: ROOT,
  rrtype: Type.OPT,
  class: 4096,
  ttl: DNSSEC_OK,
  rdata: new Uint8Array(0),
};

function query(additionals: readonly ResourceRecord[] = [], flags = 0): Uint8Array {
  const message = {
    ...makeQuery({ id: 0xbeef, name: ORIGIN, qtype: Type.AXFR, flags }),
    additionals,
  };
  const buffer = new Uint8Array(600);
  return buffer.slice(0, writeMessage(message, buffer));
}

function envelope(message: Uint8Array, capacity: number = Limits.messageLength): TransferEnvelope {
  const finish: TransferEnvelope["finish"] = ({ length }) => length;
  return { query: message, length: message.length, capacity, reserved: 0, isPadded: false, finish };
}

/** Copies of all messages, which share a buffer. */
function messagesOf(rrsets: Iterable<RRset>, how = envelope(query())): Uint8Array[] {
  return [...map(writeTransfer(rrsets, how), (message) => message.slice())];
}

function* map<T, U>(items: Iterable<T>, change: (item: T) => U): Iterable<U> {
  for (const item of items) yield change(item);
}

function answersOf(messages: readonly Uint8Array[]): ResourceRecord[] {
  return messages.flatMap((message) => [...readMessage(message).answers]);
}

/** Each RR by itself, as an RRset, so that orders can be compared. */
function lines(records: readonly ResourceRecord[]): string[] {
  return records.flatMap(({ owner, rrtype, ttl, rdata }) =>
    rrsetsText([makeRRset(owner, rrtype, ttl, [rdata])]),
  );
}

function inOrder(rrsets: Iterable<RRset>): string[] {
  return [...rrsets].flatMap((each) =>
    each.rdatas.flatMap((rdata) => rrsetsText([{ ...each, rdatas: [rdata] }])),
  );
}

const typesOf = (rrsets: Iterable<RRset>) => [...rrsets].map(({ rrtype }) => rrtype);

describe("a full transfer", () => {
  test("begins and ends with the SOA and has everything between, glue and occluded data too", () => {
    const zone = [...exampleZone(), rrset("hidden.sub", 60, "TXT", '"below the cut"')];
    const sent = [...fullTransfer(new ZoneMap(ORIGIN, zone))];
    expect(sent[0]?.rrtype).toBe(Type.SOA);
    expect(sent.at(-1)).toBe(sent[0]);
    expect(rrsetsText(sent.slice(0, -1))).toEqual(rrsetsText(zone));
  });

  test("has no SOA in the second place, where it would mean a difference", () => {
    const zone = new ZoneMap(ORIGIN, [rrset("a", 60, "A", "192.0.2.1"), ...exampleZone()]);
    expect(typesOf(fullTransfer(zone)).slice(0, 2)).toEqual([Type.SOA, Type.NS]);
  });

  test("shows only what is covered, the SOA and the NS of the apex", () => {
    const zone = new ZoneMap(ORIGIN, exampleZone());
    const sent = fullTransfer(zone, (owner, rrtype) => {
      return formatName(owner) === "home.dyn.example.com." && rrtype === Type.AAAA;
    });
    expect(typesOf(sent)).toEqual([Type.SOA, Type.NS, Type.AAAA, Type.SOA]);
    expect(typesOf(fullTransfer(zone, () => false))).toEqual([Type.SOA, Type.NS, Type.SOA]);
  });

  test("of a zone without name servers begins with the SOA alone", () => {
    const zone = new ZoneMap(ORIGIN, [soa(1), rrset("a", 60, "A", "192.0.2.1")]);
    expect(typesOf(fullTransfer(zone))).toEqual([Type.SOA, Type.A, Type.SOA]);
  });

  test("of a zone without an SOA is nothing", () => {
    expect([...fullTransfer(new ZoneMap(ORIGIN))]).toEqual([]);
  });
});

describe("an incremental transfer", () => {
  const change = { origin: ORIGIN, fromSerial: 1, toSerial: 3 };
  const gone = rrset("old", 60, "A", "192.0.2.1");
  const come = rrset("new", 60, "A", "192.0.2.2");

  test("is one difference: the new SOA around the old one with what goes, the new with what comes", () => {
    const sent = incrementalTransfer({ ...change, removed: [gone, soa(1)], added: [come, soa(3)] });
    expect(inOrder(sent ?? [])).toEqual(inOrder([soa(3), soa(1), gone, soa(3), come, soa(3)]));
  });

  test("needs an SOA on both sides", () => {
    expect(incrementalTransfer({ ...change, removed: [], added: [soa(3)] })).toBeUndefined();
    expect(incrementalTransfer({ ...change, removed: [soa(1)], added: [come] })).toBeUndefined();
  });
});

describe("the messages", () => {
  test("repeat ID and RD, have AA, and the question in the first alone", () => {
    const zone = [soa(1), ...manyTexts(300), soa(1)];
    const messages = messagesOf(zone, envelope(query([], HeaderFlag.rd)));
    expect(messages.length).toBeGreaterThan(1);
    for (const [index, bytes] of messages.entries()) {
      const { id, flags, rcode, questions, additionals } = readMessage(bytes);
      expect({ id, flags, rcode }).toEqual({
        id: 0xbeef,
        flags: HeaderFlag.qr | HeaderFlag.aa | HeaderFlag.rd,
        rcode: 0,
      });
      expect(questions.map(({ qtype }) => qtype)).toEqual(index === 0 ? [Type.AXFR] : []);
      expect(additionals).toEqual([]);
    }
  });

  test("answer an OPT with one in the first message, DO repeated", () => {
    const messages = messagesOf(manyTexts(300), envelope(query([OPT])));
    const [first, ...others] = messages.map((bytes) => readMessage(bytes).additionals);
    expect(first).toHaveLength(1);
    expect(recordEdns(first?.[0] as ResourceRecord)).toMatchObject({
      udpPayload: Limits.ednsPayload,
      isDnssecOk: true,
      options: [],
    });
    expect(others.flat()).toEqual([]);
  });

  test("have an OPT each when each is padded", () => {
    const padded = { ...envelope(query([OPT])), isPadded: true };
    const messages = messagesOf(manyTexts(300), padded);
    expect(messages.length).toBeGreaterThan(1);
    for (const message of messages) expect(readMessage(message).additionals).toHaveLength(1);
  });

  test("carry every RR in order, whatever the RRsets", () => {
    const anyRRset = fc
      .record({
        owner: fc.constantFrom("@", "a", "b.a", "*.a", "x.y.z"),
        sizes: fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 6 }),
      })
      .map(({ owner, sizes }) => bigRRset(owner, sizes));
    fc.assert(
      fc.property(fc.array(anyRRset, { minLength: 1, maxLength: 20 }), (rrsets) => {
        const messages = messagesOf(rrsets);
        expect(lines(answersOf(messages))).toEqual(inOrder(rrsets));
        for (const message of messages) expect(message.length).toBeLessThanOrEqual(65_535);
      }),
      { numRuns: 40 },
    );
  });

  test("begin anew at the first RR behind the bound", () => {
    const messages = messagesOf(manyTexts(500));
    for (const message of messages.slice(0, -1)) {
      const { answers } = readMessage(message);
      const last = (answers.at(-1)?.rdata.length ?? 0) + 12;
      expect(message.length).toBeGreaterThanOrEqual(Limits.transferMessage);
      expect(message.length - last).toBeLessThan(Limits.transferMessage);
    }
  });

  test("hold the largest RR that a zone may have, in a message of its own if need be", () => {
    const large = bigRRset("large", [Limits.rrsetBytes - 2]);
    const messages = messagesOf([soa(1), bigRRset("half", [15_000]), large, soa(1)]);
    expect(answersOf(messages).map(({ rrtype }) => rrtype)).toEqual([6, 65_280, 65_280, 6]);
    expect(messages).toHaveLength(3);
  });

  test("are all signed, within their capacity, and verify as one answer", () => {
    const buffer = new Uint8Array(600);
    const plain = query([OPT]);
    buffer.set(plain);
    const length = signTsig({ message: buffer, length: plain.length, key: KEY, nowSeconds: NOW });
    const request = findTsig(buffer.subarray(0, length));
    if (request.status !== "found") throw new Error("the query is signed");
    const signer = new TsigStream(KEY, request.tsig.mac);
    const messages = messagesOf([soa(1), bigRRset("x", [40_000]), ...manyTexts(300), soa(1)], {
      ...envelope(plain),
      reserved: tsigLength(KEY),
      finish: (unsigned) => signer.sign(unsigned, NOW),
    });
    const verifier = new TsigStream(KEY, request.tsig.mac);
    expect(new Set(messages.map((message) => verifier.verify(message, NOW)))).toEqual(
      new Set(["ok"]),
    );
    expect(messages.length).toBeGreaterThan(2);
  });
});

describe("a transfer in one message", () => {
  const rrsets = [soa(2), soa(1), rrset("old", 60, "A", "192.0.2.1"), soa(2)];

  test("is had when it fits to the octet, and not with one less", () => {
    const whole = writeWholeTransfer(rrsets, envelope(query()));
    expect(lines(answersOf([whole as Uint8Array]))).toEqual(inOrder(rrsets));
    const length = whole?.length ?? 0;
    expect(writeWholeTransfer(rrsets, envelope(query(), length))).toEqual(whole);
    expect(writeWholeTransfer(rrsets, envelope(query(), length - 1))).toBeUndefined();
  });

  test("keeps room for the OPT it answers with", () => {
    const length = writeWholeTransfer(rrsets, envelope(query([OPT])))?.length ?? 0;
    expect(writeWholeTransfer(rrsets, envelope(query([OPT]), length))).toHaveLength(length);
    expect(writeWholeTransfer(rrsets, envelope(query([OPT]), length - 1))).toBeUndefined();
  });
});

function manyTexts(count: number): RRset[] {
  return Array.from({ length: count }, (_, index) => bigRRset(`t${index}`, [200 + (index % 7)]));
}

/** An RRset of an unknown type with rdata of these sizes. */
function bigRRset(owner: string, sizes: readonly number[]): RRset {
  const rdatas = sizes.map((size, index) => new Uint8Array(size).fill(index));
  return makeRRset(at(owner), 65_280, 60, rdatas);
}

test("classes are IN throughout", () => {
  const classes = answersOf(messagesOf(exampleZone())).map((record) => record.class);
  expect(new Set(classes)).toEqual(new Set([Class.in]));
});
