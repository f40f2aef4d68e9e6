import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  exampleZone,
  ORIGIN,
  rrset,
  rrsetsText,
  soa,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import {
  applyChangeset,
  type Changeset,
  ChangesetJoiner,
  diffViews,
  invertChangeset,
  joinChangesets,
  withoutSerialStep,
} from "./changeset.ts";
import { Overlay } from "./overlay.ts";
import type { RRset } from "./rrset.ts";
import { ZoneMap } from "./zone-map.ts";

function changeset(from: number, removed: RRset[], added: RRset[]): Changeset {
  return { origin: ORIGIN, fromSerial: from, toSerial: from + 1, removed, added };
}

function countRRs(rrsets: readonly RRset[]): number {
  return rrsets.reduce((sum, { rdatas }) => sum + rdatas.length, 0);
}

/** Small zones over few owners, types, TTLs and addresses, so that they overlap much. */
const smallZone: fc.Arbitrary<ZoneMap> = fc
  .array(
    fc.record({
      owner: fc.constantFrom("a", "b", "c"),
      type: fc.constantFrom("A", "TXT"),
      ttl: fc.constantFrom(1, 2),
      last: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1 }),
    }),
    { maxLength: 6 },
  )
  .map((items) => {
    const rrsets = items.map(({ owner, type, ttl, last }) => {
      const texts = last.map((n) => (type === "A" ? `192.0.2.${n}` : `"${n}"`));
      return rrset(owner, ttl, type, ...texts);
    });
    return new ZoneMap(ORIGIN, rrsets);
  });

function step(from: number, before: ZoneMap, after: ZoneMap): Changeset {
  const { removed, added } = diffViews(before, after);
  return changeset(from, removed, added);
}

describe("a difference", () => {
  test("names single RRs that came and went", () => {
    const before = new ZoneMap(ORIGIN, [rrset("h", 60, "A", "192.0.2.1", "192.0.2.2")]);
    const after = new ZoneMap(ORIGIN, [rrset("h", 60, "A", "192.0.2.2", "192.0.2.3")]);
    const { removed, added } = diffViews(before, after);
    expect(rrsetsText(removed)).toEqual(["h.dyn.example.com. 60 A 192.0.2.1"]);
    expect(rrsetsText(added)).toEqual(["h.dyn.example.com. 60 A 192.0.2.3"]);
  });

  test("names only what came, or only what went, when that is all", () => {
    const one = new ZoneMap(ORIGIN, [rrset("h", 60, "A", "192.0.2.1")]);
    const two = new ZoneMap(ORIGIN, [rrset("h", 60, "A", "192.0.2.1", "192.0.2.2")]);
    const other = [rrset("h", 60, "A", "192.0.2.2")];
    expect(diffViews(one, two)).toEqual({ removed: [], added: other });
    expect(diffViews(two, one)).toEqual({ removed: other, added: [] });
  });

  test("takes a TTL change as the whole RRset going and coming", () => {
    const before = new ZoneMap(ORIGIN, [rrset("h", 60, "A", "192.0.2.1", "192.0.2.2")]);
    const after = new ZoneMap(ORIGIN, [rrset("h", 61, "A", "192.0.2.1", "192.0.2.2")]);
    const { removed, added } = diffViews(before, after);
    expect(rrsetsText(removed)).toEqual(zoneText(before));
    expect(rrsetsText(added)).toEqual(zoneText(after));
  });

  test("names what begins at a new owner, and ends with one", () => {
    const before = new ZoneMap(ORIGIN, [rrset("h", 60, "A", "192.0.2.1")]);
    const after = new ZoneMap(ORIGIN, [
      rrset("h", 60, "TXT", '"x"'),
      rrset("i", 60, "A", "192.0.2.2"),
    ]);
    const { removed, added } = diffViews(before, after);
    expect(rrsetsText(removed)).toEqual(zoneText(before));
    expect(rrsetsText(added)).toEqual(zoneText(after));
    expect(diffViews(after, after)).toEqual({ removed: [], added: [] });
  });

  test("applied, adds to an RRset, makes one and ends one; inverted, takes it all back", () => {
    const before = new ZoneMap(ORIGIN, [
      rrset("h", 60, "A", "192.0.2.1"),
      rrset("i", 60, "A", "192.0.2.2"),
    ]);
    const change = changeset(
      1,
      [rrset("i", 60, "A", "192.0.2.2")],
      [rrset("h", 60, "A", "192.0.2.3"), rrset("j", 60, "A", "192.0.2.4")],
    );
    const zone = new Overlay(before);
    expect(applyChangeset(zone, change)).toBe(true);
    expect(zoneText(zone)).toEqual([
      "h.dyn.example.com. 60 A 192.0.2.1",
      "h.dyn.example.com. 60 A 192.0.2.3",
      "j.dyn.example.com. 60 A 192.0.2.4",
    ]);
    const inverse = invertChangeset(change);
    expect([inverse.fromSerial, inverse.toSerial]).toEqual([2, 1]);
    expect(applyChangeset(zone, inverse)).toBe(true);
    expect(zoneText(zone)).toEqual(zoneText(before));
  });

  test("applied, leads from one zone to the other; inverted, back again", () => {
    fc.assert(
      fc.property(smallZone, smallZone, (before, after) => {
        const change = step(1, before, after);
        const zone = new Overlay(before);
        expect(applyChangeset(zone, change)).toBe(true);
        expect(zoneText(zone)).toEqual(zoneText(after));
        expect(applyChangeset(zone, invertChangeset(change))).toBe(true);
        expect(zoneText(zone)).toEqual(zoneText(before));
      }),
    );
  });
});

