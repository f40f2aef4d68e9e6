/**
 * Starting with a zone: time from the start of the process to its first right answer, from the zone file and, for
 * Windhover, again from its store; and memory beyond a server with an empty zone.
 */
import { Measure } from "../bars.ts";
import { firstAnswerMs } from "../first-answer.ts";
import { type Fixture, installed, progress, started } from "../fixture.ts";
import { RunningServer, type ServerKind } from "../server.ts";
import { bind } from "../servers/bind.ts";
import { knot } from "../servers/knot.ts";
import { nsd } from "../servers/nsd.ts";
import { windhover } from "../servers/windhover.ts";
import { hostName, ORIGIN } from "../zone-source.ts";

export async function benchLoad(fixture: Fixture): Promise<void> {
  const { size, results } = fixture;
  for (let round = 1; round <= fixture.rounds; round++) {
    for (const kind of installed([windhover(), nsd, knot, bind])) {
      progress(`round ${round}: ${kind.name} loads ${size}`);
      const bareBytes = await emptyBytes(fixture, kind);
      const server = new RunningServer(kind, fixture.zone);
      try {
        results.add(Measure.load(size), kind.name, await loadedMs(fixture, server));
        addMemory(fixture, kind.name, (await settledBytes(server)) - bareBytes);
      } finally {
        await server.stop();
      }
      if (kind.keepsZones) await benchRestart(fixture, kind, server.directory, bareBytes);
    }
  }
}

async function benchRestart(
  fixture: Fixture,
  kind: ServerKind,
  directory: string,
  bareBytes: number,
): Promise<void> {
  const { names, size, results } = fixture;
  const server = new RunningServer(kind, fixture.zone, directory);
  try {
    results.add(Measure.restart(size), kind.name, await loadedMs(fixture, server));
    const bytes = (await settledBytes(server)) - bareBytes;
    results.add(Measure.restartMemory(size), kind.name, bytes / names);
  } finally {
    await server.stop();
  }
}

/** Memory of a server that has the zone without hosts. */
export async function emptyBytes({ empty }: Fixture, kind: ServerKind): Promise<number> {
  const server = await started(kind, empty);
  const bytes = await settledBytes(server);
  await server.stop();
  return bytes;
}

/** What is kept: some servers give back what reading took soon after their first answer. */
export async function settledBytes(server: RunningServer): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return server.memoryBytes();
}

/** The last host is asked for: it is there when all are. */
export function loadedMs({ names }: Fixture, server: RunningServer): Promise<number> {
  return firstAnswerMs(server, `${hostName(names - 1)}.${ORIGIN}`);
}

export function addMemory({ results, size, names }: Fixture, server: string, bytes: number): void {
  results.add(Measure.memory(size), server, bytes / 1e6);
  results.add(Measure.memoryPerName(size), server, bytes / names);
}
