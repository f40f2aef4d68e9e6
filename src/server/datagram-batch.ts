/**
 * Datagrams on their way between threads: as many as one turn of the event loop gathers go in one message, their
 * octets in one buffer that is handed over, not copied.
 */
import type { ReplyTo } from "./datagram-port.ts";

export interface Datagram {
  readonly message: Uint8Array;
  readonly peer: ReplyTo;
}

/** Column by column, because plain arrays cross threads several times faster than records. */
export interface DatagramBatch {
  readonly octets: ArrayBuffer;
  readonly lengths: readonly number[];
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  readonly locals: readonly string[];
}

export function packBatch(datagrams: readonly Datagram[]): DatagramBatch {
  const lengths = datagrams.map(({ message }) => message.length);
  const joined = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const { message } of datagrams) {
    joined.set(message, offset);
    offset += message.length;
  }
  return {
    octets: joined.buffer,
    lengths,
    addresses: datagrams.map(({ peer }) => peer.address),
    ports: datagrams.map(({ peer }) => peer.port),
    locals: datagrams.map(({ peer }) => peer.local),
  };
}

export function unpackBatch({
  octets,
  lengths,
  addresses,
  ports,
  locals,
}: DatagramBatch): Datagram[] {
  let offset = 0;
  return lengths.map((length, at) => {
    const message = new Uint8Array(octets, offset, length);
    offset += length;
    const [address, port, local] = [addresses[at], ports[at], locals[at]];
    return { message, peer: { address, port, local } as ReplyTo };
  });
}

/** Gathers what one turn of the event loop brings, then posts it at once. */
export class DatagramOutbox {
  readonly #post: (batch: DatagramBatch) => void;
  #waiting: Datagram[] = [];

  constructor(post: (batch: DatagramBatch) => void) {
    this.#post = post;
  }

  put(datagram: Datagram): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push(datagram);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#post(packBatch(waiting));
  }
}
