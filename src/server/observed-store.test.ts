import { expect, test } from "vitest";
import { FlakyStore, ORIGIN, TestClock } from "../../test/server/http-fixture.ts";
import type { Logger } from "../base/log.ts";
import { ObservedStore } from "./observed-store.ts";

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

function observe(inner: FlakyStore) {
  const commits: number[][] = [];
  const lines: string[] = [];
  const keep = (_: object, message: string) => void lines.push(message);
  const log: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  const onCommit = (updates: number, seconds: number) => void commits.push([updates, seconds]);
  const observed = new ObservedStore(inner, { clock: new TestClock(), log, onCommit });
  return { observed, commits, lines };
}

test("a store is up until a use finds it unavailable, and again from the next that does not", async () => {
  const inner = new FlakyStore();
  const { observed, lines } = observe(inner);
  expect(observed.problem).toBeUndefined();
  inner.isDown = true;
  await expect(observed.store.commit(BATCH)).rejects.toThrow("down");
  await expect(observed.store.commit(BATCH)).rejects.toThrow("down");
  expect(observed.problem).toContain("down");
  inner.isDown = false;
  expect(await observed.store.listZones()).toEqual([]);
  expect(observed.problem).toBeUndefined();
  expect(lines).toEqual([
    "the store is down: queries go on, updates are refused",
    "the store is back: updates are taken again",
  ]);
});

test("a connection that notices by itself is believed", () => {
  const { observed } = observe(new FlakyStore());
  observed.setState(false, "connection lost");
  expect(observed.problem).toBe("connection lost");
  observed.setState(true, "");
  expect(observed.problem).toBeUndefined();
});

test("only what was committed is timed, with the updates in it", async () => {
  const { observed, commits } = observe(new FlakyStore());
  await observed.store.createZone(CREATION, []);
  expect(await observed.store.commit(BATCH)).toMatchObject({ status: "committed" });
  expect(await observed.store.commit(BATCH)).toMatchObject({ status: "conflict" });
  expect(commits).toEqual([[1, 0]]);
});
