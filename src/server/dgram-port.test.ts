import { expect, test } from "vitest";
import { describeDatagramPort } from "../../test/server/datagram-port.conformance.ts";
import { COUNTERS } from "../base/counters.ts";
import { openDgramPort } from "./dgram-port.ts";

describeDatagramPort("node:dgram", (listen, counters) =>
  openDgramPort(
    listen.map((each) => ({ ...each, isOptional: false })),
    counters,
  ),
);

const newRow = () => new Float64Array(COUNTERS.length);

test("an optional address that is gone is done without", async () => {
  const gone = { address: "203.0.113.77", port: 0, isOptional: true };
  const here = { address: "127.0.0.1", port: 0, isOptional: true };
  const { port, addresses, skipped } = await openDgramPort([gone, here], newRow());
  await port.close();
  expect(addresses.map(({ address }) => address)).toEqual(["127.0.0.1"]);
  expect(skipped).toEqual([gone]);
});

test("optional addresses that are all gone are an error", async () => {
  const gone = { address: "203.0.113.77", port: 0, isOptional: true };
  await expect(openDgramPort([gone], newRow())).rejects.toMatchObject({ code: "listen" });
});