describe("a changeset that does not fit", () => {
  const zone = () => new Overlay(new ZoneMap(ORIGIN, exampleZone()));
  test.each([
    ["removes an owner that is not there", [rrset("nobody", 60, "A", "192.0.2.1")], []],
    ["removes an RR that is not there", [rrset("home", 60, "A", "192.0.2.77")], []],
    ["removes with another TTL", [rrset("home", 61, "A", "192.0.2.1")], []],
    ["adds an RR that is there", [], [rrset("home", 60, "A", "192.0.2.1")]],
    ["adds with another TTL", [], [rrset("home", 61, "A", "192.0.2.9")]],
  ])("%s", (_, removed, added) => {
    expect(applyChangeset(zone(), changeset(1, removed, added))).toBe(false);
  });
});

describe("joined changesets", () => {
  test("have the effect of all and name no RR that came and went", () => {
    fc.assert(
      fc.property(fc.array(smallZone, { minLength: 2, maxLength: 6 }), (versions) => {
        const steps = versions.slice(1).map((after, at) => step(at, versions[at]!, after));
        const joined = joinChangesets(steps);
        const direct = diffViews(versions[0]!, versions.at(-1)!);
        expect(joined.fromSerial).toBe(0);
        expect(joined.toSerial).toBe(steps.length);
        expect(rrsetsText(joined.removed)).toEqual(rrsetsText(direct.removed));
        expect(rrsetsText(joined.added)).toEqual(rrsetsText(direct.added));
        const joiner = new ChangesetJoiner();
        for (const each of steps) joiner.add(each);
        expect(joiner.records).toBe(countRRs(joined.removed) + countRRs(joined.added));
      }),
    );
  });

  test("say nothing of what came and went again, nor of what went and came back", () => {
    const one = rrset("h", 60, "A", "192.0.2.1");
    const two = rrset("h", 60, "A", "192.0.2.2");
    const other = rrset("h", 61, "A", "192.0.2.1");
    const joined = joinChangesets([
      changeset(1, [], [one]),
      changeset(2, [one], [two]),
      changeset(3, [], [other]),
      changeset(4, [other], []),
    ]);
    expect(joined).toMatchObject({ fromSerial: 1, toSerial: 5, removed: [] });
    expect(rrsetsText(joined.added)).toEqual(rrsetsText([two]));
  });

  test("must follow each other", () => {
    expect(() => joinChangesets([changeset(1, [], []), changeset(3, [], [])])).toThrow();
    expect(() => joinChangesets([])).toThrow();
  });
});

describe("what a change did besides the step of the serial", () => {
  const host = rrset("h", 60, "A", "192.0.2.1");

  test("is without the SOAs when only the serial differs", () => {
    const difference = { removed: [soa(1)], added: [host, soa(2)] };
    expect(withoutSerialStep(difference)).toEqual({ removed: [], added: [host] });
  });

  test("is with them when more of the SOA differs, or there is one only", () => {
    const other = { removed: [soa(1)], added: [soa(2, 60), host] };
    expect(withoutSerialStep(other)).toEqual(other);
    for (const one of [
      { removed: [], added: [soa(2)] },
      { removed: [soa(2)], added: [] },
    ]) {
      expect(withoutSerialStep(one)).toEqual(one);
    }
  });
});
