/** Entry of a thread that answers UDP queries from the shared zone table. Started by `udp-pool.ts` alone. */
import { parentPort, workerData } from "node:worker_threads";
import { createAnswerQuery } from "../answer/answer-query.ts";
import type { AnswerSettings } from "../answer/answer-settings.ts";
import { assert } from "../base/assert.ts";
import { systemClock } from "../base/clock.ts";
import { type CounterRow, counterRow } from "../base/counters.ts";
import { errorMessage } from "../base/errors.ts";
import { attachTableMemory } from "../table/table-memory.ts";
import { TableReader } from "../table/table-reader.ts";
import { type OpenedPort, openDgramPort } from "./dgram-port.ts";
import type { BindAddress } from "./listen-addresses.ts";
import { type FromWorker, runUdpRelay } from "./udp-relay.ts";

export interface UdpWorkerData {
  readonly table: SharedArrayBuffer;
  /** This thread's reader slot of the table, and nobody else's. */
  readonly readerSlot: number;
  readonly counters: SharedArrayBuffer;
  /** This thread's row of the counters. */
  readonly counterThread: number;
  readonly listen: readonly BindAddress[];
  readonly settings: AnswerSettings;
}

assert(parentPort !== null, "udp-worker runs in a worker thread");
const link = parentPort;

function tell(message: FromWorker): void {
  link.postMessage(message);
}

async function openPort(
  listen: readonly BindAddress[],
  counters: CounterRow,
): Promise<OpenedPort | undefined> {
  try {
    return await openDgramPort(listen, counters);
  } catch (error) {
    tell({ kind: "failed", problem: errorMessage(error) });
    return undefined;
  }
}

async function serve(work: UdpWorkerData): Promise<void> {
  const counters = counterRow(work.counters, work.counterThread);
  const reader = new TableReader(attachTableMemory(work.table), work.readerSlot);
  const { settings } = work;
  const answerQuery = createAnswerQuery({
    reader,
    counters,
    settings,
    clock: systemClock,
    onLimiting: (address, responses) => tell({ kind: "limiting", address, responses }),
  });
  const opened = await openPort(work.listen, counters);
  if (opened === undefined) return;
  const { port, addresses, skipped } = opened;
  runUdpRelay({ port, answerQuery, counters, link });
  tell({ kind: "listening", addresses, skipped });
}

await serve(workerData as UdpWorkerData);
