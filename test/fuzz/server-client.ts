/**
 * The client's side of fuzzing a running server: sends batches over UDP and streams over TCP, holds each response
 * against the message with its ID, and knows what may not be answered.
 */
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { toHex } from "../../src/base/bytes.ts";
import { StreamFramer } from "../../src/server/stream-framer.ts";
import { Type } from "../../src/wire/code-points.ts";
import { makeQuery } from "../../src/wire/message.ts";
import { u16At } from "../../src/wire/message-walk.ts";
import { type Name, parseName } from "../../src/wire/name.ts";
import { ORIGIN } from "./hostile-zone.ts";
import { setU16 } from "./packet-layout.ts";
import { write } from "./seed-messages.ts";
import { must } from "./target.ts";
import { checkResponse, isAnswerable } from "./targets/check-response.ts";
import { splitStream } from "./targets/framing.ts";

const HOST = "127.0.0.1";
const HOME: Name = parseName("home", ORIGIN);
/** Milliseconds before a question that must be answered is asked again, and how often. */
const RETRY_MS = 2_000;
const RETRIES = 10;
/** What one UDP datagram over IPv4 holds. */
const DATAGRAM_MAX = 65_507;

export class Tally {
  sent = 0;
  answered = 0;
  /** Answerable, but nothing came: lost on the way, or dropped by the server. */
  unanswered = 0;
  /** Not answerable, and not answered. */
  silent = 0;
}

/** The next ID for each message, so that each response belongs to one. */
export class Ids {
  #next = 0;

  stamp(message: Uint8Array): Uint8Array {
    this.#next = (this.#next + 1) & 0xffff;
    if (message.length >= 2) setU16(message, 0, this.#next);
    return message;
  }
}

export class UdpFuzzClient {
  readonly #socket: DatagramSocket;
  readonly #port: number;
  readonly #ids: Ids;
  readonly #tally: Tally;
  readonly #waiting = new Map<number, Uint8Array>();
  #problem: unknown;
  #arrived: (id: number, response: Uint8Array) => void = () => {};

  private constructor(socket: DatagramSocket, port: number, ids: Ids, tally: Tally) {
    this.#socket = socket;
    this.#port = port;
    this.#ids = ids;
    this.#tally = tally;
    socket.on("message", (response) => this.#take(new Uint8Array(response)));
  }

  static async open(port: number, ids: Ids, tally: Tally): Promise<UdpFuzzClient> {
    const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
    socket.bind(0, HOST);
    await once(socket, "listening");
    return new UdpFuzzClient(socket, port, ids, tally);
  }

  /** Sends these, then asks a plain question; its answer says that the worker has seen them all. */
  async batch(messages: readonly Uint8Array[]): Promise<void> {
    for (const message of messages) this.#send(this.#ids.stamp(message));
    await this.ask(write(makeQuery({ id: 0, name: HOME, qtype: Type.A })));
  }

  /** Asks until it is answered. */
  async ask(message: Uint8Array): Promise<Uint8Array> {
    for (let tries = 0; tries < RETRIES; tries++) {
      this.#ids.stamp(message);
      const id = u16At(message, 0);
      const answer = new Promise<Uint8Array>((resolve) => {
        this.#arrived = (arrived, response) => {
          if (arrived === id) resolve(response);
        };
      });
      this.#send(message.slice());
      const response = await Promise.race([answer, sleep(RETRY_MS, undefined, { ref: false })]);
      if (this.#problem !== undefined) throw this.#problem;
      if (response !== undefined) return response;
    }
    throw new Error(`no answer to a plain question in ${RETRIES} times ${RETRY_MS} ms`);
  }

  /** Gives answers that are still made their time, and counts those that did not come. */
  async close(): Promise<void> {
    for (let turn = 0; turn < 200 && this.#waiting.size > 0; turn++) await sleep(25);
    this.#tally.unanswered += this.#waiting.size;
    this.#socket.close();
    if (this.#problem !== undefined) throw this.#problem;
  }

  /** Messages whose answer has not come. */
  get waiting(): readonly Uint8Array[] {
    return [...this.#waiting.values()];
  }

  #send(whole: Uint8Array): void {
    const message = whole.subarray(0, DATAGRAM_MAX);
    this.#tally.sent++;
    if (isAnswerable(message)) {
      const id = u16At(message, 0);
      if (this.#waiting.has(id)) this.#tally.unanswered++;
      this.#waiting.set(id, message);
    } else this.#tally.silent++;
    this.#socket.send(message, this.#port, HOST);
  }

  #take(response: Uint8Array): void {
    try {
      const id = u16At(response, 0);
      const message = this.#waiting.get(id);
      must(message !== undefined, `nothing that may be answered was sent: ${toHex(response)}`);
      this.#waiting.delete(id);
      checkResponse(message, response);
      this.#tally.answered++;
      this.#arrived(id, response);
    } catch (error) {
      this.#problem ??= error;
    }
  }
}

/** A port of streams; with TLS the certificate is not looked at. */
export interface StreamListener {
  readonly port: number;
  readonly isTls: boolean;
}

export function dialStream({ port, isTls }: StreamListener): Socket {
  const options = { port, host: HOST, allowHalfOpen: true, noDelay: true };
  return isTls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
}

/** Sends a stream, half-closes, and reads the messages that come until the server ends. */
export async function exchangeStream(
  listener: StreamListener,
  stream: Uint8Array,
): Promise<Uint8Array[]> {
  const socket = dialStream(listener);
  const framer = new StreamFramer();
  const responses: Uint8Array[] = [];
  socket.on("data", (chunk: Buffer) => {
    framer.push(new Uint8Array(chunk));
    for (let each = framer.next(); each !== undefined; each = framer.next()) {
      responses.push(each.slice());
    }
  });
  socket.end(stream);
  await once(socket, "end");
  socket.destroy();
  must(!framer.isPartial, "the server ended in the middle of a message");
  return responses;
}

/**
 * The server answers every message of a stream in order, up to the first that may not be answered, where it ends the
 * connection, and nothing else.
 */
export async function fuzzStream(
  listener: StreamListener,
  stream: Uint8Array,
  tally: Tally,
): Promise<void> {
  const responses = await exchangeStream(listener, stream);
  const messages = splitStream(stream).expected;
  const silence = messages.findIndex((message) => !isAnswerable(message));
  const asked = silence < 0 ? messages : messages.slice(0, silence);
  tally.sent += messages.length;
  tally.answered += asked.length;
  tally.silent += messages.length - asked.length;
  checkInOrder(asked, responses);
}

/** A transfer has several messages, all with one ID. */
function checkInOrder(asked: readonly Uint8Array[], responses: readonly Uint8Array[]): void {
  let at = 0;
  for (const message of asked) {
    const response = responses[at++];
    must(response !== undefined, `no response to ${toHex(message)}`);
    checkResponse(message, response.slice());
    while (at < responses.length && isLater(responses[at] as Uint8Array, message)) at++;
  }
  must(at === responses.length, `${responses.length - at} responses too many`);
}

function isLater(response: Uint8Array, message: Uint8Array): boolean {
  return (
    u16At(response, 0) === u16At(message, 0) && u16At(response, 4) === 0 && u16At(response, 6) > 0
  );
}
