/**
 * One TCP or TLS connection. Messages are asked as they arrive, several at once; replies leave in the order the
 * messages came (RFC 7766 §6.2.1.1 allows any). What a client can make us hold is bounded: a partial message, the
 * answers of one pipeline, and what the kernel has not taken yet; past each bound we stop reading.
 *
 *     data ─► framer ─► exchange ─► slots, oldest first ─► socket
 *               ▲                        │
 *               └── paused while full ◄──┴── or while the client does not read
 */
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Client } from "../answer/client.ts";
import { errorMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { frameMessage, StreamFramer } from "./stream-framer.ts";

/** One message, several in turn (a transfer), or none: then the connection is closed. */
export type StreamReply = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined;

/** Turns a message into its reply. `client` is the connection's own record and stays as it is. */
export type StreamExchange = (
  message: Uint8Array,
  client: Client,
) => StreamReply | Promise<StreamReply>;

export interface ConnectionLimits {
  /** Messages asked and not yet answered. */
  readonly pipeline: number;
  /** Milliseconds without a message; also how long the client may leave our replies unread. */
  readonly idleMs: number;
  /** Milliseconds from a message's first octet to its last. */
  readonly messageMs: number;
}

/** Whoever accepted the connection. */
export interface ConnectionOwner {
  readonly exchange: StreamExchange;
  readonly limits: ConnectionLimits;
  readonly log: Logger;
  /** A message has arrived whole. */
  active(connection: StreamConnection): void;
  closed(connection: StreamConnection): void;
}

interface Slot {
  reply: StreamReply;
  isReady: boolean;
}

type Wait = "none" | "idle" | "message" | "unread" | "closing";

export class StreamConnection {
  readonly client: Client;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #framer = new StreamFramer();
  readonly #slots: Slot[] = [];
  #isStreaming = false;
  /** The client has sent its last octet. */
  #isInputOver = false;
  /** No further message is taken; the socket ends after the last reply. */
  #isEnding = false;
  #isClosed = false;
  #wait: Wait = "none";
  #timer: NodeJS.Timeout | undefined;
  /** Wakes a transfer that waits for the client to read. */
  #wake: () => void = () => {};

  constructor(socket: Socket, client: Client, owner: ConnectionOwner) {
    this.client = client;
    this.#socket = socket;
    this.#owner = owner;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("drain", () => this.#resume());
    socket.on("end", () => this.#endInput());
    socket.on("error", () => this.destroy());
    socket.on("close", () => this.destroy());
    this.#awaitNext(true);
  }

  /** Nothing asked is unanswered: closing now loses no reply. */
  get isQuiet(): boolean {
    return this.#slots.length === 0 && !this.#socket.writableNeedDrain;
  }

  /** Answers what was asked, then closes. */
  finish(): void {
    this.#isEnding = true;
    this.#advance();
  }

  /** Closes at once, whatever is still to be said. */
  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#slots.length = 0;
    this.#socket.destroy();
    this.#wake();
    this.#owner.closed(this);
  }

  #take(chunk: Buffer): void {
    if (this.#isEnding) return;
    this.#framer.push(chunk);
    this.#advance();
  }

  #resume(): void {
    this.#wake();
    this.#flush();
    this.#advance();
  }

  #endInput(): void {
    this.#isInputOver = true;
    this.#advance();
  }

  /** Asks as many messages as may be asked now, and decides what to wait for. */
  #advance(): void {
    if (this.#isClosed) return;
    this.#socket.cork();
    let hasArrived = false;
    while (this.#mayAsk()) {
      const message = this.#framer.next();
      if (message === undefined) {
        this.#isEnding ||= this.#isInputOver;
        break;
      }
      hasArrived = true;
      this.#ask(message);
    }
    this.#socket.uncork();
    if (hasArrived) this.#owner.active(this);
    this.#awaitNext(hasArrived);
  }

  #mayAsk(): boolean {
    return (
      !this.#isEnding &&
      !this.#isClosed &&
      !this.#socket.writableNeedDrain &&
      this.#slots.length < this.#owner.limits.pipeline
    );
  }

  /** A message without octets is no message: the stream cannot be trusted any more. */
  #ask(message: Uint8Array): void {
    if (message.length === 0) {
      this.#isEnding = true;
      return;
    }
    const slot: Slot = { reply: undefined, isReady: false };
    this.#slots.push(slot);
    try {
      const reply = this.#owner.exchange(message, this.client);
      if (reply instanceof Promise) this.#settleLater(slot, reply);
      else this.#settle(slot, reply);
    } catch (error) {
      this.#fail(error);
    }
  }

  #settleLater(slot: Slot, reply: Promise<StreamReply>): void {
    reply
      .then((value) => {
        this.#settle(slot, value);
        this.#advance();
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #settle(slot: Slot, reply: StreamReply): void {
    slot.reply = reply;
    slot.isReady = true;
    this.#flush();
  }

  /** Writes the replies that are ready, oldest first, as far as the client reads. */
  #flush(): void {
    while (!this.#isStreaming && !this.#isClosed && !this.#socket.writableNeedDrain) {
      const slot = this.#slots[0];
      if (slot === undefined || !slot.isReady) return;
      this.#slots.shift();
      if (slot.reply === undefined) this.#giveUp();
      else if (slot.reply instanceof Uint8Array) this.#write(slot.reply);
      else this.#startStream(slot, slot.reply);
    }
  }

  /** Silence means that what came was no query: the client is told by the end of the connection, as BIND does. */
  #giveUp(): void {
    this.#slots.length = 0;
    this.#isEnding = true;
  }

  #startStream(slot: Slot, messages: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): void {
    this.#isStreaming = true;
    this.#slots.unshift(slot);
    this.#writeAll(messages)
      .then(() => {
        this.#isStreaming = false;
        this.#slots.shift();
        this.#flush();
        this.#advance();
      })
      .catch((error: unknown) => this.#fail(error));
  }

  /** Replies that become ready together leave together. */
  #write(message: Uint8Array): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(frameMessage(message));
  }

  /** One message a turn of the event loop, so that a long transfer leaves room for everybody else. */
  async #writeAll(messages: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    for await (const message of messages) {
      if (this.#isClosed) return;
      this.#socket.write(frameMessage(message));
      this.#awaitNext(false);
      if (this.#socket.writableNeedDrain) await this.#drained();
      await nextTurn();
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #fail(error: unknown): void {
    const fields = { client: this.client.address, problem: errorMessage(error) };
    this.#owner.log.error(fields, "a message could not be answered; its connection is closed");
    this.destroy();
  }

  /** Pauses or reads on, and sets the one timer for what must happen next. */
  #awaitNext(isRenewed: boolean): void {
    if (this.#isClosed) return;
    const wait = this.#nextWait();
    if (wait === "closing" && this.#wait !== "closing") this.#socket.end();
    const mayRead = this.#isEnding || this.#mayAsk();
    if (mayRead) this.#socket.resume();
    else this.#socket.pause();
    if (wait === this.#wait && !isRenewed) return;
    this.#wait = wait;
    clearTimeout(this.#timer);
    if (wait !== "none") this.#timer = setTimeout(() => this.#expire(), this.#patienceMs(wait));
  }

  #nextWait(): Wait {
    if (this.#isEnding && this.#slots.length === 0) return "closing";
    if (this.#socket.writableNeedDrain) return "unread";
    if (this.#framer.isPartial && this.#mayAsk()) return "message";
    return this.#slots.length === 0 ? "idle" : "none";
  }

  #patienceMs(wait: Wait): number {
    const { idleMs, messageMs } = this.#owner.limits;
    return wait === "message" ? messageMs : idleMs;
  }

  #expire(): void {
    if (this.#wait === "unread" || this.#wait === "closing") this.destroy();
    else this.finish();
  }
}
