/**
 * TLS before the first DNS message (RFC 7858): handshakes under way are few, short, and never enough to keep others
 * out: when there are too many, of all clients or of one, the oldest makes room.
 */
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { clientPrefix } from "../base/address-prefix.ts";
import { Limits } from "../base/limits.ts";
import type { CertificateFiles, CertificatePair } from "./certificate-files.ts";
import type { SocketFilter } from "./stream-server.ts";

export interface HandshakeLimits {
  readonly handshakes: number;
  readonly handshakesPerClient: number;
  /** Milliseconds from the connection to the end of its handshake. */
  readonly handshakeMs: number;
}

const HANDSHAKE_LIMITS: HandshakeLimits = {
  handshakes: Limits.tlsHandshakes,
  handshakesPerClient: Limits.tlsHandshakesPerClient,
  handshakeMs: Limits.tlsHandshakeMs,
};

/** RFC 7858 §3.1 knows no name for it yet; the registry of ALPN does. Who asks for another protocol is turned away. */
const ALPN = "dot";
const MIN_VERSION = "TLSv1.2";

interface Handshake {
  readonly socket: Socket;
  readonly prefix: string;
  readonly pass: (socket: Socket) => void;
  readonly timer: NodeJS.Timeout;
}

export class TlsHandshakes implements SocketFilter {
  readonly name = "TLS";
  readonly #limits: HandshakeLimits;
  /** Never listens: it makes TLS of connected sockets. */
  readonly #server: Server;
  /** Under way, the oldest first. */
  readonly #handshakes = new Map<string, Handshake>();

  constructor(certificates: CertificateFiles, limits: HandshakeLimits = HANDSHAKE_LIMITS) {
    this.#limits = limits;
    this.#server = createServer({
      ...secureOptions(certificates.pair),
      ALPNProtocols: [ALPN],
    });
    certificates.watch((pair) => this.#server.setSecureContext(secureOptions(pair)));
    this.#server.on("secureConnection", (socket) => this.#pass(socket));
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  get count(): number {
    return this.#handshakes.size;
  }

  accept(socket: Socket, pass: (socket: Socket) => void): void {
    // A socket that is gone already has no address.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const prefix = clientPrefix(socket.remoteAddress);
    this.#makeRoom(prefix);
    const key = endpoints(socket);
    const timer = setTimeout(() => socket.destroy(), this.#limits.handshakeMs);
    this.#handshakes.set(key, { socket, prefix, pass, timer });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#end(key, socket));
    // A client that ends in its handshake is gone; the TLS socket has this from the one below.
    socket.allowHalfOpen = false;
    this.#server.emit("connection", socket);
  }

  close(): void {
    for (const { socket } of [...this.#handshakes.values()]) socket.destroy();
  }

  #pass(socket: TLSSocket): void {
    const key = endpoints(socket);
    const handshake = this.#handshakes.get(key);
    if (handshake === undefined) {
      socket.destroy();
      return;
    }
    this.#end(key, handshake.socket);
    socket.disableRenegotiation();
    socket.allowHalfOpen = true;
    handshake.pass(socket);
  }

  #end(key: string, socket: Socket): void {
    const handshake = this.#handshakes.get(key);
    if (handshake?.socket !== socket) return;
    clearTimeout(handshake.timer);
    this.#handshakes.delete(key);
  }

  #makeRoom(prefix: string): void {
    const { handshakes, handshakesPerClient } = this.#limits;
    const own = [...this.#handshakes].filter(([, each]) => each.prefix === prefix);
    const crowd = own.length >= handshakesPerClient ? own : [...this.#handshakes];
    if (crowd === own || crowd.length >= handshakes) {
      const [key, oldest] = crowd[0] as [string, Handshake];
      this.#end(key, oldest.socket);
      oldest.socket.destroy();
    }
  }
}

function secureOptions(pair: CertificatePair) {
  return { ...pair, minVersion: MIN_VERSION } as const;
}

/** Both ends of a connection: the same for a socket and the TLS made of it, and nobody else's meanwhile. */
function endpoints({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(" ");
}
