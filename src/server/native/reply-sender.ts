/**
 * Sends replies through native sockets: batches where they were received, and single ones, by text, from any thread.
 * A reply that the kernel will not take is counted and forgotten, as a full network would.
 */
import { ADDRESS_LENGTH, readAddress } from "../../base/address-octets.ts";
import { Counter, type CounterRow } from "../../base/counters.ts";
import { Limits } from "../../base/limits.ts";
import { formatSocketAddress, parseSocketAddress } from "../../base/socket-address.ts";
import type { ReplyTo } from "../datagram-port.ts";
import { type Libc, Sys } from "./libc.ts";
import { MessageRing } from "./message-ring.ts";
import { interfaceOf, type NativeSocket } from "./native-socket.ts";
import { PollSet } from "./poll-set.ts";
import { familyOf, writeSocketName } from "./socket-name.ts";

export interface ReplySenderParts {
  readonly libc: Libc;
  readonly sockets: readonly NativeSocket[];
  /** This thread's own row. */
  readonly counters: CounterRow;
  /** Milliseconds that the thread may wait for room in the kernel's buffer before replies are dropped. */
  readonly waitMs: number;
}

export class ReplySender {
  readonly #libc: Libc;
  readonly #sockets: readonly NativeSocket[];
  readonly #counters: CounterRow;
  readonly #waitMs: number;
  readonly #ring: MessageRing;
  readonly #room: PollSet;
  /** Sockets of one address, by that address. */
  readonly #bound: ReadonlyMap<string, NativeSocket>;
  readonly #asked = new Uint8Array(ADDRESS_LENGTH);
  #askedLength = 0;
  /** Replies in the ring that have not left yet, and the socket that they leave from. */
  #waiting = 0;
  #socket: NativeSocket | undefined;
  #isClosed = false;

  constructor({ libc, sockets, counters, waitMs }: ReplySenderParts) {
    this.#libc = libc;
    this.#sockets = sockets;
    this.#counters = counters;
    this.#waitMs = waitMs;
    this.#ring = new MessageRing(libc, Limits.datagramBatch);
    this.#room = new PollSet(libc, [-1], Sys.pollOut);
    const bound = sockets.filter((each) => !each.hasPacketInfo);
    this.#bound = new Map(bound.map((each) => [formatSocketAddress(each), each]));
  }

  /** Sends the first `replies` replies of a ring. */
  sendBatch(fd: number, ring: MessageRing, replies: number): void {
    const libc = this.#libc;
    let hasWaited = this.#waitMs === 0;
    for (let next = 0; next < replies; ) {
      const sent = libc.send(fd, ring.replyAddress(next), replies - next);
      if (sent > 0) {
        next += sent;
        continue;
      }
      const problem = libc.errorName();
      if (problem === "EINTR") continue;
      if (problem === "EAGAIN" && !hasWaited) {
        hasWaited = true;
        this.#room.replace(0, fd);
        this.#room.wait(this.#waitMs);
        continue;
      }
      // Without room all the rest is lost; otherwise the kernel will not have this one (say, a firewall's rule).
      const lost = problem === "EAGAIN" ? replies - next : 1;
      this.#drop(lost);
      next += lost;
    }
  }

  /** Sends a reply from the address that was asked, in one call with all that this turn's promises bring. */
  send(bytes: Uint8Array, to: ReplyTo): void {
    const socket = this.#isClosed ? undefined : this.#socketOf(to.local);
    if (socket === undefined || bytes.length > Limits.udpResponse) {
      this.#drop(1);
      return;
    }
    const ring = this.#ring;
    if (socket !== this.#socket || this.#waiting === ring.size) this.#flush();
    const at = this.#waiting;
    const name = ring.octets.subarray(ring.nameOffset(at));
    if (!writeSocketName(name, socket.family, to, interfaceOf(this.#libc, to.address))) {
      this.#drop(1);
      return;
    }
    if (at === 0) {
      ring.prepare(socket);
      this.#socket = socket;
      process.nextTick(this.#flush);
    }
    if (socket.hasPacketInfo) ring.setAsked(at, this.#asked, this.#askedLength);
    ring.replyOctets(at).set(bytes);
    ring.address(at, at, bytes.length);
    this.#waiting++;
  }

  readonly #flush = (): void => {
    const replies = this.#waiting;
    this.#waiting = 0;
    if (replies > 0) this.sendBatch((this.#socket as NativeSocket).fd, this.#ring, replies);
  };

  /** From now on nothing is sent: the sockets may be closed, and their numbers be another's. */
  close(): void {
    this.#flush();
    this.#isClosed = true;
  }

  /** The socket that was asked at this address; one bound to the wildcard leaves the address in `#asked`. */
  #socketOf(local: string): NativeSocket | undefined {
    const exact = this.#bound.get(local);
    if (exact !== undefined) return exact;
    const asked = parseSocketAddress(local);
    if (asked === undefined) return undefined;
    this.#askedLength = readAddress(asked.address, this.#asked, 0);
    const family = familyOf(asked.address);
    return this.#sockets.find(
      (each) => each.hasPacketInfo && each.family === family && each.port === asked.port,
    );
  }

  #drop(datagrams: number): void {
    this.#counters[Counter.dropped]! += datagrams;
  }
}
