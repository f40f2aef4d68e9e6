/**
 * The command of the long run: `npm run differential -- [--seed N] [--questions N] [--examples] [--report FILE]`. It
 * needs nsd, knotd, named and dig, and the built program. Plain JavaScript: it only starts vitest.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    questions: { type: "string", default: "100000" },
    examples: { type: "boolean", default: false },
    report: { type: "string", default: "" },
  },
});

const { status } = spawnSync("npx", ["vitest", "run", "--project", "differential"], {
  stdio: "inherit",
  env: {
    ...process.env,
    DIFFERENTIAL_SEED: values.seed,
    DIFFERENTIAL_QUESTIONS: values.questions,
    DIFFERENTIAL_EXAMPLES: String(values.examples),
    DIFFERENTIAL_REPORT: values.report,
  },
});
process.exitCode = status ?? 1;
