/**
 * Questions that an answer of ours leads to, where no peer gives the whole of it: what we said must be what we say to
 * them, and that is judged by the peers like any other answer.
 */
import { formatName, type Name } from "../../src/wire/name.ts";
import type { Reply } from "./normal-form.ts";
import type { Question } from "./question-generator.ts";

/** The answer in question, and the part of it that the answer to the next question has not. */
export interface Continuation {
  readonly ours: Reply;
  readonly prefix: readonly string[];
}

/** What is asked instead; the rest of the question stays as it was. */
export interface Instead {
  readonly qname?: Name;
  readonly qtype?: number;
}

export function askInstead(
  question: Question,
  number: number,
  { qname, qtype = question.qtype }: Instead,
  continues: Continuation,
): Question {
  const { bytes } = question;
  const end = nameEnd(bytes, HEADER_LENGTH);
  const name = qname ?? bytes.subarray(HEADER_LENGTH, end);
  const type = Uint8Array.of(qtype >> 8, qtype);
  const parts = [bytes.subarray(0, HEADER_LENGTH), name, type, bytes.subarray(end + 2)];
  return {
    ...question,
    number,
    bytes: new Uint8Array(Buffer.concat(parts)),
    qname: qname === undefined ? question.qname : formatName(qname),
    qtype,
    continues,
  };
}

const HEADER_LENGTH = 12;

/** The octet after the uncompressed name at `at`. */
function nameEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] !== 0) end += (bytes[end] as number) + 1;
  return end + 1;
}

/** Whether the answer that led here was its prefix and then what is said now. */
export function isContinued({ ours: whole, prefix }: Continuation, alone: Reply): boolean {
  const rest = whole.answer.filter((each) => !alone.answer.includes(each));
  return (
    whole.rcode === alone.rcode &&
    alone.answer.every((each) => whole.answer.includes(each)) &&
    rest.every((each) => prefix.includes(each)) &&
    whole.authority.join() === alone.authority.join() &&
    whole.glue.join() === alone.glue.join()
  );
}
