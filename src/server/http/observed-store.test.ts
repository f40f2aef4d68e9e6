import { expect, test } from "vitest";
import { FlakyStore, ORIGIN, TestClock } from "../../../test/server/http-fixture.ts";
import { observeStore } from "./observed-store.ts";

const CREATION = {
  origin: ORIGIN,
  fromSerial: 1,
  toSerial: 1,
  removed: [],
  added: [],
  sequence: 1,
  timeMs: 0,
  actor: "local",
  door: "cli",
  address: "",
};
const BATCH = {
  origin: ORIGIN,
  expected: { serial: 1, sequence: 1 },
  next: { serial: 2, sequence: 2 },
  entries: [{ ...CREATION, toSerial: 2, sequence: 2 }],
  changes: [],
};

test("a store is up until a use finds it unavailable, and again from the next that does not", async () => {
  const inner = new FlakyStore();
  const observed = observeStore(inner, { clock: new TestClock(), observeCommit: () => undefined });
  expect(observed.isUp()).toBe(true);
  inner.isDown = true;
  await expect(observed.commit(BATCH)).rejects.toThrow("down");
  expect(observed.isUp()).toBe(false);
  inner.isDown = false;
  expect(await observed.listZones()).toEqual([]);
  expect(observed.isUp()).toBe(true);
});

test("only what was committed is timed, with the updates in it", async () => {
  const seen: number[][] = [];
  const observed = observeStore(new FlakyStore(), {
    clock: new TestClock(),
    observeCommit: (updates, seconds) => seen.push([updates, seconds]),
  });
  await observed.createZone(CREATION, []);
  expect(await observed.commit(BATCH)).toMatchObject({ status: "committed" });
  expect(await observed.commit(BATCH)).toMatchObject({ status: "conflict" });
  expect(seen).toEqual([[1, 0]]);
});
