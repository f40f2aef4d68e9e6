import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { makeCertificate } from "../../../test/server/certificates.ts";
import { Limits } from "../../base/limits.ts";
import { parseRedisLocation } from "./redis-location.ts";
import { findOtherTransport } from "./redis-transport.ts";

const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
});

/** The port of a server that sends this at the first octets, after so many milliseconds. */
async function answering(text: string, afterMs = 0): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => setTimeout(() => socket.write(text), afterMs));
  });
  return listening(server);
}

async function withTls(): Promise<number> {
  const { certificate, key } = makeCertificate("localhost");
  const files = { cert: readFileSync(certificate), key: readFileSync(key) };
  const server = createTlsServer(files, (socket) => void sockets.push(socket));
  server.on("tlsClientError", () => {});
  return listening(server);
}

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function find(location: string): Promise<string | undefined> {
  return findOtherTransport(parseRedisLocation(location));
}

test.each(["+PONG\r\n", "-NOAUTH Authentication required.\r\n"])(
  "a port that answers %j speaks no TLS",
  async (answer) => {
    const port = await answering(answer);
    expect(await find(`rediss://127.0.0.1:${port}/0`)).toBe(
      `port ${port} of 127.0.0.1 speaks no TLS: write redis:// in place of rediss://, or name its TLS port`,
    );
  },
);

test("a port that speaks TLS, among others and with a certificate that nobody trusts", async () => {
  const port = await withTls();
  expect(await find(`redis+cluster://127.0.0.1:1,127.0.0.1:${port}`)).toBe(
    `port ${port} of 127.0.0.1 speaks TLS: write rediss+cluster:// in place of redis+cluster://, or name its plain port`,
  );
});

test("what speaks as the location says, or not at all, is no reason", async () => {
  expect(await find(`rediss://127.0.0.1:${await withTls()}/0`)).toBeUndefined();
  expect(await find(`redis://127.0.0.1:${await answering("-ERR\r\n")}/0`)).toBeUndefined();
  expect(await find("rediss://127.0.0.1:1/0")).toBeUndefined();
  expect(await find("redis://127.0.0.1:1/0")).toBeUndefined();
});

test(`an answer is waited for ${Limits.redisTransportMs} ms`, async () => {
  const inTime = await answering("+PONG\r\n", Limits.redisTransportMs * 0.7);
  const late = await answering("+PONG\r\n", Limits.redisTransportMs * 1.3);
  const found = [`rediss://127.0.0.1:${inTime}/0`, `rediss://127.0.0.1:${late}/0`].map(find);
  expect(await Promise.all(found)).toEqual([expect.stringContaining("speaks no TLS"), undefined]);
});
