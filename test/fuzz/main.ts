/**
 * `npm run fuzz`: one target for some seconds, or one case of it again. A failure keeps its input in the corpus and
 * prints the command that plays it again.
 *
 *   npm run fuzz -- --target message|name|zone-file|update|tsig|framing|server [--seed n] [--seconds m]
 *   npm run fuzz -- --target message --seed n --case i
 *   npm run fuzz -- --target message --input test/fuzz/corpus/message/some.hex
 *   npm run fuzz -- --target server [--messages 1000000] [--port native|dgram]
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { keepInput, readCorpus, readInput } from "./corpus.ts";
import { fuzzServer, startFuzzedServer } from "./fuzz-server.ts";
import { type FuzzTarget, fuzz } from "./target.ts";
import { TARGETS } from "./targets.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "message" },
    seed: { type: "string" },
    seconds: { type: "string", default: "60" },
    case: { type: "string" },
    input: { type: "string" },
    messages: { type: "string", default: "1000000" },
    port: { type: "string", default: "auto" },
  },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);

if (values.target === "server") await runServer();
else runTarget(findTarget(values.target));

function findTarget(name: string): FuzzTarget {
  const target = TARGETS.find((each) => each.name === name);
  if (target !== undefined) return target;
  const known = [...TARGETS.map((each) => each.name), "server"].join(", ");
  throw new Error(`no target ${name}; there are ${known}`);
}

function runTarget(target: FuzzTarget): void {
  if (values.input !== undefined) {
    target.check(readInput(values.input));
    console.log(`${target.name}: ${values.input} is harmless`);
    return;
  }
  const corpus = readCorpus(target.name).map(({ input }) => input);
  const until = performance.now() + Number(values.seconds) * 1000;
  const first = Number(values.case ?? 0);
  const isOver = (played: number) =>
    values.case === undefined ? performance.now() > until : played === 1;
  const { played, failure } = fuzz(target, { seed, first, isOver, corpus });
  if (failure === undefined) {
    console.log(`${target.name}: ${played} cases of seed ${seed} are harmless`);
    return;
  }
  const name = `seed-${seed}-case-${failure.index}`;
  const path = keepInput(target.name, name, failure.input, String(failure.error));
  console.error(failure.error);
  console.error(`kept as ${path}; to play it again:`);
  console.error(`  npm run fuzz -- --target ${target.name} --input ${path}`);
  console.error(`  npm run fuzz -- --target ${target.name} --seed ${seed} --case ${failure.index}`);
  process.exitCode = 1;
}

async function runServer(): Promise<void> {
  const fuzzed = await startFuzzedServer(values.port);
  const { server } = fuzzed;
  const onProgress = (sent: number, rssMib: number) =>
    console.error(`${sent} messages, ${rssMib} MiB`);
  try {
    const report = await fuzzServer(fuzzed, {
      seed,
      messages: Number(values.messages),
      onProgress,
    });
    console.log({ seed, port: values.port, ...report });
    if (report.exitStatus !== 0 || report.log !== "" || report.unanswered > 0) process.exitCode = 1;
  } catch (error) {
    console.error(error);
    console.error(server.output);
    console.error(
      `  npm run fuzz -- --target server --seed ${seed} --messages ${values.messages} --port ${values.port}`,
    );
    process.exitCode = 1;
  } finally {
    await server.stop();
  }
}
