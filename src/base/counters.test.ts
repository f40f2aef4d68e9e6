import { expect, test } from "vitest";
import { COUNTERS, Counter, counterRow, createCounterMemory, readCounters } from "./counters.ts";

test("each thread has its own cells, and a reader sees the sum", () => {
  const memory = createCounterMemory(3);
  const rows = [0, 1, 2].map((thread) => counterRow(memory, thread));
  for (const [thread, row] of rows.entries()) row[Counter.queriesUdp] = thread + 1;
  rows.forEach((row) => {
    row[Counter.dropped] = 1;
  });
  const totals = readCounters(memory);
  expect(totals.queriesUdp).toBe(6);
  expect(totals.dropped).toBe(3);
  expect(totals.queriesTcp).toBe(0);
});

test("every counter has a cell of its own in every row", () => {
  const memory = createCounterMemory(2);
  const row = counterRow(memory, 1);
  for (const [at, name] of COUNTERS.entries()) row[Counter[name]] = at + 1;
  expect(Object.values(readCounters(memory))).toEqual(COUNTERS.map((_, at) => at + 1));
});

test("a counter is exact past 32 bits", () => {
  const memory = createCounterMemory(1);
  const row = counterRow(memory, 0);
  row[Counter.ignored] = 2 ** 40;
  row[Counter.ignored] = (row[Counter.ignored] ?? 0) + 1;
  expect(readCounters(memory).ignored).toBe(2 ** 40 + 1);
});
