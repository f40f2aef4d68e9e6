/**
 * Two nodes on one Redis: from the acknowledgement of an update on one to its answer by the other, while nothing else
 * happens and while others update. The other node is asked again and again, so that a figure includes the way there
 * and back of the last question. And what one zone takes by way of one of them, and of both at once.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Type } from "../../src/wire/code-points.ts";
import { makeQuery, readMessage, writeMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { type Fixture, progress, started } from "../fixture.ts";
import { RedisForBench } from "../redis.ts";
import type { RunningServer } from "../server.ts";
import { windhover } from "../servers/windhover.ts";
import type { UpdatesAside } from "../update-aside.ts";
import { type UpdateLoad, UpdateWriter } from "../update-load.ts";

const UPDATES_PER_SECOND = [0, 1_000, 5_000] as const;
const IN_FLIGHT = 1_024;
/** In flight where nodes hinder each other. */
const CONTENDING = 256;
/** Between two updates that are timed, so that an idle node is idle. */
const PAUSE_MS = 20;
/** A lost datagram shall not stop the run. */
const ANSWER_MS = 5_000;
const WARM_UP_MS = 1_000;

export async function benchNodes(fixture: Fixture): Promise<void> {
  const [redis, ...others] = await RedisForBench.startAll(fixture.directory);
  for (const other of others) await other.stop();
  if (redis === undefined) return progress("redis-server is not installed: nodes are left out");
  const servers: RunningServer[] = [];
  try {
    for (const label of ["node 1", "node 2"]) {
      servers.push(await started(windhover({ label, store: redis.url }), fixture.zone));
    }
    const pair = servers as [RunningServer, RunningServer];
    for (let round = 1; round <= fixture.rounds; round++) {
      for (const perSecond of UPDATES_PER_SECOND) await measure(fixture, pair, round, perSecond);
      await contend(fixture, pair.slice(0, 1), round);
      await contend(fixture, pair, round);
    }
  } finally {
    for (const server of servers) await server.stop();
    await redis.stop();
  }
}

type Pair = readonly [RunningServer, RunningServer];

async function measure(fixture: Fixture, [one, other]: Pair, round: number, perSecond: number) {
  const { zone, seconds, results } = fixture;
  progress(`round ${round}: from ack on one node to answer on the other, ${perSecond} updates/s`);
  const run = `nodes-${round}-${perSecond}`;
  const aside =
    perSecond === 0
      ? undefined
      : updateAside(fixture, one, {
          inFlight: IN_FLIGHT,
          perSecond,
          seconds: seconds + (2 * WARM_UP_MS) / 1_000,
          run,
        });
  if (aside !== undefined) await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const times = await followed(new UpdateWriter(zone, `${run}-timed`), [one, other], seconds);
  const rate = await aside;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor((times.length - 1) * share)] as number;
  const row = (what: string) => `ack to answer elsewhere, ${what}, ${perSecond} updates/s (ms)`;
  results.add(row("p50"), "Windhover", at(0.5));
  results.add(row("p99"), "Windhover", at(0.99));
  if (rate !== undefined) {
    results.add(`updates/s meanwhile, ${perSecond} sent`, "Windhover", rate);
  }
}

/** As fast as they are taken, the same number in flight however many nodes share it. */
async function contend(fixture: Fixture, nodes: readonly RunningServer[], round: number) {
  const { length } = nodes;
  progress(`round ${round}: one zone by way of ${length} nodes`);
  const inFlight = CONTENDING / length;
  const rates = await Promise.all(
    nodes.map((node, at) => {
      const run = `contend-${round}-${length}-${at}`;
      return updateAside(fixture, node, { inFlight, seconds: fixture.seconds, run });
    }),
  );
  const sum = rates.reduce((total, rate) => total + rate, 0);
  fixture.results.add(`updates/s of one zone by way of ${length} nodes`, "Windhover", sum);
}

async function updateAside(
  { zone }: Fixture,
  { port }: RunningServer,
  load: UpdateLoad,
): Promise<number> {
  const workerData: UpdatesAside = { port, zone, load };
  const worker = new Worker(new URL("../update-aside.js", import.meta.url), { workerData });
  const [rate] = (await once(worker, "message")) as [number];
  await worker.terminate();
  return rate;
}

/** Milliseconds of each update. */
async function followed(writer: UpdateWriter, [one, other]: Pair, seconds: number) {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const times: number[] = [];
  const deadline = performance.now() + seconds * 1_000;
  try {
    for (let number = 0; performance.now() < deadline; number++) {
      const reply = await exchange(socket, one.port, writer.write(number & 0xffff, number));
      if (((reply[3] as number) & 15) !== 0) throw new Error("an update was refused");
      const ackMs = performance.now();
      const query = makeQuery({ id: 1, name: parseName(writer.host(number)), qtype: Type.A });
      const bytes = new Uint8Array(512);
      const message = bytes.subarray(0, writeMessage(query, bytes));
      while (readMessage(await exchange(socket, other.port, message)).answers.length === 0) {
        if (performance.now() > ackMs + ANSWER_MS) throw new Error("a node does not follow");
      }
      times.push(performance.now() - ackMs);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return times;
  } finally {
    socket.close();
  }
}

async function exchange(socket: Socket, port: number, message: Uint8Array): Promise<Uint8Array> {
  const answered = once(socket, "message", { signal: AbortSignal.timeout(ANSWER_MS) });
  socket.send(message, port, "127.0.0.1");
  const [reply] = (await answered) as [Uint8Array];
  return reply;
}
