import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalName, labelCount, labelOffsets, parseName, parseWireName } from "../wire/name.ts";
import { LookupName } from "./lookup-name.ts";

function read(wire: Uint8Array, seed = 7): LookupName {
  const name = new LookupName(seed);
  expect(name.read(wire, 0, wire.length)).toBe(wire.length);
  return name;
}

describe("LookupName", () => {
  it("folds case and finds the labels", () => {
    const name = read(parseWireName("WwW.eXample.com."));
    expect(name.bytes.subarray(0, name.length)).toEqual(parseName("www.example.com."));
    expect(name.labels).toBe(3);
    expect([...name.offsets.subarray(0, 4)]).toEqual([0, 4, 12, 16]);
  });

  it("takes the root", () => {
    const name = read(new Uint8Array([0]));
    expect([name.length, name.labels, name.offsets[0]]).toEqual([1, 0, 0]);
  });

  it("hashes a suffix as it hashes the name itself", () => {
    const name = read(parseName("a.b.example.com."));
    for (const [label, text] of ["a.b.example.com.", "b.example.com.", "example.com."].entries()) {
      expect(name.hashes[label]).toBe(read(parseName(text)).hashes[0]);
    }
    expect(name.wildcardHash(2) >>> 0).toBe(read(parseName("*.example.com.")).hashes[0]);
  });

  it("is the same when it is read in front of another name", () => {
    for (const origin of ["example.com.", ".", "a.b.c."]) {
      for (const relative of ["", "a.", "www.a.b."]) {
        const whole = read(
          parseName(relative === "" ? origin : `${relative}${origin.replace(/^\.$/, "")}`),
        );
        const name = new LookupName(7);
        name.readBelow(
          whole.bytes,
          0,
          whole.length - parseName(origin).length,
          read(parseName(origin)),
        );
        expect(name.bytes.subarray(0, name.length)).toEqual(whole.bytes.subarray(0, whole.length));
        expect([name.length, name.labels]).toEqual([whole.length, whole.labels]);
        const labels = whole.labels + 1;
        expect(name.offsets.subarray(0, labels)).toEqual(whole.offsets.subarray(0, labels));
        expect(name.hashes.subarray(0, labels)).toEqual(whole.hashes.subarray(0, labels));
      }
    }
  });

  it("hashes differently with another seed", () => {
    const wire = parseName("www.example.com.");
    expect(read(wire, 1).hashes[0]).not.toBe(read(wire, 2).hashes[0]);
  });

  it("spreads the names of a big zone over slots and tags", () => {
    const slots = new Set<number>();
    const tags = new Set<number>();
    for (let host = 0; host < 4096; host++) {
      const hash = read(parseName(`h${host}.example.com.`)).hashes[0] as number;
      slots.add(hash & 4095);
      tags.add(hash >>> 29);
    }
    // A random function hits 63 % of the slots.
    expect(slots.size).toBeGreaterThan(2400);
    expect(tags.size).toBe(8);
  });

  it("starts anywhere and stops at the root label", () => {
    const bytes = new Uint8Array([9, 9, 1, 0x41, 0, 9]);
    const name = new LookupName(1);
    expect(name.read(bytes, 2, bytes.length)).toBe(3);
    expect(name.bytes.subarray(0, 3)).toEqual(new Uint8Array([1, 0x61, 0]));
  });

  it("refuses what is compressed, cut short or has a label of more than 63 octets", () => {
    const name = new LookupName(1);
    const cases = [[], [1], [1, 0x61], [3, 0x61, 0x61, 0], [0xc0, 0], [1, 0x61, 0xc0, 12]];
    for (const octets of cases) {
      expect(name.read(new Uint8Array(octets), 0, octets.length)).toBe(0);
    }
    expect(name.read(new Uint8Array([...[64], ...new Array(64).fill(1), 0]), 0, 66)).toBe(0);
    expect(name.read(new Uint8Array([...[63], ...new Array(63).fill(1), 0]), 0, 65)).toBe(65);
    expect(name.read(new Uint8Array([1, 0x61, 0]), 0, 2)).toBe(0);
  });

  it("takes 255 octets and 127 labels, and not one more", () => {
    const labels = (count: number) => new Uint8Array([...Array(count).fill([1, 0x61]).flat(), 0]);
    expect(read(labels(127)).labels).toBe(127);
    const name = new LookupName(1);
    expect(name.read(labels(128), 0, 257)).toBe(0);
    const long = (last: number) =>
      new Uint8Array([
        ...[63, 63, 63, last].flatMap((length) => [length, ...Array(length).fill(0x61)]),
        0,
      ]);
    expect(name.read(long(61), 0, 255)).toBe(255);
    expect(name.read(long(62), 0, 256)).toBe(0);
  });

  it("agrees with the names of wire/ on any bytes", () => {
    const name = new LookupName(3);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, max: 70 }), (bytes) => {
        const length = name.read(bytes, 0, bytes.length);
        if (length === 0) return;
        const canonical = canonicalName(bytes.subarray(0, length));
        expect(name.bytes.subarray(0, length)).toEqual(canonical);
        expect(name.labels).toBe(labelCount(canonical));
        expect([...name.offsets.subarray(0, name.labels)]).toEqual(labelOffsets(canonical));
      }),
    );
  });
});
