import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { at, ORIGIN, rdata } from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import { Class, HEADER_LENGTH, Opcode, Rcode, Type } from "../wire/code-points.ts";
import { type Message, type ResourceRecord, writeMessage } from "../wire/message.ts";
import { readUpdate } from "./read-update.ts";

const buffer = new Uint8Array(Limits.messageLength);

function record(
  owner: string,
  rrclass: number,
  rrtype: number,
  more: { ttl?: number; rdata?: Uint8Array } = {},
): ResourceRecord {
  const { ttl = 0, rdata: bytes = new Uint8Array(0) } = more;
  return { owner: at(owner), rrtype, class: rrclass, ttl, rdata: bytes };
}

const ZONE = {
  name: ORIGIN,
  wireName: ORIGIN,
  qtype: Type.SOA as number,
  qclass: Class.in as number,
};

function message(parts: Partial<Message>): Uint8Array {
  const whole: Message = {
    id: 7,
    flags: 0,
    opcode: Opcode.update,
    rcode: 0,
    questions: [ZONE],
    answers: [],
    authorities: [],
    additionals: [],
    ...parts,
  };
  return buffer.slice(0, writeMessage(whole, buffer));
}

function outcome(parts: Partial<Message>): string {
  const read = readUpdate(message(parts));
  return read.status === "read" ? "read" : `${read.rcode} ${read.detail}`;
}

const A_RDATA = rdata("A", "192.0.2.1");
const IN_A = record("home", Class.in, Type.A, { ttl: 60, rdata: A_RDATA });

describe("an UPDATE message", () => {
  test("says all five prerequisites and all four updates", () => {
    const read = readUpdate(
      message({
        answers: [
          record("h", Class.any, Type.ANY),
          record("h", Class.none, Type.ANY),
          record("h", Class.any, Type.A),
          record("h", Class.none, Type.DHCID),
          record("h", Class.in, Type.A, { rdata: A_RDATA }),
        ],
        authorities: [
          IN_A,
          record("h", Class.none, Type.A, { rdata: A_RDATA }),
          record("h", Class.any, Type.A),
          record("h", Class.any, Type.ANY),
        ],
      }),
    );
    const owner = at("h");
    expect(read).toEqual({
      status: "read",
      origin: ORIGIN,
      prerequisites: [
        { kind: "name-in-use", owner },
        { kind: "name-not-in-use", owner },
        { kind: "rrset-exists", owner, rrtype: Type.A },
        { kind: "rrset-absent", owner, rrtype: Type.DHCID },
        { kind: "rrset-equals", owner, rrtype: Type.A, rdata: A_RDATA },
      ],
      operations: [
        { kind: "add", owner: at("home"), rrtype: Type.A, ttl: 60, rdata: A_RDATA },
        { kind: "delete-rr", owner, rrtype: Type.A, rdata: A_RDATA },
        { kind: "delete-rrset", owner, rrtype: Type.A },
        { kind: "delete-name", owner },
      ],
    });
  });

  test("may hold DHCID and unknown types as opaque rdata, and owners outside the zone", () => {
    const opaque = Uint8Array.of(0, 1, 2, 3);
    for (const rrtype of [Type.DHCID, 65_280]) {
      const read = readUpdate(
        message({ authorities: [record("x.org.", Class.in, rrtype, { ttl: 1, rdata: opaque })] }),
      );
      expect(read).toMatchObject({ operations: [{ kind: "add", rrtype, rdata: opaque }] });
    }
  });

  test.each([
    [Limits.ttl, Limits.ttl],
    [Limits.ttl + 1, 0],
    [0xffff_ffff, 0],
  ])("TTL %i is read as %i (RFC 2181 §8)", (ttl, expected) => {
    const read = readUpdate(message({ authorities: [{ ...IN_A, ttl }] }));
    expect(read).toMatchObject({ operations: [{ ttl: expected }] });
  });

  test("may carry an OPT RR and what is left of a TSIG", () => {
    const opt = { ...record(".", 1232, Type.OPT), owner: at(".") };
    const tsig = record("key", Class.any, Type.TSIG, { rdata: new Uint8Array(20) });
    expect(outcome({ additionals: [opt, tsig] })).toBe("read");
    expect(outcome({ additionals: [{ ...opt, ttl: 1 << 16 }] })).toBe(
      "16 EDNS version 1 is not known",
    );
    expect(outcome({ additionals: [opt, opt] })).toMatch(/^1 /);
  });
});

describe("the zone section", () => {
  test.each([
    ["names no zone", [], "1 the zone section has 0 records, not one"],
    ["names two", [ZONE, ZONE], "1 the zone section has 2 records, not one"],
    ["asks another type", [{ ...ZONE, qtype: Type.A }], "1 the zone section asks A, not SOA"],
    ["has class ANY", [{ ...ZONE, qclass: Class.any }], "1 the zone section has class ANY"],
    ["has class NONE", [{ ...ZONE, qclass: Class.none }], "1 the zone section has class NONE"],
    [
      "has class CH",
      [{ ...ZONE, qclass: Class.ch }],
      "9 zone dyn.example.com. of class CH is not served here",
    ],
  ])("that %s", (_, questions, expected) => {
    expect(outcome({ questions })).toBe(expected);
  });

  test("of a message with another opcode is not read", () => {
    expect(outcome({ opcode: Opcode.query })).toMatch(`${Rcode.notImp} `);
  });
});

