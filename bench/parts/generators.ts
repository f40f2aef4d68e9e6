/**
 * Our generator of updates beside dnsperf's, on the same server: what it cannot send it cannot measure. Queries are
 * dnsperf's own; HTTP has no generator that everybody knows.
 */
import { join } from "node:path";
import { measureUpdatesByDnsperf } from "../dnsperf.ts";
import { type Fixture, progress } from "../fixture.ts";
import { windhover } from "../servers/windhover.ts";
import { measureUpdates, writeUpdateFile } from "../update-load.ts";

/** More than any server here takes in a second. */
const UPDATES_PER_SECOND = 40_000;

export async function benchGenerators(fixture: Fixture): Promise<void> {
  const { seconds, results, zone } = fixture;
  await fixture.interleaved([windhover()], async (server, round) => {
    for (const inFlight of [1, 64, 1024]) {
      progress(`round ${round}: generators, ${inFlight} updates in flight`);
      const measure = `generator: updates/s, ${inFlight} in flight`;
      const file = join(fixture.directory, "updates");
      writeUpdateFile(file, zone, `dnsperf-${round}-${inFlight}`, seconds * UPDATES_PER_SECOND);
      const load = { inFlight, seconds, run: `own-${round}-${inFlight}` };
      const own = await measureUpdates(server, zone, load);
      results.add(measure, "our generator", own.perSecond);
      const perSecond = await measureUpdatesByDnsperf(server, zone, { file, inFlight, seconds });
      results.add(measure, "dnsperf", perSecond);
    }
  });
}
