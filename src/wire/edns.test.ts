import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../base/bytes.ts";
import { Limits } from "../base/limits.ts";
import { EdnsOption, ExtendedError } from "./code-points.ts";
import {
  type Edns,
  extendedError,
  findOpt,
  findOption,
  MALFORMED_OPT,
  OptOffset,
  readEdns,
  readExtendedError,
  writeEdns,
  writeExtendedError,
} from "./edns.ts";
import { MessageWriter, WriterFull } from "./writer.ts";

const bytesOf = (hex: string) => fromHex(hex) as Uint8Array;

const PLAIN: Edns = {
  udpPayload: 1232,
  extendedRcode: 0,
  version: 0,
  isDnssecOk: false,
  options: [],
};

function written(edns: Edns): Uint8Array {
  const buffer = new Uint8Array(70_000);
  const writer = new MessageWriter(buffer);
  writeEdns(writer, edns);
  return buffer.slice(0, writer.offset);
}

describe("the OPT record", () => {
  it("is written field by field", () => {
    expect(toHex(written(PLAIN))).toBe("00002904d0000000000000");
    const cookie = { code: EdnsOption.cookie, bytes: Uint8Array.of(1, 2, 3) };
    const full = { ...PLAIN, extendedRcode: 1, version: 7, isDnssecOk: true, options: [cookie] };
    expect(toHex(written(full))).toBe("00002904d00107800000" + "07" + "000a0003010203");
  });

  it("is read as it was written", () => {
    const edns = fc.record({
      udpPayload: fc.nat(0xffff),
      extendedRcode: fc.nat(0xff),
      version: fc.constant(0),
      isDnssecOk: fc.boolean(),
      options: fc.array(
        fc.record({ code: fc.nat(0xffff), bytes: fc.uint8Array({ maxLength: 40 }) }),
        { maxLength: 6 },
      ),
    });
    fc.assert(
      fc.property(edns, (fields) => {
        expect(readEdns(written(fields), 0)).toEqual(fields);
      }),
    );
  });

  it("keeps its options to itself when its version is not 0", () => {
    const opt = bytesOf("00 0029 04d0 00 01 0000 0001 ff");
    expect(readEdns(opt, 0)).toEqual({ ...PLAIN, version: 1 });
  });

  it.each([
    ["half an option header", "00 0029 04d0 00000000 0003 000a00"],
    ["an option past its end", "00 0029 04d0 00000000 0005 000a 0002 01"],
    ["an owner", "0161 00 0029 04d0 00000000 0000"],
    ["another type", "00 0001 0003 00000000 0000"],
    ["rdata past the message", "00 0029 04d0 00000000 0001"],
    ["no whole header", "00 0029 04d0"],
  ])("is refused with %s", (_, hex) => {
    expect(() => readEdns(bytesOf(hex), 0)).toThrow("malformed");
  });

  it("is written whole or not at all", () => {
    const buffer = new Uint8Array(15);
    const options = [{ code: 3, bytes: Uint8Array.of(1) }];
    expect(() => writeEdns(new MessageWriter(buffer), { ...PLAIN, options })).toThrow(WriterFull);
    expect(buffer).toEqual(new Uint8Array(15));
    const fits = new MessageWriter(new Uint8Array(16));
    writeEdns(fits, { ...PLAIN, options });
    expect(fits.remaining).toBe(0);
  });
});

describe("finding the OPT record", () => {
  const opt = "00 0029 04d0 00000000 0000";
  const address = "0161 00 0001 0001 00000000 0004 c0000201";
  const find = (hex: string, records: number) => {
    const bytes = bytesOf(`00 ${hex}`);
    return findOpt(bytes, 1, bytes.length, records);
  };

  it.each([
    ["alone", opt, 1, 1],
    ["behind a record", address + opt, 2, 18],
    ["before a record", opt + address, 2, 1],
    ["not among the records looked at", address + opt, 1, 0],
    ["absent", address, 1, 0],
    ["absent from nothing", "", 0, 0],
  ])("%s", (_, hex, records, at) => {
    expect(find(hex, records)).toBe(at);
  });

  it.each([
    ["there twice", opt + opt, 2],
    ["with an owner", "0161 00 0029 04d0 00000000 0000", 1],
    ["with a pointer for an owner", "c000 0029 04d0 00000000 0000", 1],
    ["cut short", "00 0029 04d0 00000000 00", 1],
    ["not there though counted", opt, 2],
  ])("malformed: %s", (_, hex, records) => {
    expect(find(hex, records)).toBe(MALFORMED_OPT);
  });

  it("finds an option, or says that there is none or no end to them", () => {
    const options = "0003 0000  000a 0002 0102  000a 0001 ff";
    const bytes = bytesOf(`ff 00 0029 04d0 00000000 000f ${options}`);
    expect(findOption(bytes, 1, EdnsOption.nsid)).toBe(1 + OptOffset.options);
    expect(findOption(bytes, 1, EdnsOption.cookie)).toBe(1 + OptOffset.options + 4);
    expect(findOption(bytes, 1, EdnsOption.padding)).toBe(0);
    for (const cut of [0x0e, 0x0c]) {
      const short = bytes.slice();
      short[11] = cut;
      expect(findOption(short, 1, EdnsOption.padding)).toBe(MALFORMED_OPT);
    }
  });

  it("never throws and never looks past the end", () => {
    const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0, 0, 41));
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 60 }), fc.nat(4), (octets, records) => {
        const bytes = Uint8Array.from(octets);
        const at = findOpt(bytes, 0, bytes.length, records);
        expect(at).toBeLessThanOrEqual(bytes.length);
        if (at > 0) findOption(bytes, at, EdnsOption.cookie);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("an extended error", () => {
  it("is read as it was written", () => {
    const buffer = new Uint8Array(300);
    const writer = new MessageWriter(buffer);
    writeExtendedError(writer, ExtendedError.prohibited, "no grant covers a.example.");
    const option = buffer.slice(0, writer.offset);
    expect(toHex(option.subarray(0, 6))).toBe("000f001c0012");
    expect(readExtendedError(option.subarray(4))).toEqual({
      infoCode: ExtendedError.prohibited,
      text: "no grant covers a.example.",
    });
  });

  it("may have no text, and one that ends in a zero octet", () => {
    expect(extendedError(22, "").bytes).toEqual(Uint8Array.of(0, 22));
    expect(readExtendedError(Uint8Array.of(0, 22, 0x61, 0))).toEqual({ infoCode: 22, text: "a" });
    expect(readExtendedError(Uint8Array.of(0))).toBeUndefined();
  });

  it("has its text cut at the limit, between characters", () => {
    const most = Limits.extendedErrorText;
    expect(extendedError(0, "a".repeat(most)).bytes).toHaveLength(2 + most);
    expect(extendedError(0, "a".repeat(most + 1)).bytes).toHaveLength(2 + most);
    const { bytes } = extendedError(0, `${"a".repeat(most - 1)}é`);
    expect(readExtendedError(bytes)?.text).toBe("a".repeat(most - 1));
  });
});
