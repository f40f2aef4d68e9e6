/**
 * The memory of one thread's port: places for a batch of datagrams received and one of replies, with the kernel's
 * records that lead to them, written once. One buffer, so that no octet moves and nothing is allocated per datagram.
 *
 *     received       name ◄──┐   iovec ×2 ──► first 512 octets, side by side: nearly every query whole
 *       mmsghdr[i] ──────────┤           └──► the rest, up to what UDP can carry; touched by large ones alone
 *                  control ◄─┤
 *     replies                │
 *       mmsghdr[j] ──────────┴── name and control of the datagram it answers; iovec ──► octets of reply j
 *
 * Replies stand close together, so a batch leaves with one call though some datagrams had none.
 */
import { assert } from "../../base/assert.ts";
import { Limits } from "../../base/limits.ts";
import {
  Cmsg,
  Iovec,
  type Libc,
  MsgHdr,
  Option,
  PktInfo4,
  PktInfo6,
  type SocketOption,
  Sys,
} from "./libc.ts";
import type { NativeSocket } from "./native-socket.ts";
import { isLinkLocal, SOCKET_NAME_LENGTH, socketNameLength } from "./socket-name.ts";

/** Octets of a place for control records: one `in6_pktinfo`, rounded up. */
const CONTROL_LENGTH = 64;
/** Octets of a datagram that stand side by side with those of the next. */
const FIRST_LENGTH = 512;
/** A UDP datagram has at most 65,507 octets over IPv4 and 65,527 over IPv6. */
const DATAGRAM_LENGTH = 65_536;
const REST_LENGTH = DATAGRAM_LENGTH - FIRST_LENGTH;
/** Two cache lines more than a reply needs, so that replies do not all start in the same lines of the cache. */
const REPLY_STRIDE = Limits.udpResponse + 128;

export class MessageRing {
  /** Datagrams of a batch. */
  readonly size: number;
  /** Where the `mmsghdr`s of received datagrams stand, and those of replies, for the system calls. */
  readonly receivedAt: number;
  readonly #repliesAt: number;
  /** Every octet of the ring; names stand at `nameOffset`. */
  readonly octets: Uint8Array;
  readonly #words: Uint32Array;
  readonly #view: DataView;
  readonly #base: number;
  readonly #queries: readonly Uint8Array[];
  readonly #replies: readonly Uint8Array[];
  readonly #large = new Uint8Array(DATAGRAM_LENGTH);
  /** Which received datagram the name of a reply is of. */
  readonly #answered: Uint32Array;
  readonly #offsets: RingOffsets;
  #family = 0;
  #hasPacketInfo = false;

