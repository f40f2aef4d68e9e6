/** Entry of a thread that answers UDP queries from the shared zone table. Started by `udp-pool.ts` alone. */
import { parentPort, workerData } from "node:worker_threads";
import { createAnswerQuery } from "../answer/answer-query.ts";
import type { AnswerSettings } from "../answer/answer-settings.ts";
import { assert } from "../base/assert.ts";
import { systemClock } from "../base/clock.ts";
import { type CounterRow, counterRow } from "../base/counters.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { attachTableMemory } from "../table/table-memory.ts";
import { TableReader } from "../table/table-reader.ts";
import { DeferredCount } from "./deferred-count.ts";
import { type OpenedPort, openDgramPort } from "./dgram-port.ts";
import type { BindAddress } from "./listen-addresses.ts";
import { loadLibc } from "./native/libc.ts";
import { NativePort } from "./native/native-port.ts";
import type { NativeSocket } from "./native/native-socket.ts";
import { type FromWorker, runUdpRelay } from "./udp-relay.ts";

/** Where the thread answers: on addresses that it binds itself, or on sockets of the pool that it borrows. */
export type WorkerPort =
  | { readonly kind: "dgram"; readonly listen: readonly BindAddress[] }
  | {
      readonly kind: "native";
      readonly sockets: readonly NativeSocket[];
      /** The pool wakes the thread with it after posting a message. */
      readonly event: number;
    };

export interface UdpWorkerData {
  readonly table: SharedArrayBuffer;
  /** This thread's reader slot of the table, and nobody else's. */
  readonly readerSlot: number;
  readonly counters: SharedArrayBuffer;
  /** This thread's row of the counters. */
  readonly counterThread: number;
  /** Of a `DeferredCount`. */
  readonly deferred: SharedArrayBuffer;
  readonly port: WorkerPort;
  readonly settings: AnswerSettings;
}

assert(parentPort !== null, "udp-worker runs in a worker thread");
const link = parentPort;

function tell(message: FromWorker): void {
  link.postMessage(message);
}

/** Milliseconds after which a message is heard though nobody woke the thread, as when the process ends. */
const WAIT_MS = 250;

async function borrowNativePort(
  { sockets, event }: Extract<WorkerPort, { kind: "native" }>,
  counters: CounterRow,
): Promise<OpenedPort> {
  const loaded = await loadLibc();
  if ("problem" in loaded) throw new WindhoverError(ErrorCode.listen, loaded.problem);
  const { libc } = loaded;
  const release = () => {};
  const port = new NativePort({ libc, sockets, counters, event, waitMs: WAIT_MS, release });
  const addresses = sockets.map(({ address, port: number }) => ({ address, port: number }));
  return { port, addresses, skipped: [] };
}

async function openPort(port: WorkerPort, counters: CounterRow): Promise<OpenedPort | undefined> {
  try {
    if (port.kind === "native") return await borrowNativePort(port, counters);
    return await openDgramPort(port.listen, counters);
  } catch (error) {
    tell({ kind: "failed", problem: errorMessage(error) });
    return undefined;
  }
}

async function serve(work: UdpWorkerData): Promise<void> {
  const counters = counterRow(work.counters, work.counterThread);
  const reader = new TableReader(attachTableMemory(work.table), work.readerSlot);
  const onLimiting = (address: string, responses: number) =>
    tell({ kind: "limiting", address, responses });
  const makeAnswer = (settings: AnswerSettings) =>
    createAnswerQuery({ reader, counters, settings, clock: systemClock, onLimiting });
  const opened = await openPort(work.port, counters);
  if (opened === undefined) return;
  const { port, addresses, skipped } = opened;
  const deferred = new DeferredCount(work.deferred);
  runUdpRelay({ port, settings: work.settings, makeAnswer, counters, deferred, link });
  tell({ kind: "listening", addresses, skipped });
}

await serve(workerData as UdpWorkerData);
