/** dyndns2 updates a second over HTTP, and calls that change nothing. */
import { Measure } from "../bars.ts";
import { type Fixture, listening, progress } from "../fixture.ts";
import { measureHttp } from "../http-load.ts";
import { windhover } from "../servers/windhover.ts";

export async function benchHttp(fixture: Fixture): Promise<void> {
  const { zone, seconds, results } = fixture;
  await fixture.interleaved([windhover()], async (server, round) => {
    await listening(server);
    for (const isChanging of [true, false]) {
      const label = isChanging ? Measure.dyndns : Measure.nochg;
      progress(`round ${round}: ${label}`);
      const run = await measureHttp(server, zone, { connections: 64, seconds, isChanging });
      results.add(label, server.name, run.perSecond);
      results.add(`${label}: refused`, server.name, run.refused);
    }
  });
}
