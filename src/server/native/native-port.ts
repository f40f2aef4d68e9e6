/**
 * The datagram port of Linux: batches of datagrams by one system call in and one out, into memory that is there
 * already. It waits for datagrams itself, beside the event loop, because that costs one system call where a turn
 * of the loop costs several; the loop gets its turn when there is something in it: a batch deferred datagrams, or
 * another thread has called `wake` after posting a message.
 *
 *     turn ─► poll(sockets, event) ─► per socket: receive ─► answer each ─► send ──┐
 *       ▲            │                    ▲                                       │ a full batch: again, some times
 *       │            ▼                    └───────────────────────────────────────┘
 *       └── the event loop, when woken or when something was deferred
 */
import { type Client, Transport } from "../../answer/client.ts";
import { assert } from "../../base/assert.ts";
import type { CounterRow } from "../../base/counters.ts";
import { Limits } from "../../base/limits.ts";
import { formatSocketAddress } from "../../base/socket-address.ts";
import type { DatagramPort, DatagramReceiver, ReplyTo } from "../datagram-port.ts";
import { type Libc, SockAddr, Sys } from "./libc.ts";
import { MessageRing } from "./message-ring.ts";
import type { NativeSocket } from "./native-socket.ts";
import { PollSet } from "./poll-set.ts";
import { ReplySender } from "./reply-sender.ts";
import { formatNameAddress, portAt } from "./socket-name.ts";

/** Turns of receiving and answering before the event loop gets a turn all the same. */
const TURNS = 64;
/** Full batches taken from one socket before the others are looked at. */
const BATCHES = 8;
/**
 * Datagrams that come this densely are given some microseconds to gather, as network cards do it: larger batches share
 * what a system call costs us and waking costs the client. Fewer in a batch are no load; more gather by themselves.
 */
const DENSE_MIN = 5;
const DENSE_MAX = 31;
const GATHER_MICROSECONDS = 30;
/** Milliseconds that a batch of replies waits for room in the kernel's buffer. */
const SEND_WAIT_MS = 5;

export interface NativePortParts {
  readonly libc: Libc;
  /** Borrowed: `release` says when they are not used any more. */
  readonly sockets: readonly NativeSocket[];
  readonly counters: CounterRow;
  /** What another thread wakes this one with (`Libc.wake`) after posting a message. */
  readonly event: number;
  /** Milliseconds that the thread may be kept from its event loop while there is nothing to do; 0 where it has other work. */
  readonly waitMs: number;
  readonly release: () => void;
}

export class NativePort implements DatagramPort {
  readonly #libc: Libc;
  readonly #sockets: readonly NativeSocket[];
  readonly #event: number;
  readonly #waitMs: number;
  readonly #release: () => void;
  readonly #ring: MessageRing;
  readonly #sender: ReplySender;
  readonly #client: NativeClient;
  readonly #waiting: PollSet;
  #receiver: DatagramReceiver | undefined;
  #hasDeferred = false;
  /** Datagrams that the last batch had. */
  #received = 0;
  #isClosed = false;

  constructor({ libc, sockets, counters, event, waitMs, release }: NativePortParts) {
    this.#libc = libc;
    this.#sockets = sockets;
    this.#event = event;
    this.#waitMs = waitMs;
    this.#release = release;
    this.#ring = new MessageRing(libc, Limits.datagramBatch);
    this.#sender = new ReplySender({ libc, sockets, counters, waitMs: SEND_WAIT_MS });
    this.#client = new NativeClient(this.#ring);
    this.#waiting = new PollSet(libc, [...sockets.map(({ fd }) => fd), event], Sys.pollIn);
  }

