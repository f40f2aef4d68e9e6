import { describe, expect, test } from "vitest";
import { formatSocketAddress, isSameAddress, parseSocketAddress } from "./socket-address.ts";

describe("socket addresses", () => {
  test.each(["192.0.2.1:53", "[2001:db8::1]:5300", "127.0.0.1:0", "127.0.0.1:65535"])(
    "%s is read and written back",
    (text) => {
      const parsed = parseSocketAddress(text);
      expect(parsed && formatSocketAddress(parsed)).toBe(text);
    },
  );

  test("localhost is the loopback address", () => {
    expect(parseSocketAddress("localhost:53")).toEqual({ address: "127.0.0.1", port: 53 });
  });

  test.each([
    "53",
    "192.0.2.1",
    "192.0.2.1:65536",
    "[192.0.2.1]:53",
    "2001:db8::1:53",
    "ns.example:53",
    "",
  ])("%s is not one", (text) => {
    expect(parseSocketAddress(text)).toBeUndefined();
  });
});

test.each([
  ["192.0.2.1", "192.0.2.1", true],
  ["192.0.2.1", "192.0.2.2", false],
  ["2001:DB8:0::1", "2001:db8::1", true],
  ["fe80::1", "fe80::1%eth0", true],
  ["::1", "::2", false],
  ["::ffff:192.0.2.1", "192.0.2.1", false],
])("%s and %s mean the same address: %s", (a, b, isSame) => {
  expect(isSameAddress(a, b)).toBe(isSame);
});
