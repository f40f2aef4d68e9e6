import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../base/bytes.ts";
import { WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Class, HeaderFlag, Opcode, Rcode, Type } from "./code-points.ts";
import {
  type Message,
  makeQuery,
  type ResourceRecord,
  readHeader,
  readMessage,
  writeMessage,
} from "./message.ts";
import { canonicalName, formatName, type Name, parseName, parseWireName } from "./name.ts";
import { WriterFull } from "./writer.ts";

const bytesOf = (hex: string) => fromHex(hex) as Uint8Array;

function written(message: Message): Uint8Array {
  const buffer = new Uint8Array(Limits.messageLength);
  return buffer.slice(0, writeMessage(message, buffer));
}

const EMPTY: Message = {
  id: 0,
  flags: 0,
  opcode: Opcode.query,
  rcode: Rcode.noError,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
};

describe("the header", () => {
  it("is read into its fields", () => {
    expect(readHeader(bytesOf("1234 ac85 0000 0000 0000 0000"))).toEqual({
      id: 0x1234,
      flags: HeaderFlag.qr | HeaderFlag.aa | HeaderFlag.ra,
      opcode: Opcode.update,
      rcode: Rcode.refused,
    });
  });

  it("is refused when it is not whole, and so is a message without one", () => {
    for (const length of [0, 1, 11]) {
      expect(() => readHeader(new Uint8Array(20), length)).toThrow("no whole header");
      expect(() => readMessage(new Uint8Array(length))).toThrow("no whole header");
    }
    expect(readMessage(new Uint8Array(12))).toEqual(EMPTY);
  });

  it("keeps opcode, rcode and flags apart, every bit of them", () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), (id, word) => {
        const bytes = new Uint8Array(12);
        bytes.set([id >> 8, id & 0xff, word >> 8, word & 0xff]);
        expect(toHex(written(readMessage(bytes)))).toBe(toHex(bytes));
      }),
    );
  });
});

describe("a question", () => {
  it("is repeated in the case it was asked in", () => {
    const query = makeQuery({ id: 1, name: parseWireName("HoMe.Example."), qtype: Type.A });
    const read = readMessage(written(query));
    expect(read).toEqual(query);
    expect(formatName(read.questions[0]?.wireName as Name)).toBe("HoMe.Example.");
    expect(formatName(read.questions[0]?.name as Name)).toBe("home.example.");
  });

  it("carries the flags it is given", () => {
    const query = makeQuery({ id: 1, name: parseName("a."), qtype: 1, flags: HeaderFlag.rd });
    expect(toHex(written(query))).toBe("000101000001000000000000016100" + "00010001");
  });
});

describe("reading", () => {
  const QUESTION = "0161 00 0001 0001";
  const RECORD = "c00c 0001 0001 0000003c 0004 c0000201";
  const messageOf = (counts: string, body: string) => bytesOf(`0000 0000 ${counts} ${body}`);

  it("takes any counts that the octets bear out", () => {
    const two = readMessage(
      messageOf("0002 0001 0000 0001", QUESTION + QUESTION + RECORD + RECORD),
    );
    expect(two.questions).toHaveLength(2);
    expect(two.answers).toHaveLength(1);
    expect(two.additionals).toEqual(two.answers);
  });

  it.each([
    ["one question less than counted", "0002 0000 0000 0000", QUESTION, "counts more"],
    ["one record less than counted", "0001 0002 0000 0000", QUESTION + RECORD, "counts more"],
    ["65,535 of everything", "ffff ffff ffff ffff", QUESTION, "counts more"],
    [
      "room for the records counted, taken up by one",
      "0001 0002 0000 0000",
      `${QUESTION}c00c 0010 0001 0000003c 000d 0c${"61".repeat(12)}`,
      "too early",
    ],
    [
      "one octet behind the last record",
      "0001 0001 0000 0000",
      `${QUESTION + RECORD}00`,
      "goes on",
    ],
    ["a record more than counted", "0001 0001 0000 0000", QUESTION + RECORD + RECORD, "goes on"],
    [
      "rdata past the end",
      "0001 0001 0000 0000",
      `${QUESTION}c00c 0001 0001 0000003c 0005 c0000201`,
      "past the end",
    ],
    [
      "an A record of three octets",
      "0001 0001 0000 0000",
      `${QUESTION}c00c 0001 0001 0000003c 0003 c00002`,
      "bad A rdata",
    ],
    [
      "an A record of class ANY with three octets",
      "0001 0001 0000 0000",
      `${QUESTION}c00c 0001 00ff 00000000 0003 c00002`,
      "bad A rdata",
    ],
    [
      "an empty A record of class IN",
      "0001 0001 0000 0000",
      `${QUESTION}c00c 0001 0001 00000000 0000`,
      "bad A rdata",
    ],
  ])("refuses %s", (_, counts, body, problem) => {
    const read = () => readMessage(messageOf(counts, body));
    expect(read).toThrow(WindhoverError);
    expect(read).toThrow(problem);
  });

  it("takes the empty rdata of updates, and reads rdata of class NONE by its type", () => {
    const body =
      "0161 00 0006 0001" +
      "c00c 00ff 00ff 00000000 0000" +
      "c00c 0001 00fe 00000000 0000" +
      "c00c 000f 00fe 00000000 0004 000a c00c";
    const { authorities } = readMessage(messageOf("0001 0000 0003 0000", body));
    expect(authorities.map(({ rdata }) => toHex(rdata))).toEqual(["", "", "000a016100"]);
  });

  it("leaves OPT, TSIG and the rdata of other classes as they are", () => {
    const records = [
      "00 0029 00ff 00000000 0003 c00c00",
      "00 00fa 00ff 00000000 0001 ff",
      "00 0001 0003 00000000 0003 00c00c",
    ];
    const message = bytesOf(`0000 0000 0000 0000 0000 0003 ${records.join("")}`);
    const { additionals } = readMessage(message);
    expect(additionals.map(({ rdata }) => toHex(rdata))).toEqual(["c00c00", "ff", "00c00c"]);
    expect(toHex(written(readMessage(message)))).toBe(toHex(message));
  });

  it("keeps all 32 bits of a TTL", () => {
    const body = "00 0001 0001 ffffffff 0004 c0000201";
    expect(readMessage(messageOf("0000 0001 0000 0000", body)).answers[0]?.ttl).toBe(0xffff_ffff);
  });

  it("makes owners canonical", () => {
    const body = "0141 00 0001 0001 00000000 0004 c0000201";
    const [answer] = readMessage(messageOf("0000 0001 0000 0000", body)).answers;
    expect(formatName(answer?.owner as Name)).toBe("a.");
  });

  it("takes time in step with the octets, also for a message made of pointers", () => {
    // Each question's name is a pointer to the one before: the longest chains the message allows.
    const count = Math.floor((Limits.messageLength - 12) / 6);
    const bytes = new Uint8Array(12 + 1 + 4 + (count - 1) * 6);
    bytes.set([0, 0, 0, 0, count >> 8, count & 0xff], 0);
    for (let at = 17, before = 12; at < bytes.length; before = at, at += 6) {
      bytes[at] = 0xc0 | ((before >> 8) & 0x3f);
      bytes[at + 1] = before & 0xff;
    }
    expect(() => readMessage(bytes)).toThrow("too many pointers");
  });
});

