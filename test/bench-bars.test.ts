/** The bars of the benchmark judge rightly: the wrong way round they would hide what is missed. */
import { expect, test } from "vitest";
import { judge, Measure } from "../bench/bars.ts";
import { Results } from "../bench/results.ts";

function verdicts(add: (results: Results) => void): readonly (readonly string[])[] {
  const results = new Results();
  add(results);
  return judge(results);
}

test("less is better: against the best peer, which is the lowest", () => {
  const measure = Measure.cpu("1,000,000 names", "EDNS");
  const rows = (ours: number) =>
    verdicts((results) => {
      results.add(measure, "Windhover", ours);
      results.add(measure, "BIND", 8);
      results.add(measure, "NSD", 5);
    });
  expect(rows(4.5)).toEqual([[measure, "Windhover", "4.50", "NSD 5.00", "0.90", "≤ 0.9 ×", "yes"]]);
  expect(rows(4.6)[0]?.slice(-3)).toEqual(["0.92", "≤ 0.9 ×", "NO"]);
});

test("more is better: against the best peer, which is the highest, for each form of ours", () => {
  const measure = Measure.updates(64);
  const rows = verdicts((results) => {
    results.add(measure, "Windhover", 20_000);
    results.add(measure, "Windhover, Redis always", 18_000);
    results.add(measure, "Knot", 1_900);
    results.add(measure, "BIND", 1_500);
  });
  expect(rows.map((row) => row.slice(-4))).toEqual([
    ["Knot 1,900", "10.53", "≥ 10 ×", "yes"],
    ["Knot 1,900", "9.47", "≥ 10 ×", "NO"],
  ]);
});

test("the median of the rounds counts, and a number alone is a bar too", () => {
  const rows = verdicts((results) => {
    for (const figure of [9_000, 10_001, 30_000]) results.add(Measure.dyndns, "Windhover", figure);
  });
  expect(rows).toEqual([[Measure.dyndns, "Windhover", "10,001", "–", "–", "≥ 10,000", "yes"]]);
});

test("another figure of ours, or another measure of a peer's", () => {
  const restart = Measure.restart("1,000,000 names");
  const rows = verdicts((results) => {
    results.add(Measure.quietP99, "Windhover", 0.2);
    results.add(Measure.busyP99, "Windhover", 0.5);
    results.add(restart, "Windhover", 900);
    results.add(Measure.load("1,000,000 names"), "Knot", 1_000);
  });
  expect(rows.map((row) => [row[0], ...row.slice(-3)])).toEqual([
    [restart, "0.90", "≤ 1 ×", "yes"],
    [Measure.busyP99, "2.50", "≤ 2 ×", "NO"],
  ]);
});

test("without the peer there is no verdict", () => {
  const rows = verdicts((results) => results.add(Measure.updates(1024), "Windhover", 20_000));
  expect(rows[0]?.slice(-4)).toEqual(["not measured", "–", "≥ 2 ×", "?"]);
});
