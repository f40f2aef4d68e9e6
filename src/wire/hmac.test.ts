import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MessageHmac } from "./hmac.ts";

const HASHES = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] as const;

describe("an HMAC of a message", () => {
  test("is that of node:crypto, whatever the hash, the secret and the parts", () => {
    const part = fc.uint8Array({ maxLength: 300 });
    const secret = fc.uint8Array({ maxLength: 200 });
    const parts = fc.array(part, { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...HASHES), secret, parts, (hash, secret, parts) => {
        const expected = createHmac(hash, secret);
        const mac = new MessageHmac(hash, secret);
        for (const part of parts) {
          expected.update(part);
          mac.update(part);
        }
        expect(mac.digest()).toEqual(expected.digest());
      }),
    );
  });

  test.each([4_095, 4_096, 4_097, 65_535])("is that of node:crypto for %i octets", (length) => {
    const message = new Uint8Array(length).fill(7);
    const secret = Uint8Array.of(1, 2, 3);
    const expected = createHmac("sha256", secret).update(message).digest();
    expect(new MessageHmac("sha256", secret).update(message).digest()).toEqual(expected);
  });

  test("goes on when it has become long, and takes octets as they are when they are given", () => {
    const secret = Uint8Array.of(4);
    const part = new Uint8Array(3_000);
    const mac = new MessageHmac("sha256", secret);
    const expected = createHmac("sha256", secret);
    for (let fill = 1; fill <= 4; fill++) {
      mac.update(part.fill(fill));
      expected.update(part);
    }
    expect(mac.digest()).toEqual(expected.digest());
  });

  test("is not mixed with another", () => {
    const first = new MessageHmac("sha256", Uint8Array.of(1));
    const second = new MessageHmac("sha256", Uint8Array.of(2));
    expect(() => first.update(Uint8Array.of(3))).toThrow("one HMAC");
    expect(() => first.digest()).toThrow("one HMAC");
    expect(second.digest()).toEqual(createHmac("sha256", Uint8Array.of(2)).digest());
  });

  test("takes a secret longer than a block as its hash (RFC 4231 §4.7)", () => {
    const secret = new Uint8Array(131).fill(0xaa);
    const message = Buffer.from("Test Using Larger Than Block-Size Key - Hash Key First");
    expect(new MessageHmac("sha256", secret).update(message).digest().toString("hex")).toBe(
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
  });

  test("with one secret is its own for each hash, and again after others", () => {
    const secret = new Uint8Array(16).fill(9);
    const message = Uint8Array.of(5);
    for (const hash of [...HASHES, ...HASHES]) {
      const expected = createHmac(hash, secret).update(message).digest();
      expect(new MessageHmac(hash, secret).update(message).digest()).toEqual(expected);
    }
  });
});