  run(receiver: DatagramReceiver): void {
    assert(this.#receiver === undefined, "a port is run once");
    this.#receiver = receiver;
    if (this.#waitMs > 0) this.#libc.sharpenPauses();
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    for (let turn = 0; turn < TURNS && !this.#isClosed; turn++) {
      if (this.#work()) break;
    }
    if (!this.#isClosed) setImmediate(this.#turn);
  };

  /** Waits and answers once; true when the event loop is to have its turn. */
  #work(): boolean {
    const waiting = this.#waiting;
    this.#gather();
    const ready = waiting.wait(this.#waitMs);
    if (ready <= 0) return true;
    for (let at = 0; at < this.#sockets.length; at++) {
      if (waiting.isReady(at)) this.#drain(this.#sockets[at] as NativeSocket);
    }
    const isWoken = waiting.isReady(this.#sockets.length);
    if (isWoken) this.#libc.drain(this.#event);
    const hasDeferred = this.#hasDeferred;
    this.#hasDeferred = false;
    return isWoken || hasDeferred || this.#waitMs === 0;
  }

  #gather(): void {
    const received = this.#received;
    this.#received = 0;
    if (this.#waitMs === 0 || received < DENSE_MIN || received > DENSE_MAX) return;
    this.#libc.pause(GATHER_MICROSECONDS);
  }

  #drain(socket: NativeSocket): void {
    const ring = this.#ring;
    for (let batch = 0; batch < BATCHES; batch++) {
      ring.prepare(socket);
      const received = this.#libc.receive(socket.fd, ring.receivedAt, ring.size);
      if (received <= 0) return;
      this.#received = received;
      const replies = this.#answer(socket, received);
      if (replies > 0) this.#sender.sendBatch(socket.fd, ring, replies);
      if (received < ring.size) return;
    }
  }

  /** Answers each datagram of a batch. Returns how many replies there are. */
  #answer(socket: NativeSocket, received: number): number {
    const ring = this.#ring;
    const client = this.#client;
    const receiver = this.#receiver as DatagramReceiver;
    let replies = 0;
    for (let at = 0; at < received; at++) {
      const query = ring.query(at);
      client.take(at, socket.family);
      const length = receiver.answer(query, ring.length(at), client, ring.replyOctets(replies));
      if (length > 0) ring.address(replies++, at, length);
      else if (length < 0) this.#defer(socket, at);
    }
    return replies;
  }

  #defer(socket: NativeSocket, at: number): void {
    const message = this.#ring.query(at).slice(0, this.#ring.length(at));
    const { address, port } = this.#client;
    this.#hasDeferred = true;
    (this.#receiver as DatagramReceiver).defer(message, {
      address,
      port,
      local: formatSocketAddress({ address: this.#askedAddress(socket, at), port: socket.port }),
    });
  }

  #askedAddress(socket: NativeSocket, at: number): string {
    const asked = socket.hasPacketInfo ? this.#ring.askedOffset(at) : 0;
    if (asked === 0) return socket.address;
    const isIPv6 = socket.family === Sys.inet6;
    return formatNameAddress(
      this.#ring.octets,
      asked - (isIPv6 ? SockAddr.address6 : SockAddr.address4),
      socket.family,
    );
  }

  send(bytes: Uint8Array, to: ReplyTo): void {
    this.#sender.send(bytes, to);
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#sender.close();
      this.#release();
    }
    return Promise.resolve();
  }
}

/** Who sent the datagram at hand; the address becomes text only for those who ask. */
class NativeClient implements Client {
  readonly transport = Transport.udp;
  port = 0;
  readonly #ring: MessageRing;
  #at = 0;
  #family = 0;
  #text = "";

  constructor(ring: MessageRing) {
    this.#ring = ring;
  }

  take(at: number, family: number): void {
    const { octets } = this.#ring;
    this.#at = this.#ring.nameOffset(at);
    this.#family = family;
    this.port = portAt(octets, this.#at);
    this.#text = "";
  }

  get address(): string {
    if (this.#text === "") {
      this.#text = formatNameAddress(this.#ring.octets, this.#at, this.#family);
    }
    return this.#text;
  }
}
