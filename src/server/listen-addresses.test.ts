import type { NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { expandWildcards, isWildcard } from "./listen-addresses.ts";

function v4(address: string): NetworkInterfaceInfo {
  return { address, family: "IPv4", netmask: "", mac: "", internal: false, cidr: null };
}

function v6(address: string, scopeid: number): NetworkInterfaceInfo {
  return { address, family: "IPv6", netmask: "", mac: "", internal: false, cidr: null, scopeid };
}

const interfaces = {
  lo: [v4("127.0.0.1"), v6("::1", 0)],
  eth0: [v4("192.0.2.2"), v6("2001:db8::2", 0), v6("fe80::2", 3)],
};

const optional = (address: string, port = 53) => ({ address, port, isOptional: true });

test("the IPv4 wildcard means every IPv4 address of the machine", () => {
  const expanded = expandWildcards([{ address: "0.0.0.0", port: 53 }], interfaces);
  expect(expanded).toEqual([optional("127.0.0.1"), optional("192.0.2.2")]);
});

test("the IPv6 wildcard means every IPv6 address, link-local ones with their interface", () => {
  const expanded = expandWildcards([{ address: "::", port: 53 }], interfaces);
  expect(expanded).toEqual([optional("::1"), optional("2001:db8::2"), optional("fe80::2%eth0")]);
});

test("an address that is configured as well stays required, and stands once", () => {
  const listen = [
    { address: "0.0.0.0", port: 53 },
    { address: "192.0.2.2", port: 53 },
    { address: "192.0.2.2", port: 54 },
  ];
  expect(expandWildcards(listen, interfaces)).toEqual([
    { address: "192.0.2.2", port: 53, isOptional: false },
    { address: "192.0.2.2", port: 54, isOptional: false },
    optional("127.0.0.1"),
  ]);
});

test.each([
  ["0.0.0.0", true],
  ["::", true],
  ["0:0:0:0:0:0:0:0", true],
  ["::1", false],
  ["127.0.0.1", false],
])("%s: wildcard %s", (address, expected) => {
  expect(isWildcard(address)).toBe(expected);
});
