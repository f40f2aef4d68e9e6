/**
 * The sockets of the native datagram port. Whoever opens them owns them: they belong to the process, so a thread
 * that answers borrows them, and when it dies the next one goes on where it was, with what waits in them.
 *
 * The first socket of an address is bound alone, which another program's socket there prevents; only then does it
 * allow company (SO_REUSEPORT), one more socket for each further thread, among which the kernel spreads clients.
 */

import { Limits } from "../../base/limits.ts";
import { formatSocketAddress, type SocketAddress } from "../../base/socket-address.ts";
import { isWildcard } from "../listen-addresses.ts";
import { listenError } from "../listen-error.ts";
import { type Libc, Option, Sys, systemError } from "./libc.ts";
import {
  familyOf,
  portAt,
  SOCKET_NAME_LENGTH,
  scopeOf,
  socketNameLength,
  writeSocketName,
} from "./socket-name.ts";

/** A bound socket. A plain record, so that it may cross threads. */
export interface NativeSocket {
  readonly fd: number;
  readonly family: number;
  /** What is bound, with the real port. */
  readonly address: string;
  readonly port: number;
  /** Datagrams come with the address they were sent to, and replies say which to leave from. */
  readonly hasPacketInfo: boolean;
}

/** IP_PMTUDISC_OMIT: forged ICMP messages about the path's MTU make us send no fragments (RFC 9715). */
export const OMIT_PATH_MTU = 5;

/** Binds every address `threads` times over, or none: for each thread its sockets. Throws `listen`. */
export function openNativeSockets(
  libc: Libc,
  listen: readonly SocketAddress[],
  threads: number,
): readonly (readonly NativeSocket[])[] {
  const rows: NativeSocket[][] = Array.from({ length: threads }, () => []);
  try {
    for (const where of withoutCovered(listen)) {
      let bound = where;
      for (const row of rows) {
        const socket = openSocket(libc, bound, { isFirst: row === rows[0], threads });
        row.push(socket);
        bound = { address: where.address, port: socket.port };
      }
    }
    return rows;
  } catch (error) {
    closeNativeSockets(libc, rows.flat());
    throw error;
  }
}

export function closeNativeSockets(libc: Libc, sockets: readonly NativeSocket[]): void {
  for (const { fd } of sockets) libc.close(fd);
}

/** A wildcard takes what is sent to every other address of its family and port. */
function withoutCovered(listen: readonly SocketAddress[]): readonly SocketAddress[] {
  const isCovered = ({ address, port }: SocketAddress): boolean =>
    listen.some(
      (each) =>
        port !== 0 &&
        each.port === port &&
        isWildcard(each.address) &&
        familyOf(each.address) === familyOf(address),
    );
  const found = new Map<string, SocketAddress>();
  for (const where of listen) {
    if (!isWildcard(where.address) && isCovered(where)) continue;
    found.set(where.port === 0 ? `${found.size}` : formatSocketAddress(where), where);
  }
  return [...found.values()];
}

function openSocket(
  libc: Libc,
  where: SocketAddress,
  { isFirst, threads }: { readonly isFirst: boolean; readonly threads: number },
): NativeSocket {
  const family = familyOf(where.address);
  const fd = libc.socket(family);
  if (fd < 0) throw listenError("UDP", where, systemError(libc, "socket"));
  try {
    const must = (result: number, call: string): void => {
      if (result < 0) throw systemError(libc, call);
    };
    const hasPacketInfo = isWildcard(where.address);
    const packetInfo = family === Sys.inet6 ? Option.receivePacketInfo6 : Option.packetInfo4;
    if (family === Sys.inet6) must(libc.setOption(fd, Option.v6Only, 1), "IPV6_V6ONLY");
    if (hasPacketInfo) must(libc.setOption(fd, packetInfo, 1), "packet info");
    if (!isFirst) must(libc.setOption(fd, Option.reusePort, 1), "SO_REUSEPORT");
    enlargeBuffers(libc, fd);
    const pathMtu = family === Sys.inet6 ? Option.pathMtu6 : Option.pathMtu4;
    libc.setOption(fd, pathMtu, OMIT_PATH_MTU);
    const name = new Uint8Array(SOCKET_NAME_LENGTH);
    writeSocketName(name, family, where, interfaceOf(libc, where.address));
    must(libc.bind(fd, name, socketNameLength(family)), "bind");
    if (isFirst && threads > 1) must(libc.setOption(fd, Option.reusePort, 1), "SO_REUSEPORT");
    libc.nameOf(fd, name);
    return { fd, family, address: where.address, port: portAt(name, 0), hasPacketInfo };
  } catch (error) {
    libc.close(fd);
    throw listenError("UDP", where, error);
  }
}

/** The kernel grants what it may; more than its limit only to those with the right to ask. */
function enlargeBuffers(libc: Libc, fd: number): void {
  if (libc.setOption(fd, Option.receiveBufferForce, Limits.udpReceiveBuffer) < 0) {
    libc.setOption(fd, Option.receiveBuffer, Limits.udpReceiveBuffer);
  }
  libc.setOption(fd, Option.sendBuffer, Limits.datagramSendQueue);
}

/** The interface that a link-local address is of, by name or number. */
export function interfaceOf(libc: Libc, address: string): number {
  const scope = scopeOf(address);
  return /^\d*$/.test(scope) ? Number(scope) : libc.interfaceIndex(scope);
}

/** Where the count of dropped datagrams stands in `memoryInfo` (SK_MEMINFO_DROPS). */
export const DROPS = 8;

/** Counts what the kernel dropped because a socket's buffer was full. */
export class SocketDrops {
  readonly #libc: Libc;
  readonly #sockets: readonly NativeSocket[];
  readonly #seen: Uint32Array;
  readonly #info = new Uint32Array(DROPS + 1);

  constructor(libc: Libc, sockets: readonly NativeSocket[]) {
    this.#libc = libc;
    this.#sockets = sockets;
    this.#seen = new Uint32Array(sockets.length);
  }

  /** Those dropped since it was asked last; the kernel's count wraps at 2^32. */
  count(): number {
    let dropped = 0;
    for (const [at, { fd }] of this.#sockets.entries()) {
      if (!this.#libc.getOption(fd, Option.memoryInfo, this.#info)) continue;
      const now = this.#info[DROPS] as number;
      dropped += (now - (this.#seen[at] as number)) >>> 0;
      this.#seen[at] = now;
    }
    return dropped;
  }
}