  constructor(libc: Libc, size: number) {
    assert(size > 0 && size <= 1024, "a batch has 1 to 1,024 datagrams (UIO_MAXIOV)");
    const offsets = layOut(size);
    const buffer = new ArrayBuffer(offsets.end);
    this.size = size;
    this.octets = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#view = new DataView(buffer);
    this.#base = libc.addressOf(buffer);
    this.#offsets = offsets;
    this.receivedAt = this.#base + offsets.received;
    this.#repliesAt = this.#base + offsets.replies;
    const places = Array.from({ length: size }, (_, at) => at);
    this.#queries = places.map(
      (at) => new Uint8Array(buffer, offsets.first + at * FIRST_LENGTH, FIRST_LENGTH),
    );
    this.#replies = places.map(
      (at) => new Uint8Array(buffer, offsets.reply + at * REPLY_STRIDE, Limits.udpResponse),
    );
    this.#answered = Uint32Array.from(places);
    for (const at of places) this.#link(at);
  }

  /** Makes the ring fit this socket, whose datagrams are then received and answered. */
  prepare({ family, hasPacketInfo }: NativeSocket): void {
    if (family !== this.#family || hasPacketInfo !== this.#hasPacketInfo) {
      this.#family = family;
      this.#hasPacketInfo = hasPacketInfo;
      for (let at = 0; at < this.size; at++) {
        this.#setWord(this.#header(at) + MsgHdr.nameLength, socketNameLength(family));
        this.#setWord(this.#reply(at) + MsgHdr.nameLength, socketNameLength(family));
        this.#setWord(this.#header(at) + MsgHdr.controlLength, 0);
        this.#setWord(this.#reply(at) + MsgHdr.controlLength, 0);
      }
    }
    if (hasPacketInfo) this.#offerControl();
  }

  /** The kernel leaves what it used of each place; it is to have it whole again. */
  #offerControl(): void {
    for (let at = 0; at < this.size; at++) {
      this.#setWord(this.#header(at) + MsgHdr.controlLength, CONTROL_LENGTH);
    }
  }

  /** Octets of the received datagram. */
  length(at: number): number {
    return this.#words[(this.#header(at) + MsgHdr.moved) >>> 2] as number;
  }

  /** The received datagram; only `length` octets are valid. */
  query(at: number): Uint8Array {
    const length = this.length(at);
    return length <= FIRST_LENGTH ? (this.#queries[at] as Uint8Array) : this.#joined(at, length);
  }

  #joined(at: number, length: number): Uint8Array {
    const rest = this.#offsets.rest + at * REST_LENGTH;
    this.#large.set(this.#queries[at] as Uint8Array);
    this.#large.set(this.octets.subarray(rest, rest + length - FIRST_LENGTH), FIRST_LENGTH);
    return this.#large;
  }

  /** Where the name of the received datagram's sender stands in `octets`. */
  nameOffset(at: number): number {
    return this.#offsets.names + at * SOCKET_NAME_LENGTH;
  }

  /** Where the address that the received datagram was sent to stands in `octets`; 0 when it does not say. */
  askedOffset(at: number): number {
    const control = this.#control(at);
    const value = control + Cmsg.value;
    if (this.#words[(this.#header(at) + MsgHdr.controlLength) >>> 2] === 0) return 0;
    const isIPv6 = this.#family === Sys.inet6;
    const [level, type] = isIPv6 ? Option.packetInfo6 : Option.packetInfo4;
    const isPacketInfo =
      this.#words[(control + Cmsg.level) >>> 2] === level &&
      this.#words[(control + Cmsg.type) >>> 2] === type;
    if (!isPacketInfo) return 0;
    return value + (isIPv6 ? PktInfo6.asked : PktInfo4.local);
  }

  /** Where reply number `reply` is written. */
  replyOctets(reply: number): Uint8Array {
    return this.#replies[reply] as Uint8Array;
  }

  /** Makes `reply` the answer to datagram `at`, leaving from the address that it was sent to. */
  address(reply: number, at: number, length: number): void {
    this.#words[(this.#offsets.replyIovecs + reply * Iovec.size + Iovec.length) >>> 2] = length;
    if (this.#answered[reply] !== at) {
      this.#answered[reply] = at;
      this.#setAddress(this.#reply(reply) + MsgHdr.name, this.nameOffset(at));
      this.#setAddress(this.#reply(reply) + MsgHdr.control, this.#control(at));
    }
    if (this.#hasPacketInfo) this.#replyFromAsked(reply, at);
  }

  /** Routing chooses the interface, except where an address means nothing without one. */
  #replyFromAsked(reply: number, at: number): void {
    const used = this.#words[(this.#header(at) + MsgHdr.controlLength) >>> 2] as number;
    const value = this.#control(at) + Cmsg.value;
    if (used > 0 && this.#family === Sys.inet) this.#setWord(value + PktInfo4.interface, 0);
    const isGlobal = this.#family === Sys.inet6 && !isLinkLocal(this.octets, value);
    if (used > 0 && isGlobal) this.#setWord(value + PktInfo6.interface, 0);
    this.#setWord(this.#reply(reply) + MsgHdr.controlLength, used);
  }

  /** Puts a packet-info record for the address in place `place`, as if a datagram had been sent to it. */
  setAsked(place: number, address: Uint8Array, length: number): void {
    const isIPv6 = this.#family === Sys.inet6;
    const [level, type] = (isIPv6 ? Option.packetInfo6 : Option.packetInfo4) as SocketOption;
    const control = this.#control(place);
    const size = isIPv6 ? PktInfo6.size : PktInfo4.size;
    this.octets.fill(0, control, control + CONTROL_LENGTH);
    this.#setWord(control + Cmsg.length, Cmsg.value + size);
    this.#setWord(control + Cmsg.level, level);
    this.#setWord(control + Cmsg.type, type);
    const at = control + Cmsg.value + (isIPv6 ? PktInfo6.asked : PktInfo4.local);
    for (let octet = 0; octet < length; octet++) this.octets[at + octet] = address[octet] as number;
    this.#setWord(this.#header(place) + MsgHdr.controlLength, (Cmsg.value + size + 7) & ~7);
  }

  /** Address of the `mmsghdr` of a reply, for the system call. */
  replyAddress(reply: number): number {
    return this.#repliesAt + reply * MsgHdr.size;
  }

  #header(at: number): number {
    return this.#offsets.received + at * MsgHdr.size;
  }

  #reply(at: number): number {
    return this.#offsets.replies + at * MsgHdr.size;
  }

  #control(at: number): number {
    return this.#offsets.controls + at * CONTROL_LENGTH;
  }

  #setWord(offset: number, value: number): void {
    this.#words[offset >>> 2] = value;
  }

  /** Writes the address of an octet of this ring. */
  #setAddress(at: number, offset: number): void {
    const address = this.#base + offset;
    this.#setWord(at, address % 2 ** 32);
    this.#setWord(at + 4, Math.floor(address / 2 ** 32));
  }

  #link(at: number): void {
    const { iovecs, replyIovecs, first, rest, reply } = this.#offsets;
    const pieces = iovecs + at * 2 * Iovec.size;
    this.#setIovec(pieces, first + at * FIRST_LENGTH, FIRST_LENGTH);
    this.#setIovec(pieces + Iovec.size, rest + at * REST_LENGTH, REST_LENGTH);
    this.#setIovec(replyIovecs + at * Iovec.size, reply + at * REPLY_STRIDE, 0);
    this.#setHeader(this.#header(at), at, pieces, 2);
    this.#setHeader(this.#reply(at), at, replyIovecs + at * Iovec.size, 1);
  }

  #setIovec(at: number, offset: number, length: number): void {
    this.#setAddress(at + Iovec.base, offset);
    this.#view.setBigUint64(at + Iovec.length, BigInt(length), true);
  }

  #setHeader(header: number, at: number, iovecs: number, count: number): void {
    this.#setAddress(header + MsgHdr.name, this.nameOffset(at));
    this.#setAddress(header + MsgHdr.iovecs, iovecs);
    this.#setWord(header + MsgHdr.iovecCount, count);
    this.#setAddress(header + MsgHdr.control, this.#control(at));
  }
}

interface RingOffsets {
  readonly received: number;
  readonly replies: number;
  readonly iovecs: number;
  readonly replyIovecs: number;
  readonly names: number;
  readonly controls: number;
  readonly first: number;
  readonly reply: number;
  readonly rest: number;
  readonly end: number;
}

function layOut(size: number): RingOffsets {
  let end = 0;
  const room = (octets: number): number => {
    const offset = end;
    end += size * octets;
    return offset;
  };
  return {
    received: room(MsgHdr.size),
    replies: room(MsgHdr.size),
    iovecs: room(2 * Iovec.size),
    replyIovecs: room(Iovec.size),
    names: room(SOCKET_NAME_LENGTH),
    controls: room(CONTROL_LENGTH),
    first: room(FIRST_LENGTH),
    reply: room(REPLY_STRIDE),
    rest: room(REST_LENGTH),
    end,
  };
}
