/**
 * `npm run simulate`: many seeds, or one again.
 *
 *   npm run simulate                           1,000 seeds from a random one
 *   npm run simulate -- --seeds 10000 --from 1
 *   npm run simulate -- --seed 4711            one, with its trace when it fails
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { type RunReport, SimulationFailure, simulate } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "1000" },
    from: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});

const from = Number(values.seed ?? values.from ?? randomInt(2 ** 30));
const seeds = values.seed === undefined ? Number(values.seeds) : 1;
const startMs = performance.now();
const totals = new Map<string, number>();
let failed = 0;

for (let seed = from; seed < from + seeds; seed++) {
  try {
    add(await simulate(seed));
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    failed++;
    if (values.seed !== undefined) console.error(error.trace.join("\n"));
    console.error(error.message);
    if (values.seed !== undefined) console.error(error.cause);
  }
}

const seconds = Math.round((performance.now() - startMs) / 1000);
for (const [name, count] of [...totals].sort())
  console.log(`${String(count).padStart(10)}  ${name}`);
console.log(`${seeds} seeds from ${from} in ${seconds} s, ${failed} failed`);
if (failed > 0) process.exitCode = 1;

function add(report: RunReport): void {
  const { seed, digest, faults, cuts, ...numbers } = report;
  for (const [name, count] of Object.entries(numbers)) sum(name, count);
  for (const [name, count] of faults) sum(`fault: ${name}`, count);
  for (const [name, count] of cuts) sum(`cut: ${name}`, count);
  if (values.seed !== undefined) console.log(`seed ${seed}: ${digest}`);
}

function sum(name: string, count: number): void {
  totals.set(name, (totals.get(name) ?? 0) + count);
}
