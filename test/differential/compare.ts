/** In which respects two responses to one question differ. */
import type { NormalForm, Reply } from "./normal-form.ts";

/**
 * Each names what differs. "additional" is optional data, which servers add or not as they like; "cd" is a CD bit that
 * the peer repeats and we clear.
 */
export type Aspect =
  | "silence"
  | "unreadable"
  | "opcode"
  | "rcode"
  | "aa"
  | "tc"
  | "flags"
  | "cd"
  | "question"
  | "answer"
  | "authority"
  | "glue"
  | "additional"
  | "edns";

type Test = (a: Reply, b: Reply) => boolean;

const TESTS: readonly (readonly [Aspect, Test])[] = [
  ["opcode", (a, b) => a.opcode === b.opcode],
  ["rcode", (a, b) => a.rcode === b.rcode],
  ["aa", (a, b) => a.isAuthoritative === b.isAuthoritative],
  ["tc", (a, b) => a.isTruncated === b.isTruncated],
  ["flags", (a, b) => a.otherFlags === b.otherFlags && !a.hasCd],
  ["cd", (a, b) => a.hasCd === b.hasCd],
  ["question", (a, b) => a.question === b.question],
  ["edns", sameEdns],
];

/** What a truncated response holds is what had room; its whole is asked for over TCP. */
const SECTION_TESTS: readonly (readonly [Aspect, Test])[] = [
  ["answer", (a, b) => sameList(a.answer, b.answer)],
  ["authority", (a, b) => sameList(a.authority, b.authority)],
  ["glue", (a, b) => sameList(a.glue, b.glue)],
  ["additional", (a, b) => sameList(a.additional, b.additional)],
];

export function differingAspects(ours: NormalForm, theirs: NormalForm): Aspect[] {
  if (ours.kind === "silence" || theirs.kind === "silence") {
    return ours.kind === theirs.kind ? [] : ["silence"];
  }
  if (ours.kind === "unreadable" || theirs.kind === "unreadable") return ["unreadable"];
  const isCut = ours.isTruncated || theirs.isTruncated;
  const tests = isCut ? TESTS : [...TESTS, ...SECTION_TESTS];
  return tests.filter(([, isSame]) => !isSame(ours, theirs)).map(([aspect]) => aspect);
}

function sameEdns({ edns: a }: Reply, { edns: b }: Reply): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.version === b.version && a.isDnssecOk === b.isDnssecOk && a.udpPayload === b.udpPayload;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}

/** Aspects in which each server has its habit, and all of them are right. */
export const HABITS: ReadonlySet<Aspect> = new Set<Aspect>(["additional", "cd"]);
