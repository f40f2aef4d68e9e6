/** Class 6: meta classes and types in UPDATE. Every type there is, in every class that means something. */
import { describe, expect, test } from "vitest";
import { readUpdate } from "../../src/update/read-update.ts";
import { Class, isMetaType, Opcode, Rcode, Type } from "../../src/wire/code-points.ts";
import { makeQuery } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { parseType } from "../../src/wire/rr-types.ts";
import { ORIGIN } from "../fuzz/hostile-zone.ts";
import { write } from "../fuzz/seed-messages.ts";

const OWNER = parseName("x", ORIGIN);
const NO_OCTETS = new Uint8Array(0);

/** RFC 6895 §3.1, and what has no meaning in a zone: nobody's table but a list by hand. */
const NEVER_DATA = ["OPT", "NXNAME", "TKEY", "TSIG", "IXFR", "AXFR", "MAILB", "MAILA", "ANY"];

function updateOf(section: "answers" | "authorities", rrtype: number, rrclass: number) {
  const record = { owner: OWNER, rrtype, class: rrclass, ttl: 0, rdata: NO_OCTETS };
  const head = makeQuery({ id: 1, name: ORIGIN, qtype: Type.SOA });
  return write({ ...head, opcode: Opcode.update, [section]: [record] });
}

function zoneSection(qtype: number, qclass: number): Uint8Array {
  const head = makeQuery({ id: 1, name: ORIGIN, qtype });
  const questions = head.questions.map((question) => ({ ...question, qtype, qclass }));
  return write({ ...head, opcode: Opcode.update, questions });
}

describe("the zone section", () => {
  test("asks for SOA, and of 65,536 types for no other", () => {
    const message = zoneSection(Type.SOA, Class.in);
    const accepted: number[] = [];
    for (let qtype = 0; qtype < 65_536; qtype++) {
      message[12 + ORIGIN.length] = qtype >> 8;
      message[13 + ORIGIN.length] = qtype & 0xff;
      if (readUpdate(message).status === "read") accepted.push(qtype);
    }
    expect(accepted).toEqual([Type.SOA]);
  });

  test("is of class IN; ANY and NONE are FORMERR, any other class is no zone of ours", () => {
    for (let qclass = 0; qclass < 65_536; qclass += qclass < 300 ? 1 : 97) {
      const read = readUpdate(zoneSection(Type.SOA, qclass));
      if (qclass === Class.in) expect(read.status).toBe("read");
      else {
        const isMeta = qclass === Class.any || qclass === Class.none;
        expect(read).toMatchObject({ rcode: isMeta ? Rcode.formErr : Rcode.notAuth });
      }
    }
  });
});

describe("a type that is never data", () => {
  test("is known as such", () => {
    for (const mnemonic of NEVER_DATA) expect(isMetaType(parseType(mnemonic) as number)).toBe(true);
    expect(isMetaType(0)).toBe(true);
  });

  test.each([
    ["a prerequisite", "answers"],
    ["an update", "authorities"],
  ] as const)(
    "is FORMERR in %s, whatever its class; only ANY of classes ANY and NONE speaks of a name",
    (_, section) => {
      for (const rrclass of [Class.in, Class.any, Class.none]) {
        for (let rrtype = 0; rrtype < 256; rrtype++) {
          if (!isMetaType(rrtype)) continue;
          const read = readUpdate(updateOf(section, rrtype, rrclass));
          const isName =
            rrtype === Type.ANY &&
            (rrclass === Class.any || (rrclass === Class.none && section === "answers"));
          if (isName) expect(read.status).toBe("read");
          else expect(read).toMatchObject({ status: "refused", rcode: Rcode.formErr });
        }
      }
    },
  );

  test("of all 65,536 the operations that are read name none", () => {
    const message = updateOf("authorities", Type.A, Class.any);
    const typeAt = message.length - 10;
    let read = 0;
    for (let rrtype = 0; rrtype < 65_536; rrtype++) {
      message[typeAt] = rrtype >> 8;
      message[typeAt + 1] = rrtype & 0xff;
      const update = readUpdate(message);
      if (update.status !== "read") continue;
      read++;
      const [operation] = update.operations;
      if (operation !== undefined && "rrtype" in operation) {
        expect(isMetaType(operation.rrtype)).toBe(false);
      }
    }
    expect(read).toBeGreaterThan(65_000);
  });

  test("and no class but IN, ANY and NONE is read in either section", () => {
    for (const rrclass of [0, 2, Class.ch, 4, 253, 256, 0x8001, 65_535]) {
      for (const section of ["answers", "authorities"] as const) {
        const read = readUpdate(updateOf(section, Type.A, rrclass));
        expect(read).toMatchObject({ status: "refused", rcode: Rcode.formErr });
      }
    }
  });
});
