/**
 * Puts questions to a server over real sockets, many at a time. Over UDP a lost datagram looks like silence, so
 * whatever stays unanswered is asked again, and again more patiently, before silence is believed.
 */
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { createConnection, type Socket } from "node:net";

export interface Asked {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly transport: "udp" | "tcp";
}

/** Responses by the number of the question; nothing for silence or a closed connection. */
export type Responses = Map<number, Uint8Array>;

const ADDRESS = "127.0.0.1";
/** Questions in flight and patience, attempt by attempt. */
const UDP_ATTEMPTS = [
  { window: 200, patienceMs: 400 },
  { window: 50, patienceMs: 1_000 },
  { window: 25, patienceMs: 3_000 },
];
const TCP_CONNECTIONS = 16;
const TCP_PATIENCE_MS = 3_000;

export async function askAll(port: number, questions: readonly Asked[]): Promise<Responses> {
  const responses: Responses = new Map();
  const datagrams = questions.filter((each) => each.transport === "udp");
  const streams = questions.filter((each) => each.transport === "tcp");
  await Promise.all([askUdp(port, datagrams, responses), askTcp(port, streams, responses)]);
  return responses;
}

async function askUdp(port: number, all: readonly Asked[], responses: Responses): Promise<void> {
  for (const attempt of UDP_ATTEMPTS) {
    const left = all.filter((each) => !responses.has(each.number));
    if (left.length > 0) await new DatagramRound(port, left, responses, attempt).run();
  }
}

interface Attempt {
  readonly window: number;
  readonly patienceMs: number;
}

/** One pass over the questions through one socket; the ID says which question a response is for. */
class DatagramRound {
  readonly #socket: DatagramSocket = createSocket({ type: "udp4", recvBufferSize: 4_000_000 });
  readonly #waiting = new Map<number, { number: number; timer: NodeJS.Timeout }>();
  readonly #port: number;
  readonly #questions: readonly Asked[];
  readonly #responses: Responses;
  readonly #attempt: Attempt;
  #next = 0;
  #finish: () => void = () => {};

  constructor(port: number, questions: readonly Asked[], responses: Responses, attempt: Attempt) {
    this.#port = port;
    this.#questions = questions;
    this.#responses = responses;
    this.#attempt = attempt;
  }

  async run(): Promise<void> {
    this.#socket.on("message", (bytes) => this.#receive(bytes));
    await new Promise<void>((resolve) => this.#socket.bind(0, ADDRESS, resolve));
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#sendMore();
    await finished;
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #sendMore(): void {
    while (this.#waiting.size < this.#attempt.window && this.#next < this.#questions.length) {
      const { number, bytes } = this.#questions[this.#next++] as Asked;
      const id = this.#next & 0xffff;
      const timer = setTimeout(() => this.#end(id), this.#attempt.patienceMs);
      this.#waiting.set(id, { number, timer });
      this.#socket.send(withId(bytes, id), this.#port, ADDRESS);
    }
    if (this.#waiting.size === 0) this.#finish();
  }

  #receive(bytes: Buffer): void {
    const id = bytes.length < 2 ? -1 : bytes.readUInt16BE(0);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#responses.set(waiting.number, new Uint8Array(bytes));
    clearTimeout(waiting.timer);
    this.#end(id);
  }

  #end(id: number): void {
    this.#waiting.delete(id);
    this.#sendMore();
  }
}

async function askTcp(port: number, all: readonly Asked[], responses: Responses): Promise<void> {
  const queue = [...all];
  const connections = Array.from({ length: Math.min(TCP_CONNECTIONS, queue.length) }, async () => {
    const stream = new StreamAsker(port);
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
      const response = await stream.ask(each.bytes);
      if (response !== undefined) responses.set(each.number, response);
    }
    stream.close();
  });
  await Promise.all(connections);
}

/** One question at a time on a connection that is made anew when the server has closed it. */
class StreamAsker {
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #settle: (response: Uint8Array | undefined) => void = () => {};

  constructor(port: number) {
    this.#port = port;
  }

  /** The server may have closed an idle connection just now: a question is asked twice before silence is believed. */
  async ask(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.#askOnce(bytes)) ?? (await this.#askOnce(bytes));
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #askOnce(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const socket = this.#socket ?? this.#connect();
    const framed = Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]);
    const response = await new Promise<Uint8Array | undefined>((resolve) => {
      const timer = setTimeout(() => this.#settle(undefined), TCP_PATIENCE_MS);
      this.#settle = (settled) => {
        clearTimeout(timer);
        resolve(settled);
      };
      socket.write(framed);
    });
    if (response === undefined) this.close();
    return response;
  }

  #connect(): Socket {
    const socket = createConnection(this.#port, ADDRESS);
    this.#socket = socket;
    this.#received = Buffer.alloc(0);
    socket.on("data", (chunk) => this.#receive(chunk));
    const gone = () => {
      if (this.#socket === socket) {
        this.#socket = undefined;
        this.#settle(undefined);
      }
    };
    socket.on("error", gone);
    socket.on("close", gone);
    return socket;
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (this.#received.length < 2) return;
    const end = 2 + this.#received.readUInt16BE(0);
    if (this.#received.length < end) return;
    const response = new Uint8Array(this.#received.subarray(2, end));
    this.#received = this.#received.subarray(end);
    this.#settle(response);
  }
}

function withId(bytes: Uint8Array, id: number): Uint8Array {
  const sent = new Uint8Array(bytes);
  sent[0] = id >> 8;
  sent[1] = id;
  return sent;
}
