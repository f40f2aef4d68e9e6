import { expect, test } from "vitest";
import { parseName } from "../../wire/name.ts";
import {
  createRedisKeys,
  formatOrigin,
  formatVersion,
  parseOrigin,
  parseVersion,
} from "./redis-keys.ts";

test("keys of a zone can be read by people and lie in one slot of a Cluster", () => {
  const keys = createRedisKeys("windhover:").zone(parseName("dyn.example.com."));
  expect(keys.version).toBe("windhover:{dyn.example.com.}:version");
  expect(keys.rrsets).toBe("windhover:{dyn.example.com.}:rrsets");
});

test("braces in a name do not end the hash tag, and origins come back from their text", () => {
  for (const text of [".", "{x}.example.", "}.", "{}.{.", "a\\000b.\\255.", "\\123\\125."]) {
    const origin = parseName(text);
    expect(formatOrigin(origin)).not.toMatch(/[{}]/);
    expect(parseOrigin(formatOrigin(origin))).toEqual(origin);
  }
  expect(parseOrigin("a..b")).toBeUndefined();
});

test("versions come back from their text; other text is none", () => {
  for (const version of [
    { serial: 0, sequence: 1 },
    { serial: 7, sequence: 2, mark: Number.MAX_SAFE_INTEGER },
    { serial: 0xffff_ffff, sequence: Number.MAX_SAFE_INTEGER },
  ]) {
    expect(parseVersion(formatVersion(version))).toEqual(version);
  }
  for (const text of [
    "",
    "1 1",
    "2 1 1",
    "1 4294967296 1",
    "1 1 9007199254740993",
    "1 1 1 x",
    "1 1 1 9007199254740992",
  ]) {
    expect(parseVersion(text)).toBeUndefined();
  }
});
