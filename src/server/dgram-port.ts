/**
 * The portable datagram port, on `node:dgram`: one socket per configured address. A socket
 * bound to one address answers from that address, which is why the wildcard is never bound here.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { type Client, Transport } from "../answer/client.ts";
import { assert } from "../base/assert.ts";
import { Counter, type CounterRow } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import { formatSocketAddress, type SocketAddress } from "../base/socket-address.ts";
import type { DatagramPort, DatagramReceiver, ReplyTo } from "./datagram-port.ts";
import { type BindAddress, isWildcard } from "./listen-addresses.ts";
import { listenError, systemCode } from "./listen-error.ts";

export interface OpenedPort {
  readonly port: DatagramPort;
  /** What is bound now, with real port numbers, in the order asked. */
  readonly addresses: readonly SocketAddress[];
  /** Optional addresses that could not be had. */
  readonly skipped: readonly SocketAddress[];
}

/** Binds every address or none. Throws `listen` naming the address and what to do. */
export async function openDgramPort(
  listen: readonly BindAddress[],
  counters: CounterRow,
): Promise<OpenedPort> {
  const port = new DgramPort(counters);
  const skipped: BindAddress[] = [];
  try {
    for (const where of listen) {
      if (!(await port.bind(where))) skipped.push(where);
    }
    const last = skipped.at(-1);
    if (last !== undefined && skipped.length === listen.length)
      throw listenError("UDP", last, gone);
  } catch (error) {
    await port.close();
    throw error;
  }
  return { port, addresses: port.addresses(), skipped };
}

const gone = Object.assign(new Error("address not available"), { code: "EADDRNOTAVAIL" });

class DgramPort implements DatagramPort {
  readonly #counters: CounterRow;
  readonly #sockets = new Map<string, BoundSocket>();
  #receiver: DatagramReceiver | undefined;

  constructor(counters: CounterRow) {
    this.#counters = counters;
  }

  /** False when an optional address is not there any more. */
  async bind(where: BindAddress): Promise<boolean> {
    assert(!isWildcard(where.address), "wildcards are expanded before a port is opened");
    try {
      const bound = new BoundSocket(await bindSocket(where), this.#counters);
      this.#sockets.set(bound.local, bound);
      return true;
    } catch (error) {
      if (where.isOptional && systemCode(error) === "EADDRNOTAVAIL") return false;
      throw listenError("UDP", where, error);
    }
  }

  addresses(): readonly SocketAddress[] {
    return [...this.#sockets.values()].map(({ address }) => address);
  }

  run(receiver: DatagramReceiver): void {
    assert(this.#receiver === undefined, "a port is run once");
    this.#receiver = receiver;
    for (const socket of this.#sockets.values()) socket.run(receiver);
  }

  send(bytes: Uint8Array, to: ReplyTo): void {
    const socket = this.#sockets.get(to.local);
    if (socket === undefined) this.#counters[Counter.dropped]! += 1;
    else socket.send(bytes, bytes.length, to.port, to.address);
  }

  async close(): Promise<void> {
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

/** One address: its socket, and the buffer and client record that serve one datagram after the other. */
class BoundSocket {
  readonly address: SocketAddress;
  readonly local: string;
  readonly #socket: Socket;
  readonly #counters: CounterRow;
  readonly #client: Client = { transport: Transport.udp, address: "", port: 0 };
  #response = newResponse();

  constructor(socket: Socket, counters: CounterRow) {
    const { address, port } = socket.address();
    this.address = { address, port };
    this.local = formatSocketAddress(this.address);
    this.#socket = socket;
    this.#counters = counters;
    socket.on("error", () => this.#drop());
  }

  run(receiver: DatagramReceiver): void {
    this.#socket.on("message", (message, from) => this.#answer(receiver, message, from));
  }

  #answer(receiver: DatagramReceiver, message: Buffer, from: RemoteInfo): void {
    const client = this.#client;
    client.address = from.address;
    client.port = from.port;
    const length = receiver.answer(message, message.length, client, this.#response);
    if (length > 0) this.#sendResponse(length, from);
    else if (length < 0) receiver.defer(message, this.#replyTo(from));
  }

  /** A response the kernel would not take at once is still being read: the next one gets a new buffer. */
  #sendResponse(length: number, to: RemoteInfo): void {
    this.send(this.#response, length, to.port, to.address);
    if (this.#socket.getSendQueueCount() > 0) this.#response = newResponse();
  }

  send(bytes: Uint8Array, length: number, port: number, address: string): void {
    if (port === 0 || this.#socket.getSendQueueSize() > Limits.datagramSendQueue) this.#drop();
    else this.#socket.send(bytes, 0, length, port, address, this.#sent);
  }

  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.#drop();
  };

  #drop(): void {
    this.#counters[Counter.dropped]! += 1;
  }

  #replyTo({ address, port }: RemoteInfo): ReplyTo {
    return { address, port, local: this.local };
  }

  async close(): Promise<void> {
    this.#socket.removeAllListeners("message");
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}

function newResponse(): Uint8Array {
  return new Uint8Array(Limits.udpResponse);
}

async function bindSocket({ address, port }: SocketAddress): Promise<Socket> {
  const isV6 = isIPv6(address);
  const socket = createSocket({
    type: isV6 ? "udp6" : "udp4",
    ipv6Only: isV6,
    recvBufferSize: Limits.udpReceiveBuffer,
    lookup: passAddress,
  });
  const listening = once(socket, "listening");
  socket.bind({ address, port, exclusive: true });
  try {
    await listening;
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}

/** Clients have addresses, never names: answering at once spares each send a tick and a task. */
function passAddress(
  address: string,
  options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  const family = options === 6 ? 6 : 4;
  done(null, address, family);
}
