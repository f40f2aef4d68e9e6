import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/bytes.ts";
import { canonicalName, formatName, parseName, parseWireName } from "./name.ts";
import { MessageReader } from "./reader.ts";
import { MessageWriter, WriterFull } from "./writer.ts";

function writerAfterHeader(length = 512): { writer: MessageWriter; buffer: Uint8Array } {
  const buffer = new Uint8Array(length);
  return { writer: new MessageWriter(buffer, 12), buffer };
}

describe("numbers", () => {
  it("writes them big-endian", () => {
    const buffer = new Uint8Array(13);
    const writer = new MessageWriter(buffer);
    writer.u8(0xff);
    writer.u16(0x8001);
    writer.u32(0xfedcba98);
    writer.u48(0xffee_ddcc_bbaa);
    expect(toHex(buffer)).toBe("ff8001fedcba98ffeeddccbbaa");
    expect(writer.remaining).toBe(0);
    writer.patchU16(1, 0x1234);
    expect(toHex(buffer).slice(0, 6)).toBe("ff1234");
  });

  it.each([
    ["u8", 1],
    ["u16", 2],
    ["u32", 4],
    ["u48", 6],
  ] as const)("throws when %s does not fit, and writes nothing", (method, octets) => {
    const buffer = new Uint8Array(16).fill(0xaa);
    expect(() => new MessageWriter(buffer, 0, octets)[method](0)).not.toThrow();
    buffer.fill(0xaa);
    const writer = new MessageWriter(buffer, 0, octets - 1);
    expect(() => writer[method](0)).toThrow(WriterFull);
    expect(writer.offset).toBe(0);
    expect(buffer).toEqual(new Uint8Array(16).fill(0xaa));
  });
});

describe("names", () => {
  it("ends a name in a pointer to the longest suffix already written, whatever its case", () => {
    const { writer, buffer } = writerAfterHeader();
    writer.name(parseWireName("Home.Example.COM"), true);
    writer.name(parseName("home.example.com"), true);
    writer.name(parseName("www.example.com"), true);
    writer.name(parseName("a.www.example.com"), true);
    writer.name(parseName("org"), true);
    const expected = "04486f6d65074578616d706c6503434f4d00 c00c 03777777c011 0161c020 036f726700";
    expect(toHex(buffer.subarray(12, writer.offset))).toBe(expected.replaceAll(" ", ""));
  });

  it("neither uses nor offers a name written without compression", () => {
    const { writer } = writerAfterHeader();
    const name = parseName("example.com");
    writer.name(name, false);
    writer.name(name, false);
    expect(writer.offset).toBe(12 + 2 * name.length);
    writer.name(name, true);
    expect(writer.offset).toBe(12 + 3 * name.length);
    writer.name(name, true);
    expect(writer.offset).toBe(12 + 3 * name.length + 2);
  });

  it("writes the root as one octet and never points to it", () => {
    const { writer } = writerAfterHeader();
    for (let i = 0; i < 3; i++) writer.name(parseName("."), true);
    expect(writer.offset).toBe(15);
  });

  it.each([
    ["host5rnw", "hostmpba"],
    ["akx0z", "maildsg4"],
    ["same.host5rnw", "same.hostmpba"],
  ])("tells %s from %s, though their hashes are alike", (first, second) => {
    const { writer, buffer } = writerAfterHeader();
    writer.name(parseName(first), true);
    writer.name(parseName(second), true);
    const reader = new MessageReader(buffer, 12, writer.offset);
    expect(formatName(reader.name())).toBe(`${first}.`);
    expect(formatName(reader.name())).toBe(`${second}.`);
  });

  it("points to offset 0x3fff and not past it", () => {
    const name = parseName("example.com");
    for (const [offset, octets] of [
      [0x3fff, 2],
      [0x4000, name.length],
    ] as const) {
      const writer = new MessageWriter(new Uint8Array(0x5000), offset);
      writer.name(parseName("x"), false);
      writer.offset = offset;
      writer.name(name, true);
      const before = writer.offset;
      writer.name(name, true);
      expect(writer.offset - before).toBe(octets);
    }
  });

  it("throws when a name does not fit, and writes nothing of it", () => {
    const name = parseName("a.example.com");
    const buffer = new Uint8Array(64);
    const writer = new MessageWriter(buffer, 0, name.length + 3);
    writer.name(parseName("example.com"), true);
    expect(() => writer.name(name, true)).not.toThrow();
    const at = writer.offset;
    expect(() => writer.name(name, true)).toThrow(WriterFull);
    expect(() => writer.name(name, false)).toThrow(WriterFull);
    expect(writer.offset).toBe(at);
  });

  it("forgets the names of what is rolled back and remembers the rest", () => {
    const { writer, buffer } = writerAfterHeader();
    writer.name(parseName("example.com"), true);
    const mark = writer.mark();
    writer.name(parseName("gone.example.com"), true);
    writer.name(parseName("other.org"), true);
    writer.rollback(mark);
    expect(writer.offset).toBe(mark);
    writer.bytes(new Uint8Array(8).fill(0xff));
    const reader = new MessageReader(buffer, writer.offset);
    writer.name(parseName("gone.example.com"), true);
    expect(toHex(buffer.subarray(reader.offset, writer.offset))).toBe("04676f6e65c00c");
    writer.name(parseName("other.org"), true);
    expect(formatName(reader.name())).toBe("gone.example.com.");
    expect(formatName(reader.name())).toBe("other.org.");
  });

  const label = fc.stringMatching(/^[a-cA-C]{1,3}$/);
  const name = fc
    .array(label, { minLength: 0, maxLength: 5 })
    .map((labels) => parseWireName(`${labels.join(".")}.`.replace(/^\.$/, ".")));

  it("writes names a reader gives back, through any marks and rollbacks", () => {
    const step = fc.record({ name, compress: fc.boolean(), drop: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { writer, buffer } = writerAfterHeader(4096);
        const kept: Uint8Array[] = [];
        for (const { name: written, compress, drop } of steps) {
          const mark = writer.mark();
          writer.name(written, compress);
          if (drop) writer.rollback(mark);
          else kept.push(written);
        }
        const reader = new MessageReader(buffer, 12, writer.offset);
        for (const expected of kept) {
          expect(toHex(canonicalName(reader.name()))).toBe(toHex(canonicalName(expected)));
        }
        expect(reader.remaining).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it("never leaves its buffer", () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 30 }), fc.nat(80), (names, room) => {
        const buffer = new Uint8Array(160).fill(0xee);
        const writer = new MessageWriter(buffer, 12, 12 + room);
        try {
          for (const written of names) writer.name(written, true);
        } catch (error) {
          expect(error).toBeInstanceOf(WriterFull);
        }
        expect(writer.offset).toBeLessThanOrEqual(12 + room);
        expect(buffer.subarray(12 + room).every((octet) => octet === 0xee)).toBe(true);
      }),
    );
  });
});
