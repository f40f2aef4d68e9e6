/** Class 8: name compression. Every trick against every reader of names, and steps counted instead of time. */
import { describe, expect, test } from "vitest";
import { openSigned } from "../../src/answer/gate.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { WindhoverError } from "../../src/base/errors.ts";
import { Limits } from "../../src/base/limits.ts";
import { readUpdate } from "../../src/update/read-update.ts";
import { Class, Opcode, Rcode, Type } from "../../src/wire/code-points.ts";
import { readMessage } from "../../src/wire/message.ts";
import { locateTsig, MALFORMED } from "../../src/wire/tsig-record.ts";
import { countReads } from "../fuzz/counted-octets.ts";
import { FUZZ_KEY, NOW_SECONDS, ORIGIN, ZONE_TEXT } from "../fuzz/hostile-zone.ts";
import { sign } from "../fuzz/seed-messages.ts";
import { clientOf, startAnswering } from "../scenarios/scenario-server.ts";

const { answer } = startAnswering([{ origin: ORIGIN, text: ZONE_TEXT }]);

function bytes(...octets: number[]): Uint8Array {
  return Uint8Array.from(octets);
}

function label(length: number): Uint8Array {
  return new Uint8Array(length + 1).fill(0x61).fill(length, 0, 1);
}

/** Where the owner of the first record stands: behind the header and the question of the zone. */
const OWNER = 12 + ORIGIN.length + 4;

/** Names that are none, wherever a record's owner stands. */
const TRICKS: readonly (readonly [string, Uint8Array])[] = [
  ["a pointer to itself", bytes(0xc0, OWNER)],
  ["a pointer to its own first label", bytes(1, 0x61, 0xc0, OWNER)],
  ["a pointer forwards", bytes(0xc0, OWNER + 4)],
  ["a pointer past the end", bytes(0xff, 0xff)],
  ["a pointer into the header", bytes(0xc0, 0)],
  ["a pointer to the header's last octet", bytes(0xc0, 11)],
  ["two pointers that lead to each other", bytes(0xc0, OWNER + 2, 0xc0, OWNER)],
  ["a label of 64 octets", concatBytes([label(64), bytes(0)])],
  ["a label type of RFC 2673", bytes(0x41, 0x61, 0)],
  ["a label type that nobody has", bytes(0x81, 0x61, 0)],
  ["256 octets", concatBytes([label(63), label(63), label(63), label(62), bytes(0)])],
  [
    "256 octets, the last of them behind a pointer",
    concatBytes([label(63), label(63), label(63), label(46), bytes(0xc0, 12)]),
  ],
  ["no end", label(5)],
  ["half a pointer", bytes(0xc0)],
];

/** A message of this opcode with the zone as its question, one record in the second section, and this owner. */
function messageWith(opcode: number, owner: Uint8Array): Uint8Array {
  const header = bytes(0x12, 0x34, opcode << 3, 0, 0, 1, 0, 0, 0, 1, 0, 0);
  const question = concatBytes([ORIGIN, bytes(0, Type.SOA, 0, Class.in)]);
  const fields = bytes(0, Type.A, 0, Class.in, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1);
  const isCut = owner.length === 1 || owner.length === 6;
  return concatBytes([header, question, owner, isCut ? bytes() : fields]);
}

describe.each(TRICKS)("%s", (_, owner) => {
  test("is malformed to who reads messages", () => {
    expect(() => readMessage(messageWith(Opcode.query, owner))).toThrow(WindhoverError);
  });

  test("makes an UPDATE a FORMERR", () => {
    expect(readUpdate(messageWith(Opcode.update, owner))).toMatchObject({
      status: "refused",
      rcode: Rcode.formErr,
    });
  });

  test("is never a question that is answered", () => {
    const message = concatBytes([
      bytes(0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
      owner,
      bytes(0, 1, 0, 1),
    ]);
    const response = new Uint8Array(Limits.udpResponse);
    const length = answer(message, message.length, clientOf("udp"), response);
    expect([length, response[3]]).toEqual([12, Rcode.formErr]);
  });

  test("is never the name of a key", () => {
    const zone = messageWith(Opcode.update, bytes(0));
    const signed = sign(zone.slice(0, OWNER).fill(0, 8, 10));
    const tsig = signed.slice(OWNER + FUZZ_KEY.name.length);
    const message = concatBytes([signed.subarray(0, OWNER), owner, tsig]);
    const opened = openSigned(message, message.length, () => FUZZ_KEY, NOW_SECONDS);
    if (opened.kind === "open") expect(opened.tsig).toBeUndefined();
    else if (opened.kind === "reply") expect((opened.bytes[3] as number) & 15).toBe(Rcode.formErr);
    expect(opened.kind).not.toBe("silence");
  });
});

test("a pointer into the middle of a label reads what stands there, as a name or not at all", () => {
  const inside = messageWith(Opcode.query, bytes(0xc0, 14));
  expect(() => readMessage(inside)).toThrow(WindhoverError);
});

describe("steps stay in step with the octets", () => {
  /** Per octet of a message: a record of 13 octets may have an owner of 255 octets behind 127 pointers. */
  const READS_PER_OCTET = 100;

  function longest(build: (at: number) => Uint8Array): Uint8Array {
    const parts = [bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)];
    let length = 12;
    let records = 0;
    for (;;) {
      const record = build(length);
      if (length + record.length > Limits.messageLength) break;
      parts.push(record);
      length += record.length;
      records++;
    }
    const message = concatBytes(parts);
    message[6] = records >> 8;
    message[7] = records & 0xff;
    return message;
  }

  const nothing = bytes(0, 10, 0, 1, 0, 0, 0, 0, 0, 0);

  /** Owners that each are a pointer to the longest name there is, made of as many pointers as allowed. */
  function pointersToLongest(at: number): Uint8Array {
    if (at === 12) return concatBytes([bytes(0), nothing]);
    const step = 14;
    const hops = (at - 23) / step;
    const target = hops % 126 === 0 ? 12 : at - step;
    return concatBytes([bytes(1, 0x61, 0xc0 | (target >> 8), target & 0xff), nothing]);
  }

  test.each([
    ["pointers to pointers", pointersToLongest],
    [
      "MX records of pointers to the longest name",
      (at: number) => {
        if (at === 12) {
          const owner = concatBytes([label(63), label(63), label(63), label(61), bytes(0)]);
          return concatBytes([owner, nothing]);
        }
        return bytes(0xc0, 12, 0, Type.MX, 0, 1, 0, 0, 0, 0, 0, 4, 0, 1, 0xc0, 12);
      },
    ],
  ])("of 64 KiB of %s", (_, build) => {
    const message = longest(build);
    expect(message.length).toBeGreaterThan(60_000);
    const { octets, reads } = countReads(message);
    try {
      readMessage(octets);
    } catch (error) {
      expect(error).toBeInstanceOf(WindhoverError);
    }
    expect(reads()).toBeGreaterThan(message.length / 2);
    expect(reads()).toBeLessThan(READS_PER_OCTET * message.length);
  });

  test("of a message that is nothing but pointers, to who looks for a TSIG", () => {
    const message = new Uint8Array(Limits.messageLength).fill(0xc0);
    message.set([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    const { octets, reads } = countReads(message);
    expect(locateTsig(octets, message.length)).toBe(MALFORMED);
    expect(reads()).toBeLessThan(3 * message.length);
  });
});
