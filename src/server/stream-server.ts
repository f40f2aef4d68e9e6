/**
 * Listens for streams and keeps their number in bounds: when there are too many, of all clients or of one, the one
 * that has been quiet longest makes room. For TLS a filter makes the handshake before a socket is a connection.
 */
import { once } from "node:events";
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Transport } from "../answer/client.ts";
import { clientPrefix } from "../base/address-prefix.ts";
import { assert } from "../base/assert.ts";
import { errorMessage } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { SocketAddress } from "../base/socket-address.ts";
import { type ListenProtocol, listenError } from "./listen-error.ts";
import {
  type ConnectionLimits,
  StreamConnection,
  type StreamExchange,
} from "./stream-connection.ts";

export interface StreamLimits extends ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerClient: number;
  /** Milliseconds that connections get to finish when the server stops. */
  readonly closeMs: number;
}

export const STREAM_LIMITS: StreamLimits = {
  connections: Limits.tcpConnections,
  connectionsPerClient: Limits.tcpConnectionsPerClient,
  pipeline: Limits.tcpPipeline,
  idleMs: Limits.tcpIdleMs,
  messageMs: Limits.tcpMessageMs,
  closeMs: Limits.tcpCloseMs,
};

/** What an accepted socket goes through first. */
export interface SocketFilter {
  /** What the listener speaks, for messages. */
  readonly name: ListenProtocol;
  /** Takes over the socket and hands it, or one made of it, to `pass`; or ends it. */
  accept(socket: Socket, pass: (socket: Socket) => void): void;
  /** Ends what has not been passed. */
  close(): void;
}

export interface StreamServerOptions {
  readonly exchange: StreamExchange;
  readonly transport: Transport;
  readonly log: Logger;
  readonly limits?: StreamLimits;
  readonly filter?: SocketFilter;
}

export class StreamServer {
  readonly exchange: StreamExchange;
  readonly limits: StreamLimits;
  readonly log: Logger;
  readonly #transport: Transport;
  readonly #filter: SocketFilter | undefined;
  readonly #listeners: Server[] = [];
  /** In the order of their last message: the first has been silent longest. */
  readonly #connections = new Set<StreamConnection>();
  readonly #perClient = new Map<string, number>();
  #allClosed: () => void = () => {};

  constructor(options: StreamServerOptions) {
    const { exchange, transport, log, limits = STREAM_LIMITS, filter } = options;
    this.exchange = exchange;
    this.limits = limits;
    this.log = log;
    this.#transport = transport;
    this.#filter = filter;
  }

  /** Listens on every address or on none; answers with what is bound. Throws `listen`. */
  async listen(addresses: readonly SocketAddress[]): Promise<readonly SocketAddress[]> {
    const bound: SocketAddress[] = [];
    try {
      for (const where of addresses) bound.push(await this.#listenOn(where));
    } catch (error) {
      await this.close();
      throw error;
    }
    return bound;
  }

  async #listenOn(where: SocketAddress): Promise<SocketAddress> {
    const pass = (socket: Socket) => this.accept(socket);
    const take = (socket: Socket) => this.#filter?.accept(socket, pass);
    const options = { allowHalfOpen: true, noDelay: true };
    const server = createServer(options, this.#filter === undefined ? pass : take);
    const listening = once(server, "listening");
    const { address: host, port } = where;
    server.listen({
      host,
      port,
      ipv6Only: isIPv6(host),
      backlog: Limits.tcpBacklog,
      exclusive: true,
    });
    try {
      await listening;
    } catch (error) {
      throw listenError(this.#filter?.name ?? "TCP", where, error);
    }
    server.on("error", (error) => {
      this.log.warn({ problem: errorMessage(error) }, "a connection could not be accepted");
    });
    this.#listeners.push(server);
    const bound = server.address();
    assert(bound !== null && typeof bound === "object", "a listening server has an address");
    return { address: bound.address, port: bound.port };
  }

  /** Takes over a connected socket, opened with `allowHalfOpen`. */
  accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined || !this.#makeRoom(remoteAddress)) {
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    const client = {
      transport: this.#transport,
      address: plainAddress(remoteAddress),
      port: remotePort,
    };
    const connection = new StreamConnection(socket, client, this);
    this.#connections.add(connection);
    const prefix = clientPrefix(client.address);
    this.#perClient.set(prefix, (this.#perClient.get(prefix) ?? 0) + 1);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Called by a connection that has received a message. */
  active(connection: StreamConnection): void {
    if (this.#connections.delete(connection)) this.#connections.add(connection);
  }

  /** Called by a connection when it is gone. */
  closed(connection: StreamConnection): void {
    if (!this.#connections.delete(connection)) return;
    const prefix = clientPrefix(connection.client.address);
    const left = (this.#perClient.get(prefix) ?? 1) - 1;
    if (left === 0) this.#perClient.delete(prefix);
    else this.#perClient.set(prefix, left);
    if (this.#connections.size === 0) this.#allClosed();
  }

  /** Stops listening, lets connections finish what they were asked, and cuts those that take too long. */
  async close(): Promise<void> {
    const released = this.#listeners.map((server) => once(server, "close"));
    for (const server of this.#listeners.splice(0)) server.close();
    this.#filter?.close();
    for (const connection of [...this.#connections]) connection.finish();
    const impatience = setTimeout(() => this.#destroyAll(), this.limits.closeMs);
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#allClosed = resolve;
      });
    }
    clearTimeout(impatience);
    await Promise.all(released);
  }

  #destroyAll(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }

  /** False when every connection that could go is in the middle of an answer. */
  #makeRoom(remoteAddress: string): boolean {
    const prefix = clientPrefix(plainAddress(remoteAddress));
    const { connections, connectionsPerClient } = this.limits;
    if ((this.#perClient.get(prefix) ?? 0) >= connectionsPerClient) {
      return this.#closeQuietest((each) => clientPrefix(each.client.address) === prefix);
    }
    return this.#connections.size < connections || this.#closeQuietest(() => true);
  }

  #closeQuietest(isCandidate: (connection: StreamConnection) => boolean): boolean {
    for (const connection of this.#connections) {
      if (!connection.isQuiet || !isCandidate(connection)) continue;
      connection.destroy();
      return true;
    }
    return false;
  }
}

/** IPv4 clients of an IPv6 socket appear as mapped addresses (RFC 4291 §2.5.5.2). */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
