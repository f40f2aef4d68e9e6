import { MessageChannel } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import type { AnswerSettings } from "../answer/answer-settings.ts";
import { Transport } from "../answer/client.ts";
import { COUNTERS, Counter } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import { packBatch, unpackBatch } from "./datagram-batch.ts";
import type { DatagramPort, DatagramReceiver, ReplyTo } from "./datagram-port.ts";
import { DeferredCount } from "./deferred-count.ts";
import { type FromWorker, runUdpRelay, type ToWorker } from "./udp-relay.ts";

const closes: (() => void)[] = [];
afterEach(() => {
  for (const close of closes.splice(0)) close();
});

const CLIENT = { transport: Transport.udp, address: "192.0.2.1", port: 4321 };

/** A port in memory, and the main thread's end of the link. */
function startRelay() {
  let receiver: DatagramReceiver | undefined;
  let isClosed = false;
  const sent: [number[], ReplyTo][] = [];
  const port: DatagramPort = {
    run: (each) => {
      receiver = each;
    },
    send: (bytes, to) => sent.push([[...bytes], to]),
    close: async () => {
      isClosed = true;
    },
  };
  const { port1: main, port2: link } = new MessageChannel();
  closes.push(() => main.close());
  const counters = new Float64Array(COUNTERS.length);
  const makeAnswer =
    ({ udpPayload }: AnswerSettings) =>
    () =>
      udpPayload;
  const deferred = new DeferredCount();
  runUdpRelay({ port, settings: { udpPayload: 512 }, makeAnswer, counters, deferred, link });
  if (receiver === undefined) throw new Error("the port does not run");
  const { defer } = receiver;
  const running = receiver;
  const answer = () => running.answer(new Uint8Array(0), 0, CLIENT, new Uint8Array(0));
  return { main, defer, answer, sent, counters, deferred, isClosed: () => isClosed };
}

function nextMessage(main: ReturnType<typeof startRelay>["main"]): Promise<FromWorker> {
  return new Promise((resolve) => main.once("message", resolve));
}

const peer: ReplyTo = { address: "192.0.2.1", port: 4321, local: "127.0.0.1:53" };

test("what one turn defers crosses as one message", async () => {
  const { main, defer } = startRelay();
  defer(Uint8Array.of(1), peer);
  defer(Uint8Array.of(2, 2), { ...peer, port: 9 });
  const message = await nextMessage(main);
  if (message.kind !== "deferred") throw new Error(message.kind);
  expect(unpackBatch(message.batch)).toEqual([
    { message: Uint8Array.of(1), peer },
    { message: Uint8Array.of(2, 2), peer: { ...peer, port: 9 } },
  ]);
});

test("other settings make other answers, and the main thread is told when they do", async () => {
  const { main, answer } = startRelay();
  expect(answer()).toBe(512);
  main.postMessage({ kind: "settings", settings: { udpPayload: 1400 } } satisfies ToWorker);
  expect(await nextMessage(main)).toEqual({ kind: "changed" });
  expect(answer()).toBe(1400);
});

test("replies go out through the port", async () => {
  const { main, sent } = startRelay();
  const batch = packBatch([{ message: Uint8Array.of(7, 8), peer }]);
  main.postMessage({ kind: "replies", batch } satisfies ToWorker);
  while (sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toEqual([[[7, 8], peer]]);
});

test("past the bound datagrams are dropped until the main thread has settled some", () => {
  const { defer, counters, deferred } = startRelay();
  for (let at = 0; at < Limits.deferredDatagrams; at++) defer(Uint8Array.of(1), peer);
  expect(counters[Counter.dropped]).toBe(0);
  defer(Uint8Array.of(2), peer);
  expect(counters[Counter.dropped]).toBe(1);
  deferred.settle();
  defer(Uint8Array.of(3), peer);
  expect(counters[Counter.dropped]).toBe(1);
  defer(Uint8Array.of(4), peer);
  expect(counters[Counter.dropped]).toBe(2);
});

test("on close the port is closed, then the link", async () => {
  const { main, isClosed } = startRelay();
  const closed = new Promise((resolve) => main.once("close", resolve));
  main.postMessage({ kind: "close" } satisfies ToWorker);
  await closed;
  expect(isClosed()).toBe(true);
});
