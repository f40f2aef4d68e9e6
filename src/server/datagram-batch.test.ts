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
  const posted: DatagramBatch[] = [];
  const outbox = new DatagramOutbox((batch) => posted.push(batch));
  const to = { address: "192.0.2.1", port: 1, local: "" };
  outbox.put({ message: Uint8Array.of(1), peer: to });
  outbox.put({ message: Uint8Array.of(2, 3), peer: to });
  expect(posted).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(posted.map(({ lengths }) => lengths)).toEqual([[1, 2]]);
  outbox.put({ message: Uint8Array.of(4), peer: to });
  await new Promise((resolve) => setImmediate(resolve));
  expect(posted.map(({ lengths }) => lengths)).toEqual([[1, 2], [1]]);
});
