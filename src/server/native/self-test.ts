/**
 * A trial of the native calls on this machine: a datagram goes from one socket of the loopback interface to another
 * that is bound to the wildcard, and a reply comes back. It shows that the records stand where the kernel looks for
 * them, that it says which address was asked, and that a reply leaves from there.
 */
import { errorMessage } from "../../base/errors.ts";
import { type Libc, Sys } from "./libc.ts";
import { MessageRing } from "./message-ring.ts";
import { closeNativeSockets, type NativeSocket, openNativeSockets } from "./native-socket.ts";
import { PollSet } from "./poll-set.ts";
import { formatNameAddress, portAt, writeSocketName } from "./socket-name.ts";

const LOOPBACK = "127.0.0.1";
/** Longer than the first piece of a received datagram, so that both are tried. */
const LENGTH = 700;
/** Loopback delivers at once; this is for a machine that is very busy. */
const WAIT_MS = 1_000;

/** What does not work, in words for the log; `undefined` when all does. */
export function findNativeProblem(libc: Libc): string | undefined {
  const sockets: NativeSocket[] = [];
  try {
    for (const address of ["0.0.0.0", LOOPBACK]) {
      sockets.push(...(openNativeSockets(libc, [{ address, port: 0 }], 1)[0] ?? []));
    }
    const [server, client] = sockets as [NativeSocket, NativeSocket];
    return tryExchange(libc, server, client);
  } catch (error) {
    return errorMessage(error);
  } finally {
    closeNativeSockets(libc, sockets);
  }
}

function tryExchange(libc: Libc, server: NativeSocket, client: NativeSocket): string | undefined {
  const asking = new MessageRing(libc, 2);
  asking.prepare(client);
  const name = asking.octets.subarray(asking.nameOffset(0));
  writeSocketName(name, Sys.inet, { address: LOOPBACK, port: server.port }, 0);
  asking.replyOctets(0).fill(7, 0, LENGTH);
  asking.address(0, 0, LENGTH);
  if (libc.send(client.fd, asking.replyAddress(0), 1) !== 1) return `sending: ${libc.errorName()}`;

  const answering = new MessageRing(libc, 2);
  answering.prepare(server);
  const problem = receiveOne(libc, server, answering, client.port);
  if (problem !== undefined) return problem;
  const asked = answering.askedOffset(0);
  if (asked === 0) return "a datagram does not say which address was asked";
  if (answering.octets.subarray(asked, asked + 4).join(".") !== LOOPBACK) {
    return "a datagram tells a wrong address that was asked";
  }
  answering.replyOctets(0).fill(7, 0, LENGTH);
  answering.address(0, 0, LENGTH);
  if (libc.send(server.fd, answering.replyAddress(0), 1) !== 1) {
    return `replying from the address that was asked: ${libc.errorName()}`;
  }
  return receiveOne(libc, client, asking, server.port);
}

function receiveOne(
  libc: Libc,
  socket: NativeSocket,
  ring: MessageRing,
  fromPort: number,
): string | undefined {
  new PollSet(libc, [socket.fd], Sys.pollIn).wait(WAIT_MS);
  const received = libc.receive(socket.fd, ring.receivedAt, ring.size);
  if (received !== 1) return received < 0 ? `receiving: ${libc.errorName()}` : "two datagrams came";
  const sender = formatNameAddress(ring.octets, ring.nameOffset(0), Sys.inet);
  const isSender = sender === LOOPBACK && portAt(ring.octets, ring.nameOffset(0)) === fromPort;
  if (!isSender) return `a datagram of 127.0.0.1 seems to come from ${sender}`;
  const query = ring.query(0).subarray(0, ring.length(0));
  const isWhole = query.length === LENGTH && query.every((octet) => octet === 7);
  return isWhole ? undefined : "a datagram does not arrive as it was sent";
}
