import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex } from "../base/bytes.ts";
import {
  nameEnd,
  questionEnd,
  questionSectionEnd,
  rdataEnd,
  recordEnd,
  soleQuestionEnd,
} from "./message-walk.ts";
import { MessageReader } from "./reader.ts";

const bytesOf = (hex: string) => fromHex(hex) as Uint8Array;

describe("walking over a message", () => {
  it.each([
    ["00", 1],
    ["0161 00", 3],
    ["0161 c000", 4],
    ["c0ff", 2],
    ["", 0],
    ["c0", 0],
    ["0161", 0],
    ["0261", 0],
    ["41 61 00", 0],
    ["80 00", 0],
  ])("a name of %s ends at %i", (hex, end) => {
    const bytes = bytesOf(hex);
    expect(nameEnd(bytes, 0, bytes.length)).toBe(end);
  });

  it("takes a name of 255 octets and refuses 256", () => {
    const labels = `3f${"61".repeat(63)}`.repeat(3);
    const fits = bytesOf(`${labels}3d${"61".repeat(61)}00`);
    expect(nameEnd(fits, 0, fits.length)).toBe(255);
    const over = bytesOf(`${labels}3e${"61".repeat(62)}00`);
    expect(nameEnd(over, 0, over.length)).toBe(0);
  });

  it("passes over questions and records, as far as the end and no further", () => {
    const question = bytesOf("0161 00 0001 0001");
    expect(questionEnd(question, 0, 7)).toBe(7);
    expect(questionEnd(question, 0, 6)).toBe(0);
    const record = bytesOf("c00c 0001 0001 0000003c 0004 c0000201 ff");
    expect(recordEnd(record, 0, 17)).toBe(16);
    expect(recordEnd(record, 0, 16)).toBe(16);
    expect(recordEnd(record, 0, 15)).toBe(0);
    expect(rdataEnd(record, 2, 11)).toBe(0);
    expect(recordEnd(bytesOf("40 0001 0001 0000003c 0000"), 0, 11)).toBe(0);
  });

  it("passes over the question section", () => {
    const header = "0000 0000 0002 0000 0000 0000";
    const message = bytesOf(`${header} 0161 00 0001 0001  c00c 0001 0001`);
    expect(questionSectionEnd(message, message.length)).toBe(message.length);
    expect(questionSectionEnd(message, message.length - 1)).toBe(0);
    expect(questionSectionEnd(message, 11)).toBe(0);
    expect(questionSectionEnd(new Uint8Array(12), 12)).toBe(12);
  });

  it("knows the one question that can be repeated: whole, alone, its name without pointers", () => {
    const header = "0000 0000 0001 0000 0000 0000";
    const whole = bytesOf(`${header} 0161 00 0001 0001 ff`);
    expect(soleQuestionEnd(whole, whole.length)).toBe(whole.length - 1);
    expect(soleQuestionEnd(whole, whole.length - 2)).toBe(0);
    expect(soleQuestionEnd(whole, 11)).toBe(0);
    expect(soleQuestionEnd(new Uint8Array(12), 12)).toBe(0);
    for (const name of ["c00c", "0161 c00c", "0161 c000", "40 61 00", "0161"]) {
      const message = bytesOf(`${header} ${name} 0001 0001`);
      expect(soleQuestionEnd(message, message.length), name).toBe(0);
    }
    const two = bytesOf("0000 0000 0002 0000 0000 0000 00 0001 0001 00 0001 0001");
    expect(soleQuestionEnd(two, two.length)).toBe(0);
  });

  it("agrees with the reader about every name, whatever the octets", () => {
    const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 2, 0xc0));
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 60 }), fc.nat(60), (octets, start) => {
        const bytes = Uint8Array.from(octets);
        const reader = new MessageReader(bytes, start);
        let expected = 0;
        try {
          reader.skipName();
          expected = reader.offset;
        } catch {
          expected = 0;
        }
        expect(nameEnd(bytes, start, bytes.length)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
