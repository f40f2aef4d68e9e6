/**
 * One thread that answers UDP, as the main thread sees it: started, fed with replies, started again when it dies.
 * What it defers goes to the exchange, and the reply back to whichever thread lives in its place by then.
 */
import { Worker } from "node:worker_threads";
import type { AnswerSettings } from "../answer/answer-settings.ts";
import { type Client, Transport } from "../answer/client.ts";
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { type Datagram, DatagramOutbox, unpackBatch } from "./datagram-batch.ts";
import type { ReplyTo } from "./datagram-port.ts";
import { DeferredCount } from "./deferred-count.ts";
import type { TurnQueue } from "./turn-queue.ts";
import type { FromWorker, ToWorker } from "./udp-relay.ts";
import type { UdpWorkerData, WorkerPort } from "./udp-worker.ts";

/** The reply to a deferred datagram, now or later; `undefined` is silence. The exchange may keep `message`. */
export type DatagramExchange = (
  message: Uint8Array,
  client: Client,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

export interface PoolWorkerParts {
  /** The built `udp-worker.js`. */
  readonly entry: URL;
  readonly work: Omit<UdpWorkerData, "port" | "deferred">;
  /** Makes the thread hear at once what was posted to it. */
  readonly wake: () => void;
  /** Sends a reply from here; without it replies go through the thread. */
  readonly send?: (bytes: Uint8Array, to: ReplyTo) => void;
  /** Frees the reader slot of a dead thread: `TableWriter.clearReader`. */
  readonly clearReader: (slot: number) => void;
  readonly exchange: DatagramExchange;
  /** What all threads defer waits here for the main thread. */
  readonly turns: TurnQueue;
  readonly onLimiting: (address: string, responses: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export type Listening = Extract<FromWorker, { kind: "listening" }>;

/** One life of the thread: replies go to the thread of now, what is settled to the one that asked. */
interface Life {
  readonly worker: Worker;
  readonly outbox: DatagramOutbox;
  readonly deferred: DeferredCount;
  readonly startMs: number;
}

/** A thread that is replaced when it dies. */
export class PoolWorker {
  readonly #parts: PoolWorkerParts;
  #port: WorkerPort;
  #settings: AnswerSettings;
  #life: Life | undefined;
  #restartMs: number = Limits.workerRestartMs;
  #restart: NodeJS.Timeout | undefined;
  #isServing = false;
  #isClosing = false;
  #ended: () => void = () => {};
  #changed: () => void = () => {};

  constructor(parts: PoolWorkerParts, port: WorkerPort) {
    this.#parts = parts;
    this.#port = port;
    this.#settings = parts.work.settings;
  }

  /** The first start: its failure is the caller's. */
  async start(): Promise<Listening> {
    const listening = await this.#begin();
    this.#isServing = true;
    if (this.#port.kind === "dgram") {
      const listen = listening.addresses.map((each) => ({ ...each, isOptional: true }));
      this.#port = { kind: "dgram", listen };
    }
    return listening;
  }

  /** Resolves when the thread answers by these settings; one that dies meanwhile comes back with them. */
  change(settings: AnswerSettings): Promise<void> {
    this.#settings = settings;
    const worker = this.#life?.worker;
    if (worker === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#changed = resolve;
      worker.postMessage({ kind: "settings", settings } satisfies ToWorker);
      this.#parts.wake();
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#restart);
    const worker = this.#life?.worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    worker.postMessage({ kind: "close" } satisfies ToWorker);
    this.#parts.wake();
    const impatience = setTimeout(() => void worker.terminate(), Limits.workerCloseMs);
    await ended;
    clearTimeout(impatience);
  }

  #begin(): Promise<Listening> {
    const { entry, work, turns, clock, log, onLimiting } = this.#parts;
    const deferred = new DeferredCount();
    const place = { port: this.#port, deferred: deferred.memory };
    const workerData: UdpWorkerData = { ...work, settings: this.#settings, ...place };
    const worker = new Worker(entry, { workerData, name: "udp" });
    const outbox = new DatagramOutbox((batch) => {
      worker.postMessage({ kind: "replies", batch } satisfies ToWorker, [batch.octets]);
    });
    const life: Life = { worker, outbox, deferred, startMs: clock.monotonicMs() };
    this.#life = life;
    return new Promise((resolve, reject) => {
      worker.on("message", (message: FromWorker) => {
        if (message.kind === "listening") resolve(message);
        else if (message.kind === "failed") reject(notListening(message.problem));
        else if (message.kind === "changed") this.#changed();
        else if (message.kind === "limiting") onLimiting(message.address, message.responses);
        else {
          for (const each of unpackBatch(message.batch))
            turns.put(() => this.#exchange(life, each));
        }
      });
      worker.on("error", (error) => {
        log.error({ problem: errorMessage(error) }, "a UDP worker broke");
        reject(notListening(`the UDP worker broke: ${errorMessage(error)}`));
      });
      worker.on("exit", () => {
        reject(notListening("the UDP worker ended before it listened"));
        this.#end(life);
      });
    });
  }

  #reply(message: Uint8Array, peer: ReplyTo): void {
    const { send } = this.#parts;
    if (send === undefined) this.#life?.outbox.put({ message, peer });
    else send(message, peer);
  }

  #exchange(life: Life, { message, peer }: Datagram): void {
    const client: Client = { transport: Transport.udp, address: peer.address, port: peer.port };
    const settle = (reply: Uint8Array | undefined): void => {
      if (reply !== undefined) this.#reply(reply, peer);
      life.deferred.settle();
    };
    const fail = (error: unknown): void => {
      const fields = { client: peer.address, problem: errorMessage(error) };
      this.#parts.log.error(fields, "a datagram could not be answered");
      settle(undefined);
    };
    try {
      const reply = this.#parts.exchange(message, client);
      if (reply instanceof Promise) reply.then(settle).catch(fail);
      else settle(reply);
    } catch (error) {
      fail(error);
    }
  }

  /** The dead thread's slot would keep the table from ever using memory again. */
  #end(life: Life): void {
    const { clearReader, work } = this.#parts;
    clearReader(work.readerSlot);
    this.#life = undefined;
    this.#ended();
    this.#changed();
    if (this.#isServing && !this.#isClosing) this.#restartLater(life);
  }

  #restartLater({ startMs }: Life): void {
    const { clock, log } = this.#parts;
    const livedLong = clock.monotonicMs() - startMs > Limits.workerRestartMaxMs;
    if (livedLong) this.#restartMs = Limits.workerRestartMs;
    const afterMs = this.#restartMs;
    this.#restartMs = Math.min(afterMs * 2, Limits.workerRestartMaxMs);
    log.error({ afterMs }, "the UDP worker ended; it will be started again");
    this.#restart = setTimeout(() => {
      this.#begin().then(
        () => log.info({}, "the UDP worker answers again"),
        (error: unknown) => log.error({ problem: errorMessage(error) }, "no UDP worker yet"),
      );
    }, afterMs);
  }
}

function notListening(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.listen, problem);
}
