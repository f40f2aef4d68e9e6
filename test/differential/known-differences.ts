/**
 * Answers of ours that no peer gives, on purpose. Each has a row of the same name in `docs/differences.md` that says
 * why; whatever is not here is a bug.
 */
import { Rcode, Type } from "../../src/wire/code-points.ts";
import { type Aspect, differingAspects, HABITS } from "./compare.ts";
import { askInstead } from "./continuation.ts";
import type { NormalForm, Reply } from "./normal-form.ts";
import type { Question } from "./question-generator.ts";
import type { Exchange } from "./tally.ts";

export interface KnownDifference {
  /** The row's name. */
  readonly id: string;
  applies(exchange: Exchange): boolean;
  /** What is asked next, where that can say whether such an answer is right. */
  next?(exchange: Exchange): NextQuestion | undefined;
}

/** The question, given its number. */
export type NextQuestion = (number: number) => Question;

/** A type of data that no zone has. */
const NO_SUCH_TYPE = 65_279;

/** More links of a chain than the most frugal peer follows; one that a DNAME cannot make is one too. */
const LONG_CHAIN = 5;

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    id: "any-over-tcp",
    applies: ({ question, ours, theirs }) =>
      question.qtype === Type.ANY &&
      question.transport === "tcp" &&
      ours.kind === "reply" &&
      everyReply(theirs, (reply) => isPart(reply.answer, ours.answer)),
  },
  {
    id: "long-chain",
    applies: ({ ours, theirs }) =>
      ours.kind === "reply" &&
      links(ours) + (ours.rcode === Rcode.yxDomain ? 1 : 0) > LONG_CHAIN &&
      everyReply(
        theirs,
        (reply) =>
          reply.isTruncated ||
          isPart(reply.answer, ours.answer) ||
          isPart(ours.answer, reply.answer),
      ),
  },
  {
    id: "alias-loop",
    applies: ({ ours, theirs }) =>
      ours.kind === "reply" &&
      links(ours) > 0 &&
      everyReply(
        theirs,
        (reply) => reply.rcode === Rcode.servFail && isPart(ours.answer, reply.answer),
      ),
  },
  {
    id: "tkey",
    applies: ({ question, ours }) =>
      question.qtype === Type.TKEY && ours.kind === "reply" && ours.rcode === Rcode.notImp,
  },
  {
    id: "pointer-into-header",
    applies: ({ question, ours }) =>
      question.kind === "malformed pointer-header" &&
      ours.kind === "reply" &&
      ours.rcode === Rcode.formErr,
  },
  {
    id: "class-any",
    applies: (exchange) =>
      exchange.question.kind === "class-any" && isLikeOne(exchange, ["aa", "authority"]),
  },
  {
    id: "truncation-point",
    applies: ({ question, ours, theirs }) =>
      question.transport === "udp" &&
      [...theirs.values()].some((form) =>
        differAtMostIn(ours, form, truncationAspects(ours, form)),
      ),
  },
  {
    id: "glue-from-wildcard",
    applies: ({ ours, theirs, owners }) => {
      const bind = theirs.get("BIND");
      return (
        theirs.size === 1 &&
        ours.kind === "reply" &&
        bind?.kind === "reply" &&
        differAtMostIn(ours, bind, ["glue"]) &&
        isPart(bind.glue, ours.glue) &&
        ours.glue.every((each) => bind.glue.includes(each) || isFromWildcard(each, owners))
      );
    },
  },
  {
    id: "rrsig-at-alias",
    applies: ({ question, ours }) =>
      (question.qtype === Type.RRSIG || question.qtype === Type.NSEC) &&
      ours.kind === "reply" &&
      !ours.isTruncated &&
      links(ours) > 0,
    next: ({ question, ours }) =>
      ours.kind === "reply"
        ? (number) => askInstead(question, number, { qtype: NO_SUCH_TYPE }, { ours, prefix: [] })
        : undefined,
  },
  {
    id: "across-zones",
    applies: ({ ours, theirs, crossing }) =>
      crossing !== undefined &&
      ours.kind === "reply" &&
      !ours.isTruncated &&
      [...theirs.values()].some(
        (form) => form.kind === "reply" && isPart(crossing.prefix, form.answer),
      ),
    next: ({ question, ours, crossing }) => {
      if (ours.kind !== "reply" || crossing === undefined) return undefined;
      const { target: qname, prefix } = crossing;
      return (number) => askInstead(question, number, { qname }, { ours, prefix });
    },
  },
];

/** Whether the RR has an owner that is in no zone, below a wildcard that is. */
function isFromWildcard(record: string, owners: ReadonlySet<string>): boolean {
  const owner = record.slice(0, record.indexOf(" "));
  const labels = owner.split(".");
  const isBelow = labels.some((_, at) => owners.has(`*.${labels.slice(at + 1).join(".")}`));
  return !owners.has(owner) && isBelow;
}

function everyReply(theirs: Exchange["theirs"], holds: (reply: Reply) => boolean): boolean {
  return [...theirs.values()].every((form) => form.kind === "reply" && holds(form));
}

function links(reply: Reply): number {
  return cnames(reply).length;
}

function cnames({ answer }: Reply): string[] {
  return answer.filter((each) => each.includes(" IN CNAME "));
}

function isPart(part: readonly string[], whole: readonly string[]): boolean {
  return part.every((each) => whole.includes(each));
}

/** The rcode of a chain is that of the link where room ended, when both ended there. */
function truncationAspects(ours: NormalForm, form: NormalForm): readonly Aspect[] {
  if (ours.kind !== "reply" || form.kind !== "reply") return [];
  return ours.isTruncated && form.isTruncated ? ["rcode"] : ["tc"];
}

function differAtMostIn(ours: NormalForm, form: NormalForm, aspects: readonly Aspect[]): boolean {
  return differingAspects(ours, form).every((each) => HABITS.has(each) || aspects.includes(each));
}

/** Whether Knot or NSD gave our answer but for these aspects. */
function isLikeOne({ ours, theirs }: Exchange, aspects: readonly Aspect[]): boolean {
  return (["Knot", "NSD"] as const).some((peer) => {
    const form = theirs.get(peer);
    return form !== undefined && differAtMostIn(ours, form, aspects);
  });
}
