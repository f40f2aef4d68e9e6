import { describe, expect, test } from "vitest";
import { formatSocketAddress, parseSocketAddress } from "./socket-address.ts";

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
