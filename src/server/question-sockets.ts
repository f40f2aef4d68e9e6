/**
 * The sockets from which we ask others over UDP: one for each address family, opened when first needed, on a port
 * that the kernel chooses. What cannot be sent is lost, as on any network: whoever asks, asks again.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { errorMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { formatSocketAddress, type SocketAddress } from "../base/socket-address.ts";

export interface QuestionSocketsParts {
  readonly receive: (message: Uint8Array, from: RemoteInfo) => void;
  readonly log: Logger;
}

type Family = "udp4" | "udp6";

export class QuestionSockets {
  readonly #parts: QuestionSocketsParts;
  readonly #sockets = new Map<Family, Socket>();
  #isClosed = false;

  constructor(parts: QuestionSocketsParts) {
    this.#parts = parts;
  }

  send(message: Uint8Array, to: SocketAddress): void {
    if (this.#isClosed) return;
    const family = isIPv6(to.address) ? "udp6" : "udp4";
    this.#socket(family).send(message, to.port, to.address, (error) => {
      if (error === null) return;
      const fields = { to: formatSocketAddress(to), problem: errorMessage(error) };
      this.#parts.log.debug(fields, "a question could not be sent");
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    await Promise.all(sockets.map(closeSocket));
  }

  #socket(family: Family): Socket {
    const open = this.#sockets.get(family);
    if (open !== undefined) return open;
    const socket = createSocket({ type: family });
    socket.on("message", (message, from) => this.#parts.receive(message, from));
    socket.on("error", (error) => this.#drop(family, socket, error));
    this.#sockets.set(family, socket);
    return socket;
  }

  /** A socket that failed is of no use any more; the next question opens another. */
  #drop(family: Family, socket: Socket, error: Error): void {
    this.#parts.log.warn({ problem: errorMessage(error) }, "a socket for questions failed");
    if (this.#sockets.get(family) === socket) this.#sockets.delete(family);
    void closeSocket(socket);
  }
}

async function closeSocket(socket: Socket): Promise<void> {
  const closed = once(socket, "close");
  try {
    socket.close();
  } catch {
    return;
  }
  await closed;
}
