import { describe, expect, test } from "vitest";
import { equalDigests, makeToken, secretDigest, tokenId } from "./token.ts";

describe("a machine token", () => {
  test("is safe in a URL without escaping and fits a 32-character password field", () => {
    for (let count = 0; count < 200; count++) {
      const { secret } = makeToken();
      expect(secret).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(secret.length).toBeLessThanOrEqual(32);
      expect(encodeURIComponent(secret)).toBe(secret);
    }
  });

  test("carries 128 bits that no other has", () => {
    const secrets = new Set(Array.from({ length: 1_000 }, () => makeToken().secret.slice(9)));
    expect(secrets.size).toBe(1_000);
    for (const secret of secrets) expect(Buffer.from(secret, "base64url")).toHaveLength(16);
  });

  test("names its id in front", () => {
    const { id, secret } = makeToken();
    expect(tokenId(secret)).toBe(id);
  });

  test.each([
    "",
    "password",
    "ab12cd34",
    "ab12cd34_",
    `AB12CD34_${"x".repeat(22)}`,
    `ab12cd34_${"x".repeat(23)}`,
  ])("%j is none", (text) => expect(tokenId(text)).toBeUndefined());

  test("digests are compared whole", () => {
    expect(equalDigests(secretDigest("a"), secretDigest("a"))).toBe(true);
    expect(equalDigests(secretDigest("a"), secretDigest("b"))).toBe(false);
    expect(equalDigests(secretDigest("a"), secretDigest("a").subarray(1))).toBe(false);
  });
});
