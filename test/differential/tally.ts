/** What a run has found: counts, and a few whole examples of each kind of difference. */
import type { Aspect } from "./compare.ts";
import type { Crossing } from "./crossing.ts";
import type { NormalForm, Reply } from "./normal-form.ts";
import type { PeerName, ServerName } from "./peer.ts";
import type { Question } from "./question-generator.ts";

/** One question and what each server made of it. */
export interface Exchange {
  readonly question: Question;
  readonly ours: NormalForm;
  /** Only peers that have the zones in question. */
  readonly theirs: ReadonlyMap<PeerName, NormalForm>;
  /** Where our answer leaves the zone of the question for another one. */
  readonly crossing: Crossing | undefined;
  /** Names that own something in some zone. */
  readonly owners: ReadonlySet<string>;
}

interface Category {
  count: number;
  readonly examples: string[];
}

const EXAMPLES = 4;

export class Tally {
  questions = 0;
  responses = 0;
  /** All peers that were compared gave our answer. */
  unanimous = 0;
  /** Some peer gave our answer and some did not. */
  readonly peersDiffer = new Map<string, Category>();
  /** Nobody gave our answer, and `docs/differences.md` says why. */
  readonly known = new Map<string, Category>();
  /** Nobody gave our answer. */
  readonly unexplained = new Map<string, Category>();
  /** Optional additional data that differs, by peer. */
  readonly habits = new Map<string, Category>();

  count(categories: Map<string, Category>, key: string, exchange: Exchange): void {
    const category = categories.get(key) ?? { count: 0, examples: [] };
    category.count++;
    if (category.examples.length < EXAMPLES) category.examples.push(describeExchange(exchange));
    categories.set(key, category);
  }

  /** The whole report; examples only of what nobody has explained, unless all are wanted. */
  report(withExamples: boolean): string {
    return [
      `${this.questions} questions, ${this.responses} responses of ours`,
      `${this.unanimous} answered alike by all`,
      ...table("answered as some peers do, unlike:", this.peersDiffer, withExamples),
      ...table("optional additional data unlike:", this.habits, withExamples),
      ...table("known differences:", this.known, withExamples),
      ...table("UNEXPLAINED:", this.unexplained, true),
    ].join("\n");
  }
}

function table(title: string, categories: Map<string, Category>, withExamples: boolean): string[] {
  const total = [...categories.values()].reduce((sum, { count }) => sum + count, 0);
  const rows = [...categories].sort(([, a], [, b]) => b.count - a.count);
  return [
    `${total} ${title}`,
    ...rows.flatMap(([key, { count, examples }]) => [
      `${String(count).padStart(8)}  ${key}`,
      ...(withExamples ? examples.map((each) => each.replace(/^/gm, "            ")) : []),
    ]),
  ];
}

export function describeExchange({ question, ours, theirs }: Exchange): string {
  const { number, transport, qname, kind, bytes } = question;
  const hex = Buffer.from(bytes).toString("hex");
  return [
    `#${number} ${kind} ${transport} ${qname ?? ""} ${hex.length > 200 ? `${hex.slice(0, 200)}…` : hex}`,
    ...[["Windhover", ours] as const, ...theirs].map(([name, form]) => describe(name, form)),
  ].join("\n");
}

function describe(name: ServerName, form: NormalForm): string {
  if (form.kind === "silence") return `  ${name}: silence`;
  if (form.kind === "unreadable") return `  ${name}: unreadable: ${form.problem}`;
  return `  ${name}: ${describeReply(form)}`;
}

function describeReply(reply: Reply): string {
  const head = [
    `opcode ${reply.opcode} rcode ${reply.rcode}`,
    reply.isAuthoritative ? "aa" : "",
    reply.isTruncated ? "tc" : "",
    `flags ${reply.otherFlags.toString(16)}`,
    reply.edns === undefined ? "" : `edns${reply.edns.version} ${reply.edns.udpPayload}`,
    `${reply.length} octets`,
    reply.question === "" ? "no question" : "",
  ].filter((each) => each !== "");
  const sections = (["answer", "authority", "glue", "additional"] as const).flatMap((section) =>
    shorten(reply[section]).map((each) => `      ${section.padEnd(10)} ${each}`),
  );
  return [head.join(", "), ...sections].join("\n");
}

function shorten(records: readonly string[]): string[] {
  const cut = records
    .slice(0, 6)
    .map((each) => (each.length > 150 ? `${each.slice(0, 150)}…` : each));
  return records.length > 6 ? [...cut, `… and ${records.length - 6} more`] : cut;
}

/** `NSD: answer+rcode`. */
export function aspectText(peer: PeerName, aspects: readonly Aspect[]): string {
  return `${peer}: ${aspects.length === 0 ? "same" : aspects.join("+")}`;
}
