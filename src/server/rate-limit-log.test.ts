import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listLogger } from "../../test/update/fakes.ts";
import { ResponseKind } from "../answer/rate-limit.ts";
import { Counter, counterRow, createCounterMemory } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import { RateLimitLog } from "./rate-limit-log.ts";

const QUIET_MS = Limits.rateLimitQuietSeconds * 1000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("says once that it begins and once that it is over, however many threads begin", () => {
  const memory = createCounterMemory(2);
  const rows = [counterRow(memory, 0), counterRow(memory, 1)] as const;
  const log = listLogger();
  const limiting = new RateLimitLog(memory, log);
  rows[1][Counter.rateLimitDropped] = 3;
  limiting.begin("192.0.2.1", ResponseKind.nxDomain);
  limiting.begin("192.0.2.2", ResponseKind.answer);
  expect(log.lines).toMatchObject([
    { level: "warn", fields: { client: "192.0.2.1", responses: "nxDomain" } },
  ]);
  rows[0][Counter.rateLimitSlipped] = 2;
  vi.advanceTimersByTime(QUIET_MS);
  rows[1][Counter.rateLimitDropped] = 10;
  vi.advanceTimersByTime(QUIET_MS);
  expect(log.lines).toHaveLength(1);
  vi.advanceTimersByTime(QUIET_MS);
  expect(log.lines.at(-1)).toMatchObject({ level: "info", fields: { heldBack: 12 } });
  vi.advanceTimersByTime(10 * QUIET_MS);
  expect(log.lines).toHaveLength(2);
  rows[1][Counter.rateLimitDropped] = 11;
  limiting.begin("192.0.2.3", ResponseKind.answer);
  vi.advanceTimersByTime(2 * QUIET_MS);
  expect(log.lines).toHaveLength(4);
  expect(log.lines.at(-1)).toMatchObject({ fields: { heldBack: 1 } });
});

test("closed it says nothing more", () => {
  const log = listLogger();
  const limiting = new RateLimitLog(createCounterMemory(1), log);
  limiting.begin("192.0.2.1", ResponseKind.answer);
  limiting.close();
  vi.advanceTimersByTime(10 * QUIET_MS);
  expect(log.lines).toHaveLength(1);
});
