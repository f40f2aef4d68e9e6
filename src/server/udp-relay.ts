/**
 * What a UDP worker does between its port and the main thread: answers what can be answered here, carries the rest
 * over, and sends the replies that come back. At most `Limits.deferredDatagrams` are on their way; more are dropped,
 * as a full network would, so that no flood fills the main thread's memory.
 */
import type { MessagePort } from "node:worker_threads";
import type { AnswerQuery } from "../answer/answer-query.ts";
import type { AnswerSettings } from "../answer/answer-settings.ts";
import { Counter, type CounterRow } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import type { SocketAddress } from "../base/socket-address.ts";
import { type DatagramBatch, DatagramOutbox, unpackBatch } from "./datagram-batch.ts";
import type { DatagramPort, ReplyTo } from "./datagram-port.ts";
import type { DeferredCount } from "./deferred-count.ts";

/** From a worker to the main thread. */
export type FromWorker =
  | {
      readonly kind: "listening";
      readonly addresses: readonly SocketAddress[];
      readonly skipped: readonly SocketAddress[];
    }
  /** Nothing is bound, and the worker ends. */
  | { readonly kind: "failed"; readonly problem: string }
  | { readonly kind: "deferred"; readonly batch: DatagramBatch }
  /** The settings that were sent are those of every answer from now on. */
  | { readonly kind: "changed" }
  /** Rate limiting holds back responses of this `ResponseKind`, for the first time after a quiet time. */
  | { readonly kind: "limiting"; readonly address: string; readonly responses: number };

/** From the main thread to a worker. */
export type ToWorker =
  | { readonly kind: "replies"; readonly batch: DatagramBatch }
  | { readonly kind: "settings"; readonly settings: AnswerSettings }
  | { readonly kind: "close" };

export interface RelayParts {
  readonly port: DatagramPort;
  readonly settings: AnswerSettings;
  readonly makeAnswer: (settings: AnswerSettings) => AnswerQuery;
  readonly counters: CounterRow;
  /** The main thread counts it down. */
  readonly deferred: DeferredCount;
  /** The way to the main thread. */
  readonly link: MessagePort;
}

/** Runs until the main thread says `close`; then nothing of it keeps the thread alive. */
export function runUdpRelay(parts: RelayParts): void {
  const { port, settings, makeAnswer, counters, deferred, link } = parts;
  const outbox = new DatagramOutbox((batch) => {
    link.postMessage({ kind: "deferred", batch } satisfies FromWorker, [batch.octets]);
  });
  const defer = (message: Uint8Array, peer: ReplyTo): void => {
    if (deferred.waiting >= Limits.deferredDatagrams) {
      counters[Counter.dropped]! += 1;
      return;
    }
    deferred.add();
    outbox.put({ message, peer });
  };
  const receiver = { answer: makeAnswer(settings), defer };
  link.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "replies":
        for (const reply of unpackBatch(message.batch)) port.send(reply.message, reply.peer);
        return;
      case "settings":
        receiver.answer = makeAnswer(message.settings);
        link.postMessage({ kind: "changed" } satisfies FromWorker);
        return;
      case "close":
        void port.close().then(() => link.close());
    }
  });
  port.run(receiver);
}
