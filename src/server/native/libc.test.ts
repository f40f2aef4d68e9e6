/** The records of `libc.ts` against those that koffi lays out from their C declarations. */
import koffi from "koffi";
import { expect, test } from "vitest";
import {
  Cmsg,
  Iovec,
  loadLibc,
  MsgHdr,
  Option,
  PktInfo4,
  PktInfo6,
  PollFd,
  SOCKADDR4_LENGTH,
  SOCKADDR6_LENGTH,
  SockAddr,
  Sys,
  systemError,
} from "./libc.ts";

const sockaddr4 = koffi.struct({
  family: "uint16",
  port: "uint16",
  address: koffi.array("uint8", 4),
  zero: koffi.array("uint8", 8),
});
const sockaddr6 = koffi.struct({
  family: "uint16",
  port: "uint16",
  flow: "uint32",
  address: koffi.array("uint8", 16),
  scope: "uint32",
});
const iovec = koffi.struct({ base: "void *", length: "size_t" });
const msghdr = koffi.struct({
  name: "void *",
  nameLength: "uint32",
  iovecs: "void *",
  iovecCount: "size_t",
  control: "void *",
  controlLength: "size_t",
  flags: "int",
});
const mmsghdr = koffi.struct({ header: msghdr, moved: "uint32" });
const cmsghdr = koffi.struct({ length: "size_t", level: "int", type: "int" });
const pktinfo4 = koffi.struct({ interface: "int", local: "uint32", asked: "uint32" });
const pktinfo6 = koffi.struct({ asked: koffi.array("uint8", 16), interface: "uint32" });
const pollfd = koffi.struct({ fd: "int", events: "int16", returned: "int16" });

test.each([
  ["msghdr", msghdr, MsgHdr],
  ["mmsghdr", mmsghdr, { moved: MsgHdr.moved }],
  ["iovec", iovec, Iovec],
  ["cmsghdr", cmsghdr, { length: Cmsg.length, level: Cmsg.level, type: Cmsg.type }],
  ["in_pktinfo", pktinfo4, PktInfo4],
  ["in6_pktinfo", pktinfo6, PktInfo6],
  ["pollfd", pollfd, PollFd],
  ["sockaddr_in", sockaddr4, { port: SockAddr.port, address: SockAddr.address4 }],
  ["sockaddr_in6", sockaddr6, { address: SockAddr.address6, scope: SockAddr.scope6 }],
] as const)("%s", (_, struct, offsets) => {
  const members = Object.entries(offsets).filter(([name]) => name !== "size" && name !== "moved");
  for (const [name, offset] of members) expect(koffi.offsetof(struct, name)).toBe(offset);
});

test("sizes", () => {
  expect(koffi.offsetof(mmsghdr, "moved")).toBe(MsgHdr.moved);
  expect(koffi.sizeof(mmsghdr)).toBe(MsgHdr.size);
  expect(koffi.sizeof(iovec)).toBe(Iovec.size);
  expect(koffi.sizeof(cmsghdr)).toBe(Cmsg.value);
  expect(koffi.sizeof(pktinfo4)).toBe(PktInfo4.size);
  expect(koffi.sizeof(pktinfo6)).toBe(PktInfo6.size);
  expect(koffi.sizeof(pollfd)).toBe(PollFd.size);
  expect(koffi.sizeof(sockaddr4)).toBe(SOCKADDR4_LENGTH);
  expect(koffi.sizeof(sockaddr6)).toBe(SOCKADDR6_LENGTH);
});

test("a failed call says why", async () => {
  const loaded = await loadLibc();
  if ("problem" in loaded) throw new Error(loaded.problem);
  const { libc } = loaded;
  expect(libc.setOption(-1, Option.reusePort, 1)).toBe(-1);
  expect(libc.errorName()).toBe("EBADF");
  expect(systemError(libc, "setsockopt")).toMatchObject({
    code: "EBADF",
    message: "setsockopt: EBADF",
  });
  const fd = libc.socket(Sys.inet);
  expect(libc.receive(fd, 0, 1)).toBe(-1);
  expect(libc.errorName()).toBe("EFAULT");
  libc.close(fd);
});
