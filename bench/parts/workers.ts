/** What more workers bring and cost. The load comes from as many clients as the kernel needs to spread them. */
import { availableParallelism } from "node:os";
import { measureQueries } from "../dnsperf.ts";
import { type Fixture, progress } from "../fixture.ts";
import { windhover } from "../servers/windhover.ts";

const WORKERS = [1, 2, 4, 8] as const;
const CLIENTS = 16;

export async function benchWorkers(fixture: Fixture): Promise<void> {
  const { questionFile, seconds, results } = fixture;
  const cores = availableParallelism();
  if (cores < 9)
    progress(
      `workers: ${cores} cores for server and load, so more than ${cores - 1} only share them`,
    );
  const kinds = WORKERS.map((workers) =>
    windhover({ label: `${workers} worker${workers > 1 ? "s" : ""}`, workers }),
  );
  await fixture.interleaved(kinds, async (server, round) => {
    progress(`round ${round}: queries to ${server.name}`);
    const load = { questionFile, seconds, edns: true, clients: CLIENTS };
    const run = await measureQueries(server, load);
    const label = `${CLIENTS} clients, EDNS`;
    results.add(`CPU per query, ${label} (µs)`, server.name, run.cpuMicroseconds);
    results.add(`queries/s, ${label}`, server.name, run.perSecond);
    results.add(`queries lost, ${label}`, server.name, run.lost);
  });
}
