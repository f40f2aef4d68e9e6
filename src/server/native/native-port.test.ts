import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { describeDatagramPort } from "../../../test/server/datagram-port.conformance.ts";
import { COUNTERS, Counter, type CounterRow } from "../../base/counters.ts";
import { Limits } from "../../base/limits.ts";
import { formatSocketAddress, type SocketAddress } from "../../base/socket-address.ts";
import type { ReplyTo } from "../datagram-port.ts";
import { type Libc, loadLibc } from "./libc.ts";
import { NativePort } from "./native-port.ts";
import { closeNativeSockets, openNativeSockets, SocketDrops } from "./native-socket.ts";

let libc: Libc;
beforeAll(async () => {
  const loaded = await loadLibc();
  if ("problem" in loaded) throw new Error(loaded.problem);
  libc = loaded.libc;
});

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function openNativePort(listen: readonly SocketAddress[], counters: CounterRow) {
  const [sockets = []] = openNativeSockets(libc, listen, 1);
  const event = libc.event();
  const release = () => {
    closeNativeSockets(libc, sockets);
    libc.close(event);
  };
  // The test's client shares this thread, so the port must never wait.
  const port = new NativePort({ libc, sockets, counters, event, waitMs: 0, release });
  return { port, addresses: sockets.map(({ address, port }) => ({ address, port })) };
}

describeDatagramPort("native", openNativePort);

const newRow = () => new Float64Array(COUNTERS.length);

async function dial(address: string) {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  stops.push(() => {
    socket.close();
  });
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}

/** Every IPv6 address of this machine, link-local ones with their interface. */
const addresses6 = Object.entries(networkInterfaces()).flatMap(([name, each = []]) =>
  each
    .filter(({ family }) => family === "IPv6")
    .map(({ address, scopeid }) => (scopeid === 0 ? address : `${address}%${name}`)),
);

describe.each([
  ["0.0.0.0", "127.0.0.1", ["127.0.0.1", "127.0.0.2", "127.77.0.3"]],
  ["::", "::1", addresses6.slice(0, 1)],
])("bound to %s", (wildcard, from, asked) => {
  test.skipIf(asked.length === 0)("replies leave from the address that was asked", async () => {
    const deferred: ReplyTo[] = [];
    const { port, addresses } = await openNativePort([{ address: wildcard, port: 0 }], newRow());
    stops.push(() => port.close());
    port.run({
      answer: (query, length, _client, response) => {
        response.set(query.subarray(0, length));
        return query[0] === 0xdd ? -1 : length;
      },
      defer: (_message, to) => void deferred.push(to),
    });
    const bound = addresses[0] as SocketAddress;
    const client = await dial(from);
    for (const address of asked) {
      client.send(Uint8Array.of(1), bound.port, address);
      const [, now] = await once(client, "message");
      expect(now).toMatchObject({ address, port: bound.port });
      client.send(Uint8Array.of(0xdd), bound.port, address);
      while (deferred.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const to = deferred.pop() as ReplyTo;
      expect(to.local).toBe(formatSocketAddress({ address, port: bound.port }));
      port.send(Uint8Array.of(2), structuredClone(to));
      const [reply, later] = await once(client, "message");
      expect([...reply]).toEqual([2]);
      expect(later).toMatchObject({ address, port: bound.port });
    }
  });
});

test("the wildcard of one family leaves the other free, and takes the addresses of its own", async () => {
  const { port, addresses } = await openNativePort([{ address: "0.0.0.0", port: 0 }], newRow());
  stops.push(() => port.close());
  const { port: number } = addresses[0] as SocketAddress;
  const listen = ["::", "::1"].map((address) => ({ address, port: number }));
  if (addresses6.length === 0) return;
  const other = await openNativePort(listen, newRow());
  stops.push(() => other.port.close());
  expect(other.addresses).toEqual([{ address: "::", port: number }]);
});

test("several threads share an address, which nobody else gets", () => {
  const rows = openNativeSockets(libc, [{ address: "127.0.0.1", port: 0 }], 3);
  stops.push(() => closeNativeSockets(libc, rows.flat()));
  const ports = rows.map(([socket]) => socket?.port);
  expect(new Set(ports).size).toBe(1);
  expect(new Set(rows.flat().map(({ fd }) => fd)).size).toBe(3);
  const again = [{ address: "127.0.0.1", port: ports[0] as number }];
  expect(() => openNativeSockets(libc, again, 3)).toThrow("another program listens there");
});

test("a reply longer than any may be, or to no address, is counted", async () => {
  const counters = newRow();
  const { port, addresses } = await openNativePort([{ address: "127.0.0.1", port: 0 }], counters);
  stops.push(() => port.close());
  const local = formatSocketAddress(addresses[0] as SocketAddress);
  const client = await dial("127.0.0.1");
  const to = { address: "127.0.0.1", port: client.address().port, local };
  const received = once(client, "message");
  port.send(new Uint8Array(Limits.udpResponse + 1), to);
  port.send(new Uint8Array(1), { ...to, address: "::1" });
  expect(counters[Counter.dropped]).toBe(2);
  port.send(new Uint8Array(Limits.udpResponse), to);
  const [message] = await received;
  expect(message.length).toBe(Limits.udpResponse);
});

test("what the kernel drops because nobody reads is counted once", async () => {
  const [sockets = []] = openNativeSockets(libc, [{ address: "127.0.0.1", port: 0 }], 1);
  stops.push(() => closeNativeSockets(libc, sockets));
  const [socket] = sockets;
  const drops = new SocketDrops(libc, sockets);
  expect(drops.count()).toBe(0);
  const client = await dial("127.0.0.1");
  const large = new Uint8Array(60_000);
  let dropped = 0;
  for (let sent = 0; dropped === 0 && sent < 10_000; sent++) {
    await new Promise((resolve) => client.send(large, socket?.port, "127.0.0.1", resolve));
    dropped = drops.count();
  }
  expect(dropped).toBeGreaterThan(0);
  expect(drops.count()).toBe(0);
});
