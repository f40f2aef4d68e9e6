/**
 * Answers UDP with threads: chooses the port, binds, starts the threads (`pool-worker.ts`), and counts what the
 * kernel dropped. With the native port the pool owns the sockets, one of each address for every thread, and a thread
 * that takes a dead one's place goes on with its sockets. The portable port has one thread: its sockets cannot share
 * an address.
 */
import { availableParallelism } from "node:os";
import type { AnswerSettings } from "../answer/answer-settings.ts";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Counter, type CounterRow } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { formatSocketAddress, type SocketAddress } from "../base/socket-address.ts";
import type { TableMemory } from "../table/table-memory.ts";
import { choosePort, type PortChoice, type PortWish } from "./choose-port.ts";
import type { ReplyTo } from "./datagram-port.ts";
import { type BindAddress, expandWildcards, isWildcard } from "./listen-addresses.ts";
import type { Libc } from "./native/libc.ts";
import {
  closeNativeSockets,
  type NativeSocket,
  openNativeSockets,
  SocketDrops,
} from "./native/native-socket.ts";
import { ReplySender } from "./native/reply-sender.ts";
import { type DatagramExchange, type Listening, PoolWorker } from "./pool-worker.ts";
import { ProcDrops } from "./proc-drops.ts";
import { TurnQueue } from "./turn-queue.ts";
import type { WorkerPort } from "./udp-worker.ts";

export interface UdpPoolParts {
  readonly table: TableMemory;
  /** Frees the reader slot of a dead thread: `TableWriter.clearReader`. */
  readonly clearReader: (slot: number) => void;
  readonly counters: SharedArrayBuffer;
  /** The main thread's own row, for what the kernel dropped. */
  readonly ownCounters: CounterRow;
  /** Reader slot and counter row of the first thread; the others have the next ones, the main thread none of them. */
  readonly thread: number;
  /** Threads wished for, at least 1. */
  readonly workers: number;
  readonly port: PortWish;
  readonly settings: AnswerSettings;
  readonly exchange: DatagramExchange;
  readonly onLimiting?: (address: string, responses: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** The built `udp-worker.js`, where it is not beside this file. */
  readonly entry?: URL;
}

/** Threads for the configured number: 0 means one less than the cores, as the main thread needs one too. */
export function workerCount(configured: number, cores: number = availableParallelism()): number {
  if (configured > 0) return configured;
  return Math.min(Math.max(cores - 1, 1), Limits.udpWorkers);
}

export class UdpPool {
  readonly #parts: UdpPoolParts;
  #workers: readonly PoolWorker[] = [];
  readonly #turns = new TurnQueue();
  #native: NativeSockets | undefined;
  #sampling: NodeJS.Timeout | undefined;

  constructor(parts: UdpPoolParts) {
    this.#parts = parts;
  }

  /** Binds every address or none, and answers with what is bound. Throws `listen`. Called once. */
  async listen(addresses: readonly SocketAddress[]): Promise<readonly SocketAddress[]> {
    assert(this.#workers.length === 0, "a pool listens once");
    const { log, port } = this.#parts;
    const choice = await choosePort(port);
    const bound =
      choice.kind === "native"
        ? await this.#listenNative(choice.libc, addresses)
        : await this.#listenDgram(addresses);
    const fields = {
      addresses: bound.map(formatSocketAddress),
      port: choice.kind,
      reason: choice.reason,
      workers: this.#workers.length,
    };
    log.info(fields, "answering over UDP");
    this.#warnOfFewer(choice);
    return bound;
  }

  #warnOfFewer({ kind }: PortChoice): void {
    const { workers, log } = this.#parts;
    if (kind === "native" || workers === 1) return;
    log.info({ wished: workers }, "one UDP worker: only the native port can share an address");
  }

  async #listenNative(
    libc: Libc,
    addresses: readonly SocketAddress[],
  ): Promise<readonly SocketAddress[]> {
    const { workers, ownCounters } = this.#parts;
    const native = new NativeSockets(libc, addresses, { threads: workers, counters: ownCounters });
    this.#native = native;
    const [first] = await this.#start(native.ports);
    return first?.addresses ?? [];
  }

