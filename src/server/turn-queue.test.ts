import { expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { TurnQueue } from "./turn-queue.ts";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("work is done in its order, so much in a turn and one more in the next", async () => {
  const queue = new TurnQueue();
  const done: number[] = [];
  for (let at = 0; at <= Limits.deferredPerTurn; at++) queue.put(() => done.push(at));
  expect(done).toEqual([]);
  await nextTurn();
  expect(done.length).toBe(Limits.deferredPerTurn);
  await nextTurn();
  expect(done).toEqual(Array.from({ length: Limits.deferredPerTurn + 1 }, (_, at) => at));
});

test("work that makes more work leaves turns to others", async () => {
  const queue = new TurnQueue();
  let done = 0;
  const endless = () => {
    done++;
    queue.put(endless);
  };
  queue.put(endless);
  for (let turn = 1; turn <= 3; turn++) {
    await nextTurn();
    expect(done).toBeLessThanOrEqual(turn * Limits.deferredPerTurn);
  }
  expect(done).toBe(3);
});

test("what comes after a rest is done too", async () => {
  const queue = new TurnQueue();
  let done = 0;
  for (let round = 1; round <= 3; round++) {
    queue.put(() => done++);
    await nextTurn();
    expect(done).toBe(round);
  }
});
