/** Zones that are to be made: what is asked of them, and that they go into the table as they go into the store. */
import { expect, test } from "vitest";
import { listLogger, MapTable, standingClock } from "../../test/update/fakes.ts";
import {
  contentText,
  exampleZone,
  OPERATOR,
  ORIGIN,
  rrset,
  soa,
} from "../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { RRset } from "../zone/rrset.ts";
import { type PackedRRsets, packRRsets } from "../zone/rrset-pack.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { checkNewZone, loadEach } from "./new-zone.ts";
import { createUpdateEngine } from "./update-engine.ts";

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
  async (_, given) => {
    const zone = await checkNewZone(ORIGIN, given(exampleZone(7)), Limits.zoneRRsets);
    expect(zone.serial).toBe(7);
    expect(zone.added).toEqual(exampleZone(7));
    const hosts = Array.from({ length: 1_000 }, (_each, at) =>
      rrset(`h${at}`, 1, "A", "192.0.2.1"),
    );
    const large = [...exampleZone(8), ...hosts];
    expect(await checkNewZone(ORIGIN, given(large), Limits.zoneRRsets)).toMatchObject({
      serial: 8,
      added: [],
    });
  },
);

test.each(BOTH)("a zone in %s that no zone may be is refused", async (_, given) => {
  const check = (rrsets: readonly RRset[], limit = 100) =>
    checkNewZone(ORIGIN, given(rrsets), limit);
  const ns = rrset("@", 1, "NS", "ns1");
  await expect(check([soa(1)])).rejects.toThrow("it has no NS at its apex");
  const sub = rrset("sub", 1, "NS", "ns1");
  await expect(check([soa(1), sub])).rejects.toThrow("no NS at its apex");
  await expect(check([ns])).rejects.toThrow("it has no SOA at its apex");
  const below = rrset("b", 1, "SOA", "a b 1 2 3 4 5");
  const told = "b.dyn.example.com. has an SOA below the apex";
  await expect(check([soa(1), ns, below])).rejects.toThrow(told);
  expect((await check([soa(1), ns], 2)).serial).toBe(1);
  await expect(check([soa(1), ns], 1)).rejects.toThrow("has more than 1 RRsets");
});

test("each pack is in the table before it is given out", async () => {
  const table = new MapTable();
  const loader = table.beginZone(ORIGIN);
  const given: RRset[] = [];
  for await (const each of loadEach(packed(exampleZone()), loader)) given.push(each);
  loader.publish();
  expect(contentText(new ZoneMap(ORIGIN, given))).toEqual(
    contentText(new ZoneMap(ORIGIN, exampleZone())),
  );
  expect(contentText(table.view(ORIGIN)!)).toEqual(contentText(new ZoneMap(ORIGIN, given)));
});

/** A zone of so many RRsets. */
function zoneOf(count: number): RRset[] {
  const hosts = Array.from({ length: count }, (_, at) => rrset(`h${at}`, 1, "A", "192.0.2.1"));
  return [soa(1), rrset("@", 1, "NS", "ns1"), ...hosts].slice(0, count);
}

/** In packs of one RRset. */
function inSmallPacks(rrsets: readonly RRset[]): PackedRRsets {
  return {
    *packs() {
      for (const each of rrsets) yield* packRRsets(ORIGIN, [each]);
    },
    [Symbol.iterator]: () => rrsets[Symbol.iterator](),
  };
}

/** Turns of the loop until it is done: a zone in a slice takes none. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const count = () => {
    if (isDone) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  await work();
  isDone = true;
  return turns;
}

test.each([
  [Limits.zoneSlice - 1, 0],
  [Limits.zoneSlice, 1],
  [Limits.zoneSlice + 1, 1],
  [3 * Limits.zoneSlice, 3],
])("a zone of %i RRsets lets others have their turn %i times", async (size, turns) => {
  const zone = inSmallPacks(zoneOf(size));
  expect(await turnsOf(() => checkNewZone(ORIGIN, zone, Limits.zoneRRsets))).toBe(turns);
  const loader = new MapTable().beginZone(ORIGIN);
  const load = async () => {
    let count = 0;
    for await (const pack of loadEach(zone, loader).packs()) count += [...pack].length;
    expect(count).toBe(size);
  };
  expect(await turnsOf(load)).toBe(turns);
});

test("a zone whose server shuts down during its checks is not made", async () => {
  const store = new MemoryStore();
  const parts = { store, writer: new MapTable(), clock: standingClock, log: listLogger() };
  const engine = createUpdateEngine(parts);
  await engine.start();
  const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };
  const made = engine.createZone(intent, inSmallPacks(zoneOf(Limits.zoneSlice)));
  await Promise.all([
    engine.close(),
    expect(made).rejects.toMatchObject({ code: ErrorCode.shuttingDown }),
  ]);
  expect(await store.findZone(ORIGIN)).toBeUndefined();
});
