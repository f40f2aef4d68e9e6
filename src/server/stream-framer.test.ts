import fc from "fast-check";
import { expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { frameMessage, StreamFramer } from "./stream-framer.ts";

function drain(framer: StreamFramer): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let next = framer.next(); next !== undefined; next = framer.next()) messages.push(next);
  return messages;
}

function chunksOf(stream: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let turn = 0;
  for (let at = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(stream.slice(at, at + size));
    at += size;
  }
  return chunks;
}

test("messages come out as they went in, whatever the chunks", () => {
  const message = fc.uint8Array({ maxLength: 600 });
  const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), sizes, (messages, chunkSizes) => {
      const stream = Buffer.concat(messages.map(frameMessage));
      const framer = new StreamFramer();
      const seen = chunksOf(new Uint8Array(stream), chunkSizes).flatMap((chunk) => {
        framer.push(chunk);
        return drain(framer);
      });
      expect(seen.map((each) => [...each])).toEqual(messages.map((each) => [...each]));
      expect(framer.isPartial).toBe(false);
    }),
  );
});

test("the longest message arrives one octet at a time", () => {
  const message = new Uint8Array(Limits.messageLength).map((_, at) => at % 251);
  const framer = new StreamFramer();
  const seen: Uint8Array[] = [];
  for (const octet of frameMessage(message)) {
    framer.push(Uint8Array.of(octet));
    seen.push(...drain(framer));
  }
  expect(seen).toEqual([message]);
});

test("a message given out stays as it is while the stream goes on", () => {
  const framer = new StreamFramer();
  framer.push(Uint8Array.of(0, 2, 7));
  framer.push(Uint8Array.of(8, 0, 2, 1));
  const first = framer.next();
  framer.push(Uint8Array.of(2, 0, 1, 9));
  expect(drain(framer)).toEqual([Uint8Array.of(1, 2), Uint8Array.of(9)]);
  expect(first).toEqual(Uint8Array.of(7, 8));
});

test("a length without its message is a message begun", () => {
  const framer = new StreamFramer();
  framer.push(Uint8Array.of(0xff, 0xff));
  expect(framer.next()).toBeUndefined();
  expect(framer.isPartial).toBe(true);
});

test("a message of 65,535 octets can be framed, one more cannot", () => {
  expect(frameMessage(new Uint8Array(Limits.messageLength)).length).toBe(65_537);
  expect(() => frameMessage(new Uint8Array(Limits.messageLength + 1))).toThrow(RangeError);
});
