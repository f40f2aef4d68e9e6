/** RRsets are values: sorted, distinct, and equal when their octets are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareBytes, toHex } from "../base/bytes.ts";
import { Type } from "../wire/code-points.ts";
import { parseName } from "../wire/name.ts";
import {
  equalRdatas,
  equalRRsets,
  hasRdata,
  makeRRset,
  mergeRRsets,
  type RRset,
  rdataBytes,
  subtractRRset,
} from "./rrset.ts";

const OWNER = parseName("home.example.com.");

function address(...lasts: number[]): RRset {
  return makeRRset(
    OWNER,
    Type.A,
    300,
    lasts.map((last) => Uint8Array.of(192, 0, 2, last)),
  );
}

const rdatas = fc.array(fc.uint8Array({ maxLength: 4 }), { minLength: 1, maxLength: 12 });

describe("making", () => {
  test("sorts and removes duplicates", () => {
    expect(address(3, 1, 3, 2).rdatas.map((rdata) => rdata[3])).toEqual([1, 2, 3]);
  });

  test("gives the same for any order of the same RRs", () => {
    const property = fc.property(rdatas, (list) => {
      const made = makeRRset(OWNER, Type.TXT, 60, list);
      expect(equalRRsets(makeRRset(OWNER, Type.TXT, 60, [...list].reverse()), made)).toBe(true);
      const strictly = made.rdatas.every(
        (each, at) => at === 0 || compareBytes(made.rdatas[at - 1] as Uint8Array, each) < 0,
      );
      expect(strictly).toBe(true);
    });
    fc.assert(property);
  });

  test("an RRset without RRs is a programmer's error", () => {
    expect(() => makeRRset(OWNER, Type.A, 300, [])).toThrow("at least one RR");
  });
});

describe("merging", () => {
  test("keeps all RRs and takes the new TTL", () => {
    const merged = mergeRRsets(address(1, 2), { ...address(2, 3), ttl: 60 });
    expect(merged).toEqual({ ...address(1, 2, 3), ttl: 60 });
  });

  test("with nothing there is the added RRset itself", () => {
    expect(mergeRRsets(undefined, address(1))).toEqual(address(1));
  });
});

describe("subtracting", () => {
  test("leaves what is not removed, whatever the TTLs", () => {
    expect(subtractRRset(address(1, 2, 3), { ...address(2, 9), ttl: 1 })).toEqual(address(1, 3));
  });

  test("leaves no RRset when no RR is left", () => {
    expect(subtractRRset(address(1, 2), address(1, 2, 3))).toBeUndefined();
  });

  test("and merging again restores the RRset", () => {
    const property = fc.property(rdatas, rdatas, (kept, removed) => {
      const whole = makeRRset(OWNER, Type.TXT, 60, [...kept, ...removed]);
      const part = makeRRset(OWNER, Type.TXT, 60, removed);
      expect(equalRRsets(mergeRRsets(subtractRRset(whole, part), part), whole)).toBe(true);
    });
    fc.assert(property);
  });
});

describe("comparing", () => {
  test("the RRs alone, or with the TTL", () => {
    const other = { ...address(1, 2), ttl: 60 };
    expect(equalRdatas(address(1, 2), other)).toBe(true);
    expect(equalRRsets(address(1, 2), other)).toBe(false);
    expect(equalRdatas(address(1, 2), address(1))).toBe(false);
    expect(equalRdatas(address(1), { ...address(1), rrtype: Type.TXT })).toBe(false);
    expect(equalRdatas(address(1), { ...address(1), owner: parseName("x.") })).toBe(false);
  });

  test("one RR is found by its octets", () => {
    expect(hasRdata(address(1, 2), Uint8Array.of(192, 0, 2, 2))).toBe(true);
    expect(hasRdata(address(1, 2), Uint8Array.of(192, 0, 2, 3))).toBe(false);
  });
});

test("the size counts each rdata with its length", () => {
  expect(rdataBytes(address(1, 2, 3))).toBe(3 * (4 + 2));
  expect(toHex(address(1).rdatas[0] as Uint8Array)).toBe("c0000201");
});
