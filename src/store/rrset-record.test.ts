import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { canonicalName, type Name, parseName, ROOT } from "../wire/name.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { readRRsetKey, readRRsetValue, writeRRsetKey, writeRRsetValue } from "./rrset-record.ts";

const ORIGIN = parseName("dyn.example.com.");
const KEY = { owner: ORIGIN, rrtype: 1 };

const label = fc.uint8Array({ minLength: 1, maxLength: 20 });
const owner = (origin: Name) =>
  fc.array(label, { maxLength: 5 }).map((labels) => {
    const octets = labels.flatMap((each) => [each.length, ...each]);
    return canonicalName(Uint8Array.from([...octets, ...origin]));
  });
const rdatas = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 8 });
const rrset: fc.Arbitrary<RRset> = fc
  .tuple(owner(ORIGIN), fc.nat(0xffff), fc.nat(Limits.ttl), rdatas)
  .map(([name, rrtype, ttl, list]) => makeRRset(name, rrtype, ttl, list));

/** Octets like those of a record: changed, cut, or longer. */
const mutations = fc.record({
  at: fc.nat(200),
  octet: fc.nat(255),
  cut: fc.nat(20),
  more: fc.uint8Array({ maxLength: 3 }),
});

describe("an RRset's key", () => {
  test("read after write is the same owner and rrtype, behind any prefix", () => {
    const zones = fc.constantFrom(ORIGIN, ROOT);
    fc.assert(
      fc.property(
        zones.chain((origin) => fc.tuple(fc.constant(origin), owner(origin))),
        fc.nat(0xffff),
        fc.nat(8),
        ([origin, name], rrtype, prefix) => {
          const key = writeRRsetKey(name, rrtype, origin, prefix);
          expect(readRRsetKey(key, prefix, origin, "here")).toEqual({ owner: name, rrtype });
        },
      ),
    );
  });

  test("any octets are a key of a canonical name, written the same again, or are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const key = orRefused(() => readRRsetKey(bytes, 0, ORIGIN, "here"));
        if (key === undefined) return;
        expect(canonicalName(key.owner)).toEqual(key.owner);
        const again = writeRRsetKey(key.owner, key.rrtype, ORIGIN);
        expect(Buffer.compare(again, bytes)).toBe(0);
      }),
      { examples: [[new Uint8Array([1, 0x41, 0, 1])], [new Uint8Array([0, 0, 1])]] },
    );
  });

  test("a name may have 255 octets and not one more", () => {
    const room = Limits.nameLength - ORIGIN.length;
    const labels = [64, 64, 64, room - 192].flatMap((length) => [
      length - 1,
      ...new Array<number>(length - 1).fill(0x61),
    ]);
    const longest = Uint8Array.from([...labels, 0, 1]);
    expect(readRRsetKey(longest, 0, ORIGIN, "here").owner).toHaveLength(Limits.nameLength);
    const longer = Uint8Array.from([...labels.slice(0, -1), 0x61, 0x61, 0, 1]);
    longer[192] = (longer[192] as number) + 1;
    expect(() => readRRsetKey(longer, 0, ORIGIN, "here")).toThrow("cannot be read");
  });

  test("an owner outside the zone is a mistake of the caller", () => {
    expect(() => writeRRsetKey(parseName("example.net."), 1, ORIGIN)).toThrow("assertion failed");
  });
});

describe("an RRset's value", () => {
  test("read after write is the same RRset", () => {
    fc.assert(
      fc.property(rrset, (each) => {
        expect(readRRsetValue(writeRRsetValue(each), each, "here")).toEqual(each);
      }),
    );
  });

  test("changed octets give a valid RRset, written the same again, or are refused", () => {
    fc.assert(
      fc.property(rrset, mutations, (each, { at, octet, cut, more }) => {
        const bytes = Uint8Array.from([...writeRRsetValue(each), ...more]).slice(
          0,
          -cut || undefined,
        );
        if (at < bytes.length) bytes[at] = octet;
        const read = orRefused(() => readRRsetValue(bytes, each, "here"));
        if (read === undefined) return;
        expect(read).toEqual(makeRRset(read.owner, read.rrtype, read.ttl, read.rdatas));
        expect(read.ttl).toBeLessThanOrEqual(Limits.ttl);
        expect(Buffer.compare(writeRRsetValue(read), bytes)).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test("what cannot be read names the place and the RRset", () => {
    const read = () => readRRsetValue(new Uint8Array([7]), KEY, "store directory ./data");
    expect(read).toThrow("store directory ./data: the RRset dyn.example.com. A");
    expect(read).toThrow("format 7");
  });

  test("a ttl has 31 bits and not one more", () => {
    const value = Buffer.from(writeRRsetValue(makeRRset(ORIGIN, 1, Limits.ttl, [KEY.owner])));
    expect(readRRsetValue(value, KEY, "here").ttl).toBe(Limits.ttl);
    value.writeUInt32BE(Limits.ttl + 1, 1);
    expect(() => readRRsetValue(value, KEY, "here")).toThrow("ttl");
    const long = { ...KEY, ttl: Limits.ttl + 1, rdatas: [new Uint8Array(4)] };
    expect(() => writeRRsetValue(long)).toThrow("assertion failed");
  });

  test("an RRset without RRs, or with unsorted ones, is not stored", () => {
    const one = new Uint8Array([1]);
    const two = new Uint8Array([2]);
    for (const list of [[], [two, one], [one, one]]) {
      expect(() => writeRRsetValue({ ...KEY, ttl: 1, rdatas: list })).toThrow("assertion failed");
    }
    const bytes = writeRRsetValue({ ...KEY, ttl: 1, rdatas: [one, two] });
    bytes[bytes.length - 1] = 1;
    expect(() => readRRsetValue(bytes, KEY, "here")).toThrow("canonical order");
  });
});

/** `undefined` for a `store-format` refusal; any other error fails the test. */
function orRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WindhoverError && error.code === "store-format") return undefined;
    throw error;
  }
}
