import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ADDRESS_LENGTH, hasPrefix, parsePrefix, readAddress } from "./address-octets.ts";

function octetsOf(text: string): string {
  const octets = new Uint8Array(ADDRESS_LENGTH + 4).fill(0xee);
  const length = readAddress(text, octets, 2);
  expect([...octets.subarray(0, 2)]).toEqual([0xee, 0xee]);
  expect([...octets.subarray(2 + ADDRESS_LENGTH)]).toEqual([0xee, 0xee]);
  return Buffer.from(octets.subarray(2, 2 + length)).toString("hex");
}

describe("readAddress", () => {
  test.each([
    ["192.0.2.1", "c0000201"],
    ["0.0.0.0", "00000000"],
    ["255.255.255.255", "ffffffff"],
    ["::", "0".repeat(32)],
    ["::1", `${"0".repeat(31)}1`],
    ["1::", `0001${"0".repeat(28)}`],
    ["2001:db8:220:1:59de:d0f4:8769:82b8", "20010db80220000159ded0f4876982b8"],
    ["2001:DB8::F", `20010db8${"0".repeat(23)}f`],
    ["fe80::1%eth0", `fe80${"0".repeat(27)}1`],
    ["::ffff:192.0.2.1", "c0000201"],
    ["::ffff:192.0.2.1%1", "c0000201"],
    ["64:ff9b::192.0.2.1", `0064ff9b${"0".repeat(16)}c0000201`],
  ])("%s", (text, hex) => {
    expect(octetsOf(text)).toBe(hex);
  });

  test.each([
    "",
    "x",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "1..2.3",
    "1:2",
    "12345::",
    "1:2:3:4:5:6:7:8:9",
    "::1.2.3",
    "1:2:3:4:5:6:7:1.2.3.4",
    "g::",
  ])("%j is none", (text) => {
    expect(octetsOf(text)).toBe("");
  });

  test("any address, in every form it is written", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        fc.pre(isIP(text) !== 0);
        expect(octetsOf(text)).toBe(referenceOctets(text));
      }),
    );
  });
});

/** The URL parser of the platform writes every address in one form. */
function referenceOctets(text: string): string {
  if (isIP(text) === 4) return Buffer.from(text.split(".").map(Number)).toString("hex");
  const host = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [left = "", right] = host.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const behind = groups(right ?? "");
  const zeros = Array<string>(right === undefined ? 0 : 8 - groups(left).length - behind.length);
  const all = [...groups(left), ...zeros.fill("0"), ...behind].map((group) =>
    group.padStart(4, "0"),
  );
  const hex = all.join("");
  return hex.startsWith(`${"0".repeat(20)}ffff`) ? hex.slice(24) : hex;
}

describe("prefixes", () => {
  const has = (prefix: string, address: string) => {
    const octets = new Uint8Array(ADDRESS_LENGTH);
    const length = readAddress(address, octets, 0);
    return hasPrefix(octets, length, parsePrefix(prefix) as never);
  };

  test.each([
    ["192.0.2.0/24", "192.0.2.255", true],
    ["192.0.2.0/24", "192.0.3.0", false],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["192.0.2.128/25", "192.0.2.128", true],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "::1", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["::/0", "2001:db8::1", true],
    ["::1", "::1", true],
    ["127.0.0.0/8", "::ffff:127.0.0.1", true],
  ])("%s has %s: %s", (prefix, address, expected) => {
    expect(has(prefix, address)).toBe(expected);
  });

  test.each(["", "nowhere", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/x", "1.2.3/8", "/8"])(
    "%j is none",
    (text) => {
      expect(parsePrefix(text)).toBeUndefined();
    },
  );
});
