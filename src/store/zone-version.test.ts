/** Versions that count alike but have another history are not the same. */
import { describe, expect, test } from "vitest";
import { creation, journalEntry } from "../../test/store/zone-samples.ts";
import { rrset } from "../../test/update/zone-fixtures.ts";
import { parseName } from "../wire/name.ts";
import { isCreation, isSameVersion, storedVersion, versionAfter } from "./zone-version.ts";

const ORIGIN = parseName("dyn.example.com");
const FIRST = { serial: 1, sequence: 1 };
const ENTRY = journalEntry(ORIGIN, 2, 1, { added: [rrset("home", 60, "A", "192.0.2.1")] });

describe("the version after an entry", () => {
  test("has its numbers and a mark that is exact as a number", () => {
    const after = versionAfter(FIRST, ENTRY);
    expect(after).toMatchObject({ serial: 2, sequence: 2 });
    expect(Number.isSafeInteger(after.mark)).toBe(true);
    expect(isSameVersion(after, versionAfter(FIRST, { ...ENTRY }))).toBe(true);
  });

  test.each([
    ["at another time", { timeMs: ENTRY.timeMs + 1 }],
    ["a day of 2^32 milliseconds later", { timeMs: ENTRY.timeMs + 2 ** 32 }],
    ["by somebody else", { actor: "key:other" }],
    ["through another door", { door: "rest" }],
    ["from elsewhere", { address: "192.0.2.99" }],
    ["with another RR", { added: [rrset("home", 60, "A", "192.0.2.2")] }],
    ["with another TTL", { added: [rrset("home", 61, "A", "192.0.2.1")] }],
    ["of another owner", { added: [rrset("hone", 60, "A", "192.0.2.1")] }],
    ["that removes instead", { added: [], removed: ENTRY.added }],
  ])("is another one when the change was made %s", (_, change) => {
    const other = versionAfter(FIRST, { ...ENTRY, ...change });
    expect(isSameVersion(other, versionAfter(FIRST, ENTRY))).toBe(false);
  });

  test("is another one when an earlier change was", () => {
    const third = journalEntry(ORIGIN, 3, 2);
    const one = versionAfter(versionAfter(FIRST, ENTRY), third);
    const other = versionAfter(versionAfter(FIRST, { ...ENTRY, timeMs: 1 }), third);
    expect(one).toMatchObject({ serial: 3, sequence: 3 });
    expect(isSameVersion(one, other)).toBe(false);
  });
});

test("no mark and a mark of 0 are the same", () => {
  expect(isSameVersion(FIRST, { ...FIRST, mark: 0 })).toBe(true);
  expect(storedVersion(1, 1, 0)).toEqual(FIRST);
  expect(storedVersion(1, 1, 5)).toEqual({ ...FIRST, mark: 5 });
});

test("a creation is no step", () => {
  expect(isCreation(creation(ORIGIN))).toBe(true);
  expect(isCreation(ENTRY)).toBe(false);
});
