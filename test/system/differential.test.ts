/**
 * The built program beside NSD, Knot and BIND with the same zones and the same questions: whatever it answers, one of
 * them does too, or `docs/differences.md` says why not. The same run at any length: `npm run differential`.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { KNOWN_DIFFERENCES } from "../differential/known-differences.ts";
import { runDifferential } from "../differential/run.ts";
import { skipWithout } from "./harness/program.ts";

const isSkipped = skipWithout("nsd", "knotd", "named", "dig");

/** Two sets of zones, in about half a minute. */
const RUN = { seed: 20, questions: 8_000, perRound: 4_000 };

describe.skipIf(isSkipped)("beside other servers", () => {
  test(`${RUN.questions} questions`, async () => {
    const tally = await runDifferential(RUN);
    const unexplained = [...tally.unexplained.values()].flatMap(({ examples }) => examples);
    expect(unexplained).toEqual([]);
    expect(tally.questions).toBeGreaterThan(RUN.questions * 0.8);
    // Were all the servers silent, nothing would differ.
    expect(tally.responses).toBeGreaterThan(tally.questions * 0.9);
    expect(tally.unanimous).toBeGreaterThan(tally.questions * 0.5);
  });
});

test("every known difference has its row in docs/differences.md, and every row is one", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../docs/differences.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  expect(rows).toEqual(KNOWN_DIFFERENCES.map(({ id }) => id));
});
