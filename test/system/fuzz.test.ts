/** Spoilt messages by the thousand against the built program. A million and more: `npm run fuzz -- --target server`. */
import { afterEach, expect, test } from "vitest";
import { fuzzServer, startFuzzedServer } from "../fuzz/fuzz-server.ts";
import type { Windhover } from "./harness/windhover.ts";

const SEED = 42;
const MESSAGES = 30_000;
/** Accepted updates make the zone larger; a leak of a kilobyte a message would be 30 MiB. */
const GROWTH_MIB = 40;

let server: Windhover | undefined;
afterEach(async () => {
  await server?.stop();
});

test.each(["native", "dgram"])(
  `${MESSAGES} hostile messages leave the server alive, sound and no larger: port %s`,
  async (port) => {
    const fuzzed = await startFuzzedServer(port);
    server = fuzzed.server;
    const report = await fuzzServer(fuzzed, { seed: SEED, messages: MESSAGES });
    expect(report.sent).toBeGreaterThanOrEqual(MESSAGES);
    expect(report.unanswered).toBe(0);
    expect(report.silent).toBeGreaterThan(MESSAGES / 100);
    expect(report.updatesApplied).toBeGreaterThan(20);
    expect(report.log).toBe("");
    expect(report.rssMibAfter - report.rssMibBefore).toBeLessThan(GROWTH_MIB);
    expect(report.exitStatus).toBe(0);
  },
);
