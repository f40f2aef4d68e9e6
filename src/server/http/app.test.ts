/** What only a real connection shows. */
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { basic, type HttpFixture, openHttpFixture } from "../../../test/server/http-fixture.ts";
import { Limits } from "../../base/limits.ts";

let fixture: HttpFixture;
let port: number;
const BOB = `Authorization: ${basic("bob", "bobs-plain-token")}\r\n`;

beforeAll(async () => {
  fixture = await openHttpFixture({ timeouts: { headersMs: 2_000, requestMs: 3_000 } });
  await fixture.app.listen({ host: "127.0.0.1", port: 0 });
  ({ port } = fixture.app.server.address() as AddressInfo);
});
afterAll(() => fixture.close());

/** Sends the octets and collects everything until the server ends the connection. */
function converse(...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => {
      for (const part of parts) socket.write(part, "latin1");
    });
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("close", () => resolve(text));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE" ? resolve(text) : reject(error),
    );
  });
}

function body(reply: string): string {
  return reply.slice(reply.indexOf("\r\n\r\n") + 4);
}

describe("HTTP/1.0", () => {
  test("is served with a length and closed", async () => {
    const reply = await converse(`GET /nic/update?myip=192.0.2.1 HTTP/1.0\r\n${BOB}\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(reply).toMatch(/\r\ncontent-length: 15\r\n/i);
    expect(reply).toMatch(/\r\nconnection: close\r\n/i);
    expect(body(reply)).toMatch(/^(good|nochg) 192\.0\.2\.1\n$/);
  });

  test("with the target of UniFi and no Host", async () => {
    for (const path of ["//nic/update", "/\\/nic/update"]) {
      const reply = await converse(`GET ${path}?myip=192.0.2.1 HTTP/1.0\r\n${BOB}\r\n`);
      expect(body(reply)).toMatch(/192\.0\.2\.1\n$/);
    }
  });
});

describe("HTTP/1.1", () => {
  const head = (line: string, more = "") =>
    `${line} HTTP/1.1\r\nHost: elsewhere:99\r\n${BOB}Connection: close\r\n${more}\r\n`;

  test("replies are never chunked, failures included", async () => {
    for (const target of [
      "/nic/update?myip=192.0.2.1",
      "/nic/update?myip=x",
      "/checkip",
      "/none",
      "/metrics",
    ]) {
      const reply = await converse(head(`GET ${target}`));
      expect(reply).not.toMatch(/\r\ntransfer-encoding:/i);
      const length = /\r\ncontent-length: (\d+)\r\n/i.exec(reply)?.[1];
      expect(Buffer.byteLength(body(reply), "latin1")).toBe(Number(length));
    }
  });

  test("a chunked body is read", async () => {
    const more = "Transfer-Encoding: chunked\r\n";
    const chunks = "6\r\nmyip=1\r\na\r\n92.0.2.200\r\n0\r\n\r\n";
    const reply = await converse(head("POST /nic/update", more), chunks);
    expect(body(reply)).toBe("good 192.0.2.200\n");
  });

  test("a chunked body past the limit is refused", async () => {
    const more = "Transfer-Encoding: chunked\r\n";
    const chunk = `1000\r\n${"x".repeat(4_096)}\r\n`;
    const count = Limits.httpBody / 4_096 + 1;
    const reply = await converse(head("POST /nic/update", more), chunk.repeat(count), "0\r\n\r\n");
    expect(reply).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("a body longer than it says, one that never comes, and a length past the limit", async () => {
    const late = await converse(head("POST /nic/update", "Content-Length: 9\r\n"), "myip=");
    expect(late).toMatch(/^HTTP\/1\.1 408 |^$/);
    const large = await converse(
      head("POST /nic/update", `Content-Length: ${Limits.httpBody + 1}\r\n`),
    );
    expect(large).toMatch(/^HTTP\/1\.1 413 /);
    const twice = await converse(
      head("POST /nic/update", "Content-Length: 3\r\nContent-Length: 4\r\n"),
    );
    expect(twice).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("headers that trickle in are cut off with 408", async () => {
    const reply = await converse("GET /checkip HTTP/1.1\r\nHost: a\r\nX-Slow:");
    expect(reply).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("headers below the limit are read; past it 431", async () => {
    const filler = (octets: number) => `X-Filler: ${"x".repeat(octets)}\r\n`;
    const some = await converse(head("GET /checkip", filler(Limits.httpHeaders - 300)));
    expect(some).toMatch(/^HTTP\/1\.1 200 /);
    const many = await converse(head("GET /checkip", filler(Limits.httpHeaders)));
    expect(many).toMatch(/^HTTP\/1\.1 431 /);
    const target = await converse(head(`GET /nic/update?x=${"x".repeat(Limits.httpHeaders)}`));
    expect(target).toMatch(/^HTTP\/1\.1 431 /);
  });

  test(`${Limits.httpHeaderLines} header lines are read; one more is not`, async () => {
    const filler = (count: number) =>
      Array.from({ length: count }, (_, at) => `X-${at}: 1\r\n`).join("");
    const ask = (fillers: number) =>
      converse(
        `GET /nic/update?myip=192.0.2.1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${filler(fillers)}${BOB}\r\n`,
      );
    expect(await ask(Limits.httpHeaderLines - 3)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(Limits.httpHeaderLines - 2)).toMatch(/^HTTP\/1\.1 401 /);
  });

  test.each([
    ["a space in the target", "GET /nic/update?hostname=a b HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
    ["a broken escape in the path", "GET /nic%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
  ])("%s is 400 and repeats nothing", async (_, request) => {
    const reply = await converse(request);
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(body(reply)).toBe("bad request\n");
  });

  test("without Host is 400 (RFC 9112 §3.2)", async () => {
    expect(await converse("GET /checkip HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("pipelined requests are answered in order", async () => {
    const one = (ip: string) => `GET /nic/update?myip=${ip} HTTP/1.1\r\nHost: a\r\n${BOB}\r\n`;
    const reply = await converse(
      one("192.0.2.11"),
      one("192.0.2.12"),
      head("GET /nic/update?myip=192.0.2.13"),
    );
    expect(reply.match(/good 192\.0\.2\.1\d/g)).toEqual([
      "good 192.0.2.11",
      "good 192.0.2.12",
      "good 192.0.2.13",
    ]);
  });

  test("a HEAD changes nothing and has no body", async () => {
    const reply = await converse(head("HEAD /nic/update?myip=192.0.2.99"));
    expect(reply).toMatch(/^HTTP\/1\.1 405 /);
    expect(body(reply)).toBe("");
    expect(fixture.addresses("bob")).not.toContain("192.0.2.99");
  });
});

test("timeouts may be shortened and never lengthened", async () => {
  const longer = await openHttpFixture({ timeouts: { headersMs: 1e9, requestMs: 1e9 } });
  expect(longer.app.server.headersTimeout).toBe(Limits.httpHeadersMs);
  expect(longer.app.server.requestTimeout).toBe(Limits.httpRequestMs);
  await longer.close();
});

test(`${Limits.httpConnections} connections are held; one more is turned away and the others stay`, async () => {
  const patient = await openHttpFixture();
  await patient.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = patient.app.server.address() as AddressInfo;
  const open = () => openSocket(port);
  const sockets = await Promise.all(Array.from({ length: Limits.httpConnections }, open));
  const extra = await open();
  await new Promise((closed) => extra.once("close", closed).resume());
  const first = sockets[0] as Socket;
  const reply = new Promise((resolve) => first.once("data", (chunk) => resolve(String(chunk))));
  first.write("GET /checkip HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(await reply).toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of sockets) socket.destroy();
  await patient.close();
});

function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" ? socket.destroy() : reject(error),
    );
  });
}

test("the log never holds a query", () => {
  expect(JSON.stringify(fixture.lines)).not.toContain("myip=");
});
