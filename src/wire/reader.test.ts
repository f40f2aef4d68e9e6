import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex } from "../base/bytes.ts";
import { WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { formatName } from "./name.ts";
import { MessageReader } from "./reader.ts";

const HEADER = "00".repeat(12);

/** A message of an empty header and these octets, read from just after the header. */
function readerOf(hex: string): MessageReader {
  return new MessageReader(fromHex(HEADER + hex) as Uint8Array, 12);
}

describe("numbers", () => {
  it("reads them big-endian and unsigned", () => {
    const reader = readerOf("ff 8001 ffffffff ffffffffffff");
    expect(reader.u8()).toBe(0xff);
    expect(reader.u16()).toBe(0x8001);
    expect(reader.u32()).toBe(0xffff_ffff);
    expect(reader.u48()).toBe(0xffff_ffff_ffff);
    expect(reader.offset).toBe(reader.end);
    expect(reader.remaining).toBe(0);
  });

  it.each(["u8", "u16", "u32", "u48"] as const)("throws when %s is one octet short", (method) => {
    const octets = { u8: 1, u16: 2, u32: 4, u48: 6 }[method];
    expect(() => readerOf("00".repeat(octets))[method]()).not.toThrow();
    expect(() => readerOf("00".repeat(octets - 1))[method]()).toThrow("too early");
  });

  it("stops at the end it was given, not at the buffer's", () => {
    const reader = new MessageReader(new Uint8Array(20), 0, 3);
    reader.skip(2);
    expect(() => reader.u16()).toThrow("too early");
    expect(() => reader.take(2)).toThrow("too early");
    expect(reader.take(1)).toEqual(new Uint8Array(1));
    expect(new MessageReader(new Uint8Array(2), 0, 9).end).toBe(2);
  });

  it("takes a copy", () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const taken = new MessageReader(bytes).take(3);
    bytes.fill(9);
    expect([...taken]).toEqual([1, 2, 3]);
  });

  it("takes a copy of a Buffer too, whose slice is a view", () => {
    const bytes = Buffer.from([1, 2, 3]);
    const taken = new MessageReader(bytes).take(3);
    bytes.fill(9);
    expect([...taken]).toEqual([1, 2, 3]);
    expect(Buffer.isBuffer(taken)).toBe(false);
  });
});

describe("names", () => {
  it("follows pointers backwards, keeps the case, and goes on after the pointer", () => {
    const reader = readerOf("03 575757 07 6578616d706c65 00  01 61 c010  ff");
    expect(formatName(reader.name())).toBe("WWW.example.");
    expect(formatName(reader.name())).toBe("a.example.");
    expect(reader.u8()).toBe(0xff);
  });

  it("reads a pointer to a pointer", () => {
    const reader = readerOf("01 61 00  c00c  c00f");
    for (let i = 0; i < 3; i++) expect(formatName(reader.name())).toBe("a.");
    expect(reader.remaining).toBe(0);
  });

  it("reads the root, and a name whose pointer leads to the root", () => {
    const reader = readerOf("00 0161 c00c");
    expect(formatName(reader.name())).toBe(".");
    expect(formatName(reader.name())).toBe("a.");
  });

  it.each([
    ["a pointer to itself", "c00c", "backwards"],
    ["a pointer forwards", "c00e 00 00", "backwards"],
    ["a pointer into its own labels", "0161 c00c", "backwards"],
    ["a pointer into the header", "c00b", "header"],
    ["a pointer to offset 0", "c000", "header"],
    ["half a pointer", "c0", "too early"],
    ["label type 01", "4100", "unknown type"],
    ["label type 10", "8000", "unknown type"],
    ["a label past the end", "0361", "too early"],
    ["no root label", "0161", "too early"],
    ["nothing", "", "too early"],
  ])("refuses %s", (_, hex, problem) => {
    expect(() => readerOf(hex).name()).toThrow(problem);
  });

  it("refuses two pointers that lead to each other", () => {
    const reader = readerOf("c00e c00c");
    expect(() => reader.name()).toThrow("backwards");
    const second = readerOf("c00e c00c");
    second.skip(2);
    expect(() => second.name()).toThrow("backwards");
  });

  it("reads a label of 63 octets and refuses 64", () => {
    expect(readerOf(`3f${"61".repeat(63)}00`).name()).toHaveLength(65);
    expect(() => readerOf(`40${"61".repeat(64)}00`).name()).toThrow("unknown type");
  });

  it("reads a name of 255 octets and refuses 256, with and without a pointer", () => {
    const label = `3f${"61".repeat(63)}`;
    const three = label.repeat(3);
    expect(readerOf(`${three}3d${"61".repeat(61)}00`).name()).toHaveLength(255);
    expect(() => readerOf(`${three}3e${"61".repeat(62)}00`).name()).toThrow("255");
    const pointed = (octets: number) => {
      const hex = octets.toString(16).padStart(2, "0") + "61".repeat(octets);
      const reader = readerOf(`${three}00 ${hex}c00c`);
      reader.skipName();
      return reader.name();
    };
    expect(pointed(61)).toHaveLength(255);
    expect(() => pointed(62)).toThrow("255");
  });

  it("follows as many pointers as a name can have labels and not one more", () => {
    const chain = (pointers: number) => {
      const bytes = new Uint8Array(12 + 1 + pointers * 2);
      for (let i = 0; i < pointers; i++) {
        const target = i === 0 ? 12 : 13 + (i - 1) * 2;
        bytes[13 + i * 2] = 0xc0 | (target >> 8);
        bytes[14 + i * 2] = target & 0xff;
      }
      return new MessageReader(bytes, bytes.length - 2).name();
    };
    expect(chain(Limits.pointerHops)).toEqual(new Uint8Array(1));
    expect(() => chain(Limits.pointerHops + 1)).toThrow("too many pointers");
  });

  it("does not follow the pointer of a name it skips", () => {
    const reader = readerOf("0161 c0ff 00 0162 00 ee");
    reader.skipName();
    reader.skipName();
    reader.skipName();
    expect(reader.u8()).toBe(0xee);
  });

  it("refuses to skip what is no name", () => {
    for (const hex of ["", "c0", "0161", "4161 00", "02 61"]) {
      expect(() => readerOf(hex).skipName()).toThrow(WindhoverError);
    }
    const label = `3f${"61".repeat(63)}`;
    expect(() => readerOf(`${label.repeat(4)}00`).skipName()).toThrow("255");
  });

  it("ends on any bytes, with a name or a WindhoverError, and never past its end", () => {
    const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 2, 0xc0, 12));
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 80 }), fc.nat(90), (octets, start) => {
        const reader = new MessageReader(Uint8Array.from(octets), start);
        try {
          const name = reader.name();
          expect(name.length).toBeGreaterThan(0);
          expect(name.length).toBeLessThanOrEqual(Limits.nameLength);
          expect(reader.offset).toBeLessThanOrEqual(reader.end);
        } catch (error) {
          expect(error).toBeInstanceOf(WindhoverError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
