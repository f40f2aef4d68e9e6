/** The pool with real threads: see `test/server/built-worker.ts` for how they come to be. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { BroadcastChannel } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type BuiltWorker, buildWorker } from "../../test/server/built-worker.ts";
import { defaultAnswerSettings } from "../answer/answer-settings.ts";
import { systemClock } from "../base/clock.ts";
import { Counter, counterRow, createCounterMemory, readCounters } from "../base/counters.ts";
import { createLogger } from "../base/log.ts";
import type { SocketAddress } from "../base/socket-address.ts";
import { createTableMemory } from "../table/table-memory.ts";
import { TableWriter } from "../table/table-writer.ts";
import { Class, Opcode, Rcode, Type } from "../wire/code-points.ts";
import { parseName } from "../wire/name.ts";
import { makeRRset } from "../zone/rrset.ts";
import type { PortWish } from "./choose-port.ts";
import type { DatagramExchange } from "./pool-worker.ts";
import { UdpPool, workerCount } from "./udp-pool.ts";

let built: BuiltWorker;
beforeAll(async () => {
  built = await buildWorker();
}, 60_000);
afterAll(() => built.remove());

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const origin = parseName("example.com.");
const www = parseName("www.example.com.");
const TABLE_BYTES = 1024 * 1024;

interface PoolWish {
  readonly port: PortWish;
  readonly workers?: number;
}

async function startPool(
  exchange: DatagramExchange,
  listen: readonly SocketAddress[],
  { port, workers = 1 }: PoolWish,
) {
  const table = createTableMemory(TABLE_BYTES);
  const writer = new TableWriter(table);
  const loader = writer.beginZone(origin);
  loader.add(makeRRset(origin, Type.SOA, 300, [soaRdata()]));
  loader.add(makeRRset(origin, Type.NS, 300, [www]));
  loader.add(makeRRset(www, Type.A, 300, [Uint8Array.of(192, 0, 2, 1)]));
  loader.publish();
  const counters = createCounterMemory(1 + workers);
  const ownCounters = counterRow(counters, 0);
  const cleared: number[] = [];
  const lines: string[] = [];
  const log = createLogger("info", { write: (line: string) => void lines.push(line) });
  const clearReader = (slot: number) => {
    cleared.push(slot);
    writer.clearReader(slot);
  };
  const settings = defaultAnswerSettings;
  const parts = { table, clearReader, counters, ownCounters, thread: 1, workers, port, settings };
  const pool = new UdpPool({ ...parts, exchange, log, clock: systemClock, entry: built.breakable });
  stops.push(() => pool.close());
  const addresses = await pool.listen(listen);
  return { pool, addresses, counters, cleared, lines };
}

function soaRdata(): Uint8Array {
  return Uint8Array.of(...www, ...www, ...new Array<number>(20).fill(1));
}

function makeMessage(id: number, opcode: number): Uint8Array {
  const header = [id >> 8, id & 0xff, opcode << 3, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  return Uint8Array.of(...header, ...www, 0, Type.A, 0, 1);
}

/** `id.server` in class CH. */
function chaosQuery(id: number): Uint8Array {
  const header = [id >> 8, id & 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  return Uint8Array.of(...header, ...parseName("id.server."), 0, Type.TXT, 0, Class.ch);
}

/** Cut short, a name that points at itself, a label past the end, an answer, counts that lie, and noise. */
function malformed(id: number): Uint8Array[] {
  const whole = makeMessage(id, Opcode.query);
  const loop = Uint8Array.of(...whole.subarray(0, 12), 0xc0, 12, 0, Type.A, 0, 1);
  const long = Uint8Array.of(...whole.subarray(0, 12), 63, 1, 2, 3);
  const liar = makeMessage(id, Opcode.query);
  liar.fill(0xff, 4, 12);
  const answer = makeMessage(id, Opcode.query);
  answer[2] = 0x80;
  return [whole.subarray(0, 5), loop, long, liar, answer, new Uint8Array(600).fill(0xff)];
}

/** Sends until a reply with this id comes: datagrams may get lost while a thread starts. */
async function ask(to: SocketAddress, message: Uint8Array): Promise<Uint8Array> {
  const socket = createSocket(to.address.includes(":") ? "udp6" : "udp4");
  const send = () => socket.send(message, to.port, to.address);
  const repeat = setInterval(send, 100);
  try {
    send();
    const [reply] = (await once(socket, "message")) as [Buffer];
    return new Uint8Array(reply);
  } finally {
    clearInterval(repeat);
    socket.close();
  }
}

const loopback = [{ address: "127.0.0.1", port: 0 }];
const nothingDeferred: DatagramExchange = () => undefined;

describe.each<PortWish>(["native", "dgram"])("with the %s port", (port) => {
  const wish = { port };

  test("a worker answers from the shared table, on every address", async () => {
    const listen = [...loopback, { address: "::1", port: 0 }];
    const { addresses, counters } = await startPool(nothingDeferred, listen, wish);
    expect(addresses.map(({ address }) => address)).toEqual(["127.0.0.1", "::1"]);
    for (const to of addresses) {
      const reply = await ask(to, makeMessage(7, Opcode.query));
      expect([...reply.slice(-4)]).toEqual([192, 0, 2, 1]);
    }
    expect(readCounters(counters).queriesUdp).toBeGreaterThanOrEqual(2);
  });

  test("malformed datagrams cost those that come with them nothing", async () => {
    const { addresses } = await startPool(nothingDeferred, loopback, wish);
    const [to] = addresses as [SocketAddress];
    await ask(to, makeMessage(1, Opcode.query));
    const socket = createSocket("udp4");
    stops.push(() => {
      socket.close();
    });
    const answered = new Map<number, Buffer>();
    socket.on("message", (reply) => answered.set(reply.readUInt16BE(0), reply));
    const ids = Array.from({ length: 60 }, (_, at) => at + 1);
    for (const id of ids) {
      for (const message of [...malformed(0xff00 | id), makeMessage(id, Opcode.query)]) {
        socket.send(message, to.port, to.address);
      }
    }
    await expect.poll(() => ids.filter((id) => !answered.has(id)), { timeout: 20_000 }).toEqual([]);
    for (const id of ids) {
      expect([...(answered.get(id) as Buffer).subarray(-4)]).toEqual([192, 0, 2, 1]);
      const formErr = answered.get(0xff00 | id);
      if (formErr !== undefined) expect((formErr[3] as number) & 0x0f).toBe(Rcode.formErr);
    }
    expect(answered.size).toBeGreaterThan(ids.length);
  });

  test("a deferred message reaches the exchange, and its reply the client", async () => {
    const seen: string[] = [];
    const { addresses } = await startPool(
      async (message, client) => {
        seen.push(client.address);
        await Promise.resolve();
        return Uint8Array.of(...message.subarray(0, 2), 0xa8, Rcode.refused);
      },
      loopback,
      wish,
    );
    const [to] = addresses as [SocketAddress];
    const reply = await ask(to, makeMessage(0x1234, Opcode.update));
    expect([...reply]).toEqual([0x12, 0x34, 0xa8, Rcode.refused]);
    expect(seen).toContain("127.0.0.1");
  });

  test("other settings are those of every thread, and of one that takes a dead one's place", async () => {
    const two = { ...wish, workers: 2 };
    const { pool, addresses, cleared } = await startPool(nothingDeferred, loopback, two);
    const [to] = addresses as [SocketAddress];
    const identity = async (id: number) => {
      const reply = await ask(to, chaosQuery(id));
      return Buffer.from(reply).subarray(-2).toString();
    };
    for (const name of ["v1", "v2"]) {
      await pool.change({ ...defaultAnswerSettings, identity: name });
      for (let id = 0; id < 20; id++) expect(await identity(id)).toBe(name);
    }
    const channel = new BroadcastChannel(built.breakChannel);
    channel.postMessage("now");
    while (cleared.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    channel.close();
    await expect.poll(() => identity(77)).toBe("v2");
  });

  test("an exchange that breaks is logged and costs its message only", async () => {
    let asked = 0;
    const { addresses, lines } = await startPool(
      (message) => {
        asked += 1;
        if (asked === 1) throw new Error("broken at once");
        if (asked === 2) return Promise.reject(new Error("broken later"));
        return message.slice(0, 2);
      },
      loopback,
      wish,
    );
    const [to] = addresses as [SocketAddress];
    expect([...(await ask(to, makeMessage(5, Opcode.update)))]).toEqual([0, 5]);
    expect(lines.filter((line) => /broken (at once|later)/.test(line)).length).toBe(2);
  });

  test("a worker that dies is replaced on the same address, its reader slot cleared", async () => {
    const { addresses, cleared, lines } = await startPool(nothingDeferred, loopback, wish);
    const [to] = addresses as [SocketAddress];
    await ask(to, makeMessage(1, Opcode.query));
    const channel = new BroadcastChannel(built.breakChannel);
    for (let death = 1; death <= 2; death++) {
      channel.postMessage("now");
      while (cleared.length < death) await new Promise((resolve) => setTimeout(resolve, 5));
      const reply = await ask(to, makeMessage(death, Opcode.query));
      expect([...reply.slice(-4)]).toEqual([192, 0, 2, 1]);
    }
    channel.close();
    expect(cleared).toEqual([1, 1]);
    expect(lines.join("")).toMatch(/broken by the test/);
    expect(lines.join("")).toMatch(/the UDP worker ended; it will be started again/);
    await expect.poll(() => lines.join("")).toMatch(/the UDP worker answers again/);
  });

  test("a reply to a message of a dead worker leaves through its successor", async () => {
    const waiting: ((reply: Uint8Array) => void)[] = [];
    const { addresses, cleared } = await startPool(
      () => new Promise((resolve) => waiting.push(resolve)),
      loopback,
      wish,
    );
    const [to] = addresses as [SocketAddress];
    const socket = createSocket("udp4");
    stops.push(() => {
      socket.close();
    });
    socket.send(makeMessage(3, Opcode.update), to.port, to.address);
    while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const channel = new BroadcastChannel(built.breakChannel);
    channel.postMessage("now");
    while (cleared.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    channel.close();
    await ask(to, makeMessage(4, Opcode.query));
    const received = once(socket, "message");
    for (const resolve of waiting) resolve(Uint8Array.of(9, 9));
    expect([...((await received)[0] as Buffer)]).toEqual([9, 9]);
  });

  test("an address in use is one error, and closing frees what was bound", async () => {
    const { pool, addresses } = await startPool(nothingDeferred, loopback, wish);
    const [to] = addresses as [SocketAddress];
    await expect(startPool(nothingDeferred, addresses, wish)).rejects.toMatchObject({
      code: "listen",
      message: expect.stringMatching(`UDP 127.0.0.1:${to.port}: another program`),
    });
    await pool.close();
    const again = await startPool(nothingDeferred, addresses, wish);
    expect(again.addresses).toEqual(addresses);
  });
});

test("several workers share an address, and all of them die and come back without a reply lost", async () => {
  const workers = 3;
  const wish = { port: "native", workers } as const;
  const waiting: ((reply: Uint8Array) => void)[] = [];
  const { addresses, counters, cleared } = await startPool(
    () => new Promise((resolve) => waiting.push(resolve)),
    loopback,
    wish,
  );
  const [to] = addresses as [SocketAddress];
  const answered = (thread: number) => counterRow(counters, thread)[Counter.queriesUdp] as number;
  const threads = [1, 2, 3];
  // The kernel spreads clients by their ports.
  while (threads.some((thread) => answered(thread) === 0)) {
    await ask(to, makeMessage(1, Opcode.query));
  }
  const socket = createSocket("udp4");
  stops.push(() => {
    socket.close();
  });
  socket.send(makeMessage(3, Opcode.update), to.port, to.address);
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const channel = new BroadcastChannel(built.breakChannel);
  channel.postMessage("now");
  while (cleared.length < workers) await new Promise((resolve) => setTimeout(resolve, 5));
  channel.close();
  // What comes while no thread is there waits in the sockets of the pool.
  socket.send(makeMessage(4, Opcode.query), to.port, to.address);
  expect((await once(socket, "message"))[0][1]).toBe(4);
  for (const resolve of waiting) resolve(Uint8Array.of(9, 9));
  expect([...((await once(socket, "message"))[0] as Buffer)]).toEqual([9, 9]);
  expect([...cleared].sort()).toEqual(threads);
});

test("node:dgram has one worker, whatever was wished, and the log says why", async () => {
  const { lines } = await startPool(nothingDeferred, loopback, { port: "dgram", workers: 3 });
  expect(lines.join("")).toMatch(/only the native port can share an address/);
});

test("the native port binds the wildcard itself, and answers from the address that was asked", async () => {
  const wildcard = [{ address: "0.0.0.0", port: 0 }];
  const { addresses } = await startPool(nothingDeferred, wildcard, { port: "native" });
  const [{ address, port }] = addresses as [SocketAddress];
  expect(address).toBe("0.0.0.0");
  const socket = createSocket("udp4");
  stops.push(() => {
    socket.close();
  });
  socket.send(makeMessage(1, Opcode.query), port, "127.0.0.3");
  const [, from] = await once(socket, "message");
  expect(from).toMatchObject({ address: "127.0.0.3", port });
});

test("workers are one less than the cores unless configured", () => {
  expect([1, 2, 8, 200].map((cores) => workerCount(0, cores))).toEqual([1, 1, 7, 63]);
  expect(workerCount(5, 2)).toBe(5);
});

test("without the native port the wildcard becomes the machine's addresses, and the log says so", async () => {
  const wildcard = [{ address: "0.0.0.0", port: 0 }];
  const { addresses, lines } = await startPool(nothingDeferred, wildcard, { port: "dgram" });
  expect(addresses.map(({ address }) => address)).toContain("127.0.0.1");
  expect(addresses.map(({ address }) => address)).not.toContain("0.0.0.0");
  expect(lines.join("")).toMatch(/each address this machine has now/);
});