const label = fc.stringMatching(/^[a-cA-C0-9_*-]{1,8}$/);
const wireName = fc
  .array(label, { maxLength: 6 })
  .map((labels) => parseWireName(`${labels.join(".")}.`.replace(/^\.$/, ".")));
const name = wireName.map(canonicalName);
const u16 = fc.nat(0xffff);

const rdataByType: Readonly<Record<number, fc.Arbitrary<Uint8Array>>> = {
  [Type.A]: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  [Type.AAAA]: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  [Type.NS]: name.map((target) => Uint8Array.from(target)),
  [Type.MX]: fc
    .tuple(u16, name)
    .map(([preference, target]) =>
      Uint8Array.from([preference >> 8, preference & 0xff, ...target]),
    ),
  [Type.TXT]: fc
    .array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 3 })
    .map((strings) => Uint8Array.from(strings.flatMap((octets) => [octets.length, ...octets]))),
  [Type.SOA]: fc
    .tuple(name, name, fc.uint8Array({ minLength: 20, maxLength: 20 }))
    .map(([mname, rname, numbers]) => Uint8Array.from([...mname, ...rname, ...numbers])),
  65280: fc.uint8Array({ maxLength: 30 }),
};

const record: fc.Arbitrary<ResourceRecord> = fc
  .constantFrom(...Object.keys(rdataByType).map(Number))
  .chain((rrtype) =>
    fc.record({
      owner: name,
      rrtype: fc.constant(rrtype),
      class: fc.constant(Class.in),
      ttl: fc.nat(0xffff_ffff),
      rdata: rdataByType[rrtype] as fc.Arbitrary<Uint8Array>,
    }),
  );

const question = fc
  .record({ wireName, qtype: u16, qclass: u16 })
  .map((fields) => ({ name: canonicalName(fields.wireName), ...fields }));

const deletion: fc.Arbitrary<ResourceRecord> = fc.record({
  owner: name,
  rrtype: fc.constantFrom(Type.A, Type.ANY, Type.TXT),
  class: fc.constantFrom(Class.any, Class.none),
  ttl: fc.constant(0),
  rdata: fc.constant(new Uint8Array(0)),
});

const anyMessage: fc.Arbitrary<Message> = fc.record({
  id: u16,
  flags: fc.nat(0xffff).map((word) => word & 0x87f0),
  opcode: fc.nat(15),
  rcode: fc.nat(15),
  questions: fc.array(question, { maxLength: 3 }),
  answers: fc.array(fc.oneof(record, deletion), { maxLength: 6 }),
  authorities: fc.array(fc.oneof(record, deletion), { maxLength: 6 }),
  additionals: fc.array(record, { maxLength: 6 }),
});

/** A later name may end in a question's labels, whose case a client chose: compare questions without it. */
const folded = (message: Message) => ({
  ...message,
  questions: message.questions.map(({ wireName: _, ...rest }) => rest),
});

describe("writing", () => {
  it("gives back every message it is read from", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const bytes = written(message);
        const read = readMessage(bytes);
        expect(folded(read)).toEqual(folded(message));
        expect(toHex(written(read))).toBe(toHex(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it("fills a buffer of the right length and throws one short of it", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const { length } = written(message);
        expect(writeMessage(message, new Uint8Array(length))).toBe(length);
        expect(() => writeMessage(message, new Uint8Array(length - 1))).toThrow(WriterFull);
      }),
    );
  });

  it("reads any mutation of a message to its end, or throws a WindhoverError", () => {
    const edit = fc.record({ at: fc.nat(400), octet: fc.nat(255) });
    fc.assert(
      fc.property(anyMessage, fc.array(edit, { minLength: 1, maxLength: 8 }), (message, edits) => {
        const bytes = written(message);
        for (const { at, octet } of edits) bytes[at % bytes.length] = octet;
        try {
          readMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(WindhoverError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
