import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { dialTcp, type Endpoint, type StreamClient } from "../../test/server/stream-client.ts";
import { Transport } from "../answer/client.ts";
import { Limits } from "../base/limits.ts";
import { createLogger } from "../base/log.ts";
import type { StreamExchange } from "./stream-connection.ts";
import { frameMessage } from "./stream-framer.ts";
import { STREAM_LIMITS, type StreamLimits, StreamServer } from "./stream-server.ts";

const LONG_MS = 60_000;
const SHORT_MS = 30;
const patient: StreamLimits = { ...STREAM_LIMITS, idleMs: LONG_MS, messageMs: LONG_MS };
const silentLog = createLogger("silent");

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Answers every message with itself. */
const echo: StreamExchange = (message) => message.slice();

async function startServer(
  exchange: StreamExchange,
  limits: Partial<StreamLimits> = {},
  host = "127.0.0.1",
) {
  const server = new StreamServer({
    exchange,
    transport: Transport.tcp,
    log: silentLog,
    limits: { ...patient, closeMs: 0, ...limits },
  });
  stops.push(() => server.close());
  const [bound] = await server.listen([{ address: host, port: 0 }]);
  if (bound === undefined) throw new Error("nothing bound");
  return { server, bound };
}

async function dial(endpoint: Endpoint): Promise<StreamClient> {
  const client = await dialTcp(endpoint);
  stops.push(() => {
    client.socket.destroy();
  });
  return client;
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error("the condition did not come true");
}

function numbered(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => Uint8Array.of(at >> 8, at & 0xff, 1));
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

test.each(["127.0.0.1", "::1"])("answers on %s, and says who asked", async (host) => {
  const seen: unknown[] = [];
  const { bound } = await startServer(
    (message, client) => {
      seen.push({ ...client });
      return message.slice();
    },
    {},
    host,
  );
  const client = await dial(bound);
  client.socket.write(frameMessage(Uint8Array.of(1, 2, 3)));
  expect(await client.receive(1)).toEqual([Uint8Array.of(1, 2, 3)]);
  expect(seen).toEqual([
    { transport: Transport.tcp, address: host, port: client.socket.localPort },
  ]);
});

test("a query sent one octet at a time is answered", async () => {
  const { bound } = await startServer(echo);
  const client = await dial(bound);
  for (const octet of frameMessage(Uint8Array.of(9, 8, 7, 6))) {
    client.socket.write(Uint8Array.of(octet));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await client.receive(1)).toEqual([Uint8Array.of(9, 8, 7, 6)]);
});

test("1,000 pipelined queries are answered in order, whenever each answer is ready", async () => {
  let turn = 0;
  const { bound } = await startServer((message) => {
    const reply = message.slice();
    turn += 1;
    if (turn % 3 === 0) return reply;
    return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(reply))));
  });
  const client = await dial(bound);
  client.socket.write(Buffer.concat(numbered(1_000).map(frameMessage)));
  expect(await client.receive(1_000)).toEqual(numbered(1_000));
});

test("no more messages are asked than a pipeline holds, and the rest after an answer", async () => {
  const waiting: ((reply: Uint8Array) => void)[] = [];
  const { bound } = await startServer(() => new Promise((resolve) => waiting.push(resolve)));
  const client = await dial(bound);
  client.socket.write(Buffer.concat(numbered(Limits.tcpPipeline + 1).map(frameMessage)));
  await until(() => waiting.length === Limits.tcpPipeline);
  waiting[0]?.(Uint8Array.of(0));
  await client.receive(1);
  await until(() => waiting.length === Limits.tcpPipeline + 1);
  expect(client.messages.length).toBe(1);
});

test("a later answer waits for an earlier one", async () => {
  const first = deferred<Uint8Array>();
  const { bound } = await startServer((message) =>
    message[0] === 1 ? first.promise : message.slice(),
  );
  const client = await dial(bound);
  client.socket.write(frameMessage(Uint8Array.of(1)));
  client.socket.write(frameMessage(Uint8Array.of(2)));
  first.resolve(Uint8Array.of(1));
  expect(await client.receive(2)).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
});

test("several messages in reply to one, with the next answer after them", async () => {
  async function* transfer() {
    for (const message of numbered(50)) {
      await new Promise((resolve) => setImmediate(resolve));
      yield message;
    }
  }
  const { bound } = await startServer((message) =>
    message[0] === 1 ? transfer() : message.slice(),
  );
  const client = await dial(bound);
  client.socket.write(Buffer.concat([Uint8Array.of(1), Uint8Array.of(2)].map(frameMessage)));
  expect(await client.receive(51)).toEqual([...numbered(50), Uint8Array.of(2)]);
});

