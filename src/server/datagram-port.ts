/**
 * A datagram port owns sockets, buffers, batching and the loop; whoever runs it owns the answers. Implementations
 * prove themselves with `test/server/datagram-port.conformance.ts`.
 *
 *     run(receiver) ── per datagram ──► answer(query, length, client, response) → n
 *                                          n > 0  the port sends n octets of `response`
 *                                          n = 0  silence
 *                                          n < 0  defer(message, from)
 *     send(reply, from) ◄── later, for a deferred one
 *
 * Nothing here asks for an object per datagram: a port that takes batches fills the same buffers and client record
 * again and again. It must let the event loop turn between batches, so that what was deferred gets through.
 */
import type { Client } from "../answer/client.ts";

/** Where a reply goes, and the bound address it must leave from. A plain record, so that it may cross threads. */
export interface ReplyTo {
  readonly address: string;
  readonly port: number;
  /** The address that was asked, as `formatSocketAddress` spells it. */
  readonly local: string;
}

/**
 * Called by the port, never concurrently; `answer` may be another function from one datagram to the next. `query`, `client` and `response` belong to the port, are filled again for
 * the next datagram, and may be longer than what counts: only `length` octets of `query` are valid.
 */
export interface DatagramReceiver {
  /** Octets written to `response`; 0 for silence; negative to have the message deferred. Must not throw. */
  answer(query: Uint8Array, length: number, client: Client, response: Uint8Array): number;
  /** `message` is a copy and the receiver's to keep. */
  defer(message: Uint8Array, from: ReplyTo): void;
}

export interface DatagramPort {
  /** Starts answering. Called once. */
  run(receiver: DatagramReceiver): void;
  /** Sends the reply of a deferred message; one that cannot be sent is counted and forgotten. `bytes` stay unchanged. */
  send(bytes: Uint8Array, to: ReplyTo): void;
  /** Stops answering; resolves when the addresses are free again. */
  close(): Promise<void>;
}
