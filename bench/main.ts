/**
 * `npm run bench`: Windhover and, where they are installed, NSD, Knot and BIND, measured in the same run, rounds
 * interleaved, medians shown. Prints two tables: the figures, and the bars with whether each is met. Progress goes to
 * standard error.
 *
 *   npm run bench -- --all [--rounds 3] [--seconds 5]           everything, at 10,000 and a million names: about 25 min
 *   npm run bench -- [--names 10000] [--only queries,updates]   some parts, at one size
 *
 * Parts: queries, updates, http, latency, ack, workers, load, growth (up to ten million names), generators, nodes, followers.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { judge } from "./bars.ts";
import { Fixture, progress } from "./fixture.ts";
import { benchAck } from "./parts/ack.ts";
import { benchFollowers } from "./parts/followers.ts";
import { benchGenerators } from "./parts/generators.ts";
import { benchGrowth, GROWTH } from "./parts/growth.ts";
import { benchHttp } from "./parts/http.ts";
import { benchLatency } from "./parts/latency.ts";
import { benchLoad } from "./parts/load.ts";
import { benchNodes } from "./parts/nodes.ts";
import { benchQueries } from "./parts/queries.ts";
import { benchUpdates } from "./parts/updates.ts";
import { benchWorkers } from "./parts/workers.ts";
import { formatTable, Results } from "./results.ts";
import { findProgram } from "./server.ts";

const PARTS: Readonly<Record<string, (fixture: Fixture) => Promise<void>>> = {
  queries: benchQueries,
  updates: benchUpdates,
  http: benchHttp,
  latency: benchLatency,
  ack: benchAck,
  workers: benchWorkers,
  load: benchLoad,
  growth: benchGrowth,
  generators: benchGenerators,
  nodes: benchNodes,
  followers: benchFollowers,
};
/** What is asked of a server with a million names. */
const LARGE = { names: 1_000_000, parts: ["queries", "load"] } as const;
const SMALL = {
  names: 10_000,
  parts: Object.keys(PARTS).filter((part) => part !== "load"),
} as const;

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    names: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    only: { type: "string", default: "queries,updates,http,latency,ack,load" },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const directory = mkdtempSync(join(tmpdir(), "windhover-bench-"));
const results = new Results();

const steps = values.all
  ? [SMALL, LARGE]
  : [{ names: Number(values.names), parts: values.only.split(",") }];
const unknown = steps.flatMap(({ parts }) => parts).find((part) => !(part in PARTS));
if (unknown !== undefined) {
  throw new Error(`no part is called ${unknown}: they are ${Object.keys(PARTS).join(", ")}`);
}
if (findProgram("dnsperf") === undefined) {
  throw new Error("queries are sent by dnsperf, which is not installed: apt-get install dnsperf");
}

/** A part that fails does not take the figures of the others with it. */
async function attempt(part: string, fixture: Fixture): Promise<void> {
  try {
    await PARTS[part]?.(fixture);
  } catch (error) {
    process.exitCode = 1;
    progress(`${part} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function makeFixture(names: number, wantedRounds = rounds): Fixture {
  return new Fixture({ directory, names, rounds: wantedRounds, seconds }, results);
}

async function runSteps(): Promise<void> {
  for (const { names, parts } of steps) {
    const fixture = makeFixture(names);
    for (const part of parts) {
      if (part !== "growth") await attempt(part, fixture);
      else for (const size of GROWTH) await attempt(part, makeFixture(size, 1));
    }
  }
}

try {
  await runSteps();
} finally {
  rmSync(directory, { recursive: true, force: true });
  const date = new Date().toISOString().slice(0, 10);
  const processor = cpus()[0]?.model.trim();
  const machine = `${cpus().length} cores (${processor}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const size = `${rounds} rounds of ${seconds} s`;
  process.stdout.write(`${date}, ${machine}, Node ${process.version}, ${size}\n\n`);
  process.stdout.write(formatTable(results.rows()));
  const head = ["measure", "server", "figure", "against", "ratio", "bar", "met"];
  process.stdout.write(`\n${formatTable([head, ...judge(results)])}`);
}