  async #listenDgram(addresses: readonly SocketAddress[]): Promise<readonly SocketAddress[]> {
    const { log } = this.#parts;
    const listen = expandWildcards(addresses);
    if (addresses.some(({ address }) => isWildcard(address))) this.#tellExpanded(listen);
    const [listening] = await this.#start([{ kind: "dgram", listen }]);
    for (const each of listening?.skipped ?? []) {
      const address = formatSocketAddress(each);
      log.warn({ address }, "UDP does without an address that is not ready");
    }
    const bound = listening?.addresses ?? [];
    this.#sampling = this.#sampleDrops(new ProcDrops(bound));
    return bound;
  }

  #sampleDrops(drops: ProcDrops): NodeJS.Timeout {
    const { ownCounters } = this.#parts;
    const sample = async (): Promise<void> => {
      const dropped = await drops.count();
      ownCounters[Counter.dropped]! += dropped;
    };
    return setInterval(() => void sample(), Limits.dropSampleMs).unref();
  }

  #tellExpanded(listen: readonly BindAddress[]): void {
    const fields = { addresses: listen.map(formatSocketAddress) };
    this.#parts.log.info(
      fields,
      "UDP listens on each address this machine has now; restart after new ones come",
    );
  }

  async #start(ports: readonly WorkerPort[]): Promise<readonly Listening[]> {
    this.#workers = ports.map((port, at) => this.#makeWorker(port, at));
    return Promise.all(this.#workers.map((worker) => worker.start()));
  }

  #makeWorker(port: WorkerPort, at: number): PoolWorker {
    const { table, counters, settings, clearReader, exchange, clock, log } = this.#parts;
    const thread = this.#parts.thread + at;
    const entry = this.#parts.entry ?? new URL("./udp-worker.js", import.meta.url);
    const work = { table: table.buffer, counters, settings };
    const native = this.#native;
    const wake = () => {
      if (port.kind === "native") native?.wake(port.event);
    };
    return new PoolWorker(
      {
        entry,
        work: { ...work, readerSlot: thread, counterThread: thread },
        wake,
        ...(native === undefined ? {} : { send: native.send }),
        clearReader,
        exchange,
        turns: this.#turns,
        onLimiting: this.#parts.onLimiting ?? (() => {}),
        clock,
        log,
      },
      port,
    );
  }

  /** Other settings, by which every thread answers when it resolves. No datagram waits for it. */
  async change(settings: AnswerSettings): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.change(settings)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    clearInterval(this.#sampling);
    this.#native?.close();
    this.#native = undefined;
  }
}

/** The pool's sockets, and for each thread an event that wakes it. */
class NativeSockets {
  readonly ports: readonly Extract<WorkerPort, { kind: "native" }>[];
  readonly #libc: Libc;
  readonly #sockets: readonly NativeSocket[];
  readonly #sender: ReplySender;
  readonly #sampling: NodeJS.Timeout;

  constructor(
    libc: Libc,
    listen: readonly SocketAddress[],
    { threads, counters }: { readonly threads: number; readonly counters: CounterRow },
  ) {
    const rows = openNativeSockets(libc, listen, threads);
    this.#libc = libc;
    this.#sockets = rows.flat();
    this.ports = rows.map((sockets) => ({ kind: "native", sockets, event: libc.event() }));
    this.#sender = new ReplySender({ libc, sockets: rows[0] ?? [], counters, waitMs: 0 });
    const drops = new SocketDrops(libc, this.#sockets);
    this.#sampling = setInterval(() => {
      counters[Counter.dropped]! += drops.count();
    }, Limits.dropSampleMs);
    this.#sampling.unref();
  }

  wake(event: number): void {
    this.#libc.wake(event);
  }

  /** Sends a reply from this thread, which spares it the way through the one that received the query. */
  readonly send = (bytes: Uint8Array, to: ReplyTo): void => this.#sender.send(bytes, to);

  close(): void {
    this.#sender.close();
    clearInterval(this.#sampling);
    closeNativeSockets(this.#libc, this.#sockets);
    for (const { event } of this.ports) this.#libc.close(event);
  }
}
