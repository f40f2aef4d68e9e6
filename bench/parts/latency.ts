/**
 * How long a query waits for its answer, on a quiet server and while updates are applied. The 99th percentile of what
 * dnsperf saw; updates come at a fixed rate, so a server that cannot apply them shows that in the rate.
 */
import { Measure } from "../bars.ts";
import { measureLatency } from "../dnsperf.ts";
import { type Fixture, progress } from "../fixture.ts";
import type { RunningServer } from "../server.ts";
import { bind } from "../servers/bind.ts";
import { knot } from "../servers/knot.ts";
import { windhover } from "../servers/windhover.ts";
import { measureUpdates } from "../update-load.ts";

const QUERIES_PER_SECOND = 5_000;
const UPDATES_PER_SECOND = 5_000;
/** Enough that a server which commits in groups reaches the rate. */
const IN_FLIGHT = 1_024;
/** Milliseconds between the first update and the first query, and between the last query and the last update. */
const MARGIN_MS = 500;

/** Seconds, of queries and of updates. */
const WARM_UP = 3;

export async function benchLatency(fixture: Fixture): Promise<void> {
  const { questionFile, seconds, results, zone } = fixture;
  const load = { questionFile, seconds, perSecond: QUERIES_PER_SECOND };
  const warmUp = async (server: RunningServer) => {
    await measureLatency(server, { ...load, seconds: WARM_UP });
    const updates = { inFlight: IN_FLIGHT, perSecond: UPDATES_PER_SECOND, seconds: WARM_UP };
    await measureUpdates(server, zone, { ...updates, run: "warm" });
  };
  const measure = async (server: RunningServer, round: number) => {
    progress(`round ${round}: latency of ${server.name}, quiet`);
    const quiet = await measureLatency(server, load);
    results.add("query median, quiet (ms)", server.name, quiet.medianMs);
    results.add(Measure.quietP99, server.name, quiet.p99Ms);
    results.add("queries lost, quiet", server.name, quiet.lost);
    progress(`round ${round}: latency of ${server.name} under updates`);
    const updating = measureUpdates(server, zone, {
      inFlight: IN_FLIGHT,
      perSecond: UPDATES_PER_SECOND,
      seconds: seconds + (2 * MARGIN_MS) / 1_000,
      run: `latency-${round}`,
    });
    await new Promise((resolve) => setTimeout(resolve, MARGIN_MS));
    const busy = await measureLatency(server, load);
    const updates = await updating;
    results.add("query median under updates (ms)", server.name, busy.medianMs);
    results.add(Measure.busyP99, server.name, busy.p99Ms);
    results.add(Measure.busyLost, server.name, busy.lost);
    results.add(Measure.busyUpdates, server.name, updates.perSecond);
  };
  await fixture.interleaved([windhover(), knot, bind], measure, warmUp);
}
