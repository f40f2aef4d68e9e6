/** Spans of seconds as zone files write them. */
import { expect, test } from "vitest";
import { parsePeriod } from "./period.ts";

test.each([
  ["0", 0],
  ["3600", 3600],
  ["1h30m", 5400],
  ["1H30M", 5400],
  ["2w1d4h5m6s", 2 * 604_800 + 86_400 + 4 * 3600 + 5 * 60 + 6],
  ["4294967295", 0xffff_ffff],
])("%s is %i seconds", (text, seconds) => {
  expect(parsePeriod(text)).toBe(seconds);
});

test.each(["", "-1", "1x", "h", "1h30", "1.5h", "4294967296", "7102w", "99999999999"])(
  "%s is none",
  (text) => {
    expect(parsePeriod(text)).toBeUndefined();
  },
);
