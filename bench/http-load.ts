/**
 * dyndns2 updates over HTTP keep-alive with a token, a fixed number of connections, one request on each at a time.
 * Written on bare sockets: the client of `node:http` takes more CPU for a request than the server under measurement.
 */
import { connect, type Socket } from "node:net";
import type { BenchZone, RunningServer } from "./server.ts";
import type { UpdateRun } from "./update-load.ts";

export interface HttpLoad {
  readonly connections: number;
  readonly seconds: number;
  /** False: every call repeats the same address (`nochg`). */
  readonly isChanging: boolean;
}

export async function measureHttp(
  server: RunningServer,
  zone: BenchZone,
  load: HttpLoad,
): Promise<UpdateRun> {
  const before = server.cpuSeconds();
  const started = performance.now();
  const deadline = started + load.seconds * 1_000;
  const connections = Array.from({ length: load.connections }, (_, number) => {
    const host = `w${number}.${zone.origin}`;
    return new HttpConnection(server.httpPort as number, (step) =>
      load.isChanging
        ? target(host, `10.${number}.${(step >> 8) & 255}.${step & 255}`)
        : target(host),
    );
  });
  await Promise.all(connections.map((connection) => connection.run(deadline)));
  const seconds = (performance.now() - started) / 1_000;
  const acknowledged = sum(connections.map((each) => each.acknowledged));
  const cpu = server.cpuSeconds() - before;
  return {
    perSecond: acknowledged / seconds,
    refused: sum(connections.map((each) => each.refused)),
    lost: 0,
    cpuMicroseconds: (cpu * 1e6) / Math.max(acknowledged, 1),
  };
}

function target(host: string, address = "10.0.0.1"): string {
  return `/nic/update?hostname=${host}&myip=${address}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

const AUTHORIZATION = `Basic ${Buffer.from("bench:bench-token").toString("base64")}`;

class HttpConnection {
  acknowledged = 0;
  refused = 0;
  readonly #socket: Socket;
  readonly #target: (step: number) => string;
  #step = 0;
  #received = "";

  constructor(port: number, targetOf: (step: number) => string) {
    this.#target = targetOf;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
  }

  /** Ends with the first reply after the deadline. Rejects when the server ends the connection. */
  run(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.on("error", reject);
      this.#socket.on("end", () => reject(new Error("the server ended an HTTP connection")));
      this.#socket.on("data", (text: string) => {
        this.#received += text;
        const body = wholeBody(this.#received);
        if (body === undefined) return;
        this.#received = "";
        if (/^(good|nochg) /.test(body)) this.acknowledged++;
        else this.refused++;
        if (performance.now() < deadline) return this.#ask();
        this.#socket.destroy();
        resolve();
      });
      this.#ask();
    });
  }

  #ask(): void {
    const path = this.#target(this.#step++);
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${AUTHORIZATION}\r\n\r\n`,
    );
  }
}

/** The body of the reply, once it is whole. */
function wholeBody(received: string): string | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received)?.[1]);
  const body = received.slice(headEnd + 4);
  return body.length < length ? undefined : body;
}
