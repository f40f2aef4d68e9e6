import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate, type TestCertificate } from "../../test/server/certificates.ts";
import { dialTls, type Endpoint, type StreamClient } from "../../test/server/stream-client.ts";
import { Transport } from "../answer/client.ts";
import { systemClock } from "../base/clock.ts";
import { Limits } from "../base/limits.ts";
import { createLogger } from "../base/log.ts";
import { CertificateFiles } from "./certificate-files.ts";
import type { StreamExchange } from "./stream-connection.ts";
import { frameMessage } from "./stream-framer.ts";
import { STREAM_LIMITS, type StreamLimits, StreamServer } from "./stream-server.ts";
import { type HandshakeLimits, TlsHandshakes } from "./tls-handshakes.ts";

const LONG_MS = 60_000;
const SHORT_MS = 50;
const log = createLogger("silent");
const patient = { handshakes: 256, handshakesPerClient: 16, handshakeMs: LONG_MS };

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

let first: TestCertificate;
let second: TestCertificate;
beforeAll(() => {
  first = makeCertificate("first.example");
  second = makeCertificate("second.example");
});

const echo: StreamExchange = (message) => message.slice();

interface ServerOptions {
  readonly exchange?: StreamExchange;
  readonly limits?: Partial<StreamLimits>;
  readonly handshakes?: Partial<HandshakeLimits>;
}

/** Files count as changed when they look the same twice. */
async function settle(certificates: CertificateFiles): Promise<void> {
  await certificates.look();
  await certificates.look();
}

async function startServer(options: ServerOptions = {}) {
  const paths = makeCertificate("unused.example");
  copyFileSync(first.certificate, paths.certificate);
  copyFileSync(first.key, paths.key);
  const certificates = await CertificateFiles.open({ paths, clock: systemClock, log });
  stops.push(() => certificates.close());
  const filter = new TlsHandshakes(certificates, { ...patient, ...options.handshakes });
  const limits = { ...STREAM_LIMITS, idleMs: LONG_MS, messageMs: LONG_MS, closeMs: 0 };
  const server = new StreamServer({
    exchange: options.exchange ?? echo,
    transport: Transport.tls,
    log,
    limits: { ...limits, ...options.limits },
    filter,
  });
  stops.push(() => server.close());
  const [bound] = await server.listen([{ address: "127.0.0.1", port: 0 }]);
  return { server, filter, certificates, paths, bound: bound as Endpoint };
}

async function dial(bound: Endpoint, options: ConnectionOptions = {}): Promise<StreamClient> {
  const client = await dialTls(bound, options);
  stops.push(() => {
    client.socket.destroy();
  });
  return client;
}

/** A client that connects and says nothing. */
async function dialSilent({ address, port }: Endpoint): Promise<Socket> {
  const socket = connect({ host: address, port });
  socket.on("error", () => {});
  stops.push(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  return socket;
}

/** Resolves whether the socket ends in order or is reset. */
function closeOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.on("close", resolve));
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error("the condition did not come true");
}

const message = Uint8Array.of(1, 2, 3, 4);

describe("a TLS connection", () => {
  test("carries messages, and its client is known as one of TLS", async () => {
    const seen: unknown[] = [];
    const { bound } = await startServer({
      exchange: (each, client) => {
        seen.push({ ...client, port: client.port > 0 });
        return each.slice();
      },
    });
    const client = await dial(bound);
    client.socket.write(frameMessage(message));
    expect(await client.receive(1)).toEqual([message]);
    expect(seen).toEqual([{ transport: Transport.tls, address: "127.0.0.1", port: true }]);
    const socket = client.socket as TLSSocket;
    expect([socket.alpnProtocol, socket.getProtocol()]).toEqual(["dot", "TLSv1.3"]);
  });

  test.each([
    ["TLS 1.2", { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }],
    ["no ALPN", { ALPNProtocols: [] }],
    ["dot among others", { ALPNProtocols: ["h2", "dot"] }],
  ] as const)("%s is welcome", async (_, options) => {
    const { bound } = await startServer();
    const client = await dial(bound, options as ConnectionOptions);
    client.socket.write(frameMessage(message));
    expect(await client.receive(1)).toEqual([message]);
  });

  test.each([
    ["TLS 1.1", { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }],
    ["another protocol than DNS", { ALPNProtocols: ["h2", "http/1.1"] }],
  ] as const)("%s is not", async (_, options) => {
    const { bound, server, filter } = await startServer();
    await expect(dialTls(bound, options as ConnectionOptions)).rejects.toThrow();
    await until(() => filter.count === 0);
    expect(server.connectionCount).toBe(0);
  });

  test("messages one octet at a time, then a thousand at once, in order", async () => {
    const { bound } = await startServer();
    const client = await dial(bound);
    for (const octet of frameMessage(message)) client.socket.write(Uint8Array.of(octet));
    await client.receive(1);
    const many = Array.from({ length: 1_000 }, (_, at) => Uint8Array.of(at >> 8, at & 255, 9));
    client.socket.write(Buffer.concat(many.map(frameMessage)));
    expect(await client.receive(1_001)).toEqual([message, ...many]);
  });

  test("a client that has said all gets its replies before the end", async () => {
    const { bound } = await startServer({ exchange: async (each) => each.slice() });
    const client = await dial(bound);
    client.socket.end(frameMessage(message));
    expect(await client.receive(1)).toEqual([message]);
    await client.ended;
  });

  test("a longest message that never comes whole ends the connection", async () => {
    const { bound, server } = await startServer({ limits: { messageMs: SHORT_MS } });
    const client = await dial(bound);
    client.socket.write(Uint8Array.of(0xff, 0xff, 1));
    await client.ended;
    client.socket.destroy();
    await until(() => server.connectionCount === 0);
  });

  test("a client that vanishes in the middle of anything is forgotten", async () => {
    const { bound, server, filter } = await startServer();
    const client = await dial(bound);
    client.socket.write(frameMessage(message).subarray(0, 3));
    await until(() => server.connectionCount === 1);
    client.socket.destroy();
    const half = await dialSilent(bound);
    half.write(Uint8Array.of(22, 3, 1, 2, 0));
    await until(() => filter.count === 1);
    half.destroy();
    await until(() => server.connectionCount === 0 && filter.count === 0);
  });

  test("closing the server ends handshakes and connections", async () => {
    const { bound, server, filter } = await startServer();
    const client = await dial(bound);
    const silent = await dialSilent(bound);
    await until(() => filter.count === 1 && server.connectionCount === 1);
    const isOver = Promise.all([client.ended, closeOf(silent)]);
    client.socket.on("end", () => client.socket.end());
    await server.close();
    await isOver;
    expect([filter.count, server.connectionCount]).toEqual([0, 0]);
  });
});

