/**
 * How the cost of a query and the memory of a name grow with the zone. The sizes come one after the other, so their
 * times are held against each other only, not against those of peers that were measured at another minute.
 */
import { measureQueries } from "../dnsperf.ts";
import { type Fixture, progress } from "../fixture.ts";
import { RunningServer } from "../server.ts";
import { windhover } from "../servers/windhover.ts";
import { addMemory, emptyBytes, loadedMs, settledBytes } from "./load.ts";

export const GROWTH = [1_000, 10_000, 100_000, 1_000_000, 10_000_000] as const;

/** One size: a server that has just loaded it. */
export async function benchGrowth(fixture: Fixture): Promise<void> {
  const { size, results, questionFile, seconds } = fixture;
  const kind = windhover({ label: "growth" });
  progress(`growth: ${size}`);
  const bareBytes = await emptyBytes(fixture, kind);
  const server = new RunningServer(kind, fixture.zone);
  try {
    const loadMs = await loadedMs(fixture, server);
    results.add(`growth: zone file to first right answer, ${size} (ms)`, server.name, loadMs);
    addMemory(fixture, server.name, (await settledBytes(server)) - bareBytes);
    for (let round = 0; round <= fixture.rounds; round++) {
      const run = await measureQueries(server, { questionFile, seconds, edns: true });
      const measure = `growth: CPU per query, ${size}, EDNS (µs)`;
      // The first is for warming up.
      if (round > 0) results.add(measure, server.name, run.cpuMicroseconds);
    }
  } finally {
    await server.stop();
  }
}
