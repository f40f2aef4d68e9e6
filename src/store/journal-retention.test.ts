import { describe, expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { countExpired } from "./journal-retention.ts";

/** A journal whose entries were written a second apart, the first at 0. */
function journal(count: number, added: number) {
  return { count, added, newestMs: (count - 1) * 1_000, timeMs: (at: number) => at * 1_000 };
}

describe("by count", () => {
  const kept = { entries: 100, ageMs: Infinity };

  test.each([
    [100, 0],
    [101, 1],
    [150, 50],
  ])("%i entries lose %i", (count, expired) => {
    expect(countExpired(kept, journal(count, 60))).toBe(expired);
  });

  test.each([1, 10])("a commit of %i removes a bounded number more than it adds", (added) => {
    const most = added + Limits.journalTrim;
    expect(countExpired(kept, journal(100 + most - 1, added))).toBe(most - 1);
    expect(countExpired(kept, journal(100 + most, added))).toBe(most);
    expect(countExpired(kept, journal(100 + most + 1, added))).toBe(most);
  });
});

describe("by age", () => {
  const kept = { entries: 1_000_000, ageMs: 10_000 };

  test.each([
    [11, 0],
    [12, 1],
    [20, 9],
  ])("of %i entries a second apart %i are older than ten seconds", (count, expired) => {
    expect(countExpired(kept, journal(count, 1))).toBe(expired);
  });

  test("is bounded too", () => {
    expect(countExpired(kept, journal(10_000, 1))).toBe(1 + Limits.journalTrim);
  });

  test("the commit's own entries stay, whatever the clock says", () => {
    const old = { count: 5, added: 3, newestMs: 1e15, timeMs: () => 0 };
    expect(countExpired(kept, old)).toBe(2);
  });

  test("what cannot be read has no age", () => {
    expect(countExpired(kept, { ...journal(50, 1), timeMs: () => undefined })).toBe(0);
  });

  test("adds to what the count removes", () => {
    expect(countExpired({ entries: 18, ageMs: 10_000 }, journal(20, 1))).toBe(9);
    expect(countExpired({ entries: 5, ageMs: 10_000 }, journal(20, 1))).toBe(15);
  });
});
