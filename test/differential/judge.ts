/**
 * Judges our answer to a question by the peers': where a peer agrees with all of it we are in good company, where none
 * does the difference is known or a bug.
 */
import { Type } from "../../src/wire/code-points.ts";
import { differingAspects, HABITS } from "./compare.ts";
import { isContinued } from "./continuation.ts";
import { KNOWN_DIFFERENCES, type NextQuestion } from "./known-differences.ts";
import type { NormalForm, Reply } from "./normal-form.ts";
import { PEERS, type PeerName } from "./peer.ts";
import { aspectText, type Exchange, type Tally } from "./tally.ts";

/** Returns what is to be asked next, because no peer gave our whole answer. */
export function judge(exchange: Exchange, tally: Tally): NextQuestion | undefined {
  const { ours, theirs } = exchange;
  tally.questions++;
  if (ours.kind === "reply") tally.responses++;
  const aspects = [...theirs].map(([peer, form]) => [peer, differingAspects(ours, form)] as const);
  const essential = aspects.map(
    ([peer, all]) => [peer, all.filter((each) => !HABITS.has(each))] as const,
  );
  for (const [peer, all] of aspects) {
    if (all.includes("additional")) tally.count(tally.habits, habit(exchange, peer), exchange);
    if (all.includes("cd")) tally.count(tally.habits, `${peer} repeats CD`, exchange);
  }
  const unlike = essential.filter(([, all]) => all.length > 0);
  const label = unlike.map(([peer, all]) => aspectText(peer, all)).join(", ");
  const { question } = exchange;
  if (ours.kind === "reply" && ours.length > question.limit) {
    tally.count(tally.unexplained, "longer than allowed", exchange);
  } else if (ours.kind === "reply" && ours.hasDuplicates) {
    tally.count(tally.unexplained, "an RR twice", exchange);
  } else if (!isContinuation(exchange)) {
    tally.count(tally.unexplained, "not what was said in the answer that led here", exchange);
  } else if (hasStrangeAdditional(exchange)) {
    if (exchange.crossing !== undefined) return judgeAlone(exchange, tally, label);
    tally.count(tally.unexplained, "additional data that nobody else gives", exchange);
  } else if (ours.kind === "unreadable") tally.count(tally.unexplained, "unreadable", exchange);
  else if (unlike.length === 0) tally.unanimous++;
  else if (unlike.length < essential.length) {
    for (const [peer, all] of unlike) {
      tally.count(tally.peersDiffer, `${topic(exchange)} · ${aspectText(peer, all)}`, exchange);
    }
  } else return judgeAlone(exchange, tally, label);
  return undefined;
}

function judgeAlone(exchange: Exchange, tally: Tally, label: string): NextQuestion | undefined {
  const known = KNOWN_DIFFERENCES.find((each) => each.applies(exchange));
  if (known !== undefined) tally.count(tally.known, known.id, exchange);
  else
    tally.count(tally.unexplained, `${topic(exchange)} · ${label} · ${rcodes(exchange)}`, exchange);
  return known?.next?.(exchange);
}

/** Where the question goes on from an answer of ours, ours must be the rest of that. */
function isContinuation({ question: { continues }, ours }: Exchange): boolean {
  if (continues === undefined) return true;
  return ours.kind === "reply" && (ours.isTruncated || isContinued(continues, ours));
}

/**
 * Optional data may be left out, by us and by them; what we do give, somebody else should have given too. (Knot gives
 * what it makes from a wildcard under the wildcard's own name.)
 */
function hasStrangeAdditional({ ours, theirs }: Exchange): boolean {
  if (ours.kind !== "reply" || theirs.size < PEERS.length) return false;
  const given = new Set<string>();
  for (const form of theirs.values()) {
    if (form.kind !== "reply" || form.isTruncated || form.rcode !== ours.rcode) return false;
    for (const each of [...form.additional, ...form.glue]) given.add(each);
  }
  const isGiven = (each: string) => [each, ...underWildcards(each)].some((form) => given.has(form));
  return ours.additional.some((each) => !isGiven(each) && !isServiceAtOwner(ours, each));
}

/** The RR as Knot writes it when a wildcard gave it, whichever wildcard that was. */
function underWildcards(record: string): string[] {
  const labels = record.slice(0, record.indexOf(" ")).split(".");
  const rest = record.slice(record.indexOf(" "));
  return labels.map((_, at) => `*.${labels.slice(at + 1).join(".")}${rest}`);
}

/** RFC 9460 §2.5.2: the target "." is the owner. No peer looks for addresses there. */
function isServiceAtOwner({ answer }: Reply, additional: string): boolean {
  const owner = additional.slice(0, additional.indexOf(" "));
  return answer.some(
    (each) => each.startsWith(`${owner} `) && / IN (SVCB|HTTPS) [1-9]\d* \.( |$)/.test(each),
  );
}

function habit({ ours, theirs }: Exchange, peer: PeerName): string {
  const form = theirs.get(peer);
  if (ours.kind !== "reply" || form?.kind !== "reply") return peer;
  const has = (a: readonly string[], b: readonly string[]) => b.every((each) => a.includes(each));
  const isMore = has(ours.additional, form.additional);
  const isLess = has(form.additional, ours.additional);
  return `${peer} gives ${isMore ? "less" : isLess ? "more" : "other"}`;
}

/** Kinds that are answered like a plain query. */
const PLAIN: ReadonlySet<string> = new Set([
  "query",
  "edns-options",
  "edns-flags",
  "z-flag",
  "aa-tc-ra",
]);

/** What kind of question and answer this is, for grouping. */
function topic({ question, ours }: Exchange): string {
  if (!PLAIN.has(question.kind)) return question.kind;
  return `query, ${question.qtype === Type.ANY ? "ANY, " : ""}${answerKind(ours)}`;
}

function answerKind(form: NormalForm): string {
  if (form.kind !== "reply") return form.kind;
  if (form.rcode !== 0) return `rcode ${form.rcode}`;
  if (form.isTruncated) return "truncated";
  const alias = form.answer.some((each) => each.includes(" IN CNAME ")) ? "alias, " : "";
  if (form.authority.some((each) => each.includes(" IN NS "))) return `${alias}referral`;
  if (form.authority.some((each) => each.includes(" IN SOA "))) return `${alias}no data`;
  return `${alias}data`;
}

function rcodes({ ours, theirs }: Exchange): string {
  return [ours, ...theirs.values()]
    .map((form) => (form.kind === "reply" ? String(form.rcode) : form.kind))
    .join("/");
}
