import { describe, expect, test } from "vitest";
import { listLogger } from "../../test/update/fakes.ts";
import { at, ORIGIN } from "../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { createMemoryState, MemoryStore } from "../store/memory-store.ts";
import { ZoneLabels } from "./zone-labels.ts";

function labels(state = createMemoryState()) {
  const store = new MemoryStore(state);
  const log = listLogger();
  return { store, log, labels: new ZoneLabels(store, log) };
}

const point = (sequence: number) => ({ serial: sequence + 10, sequence, timeMs: sequence * 1_000 });

describe("labels", () => {
  test("are known to every server on the store, by the points they name", async () => {
    const state = createMemoryState();
    const one = labels(state);
    const made = await one.labels.add(ORIGIN, "after", point(5), 9_000);
    expect(made).toEqual({ label: "after", ...point(5), madeMs: 9_000 });
    await one.labels.add(ORIGIN, "before", { ...point(2), timeMs: undefined }, 9_001);
    await one.labels.add(ORIGIN, "at-last", point(5), 9_003);
    await one.labels.add(ORIGIN, "also", point(5), 9_002);
    const { labels: other } = labels(state);
    const listed = (await other.list(ORIGIN)).map(({ label }) => label);
    expect(listed).toEqual(["before", "after", "also", "at-last"]);
    expect(await other.find(ORIGIN, "after")).toEqual(made);
    expect(await other.find(ORIGIN, "before")).toMatchObject({ sequence: 2, timeMs: undefined });
    expect(await other.find(ORIGIN, "none")).toBeUndefined();
  });

  test("belong to one zone, also where names have slashes", async () => {
    const { labels: all } = labels();
    const slashed = at("0/25.example.");
    await all.add(ORIGIN, "one", point(1), 0);
    await all.add(slashed, "one", point(2), 0);
    await all.add(at("example."), "one", point(3), 0);
    await all.add(at("example\\./x."), "one", point(4), 0);
    expect(await all.find(slashed, "one")).toMatchObject({ sequence: 2 });
    expect(await all.list(at("example."))).toHaveLength(1);
    await all.removeAll(at("example."));
    expect(await all.list(at("example."))).toEqual([]);
    expect(await all.find(slashed, "one")).toMatchObject({ sequence: 2 });
    expect(await all.find(at("example\\./x."), "one")).toMatchObject({ sequence: 4 });
  });

  test("that cannot be removed with their zone are told of", async () => {
    const { labels: all, store, log } = labels();
    await all.add(ORIGIN, "one", point(1), 0);
    store.writeDocument = () => Promise.reject(new Error("disk full"));
    await all.removeAll(ORIGIN);
    expect(log.lines).toMatchObject([{ level: "warn", fields: { problem: "disk full" } }]);
  });

  test("are not given twice, and can be removed", async () => {
    const { labels: all } = labels();
    await all.add(ORIGIN, "one", point(1), 0);
    await expect(all.add(ORIGIN, "one", point(2), 0)).rejects.toMatchObject({
      code: ErrorCode.exists,
    });
    expect(await all.remove(ORIGIN, "one")).toBe(true);
    expect(await all.remove(ORIGIN, "one")).toBe(false);
    expect(await all.list(ORIGIN)).toEqual([]);
  });

  test.each(["", "now", "NOW", "1st", "2h", "#5", "a b", "a/b", "a".repeat(64)])(
    "%j is no name for one",
    async (name) => {
      const adding = labels().labels.add(ORIGIN, name, point(1), 0);
      await expect(adding).rejects.toMatchObject({ code: ErrorCode.badRequest });
    },
  );

  test("that cannot be read are told of and stay as they are", async () => {
    const { labels: all, store, log } = labels();
    await all.add(ORIGIN, "good", point(1), 0);
    await store.writeDocument("label", "dyn.example.com./bad", '{"version":2}');
    expect((await all.list(ORIGIN)).map(({ label }) => label)).toEqual(["good"]);
    expect(log.lines[0]).toMatchObject({ level: "error", fields: { label: "bad" } });
    await expect(all.add(ORIGIN, "bad", point(1), 0)).rejects.toMatchObject({
      code: ErrorCode.exists,
    });
    expect(await all.remove(ORIGIN, "bad")).toBe(true);
  });

  test("are as many as the bound and not one more", async () => {
    const { labels: all, store } = labels();
    for (let n = 1; n < Limits.zoneLabels; n++) {
      await store.writeDocument("label", `dyn.example.com./l${n}`, "{}");
    }
    await all.add(ORIGIN, "last", point(1), 0);
    await expect(all.add(ORIGIN, "more", point(1), 0)).rejects.toMatchObject({
      code: ErrorCode.limit,
    });
  });
});
