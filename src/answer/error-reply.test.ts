import { expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { EdnsOption, ExtendedError, Opcode, Rcode, Type } from "../wire/code-points.ts";
import { readExtendedError, recordEdns } from "../wire/edns.ts";
import { makeQuery, readMessage, writeMessage } from "../wire/message.ts";
import { parseName } from "../wire/name.ts";
import { ERROR_REPLY_LENGTH, writeErrorReply } from "./error-reply.ts";

const why = { rcode: Rcode.refused, infoCode: ExtendedError.notSupported, text: "not here" };
const name = parseName("Zone.example.");

function reply(message: Uint8Array, rejection = why): Uint8Array {
  const response = new Uint8Array(ERROR_REPLY_LENGTH);
  return response.slice(0, writeErrorReply(message, message.length, rejection, response));
}

function notify(additionals: Parameters<typeof writeMessage>[0]["additionals"] = []): Uint8Array {
  const buffer = new Uint8Array(Limits.messageLength);
  const head = makeQuery({ id: 5, name, qtype: Type.SOA });
  return buffer.slice(
    0,
    writeMessage({ ...head, opcode: Opcode.notify, flags: 0x0500, additionals }, buffer),
  );
}

const opt = {
  owner: parseName("."),
  rrtype: Type.OPT,
  class: 1232,
  ttl: 0,
  rdata: new Uint8Array(0),
};

test("repeats id, opcode, RD and question, and nothing else that was asked", () => {
  expect(readMessage(reply(notify()))).toEqual({
    id: 5,
    flags: 0x8100,
    opcode: Opcode.notify,
    rcode: Rcode.refused,
    questions: readMessage(notify()).questions,
    answers: [],
    authorities: [],
    additionals: [],
  });
});

test("says why to a client that uses EDNS", () => {
  const [record] = readMessage(reply(notify([opt]))).additionals;
  if (record === undefined) throw new Error("no OPT");
  const [option] = recordEdns(record).options;
  expect(option?.code).toBe(EdnsOption.extendedError);
  const said = readExtendedError(option?.bytes ?? new Uint8Array(0));
  expect(said).toEqual({ infoCode: ExtendedError.notSupported, text: "not here" });
});

test("a question that cannot be read is not repeated", () => {
  const message = notify().slice(0, 14);
  expect([...reply(message)]).toEqual([0, 5, 0xa1, Rcode.refused, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("nor one whose name is a pointer, which the reply could not be read by", () => {
  const message = Uint8Array.of(...notify().slice(0, 12), 0xc0, 12, 0, 6, 0, 1);
  expect([...reply(message)]).toEqual([0, 5, 0xa1, Rcode.refused, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("the longest question and text fit the promised length", () => {
  const label = `${"a".repeat(63)}.`;
  const longest = parseName(`${label}${label}${label}${"b".repeat(61)}.`);
  const buffer = new Uint8Array(Limits.messageLength);
  const head = makeQuery({ id: 5, name: longest, qtype: Type.SOA });
  const length = writeMessage({ ...head, additionals: [opt] }, buffer);
  const text = "t".repeat(Limits.extendedErrorText + 1);
  expect(reply(buffer.slice(0, length), { ...why, text }).length).toBe(ERROR_REPLY_LENGTH);
});
