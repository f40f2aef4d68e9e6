/**
 * The system calls of the native datagram port, and the only file that knows of koffi. Linux on 64-bit little-endian
 * machines: x64 and arm64 have the same records and numbers, those of the two batch calls excepted. Records are
 * drawn as the kernel has them, and the batch calls go to the kernel through `syscall`: musl pads `msghdr` by
 * another name to the same bytes, but its own `sendmmsg` sends one datagram at a time.
 *
 *     sockaddr_in    0 family 16 │ 2 port, big-endian │ 4 address               16 octets
 *     sockaddr_in6   0 family 16 │ 2 port │ 4 flow │ 8 address │ 24 scope       28 octets
 *     iovec          0 base │ 8 length                                          16
 *     msghdr         0 name │ 8 name length 32 │ 16 iovecs │ 24 their number    56
 *                    32 control │ 40 control length │ 48 flags 32
 *     mmsghdr        0 msghdr │ 56 octets moved 32                              64
 *     cmsghdr        0 length │ 8 level 32 │ 12 type 32 │ 16 …                  padded to 8
 *     in_pktinfo     0 interface 32 │ 4 local address │ 8 address asked         12
 *     in6_pktinfo    0 address asked │ 16 interface 32                          20
 *     pollfd         0 descriptor 32 │ 4 events 16 │ 6 returned events 16       8
 */
import { getSystemErrorName } from "node:util";
import { errorMessage } from "../../base/errors.ts";

/** Offsets and sizes of the picture. */
export const SockAddr = { family: 0, port: 2, address4: 4, address6: 8, scope6: 24 } as const;
export const SOCKADDR4_LENGTH = 16;
export const SOCKADDR6_LENGTH = 28;
export const Iovec = { base: 0, length: 8, size: 16 } as const;
export const MsgHdr = {
  name: 0,
  nameLength: 8,
  iovecs: 16,
  iovecCount: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  /** Behind it, in an `mmsghdr`: octets received or sent. */
  moved: 56,
  size: 64,
} as const;
export const Cmsg = { length: 0, level: 8, type: 12, value: 16 } as const;
export const PktInfo4 = { interface: 0, local: 4, asked: 8, size: 12 } as const;
export const PktInfo6 = { asked: 0, interface: 16, size: 20 } as const;
export const PollFd = { fd: 0, events: 4, returned: 6, size: 8 } as const;

/** Numbers that x64 and arm64 share (asm-generic). */
export const Sys = {
  inet: 2,
  inet6: 10,
  /** SOCK_DGRAM, SOCK_CLOEXEC and SOCK_NONBLOCK together. */
  datagram: 2 | 0o2000000 | 0o4000,
  /** EFD_CLOEXEC and EFD_NONBLOCK together. */
  eventFlags: 0o2000000 | 0o4000,
  dontWait: 0x40,
  pollIn: 1,
  pollOut: 4,
  setTimerSlack: 29,
  adviseHugePages: 14,
} as const;

/** What x64 and arm64 (with pages of 4 KiB) call a huge page. */
const HUGE_PAGE = 2 * 1024 * 1024;

/** Socket options, as level and number. */
export const Option = {
  sendBuffer: [1, 7],
  receiveBuffer: [1, 8],
  reusePort: [1, 15],
  receiveBufferForce: [1, 33],
  /** Nine counts of a socket's memory; the last is of datagrams dropped (what SO_RXQ_OVFL tells too). */
  memoryInfo: [1, 55],
  packetInfo4: [0, 8],
  pathMtu4: [0, 10],
  pathMtu6: [41, 23],
  v6Only: [41, 26],
  receivePacketInfo6: [41, 49],
  packetInfo6: [41, 50],
} as const;
export type SocketOption = readonly [level: number, name: number];

/** Which system call sends and receives many datagrams, by `process.arch`. */
export const BATCH_CALLS: Readonly<Record<string, { receive: number; send: number }>> = {
  x64: { receive: 299, send: 307 },
  arm64: { receive: 243, send: 269 },
};

