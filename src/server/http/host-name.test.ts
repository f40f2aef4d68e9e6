import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatName, nameKey, parseName } from "../../wire/name.ts";
import { findOrigin, parseHost } from "./host-name.ts";

const long = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`;

describe("a host", () => {
  test.each([
    ["home.example.com", "home.example.com."],
    [" HOME.Example.COM. ", "home.example.com."],
    ["a_b.example.com", "a_b.example.com."],
    ["*.home.example.com", "*.home.example.com."],
    ["bücher.example.com", "xn--bcher-kva.example.com."],
    [long, `${long}.`],
  ])("%j", (text, name) => expect(formatName(parseHost(text) as never)).toBe(name));

  test.each([
    "",
    ".",
    "home",
    "home..example.com",
    "-home.example.com",
    "home-.example.com",
    "ho me.example.com",
    "home.example.com/24",
    "home.*.example.com",
    "a\\.b.example.com",
    "a@b.example.com",
    `${"a".repeat(64)}.example.com`,
    `${long}d`,
  ])("%j is none", (text) => expect(parseHost(text)).toBeUndefined());

  test("is a name or nothing, whatever the text", () => {
    const domain = fc.domain().filter(({ length }) => length <= 253);
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => isHostOrNothing(text)));
    fc.assert(fc.property(domain, (text) => parseHost(text) !== undefined));
  });
});

function isHostOrNothing(text: string): boolean {
  const name = parseHost(text);
  return name === undefined || formatName(name).split(".").length > 2;
}

test("the deepest of our zones is the one", () => {
  const zones = ["example.com", "dyn.example.com", "com"].map((zone) => nameKey(parseName(zone)));
  const origin = (host: string) => {
    const found = findOrigin(parseName(host), (zone) => zones.includes(nameKey(zone)));
    return found === undefined ? undefined : formatName(found);
  };
  expect(origin("home.dyn.example.com")).toBe("dyn.example.com.");
  expect(origin("dyn.example.com")).toBe("dyn.example.com.");
  expect(origin("xdyn.example.com")).toBe("example.com.");
  expect(origin("example.org")).toBeUndefined();
});
