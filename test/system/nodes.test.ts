/** Three nodes and fifty clients on a Redis behind Sentinels and on a Cluster, while processes are killed and links are cut. */
import { describe, expect, test } from "vitest";
import { ENGINES } from "../nodes/engines.ts";
import { runNodes } from "../nodes/run.ts";
import { skipWithout } from "./harness/program.ts";

/** `npm run nodes` sends a hundred thousand, as fast as they are taken. */
const SIZE = { updates: 5_000, clients: 50, paceMs: 200, seed: 1 } as const;
const PORTS = [15_700, 15_740] as const;
const BOUND_MS = 300_000;

describe.skipIf(skipWithout("redis-server", "redis-cli"))("three nodes on one Redis", () => {
  test.each(ENGINES)(
    "%s: nothing acknowledged is lost, all are equal, every query is answered",
    async (engine) => {
      const report = await runNodes({ engine, ports: PORTS, ...SIZE });
      expect(report.complaints).toEqual([]);
      expect(report.acknowledged).toBeGreaterThanOrEqual(SIZE.updates);
      expect(report.answered).toBeGreaterThan(SIZE.updates);
    },
    BOUND_MS,
  );
});
