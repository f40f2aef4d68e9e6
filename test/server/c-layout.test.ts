/**
 * The records and numbers of the native port against the headers of other machines: compilers for x64 and arm64, with
 * glibc and with musl, are asked to agree with every one of them. Nothing is run, so one machine can ask for all.
 */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  BATCH_CALLS,
  Cmsg,
  Iovec,
  MsgHdr,
  Option,
  PktInfo4,
  PktInfo6,
  PollFd,
  SOCKADDR4_LENGTH,
  SOCKADDR6_LENGTH,
  SockAddr,
  Sys,
} from "../../src/server/native/libc.ts";
import { DROPS, OMIT_PATH_MTU } from "../../src/server/native/native-socket.ts";
import { findProgram, skipWithout } from "../system/harness/program.ts";

/** What C has for it, and the number here. */
type Claim = readonly [expression: string, value: number | undefined];

const HEADERS = [
  "netinet/in.h",
  "poll.h",
  "stddef.h",
  "sys/eventfd.h",
  "sys/mman.h",
  "sys/prctl.h",
  "sys/socket.h",
  "sys/syscall.h",
  "sys/uio.h",
];

const at = (record: string, member: string, value: number): Claim => [
  `offsetof(struct ${record}, ${member})`,
  value,
];

const RECORDS: readonly Claim[] = [
  at("sockaddr_in", "sin_family", SockAddr.family),
  at("sockaddr_in", "sin_port", SockAddr.port),
  at("sockaddr_in", "sin_addr", SockAddr.address4),
  at("sockaddr_in6", "sin6_port", SockAddr.port),
  at("sockaddr_in6", "sin6_addr", SockAddr.address6),
  at("sockaddr_in6", "sin6_scope_id", SockAddr.scope6),
  ["sizeof(struct sockaddr_in)", SOCKADDR4_LENGTH],
  ["sizeof(struct sockaddr_in6)", SOCKADDR6_LENGTH],
  ["sizeof(sa_family_t)", 2],
  at("iovec", "iov_base", Iovec.base),
  at("iovec", "iov_len", Iovec.length),
  ["sizeof(struct iovec)", Iovec.size],
  at("mmsghdr", "msg_hdr.msg_name", MsgHdr.name),
  at("mmsghdr", "msg_hdr.msg_namelen", MsgHdr.nameLength),
  at("mmsghdr", "msg_hdr.msg_iov", MsgHdr.iovecs),
  at("mmsghdr", "msg_hdr.msg_iovlen", MsgHdr.iovecCount),
  at("mmsghdr", "msg_hdr.msg_control", MsgHdr.control),
  at("mmsghdr", "msg_hdr.msg_controllen", MsgHdr.controlLength),
  at("mmsghdr", "msg_hdr.msg_flags", MsgHdr.flags),
  at("mmsghdr", "msg_len", MsgHdr.moved),
  ["sizeof(struct mmsghdr)", MsgHdr.size],
  at("cmsghdr", "cmsg_len", Cmsg.length),
  at("cmsghdr", "cmsg_level", Cmsg.level),
  at("cmsghdr", "cmsg_type", Cmsg.type),
  ["sizeof(struct cmsghdr)", Cmsg.value],
  at("in_pktinfo", "ipi_ifindex", PktInfo4.interface),
  at("in_pktinfo", "ipi_spec_dst", PktInfo4.local),
  at("in_pktinfo", "ipi_addr", PktInfo4.asked),
  ["sizeof(struct in_pktinfo)", PktInfo4.size],
  at("in6_pktinfo", "ipi6_addr", PktInfo6.asked),
  at("in6_pktinfo", "ipi6_ifindex", PktInfo6.interface),
  ["sizeof(struct in6_pktinfo)", PktInfo6.size],
  at("pollfd", "fd", PollFd.fd),
  at("pollfd", "events", PollFd.events),
  at("pollfd", "revents", PollFd.returned),
  ["sizeof(struct pollfd)", PollFd.size],
];

const option = (
  level: string,
  name: string,
  [ours, number]: readonly [number, number],
): Claim[] => [
  [level, ours],
  [name, number],
];

