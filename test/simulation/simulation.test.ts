/** Fifty seeds of the simulation; `npm run simulate` plays many more, and one again. */
import { describe, expect, test } from "vitest";
import { FAULTS, REPLICA_FAULTS } from "./faults.ts";
import { COMMIT_STEPS, type RunReport, SimulationFailure, simulate } from "./run.ts";

const SEEDS = Array.from({ length: 50 }, (_, at) => at + 1);
/** Each failed once. */
const KNOWN = [96, 607, 1775, 3613, 5242, 5470, 6523, 8651];

describe("many nodes on one store that fails in every way", () => {
  const reports: RunReport[] = [];

  test.each(SEEDS)(
    "seed %i: nothing acknowledged is lost unsaid, and all agree at the end",
    async (seed) => {
      reports.push(await simulate(seed));
    },
  );

  test("every fault was there, and every step of a commit was cut", () => {
    const faults = new Set(reports.flatMap((report) => [...report.faults.keys()]));
    const known = [...Object.keys(FAULTS), ...Object.keys(REPLICA_FAULTS)];
    expect([...faults].sort()).toEqual(known.sort());
    const cuts = new Set(reports.flatMap((report) => [...report.cuts.keys()]));
    for (const step of COMMIT_STEPS) expect(cuts).toContain(step);
    const sum = (of: (report: RunReport) => number) =>
      reports.reduce((all, each) => all + of(each), 0);
    expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(300);
    expect(sum(({ unknown }) => unknown)).toBeGreaterThan(300);
    expect(sum(({ unconfirmed }) => unconfirmed)).toBeGreaterThan(20);
    expect(sum(({ recovered }) => recovered)).toBeGreaterThan(0);
  });
});

test.each(KNOWN)("seed %i, which failed once, holds", async (seed) => {
  await simulate(seed);
});

test("a seed is the same world again, another one is not", async () => {
  const { digest, steps } = await simulate(7);
  expect(await simulate(7)).toMatchObject({ digest, steps });
  expect((await simulate(8)).digest).not.toBe(digest);
});

test("a failure names its seed and how to play it again", () => {
  const failure = new SimulationFailure(4711, new Error("what was wrong"), ["the last step"]);
  expect(failure.message).toContain("seed 4711: what was wrong");
  expect(failure.message).toContain("npm run simulate -- --seed 4711");
});
