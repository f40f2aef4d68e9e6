/** CPU time of a query, and how many one worker answers. */
import { EDNS_LABELS, Measure } from "../bars.ts";
import { measureQueries } from "../dnsperf.ts";
import { type Fixture, progress } from "../fixture.ts";
import type { RunningServer } from "../server.ts";
import { bind } from "../servers/bind.ts";
import { knot } from "../servers/knot.ts";
import { nsd } from "../servers/nsd.ts";
import { windhover } from "../servers/windhover.ts";

/** Seconds. */
const WARM_UP = 1;

export async function benchQueries(fixture: Fixture): Promise<void> {
  const { questionFile, seconds, results, size } = fixture;
  const warmUp = (server: RunningServer) =>
    measureQueries(server, { questionFile, seconds: WARM_UP, edns: false });
  const measure = async (server: RunningServer, round: number) => {
    // Every other round begins with the other kind, so that neither is always first.
    const labels = round % 2 === 0 ? [...EDNS_LABELS].reverse() : EDNS_LABELS;
    for (const label of labels) {
      progress(`round ${round}: queries to ${server.name}, ${size}, ${label}`);
      const run = await measureQueries(server, { questionFile, seconds, edns: label === "EDNS" });
      results.add(Measure.cpu(size, label), server.name, run.cpuMicroseconds);
      results.add(Measure.rate(size, label), server.name, run.perSecond);
      results.add(Measure.lost(size, label), server.name, run.lost);
    }
  };
  await fixture.interleaved([windhover(), nsd, knot, bind], measure, warmUp);
}
