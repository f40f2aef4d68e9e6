/**
 * Starts the threads that answer UDP, starts a dead one again, and carries what they defer to the main thread's
 * exchange and the replies back. The portable port has one thread: its sockets cannot share an address.
 */
import { Worker } from "node:worker_threads";
import type { AnswerSettings } from "../answer/answer-settings.ts";
import { type Client, Transport } from "../answer/client.ts";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { formatSocketAddress, type SocketAddress } from "../base/socket-address.ts";
import type { TableMemory } from "../table/table-memory.ts";
import { type Datagram, DatagramOutbox, unpackBatch } from "./datagram-batch.ts";
import { type BindAddress, expandWildcards, isWildcard } from "./listen-addresses.ts";
import type { FromWorker, ToWorker } from "./udp-relay.ts";
import type { UdpWorkerData } from "./udp-worker.ts";

/** The reply to a deferred datagram, now or later; `undefined` is silence. The exchange may keep `message`. */
export type DatagramExchange = (
  message: Uint8Array,
  client: Client,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

export interface UdpPoolParts {
  readonly table: TableMemory;
  /** Frees the reader slot of a dead thread: `TableWriter.clearReader`. */
  readonly clearReader: (slot: number) => void;
  readonly counters: SharedArrayBuffer;
  /** Reader slot and counter row of the thread; the main thread has others. */
  readonly thread: number;
  readonly settings: AnswerSettings;
  readonly exchange: DatagramExchange;
  readonly onLimiting?: (address: string, responses: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** The built `udp-worker.js`, where it is not beside this file. */
  readonly entry?: URL;
}

type Listening = Extract<FromWorker, { kind: "listening" }>;

export class UdpPool {
  readonly #parts: UdpPoolParts;
  #worker: PoolWorker | undefined;

  constructor(parts: UdpPoolParts) {
    this.#parts = parts;
  }

  /** Binds every address or none, and answers with what is bound. Throws `listen`. Called once. */
  async listen(addresses: readonly SocketAddress[]): Promise<readonly SocketAddress[]> {
    assert(this.#worker === undefined, "a pool listens once");
    const { log } = this.#parts;
    const listen = expandWildcards(addresses);
    if (addresses.some(({ address }) => isWildcard(address))) {
      const fields = { addresses: listen.map(formatSocketAddress) };
      log.info(
        fields,
        "UDP listens on each address this machine has now; restart after new ones come",
      );
    }
    this.#worker = new PoolWorker(this.#parts);
    const listening = await this.#worker.start(listen);
    for (const each of listening.skipped) {
      const address = formatSocketAddress(each);
      log.warn({ address }, "UDP does without an address that is not ready");
    }
    const bound = listening.addresses.map(formatSocketAddress);
    log.info({ addresses: bound, port: "dgram", workers: 1 }, "answering over UDP");
    return listening.addresses;
  }

  async close(): Promise<void> {
    await this.#worker?.close();
  }
}

/** One life of a worker's thread: replies go to the thread of now, what is settled to the one that asked. */
interface Life {
  readonly worker: Worker;
  readonly outbox: DatagramOutbox;
  readonly startMs: number;
}

/** A thread that is replaced when it dies. */
class PoolWorker {
  readonly #parts: UdpPoolParts;
  #listen: readonly BindAddress[] = [];
  #life: Life | undefined;
  #restartMs: number = Limits.workerRestartMs;
  #restart: NodeJS.Timeout | undefined;
  #isServing = false;
  #isClosing = false;
  #ended: () => void = () => {};

  constructor(parts: UdpPoolParts) {
    this.#parts = parts;
  }

  /** The first start: its failure is the caller's. */
  async start(listen: readonly BindAddress[]): Promise<Listening> {
    this.#listen = listen;
    const listening = await this.#begin();
    this.#isServing = true;
    this.#listen = listening.addresses.map((each) => ({ ...each, isOptional: true }));
    return listening;
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
    const impatience = setTimeout(() => void worker.terminate(), Limits.workerCloseMs);
    await ended;
    clearTimeout(impatience);
  }

  #begin(): Promise<Listening> {
    const { entry, clock, log, onLimiting = () => {} } = this.#parts;
    const file = entry ?? new URL("./udp-worker.js", import.meta.url);
    const worker = new Worker(file, { workerData: this.#workerData(), name: "udp" });
    const outbox = new DatagramOutbox((batch, settled) => {
      worker.postMessage({ kind: "replies", batch, settled } satisfies ToWorker, [batch.octets]);
    });
    const life: Life = { worker, outbox, startMs: clock.monotonicMs() };
    this.#life = life;
    return new Promise((resolve, reject) => {
      worker.on("message", (message: FromWorker) => {
        if (message.kind === "listening") resolve(message);
        else if (message.kind === "failed") reject(notListening(message.problem));
        else if (message.kind === "limiting") onLimiting(message.address, message.responses);
        else for (const each of unpackBatch(message.batch)) this.#exchange(life, each);
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

  #workerData(): UdpWorkerData {
    const { table, counters, thread, settings } = this.#parts;
    return {
      table: table.buffer,
      readerSlot: thread,
      counters,
      counterThread: thread,
      listen: this.#listen,
      settings,
    };
  }

  #exchange(life: Life, { message, peer }: Datagram): void {
    const client: Client = { transport: Transport.udp, address: peer.address, port: peer.port };
    const settle = (reply: Uint8Array | undefined): void => {
      if (reply !== undefined) this.#life?.outbox.put({ message: reply, peer });
      life.outbox.settle();
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
    const { clearReader, thread } = this.#parts;
    clearReader(thread);
    this.#life = undefined;
    this.#ended();
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