const NUMBERS: readonly Claim[] = [
  ["AF_INET", Sys.inet],
  ["AF_INET6", Sys.inet6],
  ["SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK", Sys.datagram],
  ["EFD_CLOEXEC | EFD_NONBLOCK", Sys.eventFlags],
  ["MSG_DONTWAIT", Sys.dontWait],
  ["POLLIN", Sys.pollIn],
  ["POLLOUT", Sys.pollOut],
  ["PR_SET_TIMERSLACK", Sys.setTimerSlack],
  ["MADV_HUGEPAGE", Sys.adviseHugePages],
  ["IP_PMTUDISC_OMIT", OMIT_PATH_MTU],
  ["IPV6_PMTUDISC_OMIT", OMIT_PATH_MTU],
  ...option("SOL_SOCKET", "SO_SNDBUF", Option.sendBuffer),
  ...option("SOL_SOCKET", "SO_RCVBUF", Option.receiveBuffer),
  ...option("SOL_SOCKET", "SO_REUSEPORT", Option.reusePort),
  ...option("SOL_SOCKET", "SO_RCVBUFFORCE", Option.receiveBufferForce),
  ...option("SOL_SOCKET", "SO_MEMINFO", Option.memoryInfo),
  ...option("IPPROTO_IP", "IP_PKTINFO", Option.packetInfo4),
  ...option("IPPROTO_IP", "IP_MTU_DISCOVER", Option.pathMtu4),
  ...option("IPPROTO_IPV6", "IPV6_MTU_DISCOVER", Option.pathMtu6),
  ...option("IPPROTO_IPV6", "IPV6_V6ONLY", Option.v6Only),
  ...option("IPPROTO_IPV6", "IPV6_RECVPKTINFO", Option.receivePacketInfo6),
  ...option("IPPROTO_IPV6", "IPV6_PKTINFO", Option.packetInfo6),
];

/** What the compiler says against it; nothing when it agrees with all. */
function objections(
  compiler: string,
  headers: readonly string[],
  claims: readonly Claim[],
): string {
  const source = [
    "#define _GNU_SOURCE",
    ...headers.map((header) => `#include <${header}>`),
    ...claims.map(([expression, value]) => {
      return `_Static_assert((${expression}) == ${value}, ${JSON.stringify(`${expression} is not ${value}`)});`;
    }),
    "",
  ].join("\n");
  const command = findProgram(compiler) ?? compiler;
  const done = spawnSync(command, ["-fsyntax-only", "-x", "c", "-"], {
    input: source,
    encoding: "utf8",
  });
  if (done.error !== undefined) throw done.error;
  return done.status === 0 ? "" : done.stderr || `it ended with ${done.status}`;
}

/** Debian names the compiler of the machine itself `gcc`, and those for others by their target. */
const own = process.arch;
const TARGETS = [
  ["x64, glibc", "x64", own === "x64" ? "gcc" : "x86_64-linux-gnu-gcc", ["linux/sock_diag.h"]],
  [
    "arm64, glibc",
    "arm64",
    own === "arm64" ? "gcc" : "aarch64-linux-gnu-gcc",
    ["linux/sock_diag.h"],
  ],
  [`${own}, musl`, own, "musl-gcc", []],
] as const;

describe.each(TARGETS)("%s", (_, arch, compiler, kernelHeaders) => {
  test.skipIf(skipWithout(compiler))("has the records and numbers that we use", () => {
    const calls = BATCH_CALLS[arch];
    const kernel: Claim[] = kernelHeaders.length === 0 ? [] : [["SK_MEMINFO_DROPS", DROPS]];
    const claims: Claim[] = [
      ...RECORDS,
      ...NUMBERS,
      ["SYS_recvmmsg", calls?.receive],
      ["SYS_sendmmsg", calls?.send],
      ...kernel,
    ];
    expect(objections(compiler, [...HEADERS, ...kernelHeaders], claims)).toBe("");
  });

  test.skipIf(skipWithout(compiler))("is asked by a compiler that objects", () => {
    const wrong: Claim[] = [at("mmsghdr", "msg_len", MsgHdr.moved + 8)];
    expect(objections(compiler, HEADERS, wrong)).toContain("msg_len) is not 64");
  });
});
