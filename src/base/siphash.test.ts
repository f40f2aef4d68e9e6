import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SipHash } from "./siphash.ts";

const MASK = (1n << 64n) - 1n;

/** SipHash-2-4 again, straight from its definition. */
function reference(key: Uint8Array, bytes: Uint8Array): bigint {
  const word = (from: Uint8Array, at: number) => Buffer.from(from).readBigUInt64LE(at);
  const rotate = (v: bigint, by: bigint) => ((v << by) | (v >> (64n - by))) & MASK;
  let [v0, v1, v2, v3] = [
    0x736f6d6570736575n,
    0x646f72616e646f6dn,
    0x6c7967656e657261n,
    0x7465646279746573n,
  ];
  v0 ^= word(key, 0);
  v1 ^= word(key, 8);
  v2 ^= word(key, 0);
  v3 ^= word(key, 8);
  const round = () => {
    v0 = (v0 + v1) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const padded = new Uint8Array((bytes.length & ~7) + 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  for (let at = 0; at < padded.length; at += 8) {
    v3 ^= word(padded, at);
    round();
    round();
    v0 ^= word(padded, at);
  }
  v2 ^= 0xffn;
  for (let left = 4; left > 0; left--) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function digestOf(sip: SipHash): bigint {
  const [low, high] = sip.digest as unknown as [number, number];
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

describe("SipHash-2-4", () => {
  test("its authors' example", () => {
    const sip = new SipHash(Uint8Array.from({ length: 16 }, (_, at) => at));
    sip.hash(
      Uint8Array.from({ length: 15 }, (_, at) => at),
      15,
    );
    expect(digestOf(sip)).toBe(0xa129ca6149be45e5n);
  });

  test("any key and any octets, as in its definition; what stands behind them does not count", () => {
    const key = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const octets = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(key, octets, octets, (secret, bytes, behind) => {
        const sip = new SipHash(secret);
        sip.hash(behind, behind.length);
        sip.hash(new Uint8Array([...bytes, ...behind]), bytes.length);
        expect(digestOf(sip)).toBe(reference(secret, bytes));
      }),
    );
  });

  test("a key has 16 octets", () => {
    expect(() => new SipHash(new Uint8Array(15))).toThrow("16 octets");
    expect(() => new SipHash(new Uint8Array(17))).toThrow("16 octets");
  });
});
