/**
 * `npm run bench`: Windhover and, where they are installed, NSD, Knot and BIND, measured in the same run, rounds
 * interleaved, medians shown. Prints one table; progress goes to standard error.
 *
 *   npm run bench -- [--names 10000] [--rounds 3] [--seconds 5] [--only queries,updates,http,load]
 */
import { mkdtempSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureQueries } from "./dnsperf.ts";
import { firstAnswerMs } from "./first-answer.ts";
import { measureHttp } from "./http-load.ts";
import { RedisForBench } from "./redis.ts";
import { Results } from "./results.ts";
import { type BenchZone, findProgram, RunningServer, type ServerKind } from "./server.ts";
import { bind } from "./servers/bind.ts";
import { knot } from "./servers/knot.ts";
import { nsd } from "./servers/nsd.ts";
import { windhover } from "./servers/windhover.ts";
import { measureUpdates } from "./update-load.ts";
import { ORIGIN, writeQuestionFile, writeZoneFile } from "./zone-source.ts";

const { values } = parseArgs({
  options: {
    names: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    only: { type: "string", default: "queries,updates,http,load" },
  },
});
const names = Number(values.names);
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const parts = new Set(values.only.split(","));

const directory = mkdtempSync(join(tmpdir(), "windhover-bench-"));
const zone: BenchZone = {
  origin: ORIGIN,
  file: join(directory, "bench.zone"),
  keyName: "bench-key",
  secret: "YmVuY2htYXJrIGtleSBmb3IgbG9vcGJhY2sgb25seQ==",
};
const empty: BenchZone = { ...zone, file: join(directory, "empty.zone") };
const questionFile = join(directory, "questions");
const results = new Results();
const ours = windhover();

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function installed(kinds: readonly ServerKind[]): ServerKind[] {
  return kinds.filter((kind) => {
    const isThere = findProgram(kind.program) !== undefined || kind.program === process.execPath;
    if (!isThere) progress(`${kind.name} is not installed: left out`);
    return isThere;
  });
}

async function started(kind: ServerKind, source: BenchZone): Promise<RunningServer> {
  const server = new RunningServer(kind, source);
  await firstAnswerMs(server, `ns1.${ORIGIN}`);
  return server;
}

/** The HTTP doors open after the DNS ones. */
async function listening(server: RunningServer): Promise<void> {
  const url = `http://127.0.0.1:${server.httpPort}/healthz`;
  for (let tries = 0; tries < 400; tries++) {
    const isUp = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${url} does not answer: ${server.output}`);
}

/** One server after another in each round, so that a noisy minute hits all alike. */
async function interleaved(
  kinds: readonly ServerKind[],
  measure: (server: RunningServer, round: number) => Promise<void>,
): Promise<void> {
  const servers: RunningServer[] = [];
  try {
    for (const kind of kinds) servers.push(await started(kind, zone));
    for (let round = 1; round <= rounds; round++) {
      for (const server of servers) await measure(server, round);
    }
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function benchQueries(): Promise<void> {
  await interleaved(installed([ours, nsd, knot, bind]), async (server, round) => {
    for (const edns of [false, true]) {
      progress(`round ${round}: queries to ${server.name}${edns ? ", EDNS" : ""}`);
      const run = await measureQueries(server, { questionFile, seconds, edns });
      const label = edns ? "EDNS" : "no EDNS";
      results.add(`CPU per query, ${label} (µs)`, server.name, run.cpuMicroseconds);
      results.add(`queries/s, ${label}`, server.name, run.perSecond);
      results.add(`queries lost, ${label}`, server.name, run.lost);
    }
  });
}

async function benchUpdates(): Promise<void> {
  const redis = await RedisForBench.startAll(directory);
  const stores = redis.map((each) => windhover(`Windhover, ${each.label}`, each.url));
  try {
    await interleaved(installed([ours, ...stores, knot, bind]), async (server, round) => {
      for (const inFlight of [1, 64, 1024]) {
        progress(`round ${round}: ${inFlight} signed updates in flight to ${server.name}`);
        const load = { inFlight, seconds, run: `${round}-${inFlight}` };
        const run = await measureUpdates(server, zone, load);
        results.add(`signed updates/s, ${inFlight} in flight`, server.name, run.perSecond);
        results.add(
          `updates refused or lost, ${inFlight} in flight`,
          server.name,
          run.refused + run.lost,
        );
      }
    });
  } finally {
    for (const each of redis) await each.stop();
  }
}

async function benchHttp(): Promise<void> {
  await interleaved([ours], async (server, round) => {
    await listening(server);
    for (const isChanging of [true, false]) {
      const label = isChanging
        ? "dyndns2 updates/s, 64 connections"
        : "dyndns2 nochg/s, 64 connections";
      progress(`round ${round}: ${label}`);
      const run = await measureHttp(server, zone, { connections: 64, seconds, isChanging });
      results.add(label, server.name, run.perSecond);
      results.add(`${label}: refused`, server.name, run.refused);
    }
  });
}

/** Time from the start of the process to its first right answer, and memory beyond a server with an empty zone. */
async function benchLoad(): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    for (const kind of installed([ours, nsd, knot, bind])) {
      progress(`round ${round}: ${kind.name} loads ${names} names`);
      const bare = await started(kind, empty);
      const bareBytes = bare.memoryBytes();
      await bare.stop();
      const server = new RunningServer(kind, zone);
      const loadMs = await firstAnswerMs(server, `h${"0".repeat(5)}.${ORIGIN}`);
      const bytes = server.memoryBytes();
      await server.stop();
      results.add("zone file to first right answer (ms)", kind.name, loadMs);
      results.add("memory over an empty zone (MB)", kind.name, (bytes - bareBytes) / 1e6);
      results.add("memory per name (bytes)", kind.name, (bytes - bareBytes) / names);
    }
  }
}

progress(`writing a zone of ${names} names`);
writeZoneFile(zone.file, names);
writeZoneFile(empty.file, 0);
writeQuestionFile(questionFile, names);
try {
  if (parts.has("queries")) await benchQueries();
  if (parts.has("updates")) await benchUpdates();
  if (parts.has("http")) await benchHttp();
  if (parts.has("load")) await benchLoad();
} finally {
  const date = new Date().toISOString().slice(0, 10);
  const processor = cpus()[0]?.model.trim();
  const machine = `${cpus().length} cores (${processor}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const size = `${names} names, ${rounds} rounds of ${seconds} s`;
  process.stdout.write(`${date}, ${machine}, Node ${process.version}, ${size}\n\n`);
  process.stdout.write(results.format());
}
