/** Where the store's history leaves what was shown. */
import { describe, expect, test } from "vitest";
import { creation, journalEntry } from "../../test/store/zone-samples.ts";
import { Limits } from "../base/limits.ts";
import type { JournalEntry, ZoneVersion } from "../store/store.ts";
import { versionAfter } from "../store/zone-version.ts";
import { parseName } from "../wire/name.ts";
import { entriesSinceFork, isStep, leadsTo, ShownVersions } from "./shown-versions.ts";

const ORIGIN = parseName("dyn.example.com");
const FIRST: ZoneVersion = { serial: 1, sequence: 1 };

/** Steps by somebody from a version on, and the versions they lead to. */
function history(from: ZoneVersion, count: number, actor: string) {
  const entries: JournalEntry[] = [];
  const versions: ZoneVersion[] = [];
  let reached = from;
  for (let step = 0; step < count; step++) {
    const entry = journalEntry(ORIGIN, reached.sequence + 1, reached.serial, { actor });
    reached = versionAfter(reached, entry);
    entries.push(entry);
    versions.push(reached);
  }
  return { entries, versions, last: reached };
}

const shared = history(FIRST, 3, "key:all");
const ours = history(shared.last, 2, "key:ours");
const theirs = history(shared.last, 4, "key:theirs");
const shown = [FIRST, ...shared.versions, ...ours.versions];

describe("entries lead from version to version", () => {
  test("when each is the next and the end is of the same history", () => {
    expect(leadsTo(FIRST, shared.entries, shared.last)).toBe(true);
    expect(leadsTo(FIRST, [], FIRST)).toBe(true);
    expect(leadsTo(FIRST, shared.entries.slice(1), shared.last)).toBe(false);
    expect(leadsTo(ours.last, theirs.entries.slice(2), theirs.last)).toBe(false);
  });

  test("but a creation is no step", () => {
    expect(isStep(FIRST, journalEntry(ORIGIN, 2, 1))).toBe(true);
    expect(isStep(FIRST, journalEntry(ORIGIN, 2, 5))).toBe(false);
    expect(isStep(FIRST, journalEntry(ORIGIN, 3, 1))).toBe(false);
    expect(isStep(FIRST, { ...creation(ORIGIN, 1), sequence: 2 })).toBe(false);
  });
});

describe("the entries that are not ours", () => {
  const journal = [...shared.entries, ...theirs.entries];

  test("begin where the histories part", () => {
    expect(entriesSinceFork(shown, journal, theirs.last)).toEqual(theirs.entries);
  });

  test("are none when the store only fell back", () => {
    expect(entriesSinceFork(shown, shared.entries, shared.last)).toEqual([]);
  });

  test("are all that are known when the histories part before what was shown", () => {
    expect(entriesSinceFork(ours.versions, theirs.entries, theirs.last)).toEqual(theirs.entries);
  });

  test("are those after the creation when the zone was put into an empty store", () => {
    const put = { ...creation(ORIGIN, 9), sequence: 5 };
    const after = history({ serial: 9, sequence: 5 }, 2, "key:theirs");
    const found = entriesSinceFork(shown, [put, ...after.entries], after.last);
    expect(found).toEqual(after.entries);
  });
});

describe("the versions shown", () => {
  test("are the newest, and enough of them", () => {
    const versions = new ShownVersions();
    expect(versions.newest).toBeUndefined();
    const { versions: many, last } = history(FIRST, 2 * Limits.shownVersions, "key:all");
    for (const [at, version] of many.entries()) {
      versions.add(version);
      expect(versions.newest).toBe(version);
      expect(versions.all.length).toBeLessThan(2 * Limits.shownVersions);
      expect(versions.all.length).toBeGreaterThanOrEqual(Math.min(at + 1, Limits.shownVersions));
    }
    expect(versions.all).toHaveLength(Limits.shownVersions);
    expect(versions.all.at(-1)).toBe(last);
  });

  test("begin anew with a version that nothing known led to", () => {
    const versions = new ShownVersions();
    versions.add(FIRST);
    versions.reset(theirs.last);
    expect(versions.all).toEqual([theirs.last]);
    versions.reset(undefined);
    expect(versions.all).toEqual([]);
  });
});
