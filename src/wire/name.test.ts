import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/bytes.ts";
import { WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import {
  canonicalName,
  compareNames,
  equalNames,
  formatName,
  isSubdomain,
  isWildcard,
  labelCount,
  labelOffsets,
  type Name,
  nameKey,
  parentName,
  parseName,
  parseWireName,
  ROOT,
  wildcardOf,
  wireNameLength,
} from "./name.ts";

const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
const shortLabel = fc.uint8Array({ minLength: 1, maxLength: 3 });

/** Names of any octets: a few long labels, or many short ones. */
const anyName = fc
  .oneof(fc.array(label, { maxLength: 3 }), fc.array(shortLabel, { maxLength: 60 }))
  .map((labels) => Uint8Array.from([...labels.flatMap((octets) => [octets.length, ...octets]), 0]));

const nearbyName = fc
  .array(fc.constantFrom("a", "b", "*", "ab"), { maxLength: 4 })
  .map((labels) => parseName(`${labels.join(".")}.`.replace(/^\.$/, ".")));

describe("text", () => {
  it.each([
    [".", "00"],
    ["example.com.", "076578616d706c6503636f6d00"],
    ["example.com", "076578616d706c6503636f6d00"],
    ["EXAMPLE.Com.", "076578616d706c6503636f6d00"],
    ["*.a.", "012a016100"],
    ["a\\.b.c.", "03612e62016300"],
    ["\\097\\066.", "02616200"],
    ["\\000\\255.", "0200ff00"],
    ["a\\\\b.", "03615c6200"],
    ["\\065.", "016100"],
    ['\\".', "012200"],
    ["ä.", "02c3a400"],
    ["_sip._tcp.", "045f736970045f74637000"],
  ])("reads %s", (text, wire) => {
    expect(toHex(parseName(text))).toBe(wire);
  });

  it.each([
    ["", "empty domain name"],
    ["..", "empty label"],
    [".a", "empty label"],
    ["a..b", "empty label"],
    ["a\\", "backslash"],
    ["a\\25", "escape"],
    ["a\\256", "escape"],
    ["a\\2x5", "escape"],
  ])('refuses "%s"', (text, problem) => {
    expect(() => parseName(text)).toThrow(problem);
    expect(() => parseName(text)).toThrow(WindhoverError);
  });

  it("takes names without a final dot as relative to the origin", () => {
    const origin = parseName("dyn.example.com.");
    expect(formatName(parseName("home", origin))).toBe("home.dyn.example.com.");
    expect(formatName(parseName("a.home", origin))).toBe("a.home.dyn.example.com.");
    expect(formatName(parseName("home.", origin))).toBe("home.");
    expect(formatName(parseName("@", origin))).toBe("dyn.example.com.");
    expect(formatName(parseName("\\@", origin))).toBe("\\@.dyn.example.com.");
    expect(formatName(parseName(".", origin))).toBe(".");
  });

  it("keeps the case where it is asked to", () => {
    expect(formatName(parseWireName("HoMe.Example."))).toBe("HoMe.Example.");
  });

  it("takes a label of 63 octets and refuses one of 64", () => {
    expect(parseName("a".repeat(Limits.labelLength))).toHaveLength(65);
    expect(() => parseName("a".repeat(Limits.labelLength + 1))).toThrow("63 octets");
    expect(parseName("\\097".repeat(63))).toHaveLength(65);
    expect(() => parseName("\\097".repeat(64))).toThrow("63 octets");
  });

  it("takes a name of 255 octets and refuses one of 256", () => {
    const three = `${"a".repeat(63)}.`.repeat(3);
    expect(parseName(`${three}${"a".repeat(61)}.`)).toHaveLength(Limits.nameLength);
    expect(() => parseName(`${three}${"a".repeat(62)}.`)).toThrow("255 octets");
    expect(parseName("a.".repeat(127))).toHaveLength(Limits.nameLength);
    expect(() => parseName("a.".repeat(128))).toThrow("255 octets");
    const origin = parseName(`${"b".repeat(63)}.${"c".repeat(62)}.`);
    expect(parseName(`${"a".repeat(63)}.${"a".repeat(62)}`, origin)).toHaveLength(255);
    expect(() => parseName(`${"a".repeat(63)}.${"a".repeat(63)}`, origin)).toThrow("255 octets");
  });

  it("gives back every name it formatted, whatever its octets", () => {
    fc.assert(
      fc.property(anyName, (wire) => {
        const text = formatName(wire);
        expect(text).toMatch(/^[!-~]+$/);
        expect(toHex(parseWireName(text))).toBe(toHex(wire));
        expect(formatName(parseName(text))).toBe(formatName(canonicalName(wire)));
      }),
    );
  });

  it("ends with a name or a WindhoverError on any text", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.stringMatching(/^[a.\\0-9@]{0,40}$/),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, (anything) => {
        try {
          const name = parseName(anything);
          expect(wireNameLength(name, 0)).toBe(name.length);
        } catch (error) {
          expect(error).toBeInstanceOf(WindhoverError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("wire form", () => {
  it("has a canonical twin in lower case", () => {
    const wire = parseWireName("HOME.Example\\000Z.");
    expect(formatName(canonicalName(wire))).toBe("home.example\\000z.");
    expect(formatName(wire)).toBe("HOME.Example\\000Z.");
  });

  it.each([
    ["nothing", []],
    ["no root label", [1, 0x61]],
    ["octets after the root label", [0, 0]],
    ["a pointer", [0xc0, 0x0c]],
    ["a label of 64 octets", [64, ...new Array(64).fill(0x61), 0]],
    ["256 octets", [...new Array(127).fill([1, 0x61]).flat(), 1, 0x61, 0].slice(0, 257)],
  ])("is refused when it has %s", (_, octets) => {
    expect(() => canonicalName(Uint8Array.from(octets))).toThrow("not a wire-form");
  });

  it("is measured from any offset", () => {
    const bytes = Uint8Array.from([9, 9, 1, 0x61, 0, 9]);
    expect(wireNameLength(bytes, 2)).toBe(3);
    expect(wireNameLength(bytes, 4)).toBe(1);
    expect(wireNameLength(bytes, 5)).toBe(0);
    expect(wireNameLength(bytes, 6)).toBe(0);
  });
});

describe("order", () => {
  it("is that of RFC 4034 §6.1", () => {
    const ordered = [
      "example.",
      "a.example.",
      "yljkjljk.a.example.",
      "Z.a.example.",
      "zABC.a.EXAMPLE.",
      "z.example.",
      "\\001.z.example.",
      "*.z.example.",
      "\\200.z.example.",
    ].map((text) => parseName(text));
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries()) {
        expect(Math.sign(compareNames(a, b))).toBe(Math.sign(i - j));
      }
    }
  });

  it("is total, and equal only for equal names", () => {
    fc.assert(
      fc.property(nearbyName, nearbyName, nearbyName, (a, b, c) => {
        expect(Math.sign(compareNames(a, b))).toBe(-Math.sign(compareNames(b, a)) + 0);
        expect(compareNames(a, b) === 0).toBe(equalNames(a, b));
        expect(nameKey(a) === nameKey(b)).toBe(equalNames(a, b));
        if (compareNames(a, b) <= 0 && compareNames(b, c) <= 0) {
          expect(compareNames(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  it("puts a name before all below it", () => {
    fc.assert(
      fc.property(nearbyName, nearbyName, (a, b) => {
        if (isSubdomain(a, b)) expect(compareNames(b, a)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe("labels", () => {
  const name = parseName("www.example.com.");

  it("are counted and found without the root label", () => {
    expect(labelCount(ROOT)).toBe(0);
    expect(labelCount(name)).toBe(3);
    expect(labelOffsets(ROOT)).toEqual([]);
    expect(labelOffsets(name)).toEqual([0, 4, 12]);
    expect(labelCount(parseName("a.".repeat(127)))).toBe(Limits.labels - 1);
  });

  it("are taken off one by one up to the root", () => {
    const chain: string[] = [];
    for (let at: Name = name; at.length > 1; at = parentName(at)) chain.push(formatName(at));
    expect(chain).toEqual(["www.example.com.", "example.com.", "com."]);
  });

  it("end where the octets end, should these be no name at all", () => {
    for (const octets of [[], [3], [1, 0x61], [200, 1]]) {
      const bytes = Uint8Array.from(octets);
      expect(labelOffsets(bytes).length).toBe(labelCount(bytes));
      expect(labelCount(bytes)).toBe(Math.min(octets.length, 1));
    }
  });

  it("decide what is below what, not the octets", () => {
    const below = (a: string, b: string) => isSubdomain(parseName(a), parseName(b));
    expect(below("www.example.com.", "example.com.")).toBe(true);
    expect(below("example.com.", "example.com.")).toBe(true);
    expect(below("example.com.", ".")).toBe(true);
    expect(below("example.com.", "www.example.com.")).toBe(false);
    expect(below("badexample.com.", "example.com.")).toBe(false);
    expect(below("a.example.org.", "example.com.")).toBe(false);
    // The octets of "3www" end in those of "www", but inside a label.
    expect(below("x\\003www.", "www.")).toBe(false);
  });

  it("make the wildcard of a name, where it fits", () => {
    const wildcard = wildcardOf(parseName("example.com.")) as Name;
    expect(formatName(wildcard)).toBe("*.example.com.");
    expect(isWildcard(wildcard)).toBe(true);
    expect(isWildcard(parseName("example.com."))).toBe(false);
    expect(isWildcard(parseName("**.example.com."))).toBe(false);
    const long = parseName(`${`${"a".repeat(63)}.`.repeat(3)}${"a".repeat(59)}.`);
    expect(long).toHaveLength(253);
    expect(wildcardOf(long)).toHaveLength(255);
    expect(
      wildcardOf(parseName(`${`${"a".repeat(63)}.`.repeat(3)}${"a".repeat(60)}.`)),
    ).toBeUndefined();
  });
});
