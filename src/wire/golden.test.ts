import { describe, expect, it } from "vitest";
import { formatMessage } from "../../test/golden/message-text.ts";
import { readPackets } from "../../test/golden/packet-file.ts";
import { toHex } from "../base/bytes.ts";
import { readMessage, writeMessage } from "./message.ts";
import { findTsig, signTsig, verifyTsig } from "./tsig.ts";
import type { TsigRecord } from "./tsig-record.ts";

const packets = readPackets();
const named = packets.map((packet) => [packet.name, packet] as const);

function tsigOf(bytes: Uint8Array): TsigRecord | undefined {
  const search = findTsig(bytes);
  return search.status === "found" ? search.tsig : undefined;
}

describe("golden packets", () => {
  it.each(named)("%s says what it should", (_, { bytes, text }) => {
    expect(formatMessage(readMessage(bytes), tsigOf(bytes))).toBe(text);
  });

  it.each(named.filter(([, { isRewritten }]) => isRewritten))(
    "%s is written as it was read",
    (_, { bytes }) => {
      const buffer = new Uint8Array(65_535);
      const length = writeMessage(readMessage(bytes), buffer);
      expect(toHex(buffer.subarray(0, length))).toBe(toHex(bytes));
    },
  );

  it.each(named.filter(([, { isRewritten }]) => !isRewritten))(
    "%s says the same after it was written anew",
    (_, { bytes, text }) => {
      const buffer = new Uint8Array(65_535);
      const length = writeMessage(readMessage(bytes), buffer);
      const written = buffer.slice(0, length);
      expect(formatMessage(readMessage(written), tsigOf(written))).toBe(text);
    },
  );

  const signed = named.filter(([, { key }]) => key !== undefined);

  it.each(signed)("%s has a TSIG that verifies, and only whole", (_, packet) => {
    const { bytes: message, key, nowSeconds, requestMac } = packet;
    const tsig = tsigOf(message);
    if (tsig === undefined) throw new Error("there is no TSIG");
    const request = requestMac === undefined ? {} : { requestMac };
    expect(verifyTsig({ message, tsig, key, nowSeconds, ...request }).status).toBe("ok");
    const changed = message.slice();
    changed[12] = changed[12]! ^ 1;
    expect(verifyTsig({ message: changed, tsig, key, nowSeconds, ...request }).status).toBe(
      "badsig",
    );
  });

  it.each(signed)("%s has the MAC that we would have made", (_, packet) => {
    const { bytes, key, requestMac } = packet;
    const tsig = tsigOf(bytes);
    if (tsig === undefined || key === undefined) throw new Error("there is no TSIG");
    const buffer = new Uint8Array(bytes.length);
    buffer.set(bytes.subarray(0, tsig.offset));
    buffer[11] = buffer[11]! - 1;
    const signing = { message: buffer, length: tsig.offset, key, nowSeconds: tsig.timeSigned };
    const request = requestMac === undefined ? {} : { requestMac };
    expect(signTsig({ ...signing, ...request })).toBe(bytes.length);
    expect(tsigOf(buffer)?.mac).toEqual(tsig.mac);
  });
});