describe("FORMERR is the answer to", () => {
  test.each<[string, ResourceRecord]>([
    ["a TTL", record("h", Class.any, Type.A, { ttl: 1 })],
    ["a TTL with a value", record("h", Class.in, Type.A, { ttl: 1, rdata: A_RDATA })],
    ["rdata with class ANY", record("h", Class.any, Type.A, { rdata: A_RDATA })],
    ["rdata with class NONE", record("h", Class.none, Type.A, { rdata: A_RDATA })],
    ["class CH", record("h", Class.ch, Type.A)],
    ["a value of type ANY", record("h", Class.in, Type.ANY)],
    ["type AXFR", record("h", Class.any, Type.AXFR)],
    ["type TSIG", record("h", Class.none, Type.TSIG)],
    ["a value of type 0", record("h", Class.in, 0)],
  ])("a prerequisite with %s", (_, prerequisite) => {
    expect(outcome({ answers: [prerequisite] })).toMatch(/^1 prerequisite h\.dyn/);
  });

  test.each<[string, ResourceRecord]>([
    ["data of type ANY", record("h", Class.in, Type.ANY, { ttl: 1 })],
    ["data of type 0", record("h", Class.in, 0, { ttl: 1 })],
    ["data of type OPT", record("h", Class.in, Type.OPT, { ttl: 1 })],
    ["data of type TSIG", record("h", Class.in, Type.TSIG, { ttl: 1 })],
    ["data of type TKEY", record("h", Class.in, Type.TKEY, { ttl: 1 })],
    ["data of type AXFR", record("h", Class.in, Type.AXFR, { ttl: 1 })],
    ["data of type IXFR", record("h", Class.in, Type.IXFR, { ttl: 1 })],
    ["data of type MAILA", record("h", Class.in, Type.MAILA, { ttl: 1 })],
    ["data of type MAILB", record("h", Class.in, Type.MAILB, { ttl: 1 })],
    ["a deletion of type AXFR", record("h", Class.any, Type.AXFR)],
    ["a deletion of one RR of type ANY", record("h", Class.none, Type.ANY)],
    [
      "a deletion of one RR with a TTL",
      record("h", Class.none, Type.A, { ttl: 1, rdata: A_RDATA }),
    ],
    ["a deletion of an RRset with a TTL", record("h", Class.any, Type.A, { ttl: 1 })],
    ["a deletion of an RRset with rdata", record("h", Class.any, Type.A, { rdata: A_RDATA })],
    ["class CH", record("h", Class.ch, Type.A, { ttl: 1 })],
  ])("an update with %s", (_, update) => {
    expect(outcome({ authorities: [update] })).toMatch(/^1 update h\.dyn/);
  });

  test("rdata that its type does not have", () => {
    expect(outcome({ authorities: [record("h", Class.none, Type.A)] })).toMatch(/^1 /);
    const bytes = message({ authorities: [IN_A] });
    bytes[bytes.length - 5] = 3;
    expect(readUpdate(bytes.subarray(0, -1))).toMatchObject({ rcode: Rcode.formErr });
  });

  test("octets after the last record, and every message cut short", () => {
    const whole = message({ answers: [record("h", Class.any, Type.A)], authorities: [IN_A] });
    expect(readUpdate(whole).status).toBe("read");
    const longer = new Uint8Array(whole.length + 1);
    longer.set(whole);
    expect(readUpdate(longer)).toMatchObject({ rcode: Rcode.formErr });
    for (let length = 0; length < whole.length; length++) {
      expect(readUpdate(whole, length)).toMatchObject({ status: "refused", rcode: Rcode.formErr });
    }
  });
});

describe("the bound on records", () => {
  test("holds for prerequisites and updates together, before they are read", () => {
    const one = record(".", Class.any, Type.A);
    const half = Array.from({ length: Limits.updateRecords / 2 }, () => ({
      ...one,
      owner: at("."),
    }));
    expect(outcome({ answers: half, authorities: half })).toBe("read");
    expect(outcome({ answers: half, authorities: [...half, half[0]!] })).toBe(
      "5 the update has 5001 records, more than 5000",
    );
    const header = message({}).slice(0, HEADER_LENGTH);
    header.fill(0xff, 6, 10);
    expect(readUpdate(header)).toMatchObject({ reason: "limit" });
  });
});

test("no octets make it throw", () => {
  const valid = message({ answers: [record("h", Class.any, Type.A)], authorities: [IN_A] });
  const mutation = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 8 }), (mutations) => {
      const bytes = valid.slice();
      for (const [offset, octet] of mutations) bytes[offset] = octet;
      expect(["read", "refused"]).toContain(readUpdate(bytes).status);
    }),
    { numRuns: 5_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(["read", "refused"]).toContain(readUpdate(bytes).status);
    }),
  );
});
