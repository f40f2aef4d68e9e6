/** A run of any length: `npm run differential -- --seed 1 --questions 100000`. */
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runDifferential } from "./run.ts";

const seed = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const questions = Number(process.env.DIFFERENTIAL_QUESTIONS ?? 100_000);
const withExamples = process.env.DIFFERENTIAL_EXAMPLES === "true";
const HOUR = 3_600_000;

test(`seed ${seed}: ${questions} questions`, { timeout: 6 * HOUR }, async () => {
  const tally = await runDifferential({ seed, questions });
  const report = tally.report(withExamples);
  console.log(report);
  if (process.env.DIFFERENTIAL_REPORT) writeFileSync(process.env.DIFFERENTIAL_REPORT, report);
  expect([...tally.unexplained.keys()]).toEqual([]);
});
