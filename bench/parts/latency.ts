/**
 * How long a query waits for its answer, on a quiet server and while updates are applied. The 99th percentile of what
 * dnsperf saw; updates come at a fixed rate, so a server that cannot apply them shows that in the rate. How much of it is
 * the machine's, whose cores are busy then, is seen where the updates go to another server beside the quiet one.
 */
import { Measure } from "../bars.ts";
import { type LatencyRun, measureLatency } from "../dnsperf.ts";
import { type Fixture, progress, started } from "../fixture.ts";
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
  const { questionFile, seconds, results } = fixture;
  const load = { questionFile, seconds, perSecond: QUERIES_PER_SECOND };
  const measure = async (server: RunningServer, round: number) => {
    progress(`round ${round}: latency of ${server.name}, quiet`);
    const quiet = await measureLatency(server, load);
    results.add("query median, quiet (ms)", server.name, quiet.medianMs);
    results.add(Measure.quietP99, server.name, quiet.p99Ms);
    results.add("queries lost, quiet", server.name, quiet.lost);
    progress(`round ${round}: latency of ${server.name} under updates`);
    const busy = await whileUpdated(fixture, server, server, `latency-${round}`);
    results.add("query median under updates (ms)", server.name, busy.medianMs);
    results.add(Measure.busyP99, server.name, busy.p99Ms);
    results.add(Measure.busyLost, server.name, busy.lost);
    results.add(Measure.busyUpdates, server.name, busy.updatesPerSecond);
  };
  await fixture.interleaved([windhover(), knot, bind], measure, (server) =>
    warmUp(fixture, server),
  );
  await benchBeside(fixture);
}

async function warmUp(fixture: Fixture, server: RunningServer): Promise<void> {
  const { questionFile, zone } = fixture;
  await measureLatency(server, { questionFile, perSecond: QUERIES_PER_SECOND, seconds: WARM_UP });
  const updates = { inFlight: IN_FLIGHT, perSecond: UPDATES_PER_SECOND, seconds: WARM_UP };
  await measureUpdates(server, zone, { ...updates, run: "warm" });
}

/** Queries to one server while the other one, or the same, is updated. */
async function whileUpdated(
  { questionFile, seconds, zone }: Fixture,
  asked: RunningServer,
  updated: RunningServer,
  run: string,
): Promise<LatencyRun & { readonly updatesPerSecond: number }> {
  const updating = measureUpdates(updated, zone, {
    inFlight: IN_FLIGHT,
    perSecond: UPDATES_PER_SECOND,
    seconds: seconds + (2 * MARGIN_MS) / 1_000,
    run,
  });
  await new Promise((resolve) => setTimeout(resolve, MARGIN_MS));
  const latency = await measureLatency(asked, {
    questionFile,
    seconds,
    perSecond: QUERIES_PER_SECOND,
  });
  return { ...latency, updatesPerSecond: (await updating).perSecond };
}

async function benchBeside(fixture: Fixture): Promise<void> {
  const servers: RunningServer[] = [];
  try {
    for (const label of [undefined, "updated"]) {
      const server = await started(windhover(label === undefined ? {} : { label }), fixture.zone);
      servers.push(server);
      await warmUp(fixture, server);
    }
    const [asked, updated] = servers as [RunningServer, RunningServer];
    for (let round = 1; round <= fixture.rounds; round++) {
      progress(`round ${round}: latency of ${asked.name} while another server is updated`);
      const beside = await whileUpdated(fixture, asked, updated, `beside-${round}`);
      fixture.results.add("query p99, updates to another server (ms)", asked.name, beside.p99Ms);
    }
  } finally {
    for (const server of servers) await server.stop();
  }
}
