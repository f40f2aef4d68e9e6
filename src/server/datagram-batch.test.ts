import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Datagram,
  type DatagramBatch,
  DatagramOutbox,
  packBatch,
  unpackBatch,
} from "./datagram-batch.ts";

const peer = fc.record({ address: fc.ipV4(), port: fc.nat(65_535), local: fc.string() });
const datagram: fc.Arbitrary<Datagram> = fc.record({
  message: fc.uint8Array({ maxLength: 100 }),
  peer,
});

test("a batch comes out of another thread as it went in", () => {
  fc.assert(
    fc.property(fc.array(datagram, { maxLength: 20 }), (datagrams) => {
      const batch = packBatch(datagrams);
      const crossed = structuredClone(batch, { transfer: [batch.octets] });
      expect(unpackBatch(crossed)).toEqual(datagrams);
    }),
  );
});

test("what one turn gathers is posted once", async () => {
  const posted: [DatagramBatch, number][] = [];
  const outbox = new DatagramOutbox((batch, settled) => posted.push([batch, settled]));
  const to = { address: "192.0.2.1", port: 1, local: "" };
  outbox.put({ message: Uint8Array.of(1), peer: to });
  outbox.settle();
  outbox.put({ message: Uint8Array.of(2, 3), peer: to });
  outbox.settle();
  outbox.settle();
  expect(posted).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(posted.map(([batch, settled]) => [batch.lengths, settled])).toEqual([[[1, 2], 3]]);
  outbox.settle();
  await new Promise((resolve) => setImmediate(resolve));
  expect(posted.map(([batch, settled]) => [batch.lengths, settled])).toEqual([
    [[1, 2], 3],
    [[], 1],
  ]);
});
