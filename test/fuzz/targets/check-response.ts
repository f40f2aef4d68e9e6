/** What holds of every response to every message, whoever made it. */
import { toHex } from "../../../src/base/bytes.ts";
import { HEADER_LENGTH, HeaderFlag } from "../../../src/wire/code-points.ts";
import { type Message, readHeader, readMessage } from "../../../src/wire/message.ts";
import { questionSectionEnd } from "../../../src/wire/message-walk.ts";
import { must } from "../target.ts";

/** Whether a message may be answered at all: it has a header, and is no answer itself (RFC 1035 §4.1.1). */
export function isAnswerable(message: Uint8Array): boolean {
  return message.length >= HEADER_LENGTH && ((message[2] as number) & 0x80) === 0;
}

/** Well formed to the last octet, an answer, and an answer to this message. Returns it read. */
export function checkResponse(message: Uint8Array, response: Uint8Array): Message {
  must(isAnswerable(message), "an answer, or less than a header, was answered");
  const read = readResponse(response);
  const asked = readHeader(message);
  must(read.id === asked.id, `the ID is ${read.id}, not ${asked.id}`);
  must((read.flags & HeaderFlag.qr) !== 0, "the response is no answer");
  must(read.opcode === asked.opcode, `the opcode is ${read.opcode}, not ${asked.opcode}`);
  must(read.questions.length <= 1, "the response has several questions");
  if (read.questions.length === 1) {
    const end = questionSectionEnd(response, response.length);
    const echoed = toHex(response.subarray(HEADER_LENGTH, end));
    must(toHex(message.subarray(HEADER_LENGTH, end)) === echoed, "it is another question");
  }
  return read;
}

function readResponse(response: Uint8Array): Message {
  try {
    return readMessage(response);
  } catch (error) {
    throw new Error(`the response is malformed: ${toHex(response)}`, { cause: error });
  }
}
