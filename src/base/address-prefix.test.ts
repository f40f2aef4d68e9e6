import { expect, test } from "vitest";
import { clientPrefix } from "./address-prefix.ts";

test("an IPv4 address stands for itself", () => {
  expect(clientPrefix("192.0.2.7")).toBe("192.0.2.7");
});

test("all addresses of one IPv6 /64 are one client, however they are spelled", () => {
  const same = [
    "2001:db8:0:1::1",
    "2001:db8:0:1:ffff:ffff:ffff:ffff",
    "2001:0db8:0000:0001::2",
    "2001:db8:0:1:0:0:192.0.2.1",
  ];
  expect(new Set(same.map(clientPrefix))).toEqual(new Set(["2001:db8:0:1::/64"]));
});

test("the next /64 is another client", () => {
  expect(clientPrefix("2001:db8:0:2::1")).not.toBe(clientPrefix("2001:db8:0:1::1"));
  expect(clientPrefix("2001:db8::1")).toBe("2001:db8:0:0::/64");
  expect(clientPrefix("::1")).toBe("0:0:0:0::/64");
});

test("the interface of a link-local address does not count", () => {
  expect(clientPrefix("fe80::1%eth0")).toBe(clientPrefix("fe80::2"));
});
