import { describe, expect, test } from "vitest";
import { changedServer, OPERATORS, START_MS } from "../../test/update/history-server.ts";
import {
  at,
  contentText,
  deleteName,
  exampleZone,
  ORIGIN,
  rrset,
  rrsetsText,
  soa,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { JournalDifference } from "./journal-difference.ts";
import { advanceDifference } from "./zone-history.ts";

describe("the zone as it was", () => {
  test.each(["#1", "@1", "1", "2026-01-01T00:00:59Z"])(
    "at %s is what it was made",
    async (text) => {
      const { engine, table } = await changedServer();
      const past = await engine.history.open(ORIGIN, text);
      expect(past.point).toEqual({ serial: 1, sequence: 1, timeMs: START_MS });
      expect(zoneText(past.view)).toEqual(zoneText(new ZoneMap(ORIGIN, exampleZone(1))));
      past.close();
      expect(table.snapshots).toBe(0);
    },
  );

  test("is of one version while the zone goes on", async () => {
    const { engine, update } = await changedServer();
    const past = await engine.history.open(ORIGIN, "#3");
    await update(deleteName("home"), deleteName("www"));
    expect(contentText(past.view)).toContain("home.dyn.example.com. 60 A 192.0.2.9");
    expect(past.view.rrsets(at("www"))).toEqual([]);
    expect(past.view.rrset(ORIGIN, Type.SOA)).toEqual(soa(3));
  });

  test("may be asked for one owner only", async () => {
    const { engine } = await changedServer();
    const { view } = await engine.history.open(ORIGIN, "#1", at("home"));
    expect(view.rrset(at("home"), Type.A)).toEqual(exampleZone()[3]);
    expect(view.rrsets(at("alias"))).toEqual([]);
  });

  test("without a point is the zone as it is, without asking the store", async () => {
    const { engine, store } = await changedServer();
    store.isDown = true;
    const past = await engine.history.open(ORIGIN);
    expect(past.point).toEqual({ serial: 4, sequence: 4, timeMs: undefined });
    expect(past.view.rrsets(at("www"))).toHaveLength(1);
  });

  test("holds no memory when it cannot be had", async () => {
    const { engine, table, store } = await changedServer();
    await expect(engine.history.open(ORIGIN, "#9")).rejects.toThrow("no change #9 yet");
    store.isDown = true;
    await expect(engine.history.open(ORIGIN, "#2")).rejects.toThrow("connection lost");
    expect(table.snapshots).toBe(0);
  });

  test("is not made from a journal that does not fit", async () => {
    const { engine, table } = await changedServer();
    table.publish(ORIGIN, [{ owner: at("www"), rrtype: Type.A, rrset: undefined }]);
    await expect(engine.history.open(ORIGIN, "#3")).rejects.toMatchObject({
      code: ErrorCode.storeFormat,
      message: expect.stringContaining("does not fit its records"),
    });
  });

  test("is not made from a journal that has a gap", async () => {
    const { engine, store } = await changedServer();
    const readJournal = store.readJournal.bind(store);
    store.readJournal = async (origin, range) =>
      (await readJournal(origin, range)).filter(({ sequence }) => sequence !== 3);
    await expect(engine.history.open(ORIGIN, "#1")).rejects.toMatchObject({
      code: ErrorCode.storeFormat,
      message: expect.stringContaining("an entry is missing"),
    });
  });

  test("is looked at again when the table was a step ahead", async () => {
    const { engine, table, store } = await changedServer();
    const rrsetNow = soa(5);
    table.publish(ORIGIN, [{ owner: ORIGIN, rrtype: Type.SOA, rrset: rrsetNow }]);
    store.isDown = true;
    await expect(engine.history.open(ORIGIN)).rejects.toThrow("connection lost");
    store.isDown = false;
    await expect(engine.history.open(ORIGIN)).rejects.toMatchObject({ code: ErrorCode.conflict });
    expect(table.snapshots).toBe(0);
  });

  test("is told to be missing where there is no zone", async () => {
    const { engine, table } = await changedServer();
    const missing = { code: ErrorCode.noSuchZone };
    await expect(engine.history.open(at("other.org."))).rejects.toMatchObject(missing);
    await expect(engine.history.point(at("other.org."), "1")).rejects.toMatchObject(missing);
    table.zones.clear();
    await expect(engine.history.open(ORIGIN)).rejects.toMatchObject(missing);
  });
});

describe("a difference", () => {
  test("leads from one point to the other, whichever was first", async () => {
    const { engine } = await changedServer();
    const forward = await engine.history.difference(ORIGIN, "#2", "now");
    expect(forward).toMatchObject({ from: { sequence: 2 }, to: { sequence: 4 } });
    expect(rrsetsText(forward.removed)).toEqual(
      rrsetsText([
        soa(2),
        rrset("home", 60, "A", "192.0.2.8"),
        rrset("alias", 300, "CNAME", "home"),
      ]),
    );
    const back = await engine.history.difference(ORIGIN, "now", "#2");
    expect(back).toMatchObject({ from: { sequence: 4 }, to: { sequence: 2 } });
    expect(rrsetsText(back.added)).toEqual(rrsetsText(forward.removed));
    expect(rrsetsText(back.removed)).toEqual(rrsetsText(forward.added));
  });

  test("of a point from itself is none", async () => {
    const { engine } = await changedServer();
    const none = await engine.history.difference(ORIGIN, "#2", "2");
    expect(none).toMatchObject({ removed: [], added: [] });
  });
});

describe("a label", () => {
  test("is a point, pinned to where it was given", async () => {
    const { engine, update, clock } = await changedServer();
    const made = await engine.history.addLabel(ORIGIN, "before-www", "#3");
    expect(made).toMatchObject({ serial: 3, sequence: 3, madeMs: clock.ms });
    await update(deleteName("home"));
    const point = await engine.history.point(ORIGIN, "before-www");
    expect(point).toEqual({ serial: 3, sequence: 3, timeMs: START_MS + 120_000 });
  });

  test("that nobody gave is told to be missing", async () => {
    const { engine } = await changedServer();
    await expect(engine.history.point(ORIGIN, "nobody")).rejects.toMatchObject({
      code: ErrorCode.noSuchPoint,
      message: expect.stringContaining("windhover zone label dyn.example.com. list"),
    });
  });

  test("knows its time when its change is kept no longer, and ends with the history around it", async () => {
    const { engine, store } = await changedServer();
    await engine.history.addLabel(ORIGIN, "one", "#2");
    const readJournal = store.readJournal.bind(store);
    let oldest = 3;
    store.readJournal = async (origin, range) =>
      (await readJournal(origin, { ...range, limit: 99 }))
        .filter(({ sequence }) => sequence >= oldest)
        .slice(0, range.limit);
    expect(await engine.history.point(ORIGIN, "one")).toMatchObject({ timeMs: START_MS + 60_000 });
    expect(await engine.history.oldestSequence(ORIGIN)).toBe(2);
    oldest = 4;
    await expect(engine.history.point(ORIGIN, "one")).rejects.toThrow("kept from serial 3 (#3) on");
    oldest = 5;
    expect(await engine.history.oldestSequence(ORIGIN)).toBe(4);
  });

  test("of another history than there is is no point of this one", async () => {
    const { engine } = await changedServer();
    await engine.history.labels.add(ORIGIN, "odd", { serial: 77, sequence: 2, timeMs: 0 }, 0);
    await expect(engine.history.point(ORIGIN, "odd")).rejects.toThrow(
      "it says serial 77 at #2, where history has 2",
    );
  });

  test("ends with its zone", async () => {
    const { engine } = await changedServer();
    await engine.history.addLabel(ORIGIN, "one", "now");
    await engine.deleteZone(OPERATORS);
    await engine.createZone(OPERATORS, exampleZone());
    expect(await engine.history.labels.list(ORIGIN)).toEqual([]);
    const sequence = engine.version(ORIGIN)?.sequence as number;
    expect(await engine.history.oldestSequence(ORIGIN)).toBe(sequence);
    await expect(engine.history.change(ORIGIN, sequence)).rejects.toThrow("delete it");
  });
});

describe("a change", () => {
  test("is found by its sequence", async () => {
    const { engine } = await changedServer();
    expect(await engine.history.change(ORIGIN, 3)).toMatchObject({ sequence: 3, toSerial: 3 });
    await expect(engine.history.change(ORIGIN, 5)).rejects.toThrow("no change #5 yet");
    await expect(engine.history.change(ORIGIN, 1)).rejects.toMatchObject({
      code: ErrorCode.badRequest,
      message: expect.stringContaining("delete it"),
    });
  });

  test("that is kept no longer is told so", async () => {
    const { engine, store } = await changedServer();
    const readJournal = store.readJournal.bind(store);
    store.readJournal = (origin, { afterSequence, limit }) =>
      readJournal(origin, { afterSequence: Math.max(2, afterSequence), limit });
    await expect(engine.history.change(ORIGIN, 2)).rejects.toThrow(
      "#2 of dyn.example.com. is no longer kept",
    );
  });
});

describe("a time", () => {
  test("is read by the server's clock", async () => {
    const { engine, clock } = await changedServer();
    expect(engine.history.time("1h")).toBe(clock.ms - 3_600_000);
    expect(() => engine.history.time("tea")).toThrow('"tea" is no time');
  });
});

describe("a way that is read", () => {
  test("to where the journal does not lead, or with more RRs than may be, is refused", async () => {
    const { engine } = await changedServer();
    const journal = engine.history.journal(ORIGIN);
    const from = { serial: 1, sequence: 1 };
    // Of #2 and #3 together three RRs end and two begin, SOAs included.
    const to = { serial: 3, sequence: 3 };
    const enough = new JournalDifference(journal, from, { limit: 5 });
    await expect(advanceDifference(enough, ORIGIN, to)).resolves.toBeUndefined();
    const little = new JournalDifference(journal, from, { limit: 4 });
    await expect(advanceDifference(little, ORIGIN, to)).rejects.toMatchObject({
      code: ErrorCode.limit,
      message: expect.stringContaining(`more than ${Limits.historyDifference} records`),
    });
    const other = new JournalDifference(journal, { serial: 7, sequence: 1 }, { limit: 9 });
    await expect(advanceDifference(other, ORIGIN, to)).rejects.toMatchObject({
      code: ErrorCode.storeFormat,
    });
  });
});
