import { describe, expect, test } from "vitest";
import {
  at,
  exampleZone,
  ORIGIN,
  rrset,
  rrtype,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { Overlay } from "./overlay.ts";
import { ZoneMap } from "./zone-map.ts";

function base(): ZoneMap {
  return new ZoneMap(ORIGIN, exampleZone());
}

describe("an overlay", () => {
  test("shows the base where nothing was written", () => {
    const zone = new Overlay(base());
    expect(zoneText(zone)).toEqual(zoneText(base()));
    expect(zone.isChanged()).toBe(false);
    expect(zone.changes()).toEqual([]);
  });

  test("shows what was written and leaves the base alone", () => {
    const below = base();
    const zone = new Overlay(below);
    const after = rrset("home", 60, "A", "192.0.2.9");
    zone.set({ owner: at("home"), rrtype: rrtype("A"), rrset: after });
    zone.set({ owner: at("alias"), rrtype: rrtype("CNAME"), rrset: undefined });
    expect(zone.rrset(at("home"), rrtype("A"))).toBe(after);
    expect(zone.rrsets(at("home")).length).toBe(2);
    expect([...zone.owners()]).not.toContainEqual(at("alias"));
    expect(zone.rrsets(at("alias"))).toEqual([]);
    expect(zoneText(below)).toEqual(zoneText(base()));
    expect(zone.changes()).toEqual([
      { owner: at("home"), rrtype: rrtype("A"), rrset: after },
      { owner: at("alias"), rrtype: rrtype("CNAME"), rrset: undefined },
    ]);
  });

  test("knows that a change taken back is none", () => {
    const zone = new Overlay(base());
    zone.set({ owner: at("new"), rrtype: rrtype("A"), rrset: rrset("new", 5, "A", "192.0.2.7") });
    expect(zone.isChanged()).toBe(true);
    zone.set({ owner: at("new"), rrtype: rrtype("A"), rrset: undefined });
    zone.set({ owner: at("home"), rrtype: rrtype("A"), rrset: undefined });
    const same = rrset("home", 60, "A", "192.0.2.1", "192.0.2.2");
    zone.set({ owner: at("home"), rrtype: rrtype("A"), rrset: same });
    expect(zone.isChanged()).toBe(false);
    expect(zone.changes()).toEqual([]);
  });

  test("takes over an overlay above it, whose base it is", () => {
    const zone = new Overlay(base());
    zone.set({ owner: at("home"), rrtype: rrtype("A"), rrset: undefined });
    const above = new Overlay(zone);
    const added = rrset("home", 60, "TXT", '"x"');
    above.set({ owner: at("home"), rrtype: rrtype("TXT"), rrset: added });
    zone.absorb(above);
    expect(zone.changes()).toEqual([
      { owner: at("home"), rrtype: rrtype("A"), rrset: undefined },
      { owner: at("home"), rrtype: rrtype("TXT"), rrset: added },
    ]);
  });
});
