import { describe, expect, test } from "vitest";
import { createClientAddress } from "./client-address.ts";

const PROXIES = ["127.0.0.1", "10.0.0.0/8", "2001:db8:ff::/48"];

function from(
  remoteAddress: string | undefined,
  headers: Record<string, string> = {},
  proxies = PROXIES,
) {
  return createClientAddress(proxies)({ remoteAddress, headers });
}

describe("the caller's address", () => {
  test.each([
    ["203.0.113.5", "203.0.113.5"],
    ["::ffff:203.0.113.5", "203.0.113.5"],
    ["2001:db8::5", "2001:db8::5"],
    ["fe80::1%eth0", "fe80::1"],
    [undefined, ""],
  ])("%s is %j", (remote, address) => expect(from(remote)).toBe(address));

  test("is the socket's, whatever a stranger claims", () => {
    const headers = { "x-forwarded-for": "198.51.100.1", forwarded: "for=198.51.100.1" };
    expect(from("203.0.113.5", headers)).toBe("203.0.113.5");
    expect(from("127.0.0.1", headers, [])).toBe("127.0.0.1");
  });
});

describe("behind trusted proxies", () => {
  test.each([
    ["198.51.100.1", "198.51.100.1"],
    ["192.0.2.66, 198.51.100.1", "198.51.100.1"],
    ["192.0.2.66, 198.51.100.1, 10.1.2.3", "198.51.100.1"],
    ["10.1.1.1, 10.1.2.3", "10.1.1.1"],
    ["198.51.100.1:4711", "198.51.100.1"],
    ["[2001:db8::7]:4711", "2001:db8::7"],
    ["2001:db8:ff::9, ::ffff:10.0.0.1", "2001:db8:ff::9"],
    ["unknown", "127.0.0.1"],
    ["198.51.100.1, garbage, 10.1.2.3", "10.1.2.3"],
    ["", "127.0.0.1"],
  ])("X-Forwarded-For %j means %s", (value, address) => {
    expect(from("127.0.0.1", { "x-forwarded-for": value })).toBe(address);
    expect(from("::ffff:127.0.0.1", { "x-forwarded-for": value })).toBe(address);
  });

  test("the header that is not configured is not looked at", () => {
    expect(from("127.0.0.1", { forwarded: "for=198.51.100.1" })).toBe("127.0.0.1");
    const headers = {
      "x-forwarded-for": "192.0.2.66",
      forwarded: 'for=192.0.2.60;proto=https, For="[2001:db8::1]:80"',
    };
    const address = createClientAddress(
      PROXIES,
      "forwarded",
    )({ remoteAddress: "10.0.0.1", headers });
    expect(address).toBe("2001:db8::1");
  });
});

test.each(["proxy.example", "10.0.0.0/33", "10.0.0.0/x", "::/129", ""])(
  "%j is no trusted proxy, and the message says so",
  (proxy) => expect(() => createClientAddress([proxy])).toThrow(`trusted proxy "${proxy}"`),
);
