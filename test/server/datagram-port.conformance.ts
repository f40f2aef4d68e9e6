/**
 * What every datagram port does, on real sockets. An implementation's own test calls `describeDatagramPort` with the
 * way to open it.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { type Client, Transport } from "../../src/answer/client.ts";
import { COUNTERS, Counter, type CounterRow } from "../../src/base/counters.ts";
import { formatSocketAddress, type SocketAddress } from "../../src/base/socket-address.ts";
import type { DatagramPort, DatagramReceiver, ReplyTo } from "../../src/server/datagram-port.ts";

/** Binds these addresses, as one port. */
export type OpenPort = (
  listen: readonly SocketAddress[],
  counters: CounterRow,
) => Promise<{ port: DatagramPort; addresses: readonly SocketAddress[] }>;

const DEFER = 0xdd;
const SILENCE = 0x00;

/** Answers with the query, except that the first octet may ask for silence or deferral. */
function echo(query: Uint8Array, length: number, _client: Client, response: Uint8Array): number {
  if (query[0] === DEFER) return -1;
  if (query[0] === SILENCE) return 0;
  response.set(query.subarray(0, length));
  return length;
}

const families = ["127.0.0.1", "::1"].filter((address) =>
  Object.values(networkInterfaces()).some((each) => each?.some((one) => one.address === address)),
);

