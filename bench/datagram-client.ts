/**
 * A load generator's socket: batches by one system call, as the servers that are measured have them, so that what the
 * generator takes of the cores that it shares with them says little.
 */

import { type Libc, loadLibc, Sys } from "../src/server/native/libc.ts";
import { MessageRing } from "../src/server/native/message-ring.ts";
import {
  closeNativeSockets,
  type NativeSocket,
  openNativeSockets,
} from "../src/server/native/native-socket.ts";
import { PollSet } from "../src/server/native/poll-set.ts";
import { SOCKET_NAME_LENGTH, writeSocketName } from "../src/server/native/socket-name.ts";

const BATCH = 64;
const LOOPBACK = "127.0.0.1";

export class DatagramClient {
  readonly #libc: Libc;
  readonly #socket: NativeSocket;
  readonly #sending: MessageRing;
  readonly #receiving: MessageRing;
  readonly #readable: PollSet;
  #waiting = 0;

  /** Speaks with one port of this machine. */
  static async open(port: number): Promise<DatagramClient> {
    const loaded = await loadLibc();
    if ("problem" in loaded) throw new Error(`updates cannot be sent: ${loaded.problem}`);
    return new DatagramClient(loaded.libc, port);
  }

  private constructor(libc: Libc, port: number) {
    this.#libc = libc;
    const [row] = openNativeSockets(libc, [{ address: LOOPBACK, port: 0 }], 1);
    this.#socket = row?.[0] as NativeSocket;
    this.#sending = new MessageRing(libc, BATCH);
    this.#receiving = new MessageRing(libc, BATCH);
    this.#readable = new PollSet(libc, [this.#socket.fd], Sys.pollIn);
    this.#receiving.prepare(this.#socket);
    this.#sending.prepare(this.#socket);
    for (let at = 0; at < BATCH; at++) {
      const name = this.#sending.nameOffset(at);
      const octets = this.#sending.octets.subarray(name, name + SOCKET_NAME_LENGTH);
      writeSocketName(octets, this.#socket.family, { address: LOOPBACK, port }, 0);
    }
  }

  /** Leaves with `flush`, or before when a batch is full. */
  send(message: Uint8Array): void {
    this.#sending.replyOctets(this.#waiting).set(message);
    this.#sending.address(this.#waiting, this.#waiting, message.length);
    this.#waiting++;
    if (this.#waiting === BATCH) this.flush();
  }

  /** What the kernel has no room for is lost, as it would be on a network. */
  flush(): void {
    const count = this.#waiting;
    this.#waiting = 0;
    for (let next = 0; next < count; ) {
      const sent = this.#libc.send(this.#socket.fd, this.#sending.replyAddress(next), count - next);
      next += Math.max(sent, 1);
    }
  }

  /** Waits so long for datagrams, and hands over those that came; each is valid until the next batch. */
  receive(milliseconds: number, take: (message: Uint8Array) => void): void {
    const ring = this.#receiving;
    for (let wait = milliseconds; ; wait = 0) {
      if (wait > 0) this.#readable.wait(wait);
      const count = this.#libc.receive(this.#socket.fd, ring.receivedAt, BATCH);
      for (let at = 0; at < count; at++) take(ring.query(at));
      if (count < BATCH) return;
    }
  }

  close(): void {
    closeNativeSockets(this.#libc, [this.#socket]);
  }
}
