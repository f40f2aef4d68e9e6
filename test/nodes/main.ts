/**
 * `npm run nodes`: many clients, three nodes, one Redis behind Sentinels or as a Cluster, and faults all the while.
 *
 *   npm run nodes                                                100,000 updates of 50 clients on each kind of Redis
 *   npm run nodes -- --engine cluster --updates 20000 --seed 7
 */
import { parseArgs } from "node:util";
import { ENGINES, type EngineKind } from "./engines.ts";
import { type NodesReport, runNodes } from "./run.ts";

const { values } = parseArgs({
  options: {
    engine: { type: "string" },
    updates: { type: "string", default: "100000" },
    clients: { type: "string", default: "50" },
    pace: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
  },
});

const wanted = values.engine === undefined ? ENGINES : [values.engine as EngineKind];
const tell = (text: string) => process.stderr.write(`${text}\n`);

for (const engine of wanted) {
  const report = await runNodes({
    engine,
    updates: Number(values.updates),
    clients: Number(values.clients),
    paceMs: Number(values.pace),
    seed: Number(values.seed),
    ports: [15_600, 15_640],
    tell,
  });
  console.log(`${engine}, seed ${values.seed}\n${formatReport(report)}`);
  if (report.complaints.length > 0) process.exitCode = 1;
}

function formatReport(report: NodesReport): string {
  const { acknowledged, unacknowledged, seconds, answered, askedAgain, longestAnswerMs } = report;
  const rate = Math.round(acknowledged / seconds);
  return [
    `${acknowledged} updates acknowledged in ${Math.round(seconds)} s (${rate}/s), ${unacknowledged} not`,
    `${answered} queries answered, ${askedAgain} asked again, the longest took ${Math.round(longestAnswerMs)} ms`,
    ...[...report.times].map(([what, each]) => `${formatTimes(each)}  ${what}`),
    ...report.complaints.slice(0, 100),
    `${report.complaints.length} complaints`,
  ].join("\n");
}

function formatTimes(milliseconds: readonly number[]): string {
  return `${milliseconds.map((each) => (each / 1_000).toFixed(1)).join(", ")} s`;
}
