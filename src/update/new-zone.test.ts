/** Zones that are to be made: what is asked of them, and that they go into the table as they go into the store. */
import { expect, test } from "vitest";
import { MapTable } from "../../test/update/fakes.ts";
import { contentText, exampleZone, ORIGIN, rrset, soa } from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import type { RRset } from "../zone/rrset.ts";
import { type PackedRRsets, packRRsets } from "../zone/rrset-pack.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { checkNewZone, loadEach } from "./new-zone.ts";

function packed(rrsets: readonly RRset[]): PackedRRsets {
  return {
    packs: () => packRRsets(ORIGIN, rrsets),
    [Symbol.iterator]: () => rrsets[Symbol.iterator](),
  };
}

const BOTH = [
  ["RRsets", (rrsets: readonly RRset[]) => rrsets],
  ["packs", packed],
] as const;

test.each(BOTH)(
  "a zone in %s is known by its serial, and told of while it is small",
  (_, given) => {
    const zone = checkNewZone(ORIGIN, given(exampleZone(7)), Limits.zoneRRsets);
    expect(zone.serial).toBe(7);
    expect(zone.added).toEqual(exampleZone(7));
    const hosts = Array.from({ length: 1_000 }, (_each, at) =>
      rrset(`h${at}`, 1, "A", "192.0.2.1"),
    );
    const large = [...exampleZone(8), ...hosts];
    expect(checkNewZone(ORIGIN, given(large), Limits.zoneRRsets)).toMatchObject({
      serial: 8,
      added: [],
    });
  },
);

test.each(BOTH)("a zone in %s that no zone may be is refused", (_, given) => {
  const check = (rrsets: readonly RRset[], limit = 100) =>
    checkNewZone(ORIGIN, given(rrsets), limit);
  const ns = rrset("@", 1, "NS", "ns1");
  expect(() => check([soa(1)])).toThrow("it has no NS at its apex");
  expect(() => check([soa(1), rrset("sub", 1, "NS", "ns1")])).toThrow("no NS at its apex");
  expect(() => check([ns])).toThrow("it has no SOA at its apex");
  const below = rrset("b", 1, "SOA", "a b 1 2 3 4 5");
  expect(() => check([soa(1), ns, below])).toThrow("b.dyn.example.com. has an SOA below the apex");
  expect(check([soa(1), ns], 2).serial).toBe(1);
  expect(() => check([soa(1), ns], 1)).toThrow("has more than 1 RRsets");
});

test("each pack is in the table before it is given out", () => {
  const table = new MapTable();
  const loader = table.beginZone(ORIGIN);
  const given = [...loadEach(packed(exampleZone()), loader)];
  loader.publish();
  expect(contentText(new ZoneMap(ORIGIN, given))).toEqual(
    contentText(new ZoneMap(ORIGIN, exampleZone())),
  );
  expect(contentText(table.view(ORIGIN)!)).toEqual(contentText(new ZoneMap(ORIGIN, given)));
});