export function describeDatagramPort(name: string, openPort: OpenPort): void {
  const stops: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  async function start(listen: readonly string[], receiver: Partial<DatagramReceiver> = {}) {
    const counters: CounterRow = new Float64Array(COUNTERS.length);
    const wanted = listen.map((address) => ({ address, port: 0 }));
    const { port, addresses } = await openPort(wanted, counters);
    stops.push(() => port.close());
    port.run({ answer: echo, defer: () => {}, ...receiver });
    const [first] = addresses;
    if (first === undefined) throw new Error("nothing bound");
    return { port, addresses, bound: first, counters };
  }

  async function dial(address: string): Promise<TestClient> {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    stops.push(() => {
      socket.close();
    });
    socket.bind(0, address.includes(":") ? "::1" : "127.0.0.1");
    await once(socket, "listening");
    return new TestClient(socket);
  }

  describe.each(families)(`${name} on %s`, (address) => {
    test("answers, and says who asked", async () => {
      const seen: Client[] = [];
      const { bound } = await start([address], {
        answer: (query, length, client, response) => {
          const { transport, address, port } = client;
          seen.push({ transport, address, port });
          return echo(query, length, client, response);
        },
      });
      const client = await dial(address);
      client.send([1, 2, 3], bound);
      expect(await client.receive(1)).toEqual([[1, 2, 3]]);
      expect(seen).toEqual([{ transport: Transport.udp, address, port: client.port }]);
    });

    test("keeps silent where there is nothing to say, and answers the next", async () => {
      const { bound } = await start([address]);
      const client = await dial(address);
      client.send([SILENCE, 1], bound);
      client.send([2], bound);
      expect(await client.receive(1)).toEqual([[2]]);
    });

    test("defers a copy, and sends the reply when it comes", async () => {
      const deferred: { message: Uint8Array; from: ReplyTo }[] = [];
      const { bound, port } = await start([address], {
        defer: (message, from) => deferred.push({ message, from }),
      });
      const client = await dial(address);
      client.send([DEFER, 1], bound);
      client.send([DEFER, 2], bound);
      client.send([3], bound);
      await client.receive(1);
      const local = formatSocketAddress(bound);
      const from = { address, port: client.port, local };
      expect(deferred).toEqual([
        { message: expect.objectContaining({ 0: DEFER, 1: 1, length: 2 }), from },
        { message: expect.objectContaining({ 0: DEFER, 1: 2, length: 2 }), from },
      ]);
      for (const each of deferred.reverse()) port.send(each.message, structuredClone(each.from));
      expect(await client.receive(3)).toEqual([[3], [DEFER, 2], [DEFER, 1]]);
    });

    test("a large datagram is whole, and so is the small one after it", async () => {
      const seen: string[] = [];
      const { bound } = await start([address], {
        answer: (query, length, client, response) => {
          seen.push([...query.subarray(0, length)].join());
          return echo(query, Math.min(length, 100), client, response);
        },
      });
      const client = await dial(address);
      const sizes = [511, 512, 513, 4_000, 60_000, 5];
      const messages = sizes.map((size) => Array.from({ length: size }, (_, at) => (at % 251) + 1));
      for (const [at, message] of messages.entries()) {
        client.send(message, bound);
        await client.receive(at + 1);
      }
      expect(seen).toEqual(messages.map(String));
    });

    test("datagrams that get no answer harm none of those that came with them", async () => {
      const deferred: number[] = [];
      const { bound } = await start([address], {
        defer: (message) => deferred.push(message[1] as number),
      });
      const client = await dial(address);
      const first = (at: number) => [SILENCE, DEFER, 1, 2, 3][(at * 7) % 5] as number;
      const sent = Array.from({ length: 100 }, (_, at) => [first(at), at, at]);
      for (const each of sent) client.send(each, bound);
      const answered = sent.filter(([head = 0]) => head !== SILENCE && head !== DEFER);
      expect(await client.receive(answered.length)).toEqual(answered);
      expect(deferred).toEqual(sent.filter(([head]) => head === DEFER).map(([, at]) => at));
    });

    test("an empty datagram is a query like another", async () => {
      const lengths: number[] = [];
      const { bound } = await start([address], {
        answer: (_query, length, _client, response) => {
          lengths.push(length);
          response[0] = 9;
          return 1;
        },
      });
      const client = await dial(address);
      client.send([], bound);
      expect(await client.receive(1)).toEqual([[9]]);
      expect(lengths).toEqual([0]);
    });

    test("a burst of 10,000 leaves it answering, each with its own octets", async () => {
      const { bound } = await start([address]);
      const client = await dial(address);
      for (let at = 0; at < 10_000; at++) client.send([1, at >> 8, at & 0xff], bound);
      client.sendUntilAnswered([2, 2, 2], bound);
      await client.until((messages) => messages.some((each) => each[0] === 2));
      const burst = client.messages.filter((each) => each[0] === 1);
      expect(burst.length).toBeGreaterThan(0);
      expect(new Set(burst.map(String)).size).toBe(burst.length);
    });

    test("a reply that cannot be sent is counted and harms nobody", async () => {
      const { bound, port, counters } = await start([address]);
      const local = formatSocketAddress(bound);
      port.send(Uint8Array.of(1), { address, port: 0, local });
      port.send(Uint8Array.of(1), { address, port: 9, local: "192.0.2.1:9" });
      const client = await dial(address);
      port.send(Uint8Array.of(4), { address, port: client.port, local });
      client.send([5], bound);
      expect(await client.receive(2)).toEqual([[4], [5]]);
      expect(counters[Counter.dropped]).toBe(2);
    });

    test("closing frees the address", async () => {
      const { bound, port } = await start([address]);
      await port.close();
      const again = await openPort([bound], new Float64Array(COUNTERS.length));
      stops.push(() => again.port.close());
      expect(again.addresses).toEqual([bound]);
    });
  });

  describe(name, () => {
    test("answers from the address that was asked", async () => {
      const { addresses } = await start(["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
      const client = await dial("127.0.0.1");
      for (const [at, bound] of addresses.entries()) {
        client.send([at + 1], bound);
        await client.receive(at + 1);
      }
      expect(client.sources).toEqual(addresses);
    });

    test("sends a deferred reply from the address that was asked", async () => {
      const deferred: ReplyTo[] = [];
      const { addresses, port } = await start(["127.0.0.1", "127.0.0.2"], {
        defer: (_message, from) => deferred.push(from),
      });
      const client = await dial("127.0.0.1");
      const [, second] = addresses as [SocketAddress, SocketAddress];
      client.send([DEFER], second);
      client.send([1], second);
      await client.receive(1);
      for (const from of deferred) port.send(Uint8Array.of(7), from);
      await client.receive(2);
      expect(client.sources).toEqual([second, second]);
    });

    test("sends many deferred replies at once, each from the address that was asked", async () => {
      const { addresses, port } = await start(["127.0.0.1", "127.0.0.2"]);
      const client = await dial("127.0.0.1");
      const to = { address: "127.0.0.1", port: client.port };
      const [first, second] = addresses.map(formatSocketAddress) as [string, string];
      const locals = Array.from({ length: 150 }, (_, at) => (at < 140 || at % 2 ? first : second));
      for (const [at, local] of locals.entries()) port.send(Uint8Array.of(at), { ...to, local });
      expect(await client.receive(150)).toEqual(locals.map((_, at) => [at]));
      expect(client.sources.map(formatSocketAddress)).toEqual(locals);
    });

    test("an address in use is one error that names it, and nothing stays bound", async () => {
      const { bound } = await start(["127.0.0.1"]);
      const free = await start(["127.0.0.2"]);
      await free.port.close();
      const attempt = openPort([free.bound, bound], new Float64Array(COUNTERS.length));
      await expect(attempt).rejects.toMatchObject({
        code: "listen",
        message: expect.stringMatching(`UDP 127.0.0.1:${bound.port}: another program`),
      });
      const again = await openPort([free.bound], new Float64Array(COUNTERS.length));
      stops.push(() => again.port.close());
      expect(again.addresses).toEqual([free.bound]);
    });

    test("an address this machine does not have is an error that says so", async () => {
      const listen = [{ address: "203.0.113.77", port: 0 }];
      const attempt = openPort(listen, new Float64Array(COUNTERS.length));
      await expect(attempt).rejects.toMatchObject({
        code: "listen",
        message: expect.stringMatching("no interface of this machine has that address"),
      });
    });
  });
}

/** A client on one socket that collects what comes back. */
class TestClient {
  readonly messages: number[][] = [];
  readonly sources: SocketAddress[] = [];
  readonly port: number;
  readonly #socket: Socket;
  #changed: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on("message", (message, { address, port }: RemoteInfo) => {
      this.messages.push([...message]);
      this.sources.push({ address, port });
      this.#changed();
    });
  }

  send(octets: readonly number[], { address, port }: SocketAddress): void {
    this.#socket.send(Uint8Array.from(octets), port, address);
  }

  /** UDP may lose a datagram where a buffer is full: asks again until something with this first octet came. */
  sendUntilAnswered(octets: readonly number[], to: SocketAddress): void {
    if (this.messages.some((each) => each[0] === octets[0])) return;
    this.send(octets, to);
    setTimeout(() => this.sendUntilAnswered(octets, to), 20).unref();
  }

  async receive(count: number): Promise<readonly number[][]> {
    await this.until((messages) => messages.length >= count);
    return this.messages;
  }

  async until(isEnough: (messages: readonly number[][]) => boolean): Promise<void> {
    while (!isEnough(this.messages)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}
