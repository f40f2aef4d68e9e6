/**
 * Messages: read whole, or refused as malformed; and answered by `answerQuery` on every transport without a throw, an
 * octet past the buffer, a look past the message's end, or a word to an answer.
 */
import { Deferred } from "../../../src/answer/deferred.ts";
import { toHex } from "../../../src/base/bytes.ts";
import { ErrorCode, WindhoverError } from "../../../src/base/errors.ts";
import { Limits } from "../../../src/base/limits.ts";
import { type Message, readMessage, writeMessage } from "../../../src/wire/message.ts";
import { WriterFull } from "../../../src/wire/writer.ts";
import { clientOf, startAnswering } from "../../scenarios/scenario-server.ts";
import { ORIGIN, ZONE_TEXT } from "../hostile-zone.ts";
import { mutatePacket } from "../packet-mutator.ts";
import { messageSeeds } from "../seed-messages.ts";
import { type FuzzTarget, must } from "../target.ts";
import { checkResponse, isAnswerable } from "./check-response.ts";

const SENTINEL = 0xa5;
const GUARD = 64;
/** Room of a response: UDP as the server has it, the least of UDP, a whole stream message. */
const ROOMS = [
  ["udp", Limits.udpResponse],
  ["udp", Limits.udpPayload],
  ["tcp", Limits.messageLength],
  ["tls", Limits.messageLength],
] as const;
const DEFERRED: readonly number[] = Object.values(Deferred);

const { answer } = startAnswering([{ origin: ORIGIN, text: ZONE_TEXT }]);
const backing = new Uint8Array(Limits.messageLength + GUARD);

export const messageTarget: FuzzTarget = {
  name: "message",
  seeds: messageSeeds(),
  mutate: mutatePacket,
  check(input) {
    checkReading(input);
    checkAnswering(input);
  },
};

/** What can be read can be written, and says the same when it is read again. */
function checkReading(input: Uint8Array): void {
  let message: Message;
  try {
    message = readMessage(input);
  } catch (error) {
    const isExpected =
      error instanceof WindhoverError &&
      (error.code === ErrorCode.badMessage || error.code === ErrorCode.badRdata);
    if (!isExpected) throw error;
    return;
  }
  const written = write(message);
  if (written === undefined) return;
  const again = write(readMessage(written));
  must(
    again !== undefined && toHex(again) === toHex(written),
    "written anew it says another thing",
  );
}

/** Undefined when names that were compressed where we must not compress make it too long. */
function write(message: Message): Uint8Array | undefined {
  const buffer = new Uint8Array(Limits.messageLength);
  try {
    return buffer.slice(0, writeMessage(message, buffer));
  } catch (error) {
    if (error instanceof WriterFull) return undefined;
    throw error;
  }
}

function checkAnswering(input: Uint8Array): void {
  const padded = new Uint8Array(input.length + GUARD).fill(0xff);
  padded.set(input);
  for (const [transport, room] of ROOMS) {
    const client = clientOf(transport);
    backing.fill(SENTINEL, room, room + GUARD);
    const length = answer(padded, input.length, client, backing.subarray(0, room));
    const response = backing.slice(0, Math.max(length, 0));
    must(length <= room, `the response has ${length} octets, its buffer ${room}`);
    must(
      backing.subarray(room, room + GUARD).every((octet) => octet === SENTINEL),
      "it wrote past its buffer",
    );
    must(toHex(padded.subarray(0, input.length)) === toHex(input), "it changed the query");
    must(isAnswerable(input) === (length !== 0), `it answered with ${length}`);
    must(length >= 0 || DEFERRED.includes(length), `it returned ${length}`);
    if (length > 0) checkResponse(input, response);
    if (transport === "udp") must(length <= Limits.ednsPayload, `${length} octets over UDP`);
    const alone = answer(input, input.length, client, backing.subarray(0, room));
    const same =
      alone === length && toHex(backing.subarray(0, Math.max(alone, 0))) === toHex(response);
    must(same, "what stands behind the message makes a difference");
  }
}