/** Calls return −1 when they fail; `errorName` tells why until the next call. Addresses are numbers below 2^53. */
export interface Libc {
  /** Where a buffer's octets stand; they never move while the buffer lives. */
  addressOf(buffer: ArrayBuffer): number;
  /** Asks for huge pages under a buffer not written yet (MADV_HUGEPAGE); −1 where there are none or it is too small. */
  preferHugePages(buffer: SharedArrayBuffer): number;
  /** Gives freed memory back to the system; musl does so by itself. */
  trimHeap(): void;
  /** `EAGAIN` and so on. */
  errorName(): string;
  socket(family: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  /** Fills `address`; false when it cannot. */
  nameOf(fd: number, address: Uint8Array): boolean;
  setOption(fd: number, option: SocketOption, value: number): number;
  /** Fills `words`; false when it cannot. */
  getOption(fd: number, option: SocketOption, words: Uint32Array): boolean;
  /** `recvmmsg` without waiting, and `sendmmsg`: how many of the `mmsghdr`s at this address were filled or sent. */
  receive(fd: number, headers: number, count: number): number;
  send(fd: number, headers: number, count: number): number;
  /** Waits for one of the `pollfd`s at this address. */
  poll(pollFds: number, count: number, milliseconds: number): number;
  /** Keeps the thread for some microseconds. */
  pause(microseconds: number): void;
  /** Lets this thread's pauses end when they should, not some tens of microseconds later (PR_SET_TIMERSLACK). */
  sharpenPauses(): void;
  /** An event counter: readable once `wake` was called, until `drain`. */
  event(): number;
  wake(event: number): void;
  drain(event: number): void;
  /** Number of the interface, 0 when there is none of that name. */
  interfaceIndex(name: string): number;
  close(fd: number): void;
}

export type LoadedLibc =
  | { readonly libc: Libc }
  /** Why there is none, in words for the log. */
  | { readonly problem: string };

type Koffi = typeof import("koffi").default;
type Library = ReturnType<Koffi["load"]>;

/** Never throws: what is missing is told. The name of the package is a parameter so that a test may do without. */
export async function loadLibc(packageName = "koffi"): Promise<LoadedLibc> {
  const calls = BATCH_CALLS[process.arch];
  if (process.platform !== "linux") return { problem: "only Linux has the system calls for it" };
  if (calls === undefined) return { problem: `it is not made for ${process.arch} machines` };
  try {
    const koffi = ((await import(packageName)) as { default: Koffi }).default;
    return { libc: declare(koffi, koffi.load(null), calls) };
  } catch (error) {
    const [line] = errorMessage(error).split("\n");
    return { problem: `the optional package koffi cannot be used (${line})` };
  }
}

function declare(koffi: Koffi, library: Library, calls: { receive: number; send: number }): Libc {
  const words = new Uint32Array(2);
  const count = new BigUint64Array(1);
  // Of `long syscall(long number, …)` the first six arguments go by registers, as those of a function without `…`.
  const batch = library.func("syscall", "int", ["int", "int", "uint64", "uint", "int", "uint64"]);
  const socket = library.func("int socket(int, int, int)");
  const bind = library.func("int bind(int, const void*, unsigned int)");
  const getsockname = library.func("int getsockname(int, void*, void*)");
  const setsockopt = library.func("int setsockopt(int, int, int, const void*, unsigned int)");
  const getsockopt = library.func("int getsockopt(int, int, int, void*, void*)");
  const poll = library.func("poll", "int", ["uint64", "ulong", "int"]);
  const usleep = library.func("int usleep(unsigned int)");
  const prctl = library.func("int prctl(int, ulong, ulong, ulong, ulong)");
  const eventfd = library.func("int eventfd(unsigned int, int)");
  const write = library.func("long write(int, const void*, size_t)");
  const read = library.func("long read(int, void*, size_t)");
  const ifNameToIndex = library.func("unsigned int if_nametoindex(const char*)");
  const close = library.func("int close(int)");
  const madvise = library.func("madvise", "int", ["uint64", "size_t", "int"]);
  const trim = declareTrim(library);
  return {
    addressOf: (buffer) => Number(koffi.address(buffer)),
    preferHugePages(buffer) {
      // A view, because koffi takes no shared buffer.
      const start = Number(koffi.address(new Uint8Array(buffer)));
      const from = Math.ceil(start / HUGE_PAGE) * HUGE_PAGE;
      const length = Math.floor((start + buffer.byteLength - from) / HUGE_PAGE) * HUGE_PAGE;
      return length <= 0 ? -1 : madvise(from, length, Sys.adviseHugePages);
    },
    trimHeap: () => void trim?.(0),
    errorName: () => errorName(koffi.errno()),
    socket: (family) => socket(family, Sys.datagram, 0),
    bind: (fd, address, length) => bind(fd, address, length),
    nameOf(fd, address) {
      words[0] = address.length;
      return getsockname(fd, address, words) === 0;
    },
    setOption(fd, [level, name], value) {
      words[0] = value;
      return setsockopt(fd, level, name, words, 4);
    },
    getOption(fd, [level, name], values) {
      words[0] = values.byteLength;
      return getsockopt(fd, level, name, values, words) === 0;
    },
    receive: (fd, headers, many) => batch(calls.receive, fd, headers, many, Sys.dontWait, 0),
    send: (fd, headers, many) => batch(calls.send, fd, headers, many, Sys.dontWait, 0),
    poll: (pollFds, many, milliseconds) => poll(pollFds, many, milliseconds),
    pause: (microseconds) => usleep(microseconds),
    sharpenPauses: () => prctl(Sys.setTimerSlack, 1, 0, 0, 0),
    event: () => eventfd(0, Sys.eventFlags),
    wake(event) {
      count[0] = 1n;
      write(event, count, 8);
    },
    drain: (event) => read(event, count, 8),
    interfaceIndex: (name) => ifNameToIndex(name),
    close: (fd) => close(fd),
  };
}

/** Only glibc has it. */
function declareTrim(library: Library): ((kept: number) => number) | undefined {
  try {
    return library.func("int malloc_trim(size_t)");
  } catch {
    return undefined;
  }
}

/** The failed call as an error whose code says why, as `node:net` makes them. */
export function systemError(libc: Libc, call: string): Error {
  const code = libc.errorName();
  return Object.assign(new Error(`${call}: ${code}`), { code });
}

/** A call that says it failed may have left no number, and zero has no name. */
function errorName(errno: number): string {
  return errno === 0 ? "no error number" : getSystemErrorName(-errno);
}