describe("handshakes", () => {
  test.each([
    ["plain DNS", frameMessage(message)],
    ["garbage", new Uint8Array(1_000).fill(0x47)],
    ["a record that is too long", Uint8Array.of(22, 3, 1, 255, 255, 1, 2, 3)],
  ])("%s instead of one ends it", async (_, octets) => {
    const { bound, filter } = await startServer();
    const socket = await dialSilent(bound);
    const closed = closeOf(socket);
    socket.resume();
    socket.write(octets);
    await closed;
    await until(() => filter.count === 0);
  });

  test("that take too long are ended, trickled octets or not", async () => {
    const { bound, filter } = await startServer({ handshakes: { handshakeMs: SHORT_MS } });
    const silent = await dialSilent(bound);
    silent.resume();
    const trickling = await dialSilent(bound);
    trickling.resume();
    const hello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    const pump = setInterval(() => trickling.write(Uint8Array.of(hello.shift() ?? 0)), 5);
    stops.push(() => clearInterval(pump));
    await Promise.all([closeOf(silent), closeOf(trickling)]);
    await until(() => filter.count === 0);
  });

  test.each([
    ["of one client", { handshakesPerClient: 3 }],
    ["of all", { handshakes: 3 }],
  ])(
    "one more than the limit %s: the oldest makes room, and a real client is answered",
    async (_, handshakes) => {
      const { bound, filter } = await startServer({ handshakes });
      const silent: Socket[] = [];
      for (let count = 0; count < 3; count++) {
        silent.push(await dialSilent(bound));
        await until(() => filter.count === count + 1);
      }
      for (const socket of silent) socket.resume();
      const oldestClosed = closeOf(silent[0] as Socket);
      const client = await dial(bound);
      client.socket.write(frameMessage(message));
      expect(await client.receive(1)).toEqual([message]);
      await oldestClosed;
      expect(silent.slice(1).every((socket) => !socket.destroyed)).toBe(true);
      expect(filter.count).toBe(2);
    },
  );

  test("a flood of silent clients keeps nobody out and does not grow", async () => {
    const { bound, filter } = await startServer({ handshakes: { handshakesPerClient: 20 } });
    for (let count = 0; count < 300; count++) (await dialSilent(bound)).resume();
    const client = await dial(bound);
    client.socket.write(frameMessage(message));
    await client.receive(1);
    expect(filter.count).toBeLessThanOrEqual(20);
  });

  test("the real bounds are those of `Limits`", () => {
    expect(Limits.tlsHandshakes).toBeGreaterThan(Limits.tlsHandshakesPerClient);
  });

  test("a client cannot renegotiate", async () => {
    const { bound } = await startServer();
    const { address, port } = bound;
    const socket = connectTls({
      host: address,
      port,
      rejectUnauthorized: false,
      maxVersion: "TLSv1.2",
    });
    stops.push(() => {
      socket.destroy();
    });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    const outcome = await new Promise((resolve) => {
      socket.on("close", () => resolve("closed"));
      socket.renegotiate({}, (error) => resolve(error === null ? "renegotiated" : "refused"));
    });
    expect(outcome).not.toBe("renegotiated");
  });
});

describe("a new certificate", () => {
  const nameOf = ({ socket }: StreamClient) =>
    (socket as TLSSocket).getPeerCertificate().subject.CN;

  test("is in use for the next connection; the present ones go on", async () => {
    const { bound, certificates, paths } = await startServer();
    const before = await dial(bound);
    expect(nameOf(before)).toBe("first.example");
    copyFileSync(second.certificate, paths.certificate);
    copyFileSync(second.key, paths.key);
    await settle(certificates);
    expect(nameOf(await dial(bound))).toBe("second.example");
    before.socket.write(frameMessage(message));
    expect(await before.receive(1)).toEqual([message]);
  });

  test("whose key does not fit yet changes nothing until it does", async () => {
    const { bound, certificates, paths } = await startServer();
    copyFileSync(second.certificate, paths.certificate);
    await settle(certificates);
    expect(nameOf(await dial(bound))).toBe("first.example");
    copyFileSync(second.key, paths.key);
    await settle(certificates);
    expect(nameOf(await dial(bound))).toBe("second.example");
  });
});