test("a transfer to a client that goes away is ended", async () => {
  let hasEnded = false;
  function* endless() {
    try {
      for (;;) yield new Uint8Array(Limits.messageLength);
    } finally {
      hasEnded = true;
    }
  }
  const { bound, server } = await startServer(() => endless());
  const client = await dial(bound);
  client.socket.write(frameMessage(Uint8Array.of(1)));
  await client.receive(3);
  client.socket.destroy();
  await until(() => hasEnded && server.connectionCount === 0);
});

test("a client that asks and never reads is closed, its memory bounded", async () => {
  let asked = 0;
  const { bound, server } = await startServer(
    () => {
      asked += 1;
      return new Uint8Array(Limits.messageLength);
    },
    { idleMs: SHORT_MS },
  );
  const socket = connect({ host: bound.address, port: bound.port });
  stops.push(() => {
    socket.destroy();
  });
  socket.on("error", () => {});
  socket.pause();
  await once(socket, "connect");
  socket.write(Buffer.concat(numbered(10_000).map(frameMessage)));
  await until(() => asked > 0 && server.connectionCount === 0);
  expect(asked).toBeLessThan(10_000);
});

test("a silent client is let go after the idle time", async () => {
  const { bound, server } = await startServer(echo, { idleMs: SHORT_MS });
  const client = await dial(bound);
  await client.ended;
  client.socket.end();
  await until(() => server.connectionCount === 0);
});

test("a client that neither speaks nor hangs up is cut", async () => {
  const { bound, server } = await startServer(echo, { idleMs: SHORT_MS });
  const client = await dial(bound);
  await client.ended;
  await until(() => server.connectionCount === 0);
});

test("a length of 65,535 and then silence is given up after the message time", async () => {
  const { bound } = await startServer(echo, { messageMs: SHORT_MS });
  const client = await dial(bound);
  client.socket.write(Uint8Array.of(0xff, 0xff));
  await client.ended;
  expect(client.messages).toEqual([]);
});

test("octets that trickle in do not stretch the message time", async () => {
  const { bound } = await startServer(echo, { messageMs: SHORT_MS });
  const client = await dial(bound);
  client.socket.write(Uint8Array.of(0xff, 0xff));
  const trickle = setInterval(() => client.socket.write(Uint8Array.of(1)), SHORT_MS / 10);
  await client.ended;
  clearInterval(trickle);
  expect(client.messages).toEqual([]);
});

test("a message in progress does not keep an earlier answer back", async () => {
  const { bound } = await startServer(echo, { messageMs: SHORT_MS });
  const client = await dial(bound);
  client.socket.write(Buffer.concat([frameMessage(Uint8Array.of(5)), Uint8Array.of(0, 9, 1)]));
  await client.ended;
  expect(client.messages).toEqual([Uint8Array.of(5)]);
});

test("a client that half-closes gets every answer, then the end", async () => {
  const { bound } = await startServer(
    (message) => new Promise((resolve) => setImmediate(() => resolve(message.slice()))),
  );
  const client = await dial(bound);
  const count = Limits.tcpPipeline * 3;
  client.socket.end(Buffer.concat(numbered(count).map(frameMessage)));
  await client.closed;
  expect(client.messages).toEqual(numbered(count));
});

test("a client that half-closes in the middle of a message gets the end", async () => {
  const { bound } = await startServer(echo);
  const client = await dial(bound);
  client.socket.end(Uint8Array.of(0, 30, 1, 2));
  await client.closed;
  expect(client.messages).toEqual([]);
});

test("a client that resets while its answer is made leaves no trace", async () => {
  const answer = deferred<Uint8Array>();
  let isAsked = false;
  const { bound, server } = await startServer((message) => {
    if (message[0] !== 1) return message.slice();
    isAsked = true;
    return answer.promise;
  });
  const client = await dial(bound);
  client.socket.write(frameMessage(Uint8Array.of(1)));
  await until(() => isAsked);
  client.socket.resetAndDestroy();
  await until(() => server.connectionCount === 0);
  answer.resolve(Uint8Array.of(1));
  const next = await dial(bound);
  next.socket.write(frameMessage(Uint8Array.of(2)));
  expect(await next.receive(1)).toEqual([Uint8Array.of(2)]);
});

test("a message without octets ends the connection after the answers before it", async () => {
  const { bound } = await startServer(
    (message) => new Promise((resolve) => setImmediate(() => resolve(message.slice()))),
  );
  const client = await dial(bound);
  const stream = [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2)].map(frameMessage);
  client.socket.write(Buffer.concat(stream));
  await client.ended;
  expect(client.messages).toEqual([Uint8Array.of(1)]);
});

