/** dyndns2 updates a second over HTTP, and calls that change nothing. */
import { Measure } from "../bars.ts";
import { type Fixture, listening, progress } from "../fixture.ts";
import { measureHttp } from "../http-load.ts";
import type { RunningServer } from "../server.ts";
import { windhover } from "../servers/windhover.ts";

/** Seconds. */
const WARM_UP = 3;

export async function benchHttp(fixture: Fixture): Promise<void> {
  const { zone, seconds, results } = fixture;
  const load = { connections: 64, isChanging: true };
  const warmUp = async (server: RunningServer) => {
    await listening(server);
    await measureHttp(server, zone, { ...load, seconds: WARM_UP });
  };
  const measure = async (server: RunningServer, round: number) => {
    for (const isChanging of [true, false]) {
      const label = isChanging ? Measure.dyndns : Measure.nochg;
      progress(`round ${round}: ${label}`);
      const run = await measureHttp(server, zone, { ...load, seconds, isChanging });
      results.add(label, server.name, run.perSecond);
      results.add(`${label}: refused`, server.name, run.refused);
    }
  };
  await fixture.interleaved([windhover()], measure, warmUp);
}
