/** Signed RFC 2136 updates a second, durable before they are acknowledged. */
import { Measure } from "../bars.ts";
import { type Fixture, progress } from "../fixture.ts";
import { RedisForBench } from "../redis.ts";
import type { RunningServer } from "../server.ts";
import { bind } from "../servers/bind.ts";
import { knot } from "../servers/knot.ts";
import { windhover } from "../servers/windhover.ts";
import { measureUpdates } from "../update-load.ts";

/** Seconds: a server that runs for months is not measured while it is being compiled. */
const WARM_UP = 4;

export async function benchUpdates(fixture: Fixture): Promise<void> {
  const { directory, zone, seconds, results } = fixture;
  const redis = await RedisForBench.startAll(directory);
  const stores = redis.map((each) => windhover({ label: each.label, store: each.url }));
  const warmUp = (server: RunningServer) =>
    measureUpdates(server, zone, { inFlight: 8, seconds: WARM_UP, run: "warm" });
  const measure = async (server: RunningServer, round: number) => {
    for (const inFlight of [1, 64, 1024]) {
      progress(`round ${round}: ${inFlight} signed updates in flight to ${server.name}`);
      const load = { inFlight, seconds, run: `${round}-${inFlight}` };
      const run = await measureUpdates(server, zone, load);
      results.add(Measure.updates(inFlight), server.name, run.perSecond);
      const failed = `updates refused or lost, ${inFlight} in flight`;
      results.add(failed, server.name, run.refused + run.lost);
    }
  };
  try {
    await fixture.interleaved([windhover(), ...stores, knot, bind], measure, warmUp);
  } finally {
    for (const each of redis) await each.stop();
  }
}
