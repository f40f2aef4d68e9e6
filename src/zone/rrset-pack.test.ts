/** RRsets in one piece of memory: what was packed comes out again, and octets that are no pack are known for it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { type Name, parseName } from "../wire/name.ts";
import { makeRRset, type RRset } from "./rrset.ts";
import { findFlaw, PackWriter, packRRsets, RRsetPack } from "./rrset-pack.ts";

const ORIGIN = parseName("example.com.");
const name = (text: string): Name => parseName(text, ORIGIN);

const rrset: fc.Arbitrary<RRset> = fc
  .record({
    owner: fc.constantFrom("@", "a", "b.a", `${"x".repeat(63)}.${"y".repeat(63)}`),
    rrtype: fc.integer({ min: 1, max: 0xffff }),
    ttl: fc.integer({ min: 0, max: Limits.ttl }),
    rdatas: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 }),
  })
  .map(({ owner, rrtype, ttl, rdatas }) => makeRRset(name(owner), rrtype, ttl, rdatas));

describe("a pack", () => {
  test("gives back what was put in", () => {
    const property = fc.property(fc.array(rrset), (rrsets) => {
      const packs = [...packRRsets(ORIGIN, rrsets)];
      expect(packs.flatMap((pack) => [...pack])).toEqual(rrsets);
      for (const { bytes } of packs) expect(findFlaw(bytes, ORIGIN)).toBeUndefined();
    });
    fc.assert(property);
  });

  test("ends after some tens of kilobytes, and has room for the largest RRset", () => {
    const large = makeRRset(name("a"), 16, 1, [new Uint8Array(Limits.rrsetBytes)]);
    const small = makeRRset(name("b"), 16, 1, [new Uint8Array(100)]);
    const packs = [...packRRsets(ORIGIN, [small, large, small, small])];
    expect(packs.map((pack) => [...pack].length)).toEqual([2, 2]);
  });

  test("takes RRsets from another as they lie there", () => {
    const rrsets = [
      makeRRset(name("a"), 1, 60, [new Uint8Array(4)]),
      makeRRset(name("@"), 2, 60, [new Uint8Array(1)]),
    ];
    const [pack] = [...packRRsets(ORIGIN, rrsets)] as [RRsetPack];
    const writer = new PackWriter(ORIGIN);
    writer.addPacked(pack.bytes, 0, pack.bytes.length);
    expect([...writer.take()]).toEqual(rrsets);
    expect(() => writer.take()).toThrow("a pack has an RRset");
  });

  test("takes RRsets as stores keep them apart, and only what is exactly one", () => {
    const one = makeRRset(name("a"), 1, 60, [new Uint8Array([192, 0, 2, 1])]);
    const key = [9, 1, 0x61, 0, 1];
    const value = [8, 0, 0, 0, 60, 0, 1, 0, 4, 192, 0, 2, 1];
    const writer = new PackWriter(ORIGIN);
    const add = (keyOctets: number[], valueOctets: number[]) =>
      writer.addRecord(Uint8Array.from(keyOctets), 1, Uint8Array.from(valueOctets), 1);
    expect(add([9, 0], value)).toBe(false);
    expect(add([9, ...Array<number>(300).fill(1)], value)).toBe(false);
    expect(add([9, 2, 0x61, 0, 1], value)).toBe(false);
    expect(add(key, value.slice(0, -1))).toBe(false);
    expect(add(key, [...value, 0])).toBe(false);
    expect(writer.isEmpty).toBe(true);
    expect(add(key, value)).toBe(true);
    expect(add(key, [8])).toBe(false);
    expect([...writer.take()]).toEqual([one]);
  });

  test("is lent without a copy until the next RRset is added", () => {
    const writer = new PackWriter(ORIGIN);
    const rrsets = ["a", "b"].map((text) => makeRRset(name(text), 1, 60, [new Uint8Array(4)]));
    writer.add(rrsets[0] as RRset);
    const lent = writer.lend();
    expect([...lent]).toEqual([rrsets[0]]);
    writer.add(rrsets[1] as RRset);
    expect([...lent]).toEqual([rrsets[1]]);
  });

  test("takes no owner from outside its zone", () => {
    const outside = makeRRset(parseName("a.example.net."), 1, 60, [new Uint8Array(4)]);
    expect(() => [...packRRsets(ORIGIN, [outside])]).toThrow("an owner lies in its zone");
  });
});

describe("octets that are no pack:", () => {
  const [pack] = [
    ...packRRsets(ORIGIN, [
      makeRRset(name("a.b"), 16, 60, [new Uint8Array([1, 0x61]), new Uint8Array([1, 0x62])]),
    ]),
  ] as [RRsetPack];
  // 04 01 61 01 62 ┊ 00 10 ┊ 00 00 00 3c ┊ 00 02 ┊ 00 02 01 61 ┊ 00 02 01 62
  const changed = (at: number, octet: number) => {
    const bytes = new Uint8Array(pack.bytes);
    bytes[at] = octet;
    return bytes;
  };

  test.each([
    ["an owner past the end", changed(0, 200), "too long"],
    ["an owner too long for the zone", changed(0, 255), "too long"],
    ["an empty label", changed(1, 0), "no name"],
    ["a label past the owner's end", changed(3, 2), "no name"],
    ["a label too long", new Uint8Array(100).fill(64), "no name"],
    ["a capital letter", changed(2, 0x41), "lower case"],
    ["a ttl of 32 bits", changed(7, 0x80), "its ttl"],
    ["no RR", changed(12, 0), "its length"],
    ["more RRs than there are", changed(12, 3), "its length"],
    ["an RR that ends too late", changed(14, 200), "its length"],
    ["RRs out of order", changed(16, 0x63), "order"],
    ["the same RR twice", changed(20, 0x61), "order"],
    ["octets behind the last", new Uint8Array([...pack.bytes, 0]), "at 21"],
  ])("%s", (_, bytes, flaw) => {
    expect(findFlaw(bytes, ORIGIN)).toContain(flaw);
  });

  test("an owner longer than a name may be, by one octet", () => {
    const labels = (last: number) => [63, 63, 63, last].flatMap((n) => [n, ...Array(n).fill(0x61)]);
    const rrset = (last: number) => {
      const owner = labels(last);
      return Uint8Array.from([owner.length, ...owner, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0]);
    };
    const longest = Limits.nameLength - ORIGIN.length - 3 * 64 - 1;
    expect(findFlaw(rrset(longest), ORIGIN)).toBeUndefined();
    expect(findFlaw(rrset(longest + 1), ORIGIN)).toContain("its owner is too long");
  });

  test("nor are a pack cut short, at any octet", () => {
    for (let length = 1; length < pack.bytes.length; length++) {
      expect(findFlaw(pack.bytes.subarray(0, length), ORIGIN)).toBeDefined();
    }
    expect(findFlaw(new Uint8Array(0), ORIGIN)).toBeUndefined();
  });

  test("random octets are read without harm, or known", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      if (findFlaw(bytes, ORIGIN) === undefined)
        expect([...new RRsetPack(ORIGIN, bytes)]).toBeDefined();
    });
    fc.assert(property);
  });
});
