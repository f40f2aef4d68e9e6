import { describe, expect, test } from "vitest";
import { at, exampleZone, ORIGIN, rrset } from "../../test/update/zone-fixtures.ts";
import { Overlay } from "../zone/overlay.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { takeRoom } from "./zone-room.ts";

/** The example zone with these changes: RRsets set, or names ended. */
function changed(...changes: readonly (ReturnType<typeof rrset> | string)[]): Overlay {
  const zone = new Overlay(new ZoneMap(ORIGIN, exampleZone()));
  for (const change of changes) {
    if (typeof change === "string") {
      const owner = at(change);
      for (const { rrtype } of zone.rrsets(owner)) zone.set({ owner, rrtype, rrset: undefined });
    } else {
      zone.set({ owner: change.owner, rrtype: change.rrtype, rrset: change });
    }
  }
  return zone;
}

const one = rrset("new", 60, "A", "192.0.2.1");
const two = rrset("new", 60, "TXT", '"abc"');

describe("takeRoom", () => {
  test("gives what is left", () => {
    expect(takeRoom(changed(one, two), { rrsets: 5, bytes: 100 })).toEqual({
      rrsets: 3,
      bytes: 88,
    });
    expect(takeRoom(changed(), { rrsets: 5, bytes: 100 })).toEqual({ rrsets: 5, bytes: 100 });
  });

  test("at the bound and one past it", () => {
    expect(takeRoom(changed(one, two), { rrsets: 2, bytes: 12 })).toEqual({ rrsets: 0, bytes: 0 });
    for (const room of [
      { rrsets: 1, bytes: 12 },
      { rrsets: 2, bytes: 11 },
    ]) {
      expect(takeRoom(changed(one, two), room)).toMatchObject({
        status: "refused",
        reason: "limit",
      });
    }
  });

  test("where there is none, a zone may still become smaller or change in place", () => {
    const none = { rrsets: -7, bytes: -7 };
    const smaller = takeRoom(changed("home"), none);
    expect(smaller).not.toHaveProperty("status");
    const same = takeRoom(changed("home", rrset("home", 60, "A", "192.0.2.200")), none);
    expect(same).not.toHaveProperty("status");
  });
});
