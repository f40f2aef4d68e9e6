/** A client of a stream server that collects the messages it gets. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { StreamFramer } from "../../src/server/stream-framer.ts";

export class StreamClient {
  readonly socket: Socket;
  readonly messages: Uint8Array[] = [];
  readonly closed: Promise<unknown>;
  readonly ended: Promise<unknown>;
  readonly #framer = new StreamFramer();
  #changed: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.on("close", resolve));
    this.ended = new Promise((resolve) => socket.on("end", resolve));
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  #take(chunk: Buffer): void {
    this.#framer.push(chunk);
    for (let next = this.#framer.next(); next !== undefined; next = this.#framer.next()) {
      this.messages.push(next);
    }
    this.#changed();
  }

  async receive(count: number): Promise<readonly Uint8Array[]> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.messages;
  }
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export async function dialTcp({ address, port }: Endpoint): Promise<StreamClient> {
  const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
  await once(socket, "connect");
  return new StreamClient(socket);
}

/** Trusts any certificate; rejects when the handshake fails. */
export async function dialTls(
  { address, port }: Endpoint,
  options: ConnectionOptions = {},
): Promise<StreamClient> {
  const raw = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
  const trusting = { rejectUnauthorized: false, ALPNProtocols: ["dot"] };
  const socket = connectTls({ socket: raw, ...trusting, ...options });
  await once(socket, "secureConnect");
  return new StreamClient(socket);
}