test("what gets no answer ends the connection after the answers before it", async () => {
  const { bound } = await startServer((message) =>
    message[0] === 0 ? undefined : message.slice(),
  );
  const client = await dial(bound);
  const stream = [Uint8Array.of(1), Uint8Array.of(0), Uint8Array.of(2)].map(frameMessage);
  client.socket.write(Buffer.concat(stream));
  await client.ended;
  expect(client.messages).toEqual([Uint8Array.of(1)]);
});

test.each([
  ["throws", () => Promise.reject(new Error("broken"))],
  [
    "throws at once",
    () => {
      throw new Error("broken");
    },
  ],
] as [string, StreamExchange][])(
  "an exchange that %s costs its connection only",
  async (_, broken) => {
    const { bound } = await startServer((message, client) =>
      message[0] === 0 ? broken(message, client) : message.slice(),
    );
    const unlucky = await dial(bound);
    const other = await dial(bound);
    unlucky.socket.write(frameMessage(Uint8Array.of(0)));
    await unlucky.ended;
    other.socket.write(frameMessage(Uint8Array.of(2)));
    expect(await other.receive(1)).toEqual([Uint8Array.of(2)]);
  },
);

test("at the limit of one client its quietest connection makes room", async () => {
  const { bound, server } = await startServer(echo, { connections: 10, connectionsPerClient: 3 });
  const clients = [await dial(bound), await dial(bound), await dial(bound)] as const;
  await until(() => server.connectionCount === 3);
  clients[0].socket.write(frameMessage(Uint8Array.of(1)));
  await clients[0].receive(1);
  const fourth = await dial(bound);
  await clients[1].ended;
  for (const client of [clients[0], clients[2], fourth]) {
    client.socket.write(frameMessage(Uint8Array.of(7)));
    await client.receive(1);
  }
  expect(server.connectionCount).toBe(3);
});

test("at the limit of all clients the quietest connection makes room", async () => {
  const { bound, server } = await startServer(echo, { connections: 2 });
  const first = await dial(bound);
  const second = await dial(bound);
  await until(() => server.connectionCount === 2);
  await dial(bound);
  await first.ended;
  second.socket.write(frameMessage(Uint8Array.of(2)));
  expect(await second.receive(1)).toEqual([Uint8Array.of(2)]);
  expect(server.connectionCount).toBe(2);
});

test("when every connection is waiting for an answer the new one is turned away", async () => {
  const answer = deferred<Uint8Array>();
  let asked = 0;
  const { bound, server } = await startServer(
    () => {
      asked += 1;
      return answer.promise;
    },
    { connections: 2 },
  );
  const busy = [await dial(bound), await dial(bound)];
  for (const client of busy) client.socket.write(frameMessage(Uint8Array.of(1)));
  await until(() => asked === 2);
  const third = await dial(bound);
  await third.ended;
  expect(server.connectionCount).toBe(2);
  answer.resolve(Uint8Array.of(4));
  for (const client of busy) expect(await client.receive(1)).toEqual([Uint8Array.of(4)]);
});

test("thousands of idle connections end at the limit, and a new client is answered", async () => {
  const connections = 1_024;
  const { bound, server } = await startServer(echo, { connectionsPerClient: connections });
  const idle: StreamClient[] = [];
  for (let at = 0; at < 2 * connections; at++) idle.push(await dial(bound));
  const client = await dial(bound);
  client.socket.write(frameMessage(Uint8Array.of(3)));
  expect(await client.receive(1)).toEqual([Uint8Array.of(3)]);
  await Promise.all(idle.slice(0, connections + 1).map((each) => each.ended));
  expect(server.connectionCount).toBe(connections);
});

test("closing answers what was asked, then frees the port", async () => {
  const answer = deferred<Uint8Array>();
  let isAsked = false;
  const { bound, server } = await startServer(
    () => {
      isAsked = true;
      return answer.promise;
    },
    { closeMs: LONG_MS },
  );
  const client = await dial(bound);
  client.socket.write(frameMessage(Uint8Array.of(1)));
  await until(() => isAsked);
  const closing = server.close();
  answer.resolve(Uint8Array.of(6));
  await client.ended;
  expect(client.messages).toEqual([Uint8Array.of(6)]);
  client.socket.end();
  await closing;
  const again = new StreamServer({ exchange: echo, transport: Transport.tcp, log: silentLog });
  stops.push(() => again.close());
  expect(await again.listen([bound])).toEqual([bound]);
});

test("a port in use is one error that names it, and nothing stays bound", async () => {
  const { bound } = await startServer(echo);
  const other = new StreamServer({ exchange: echo, transport: Transport.tcp, log: silentLog });
  const attempt = other.listen([{ address: "127.0.0.1", port: 0 }, bound]);
  await expect(attempt).rejects.toMatchObject({
    code: "listen",
    message: expect.stringMatching(`TCP 127.0.0.1:${bound.port}: another program`),
  });
  expect(other.connectionCount).toBe(0);
});
