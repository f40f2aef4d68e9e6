/**
 * A response without what servers may choose freely: ID, compression, the order of RRs, options of the OPT. Sections
 * are sorted sets of RRs as text.
 */
import { HeaderFlag, Type } from "../../src/wire/code-points.ts";
import { type Edns, recordEdns } from "../../src/wire/edns.ts";
import { type Message, type ResourceRecord, readMessage } from "../../src/wire/message.ts";
import { formatName, isSubdomain, type Name, nameKey } from "../../src/wire/name.ts";
import { formatRdata } from "../../src/wire/rdata.ts";
import { className, typeName } from "../../src/wire/rr-types.ts";

export interface Reply {
  readonly kind: "reply";
  readonly opcode: number;
  /** With the upper bits of the OPT. */
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  /** RD, RA, Z and AD. */
  readonly otherFlags: number;
  readonly hasCd: boolean;
  /** Name in the case it came in, type and class, as hex digits. */
  readonly question: string;
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  /** Addresses of name servers below the cut of a referral: it is useless without them (RFC 9471 §3.1). */
  readonly glue: readonly string[];
  readonly additional: readonly string[];
  readonly edns: Edns | undefined;
  readonly length: number;
  /** Whether an RR stands twice in a section (RFC 2181 §5). */
  readonly hasDuplicates: boolean;
}

export type NormalForm =
  | Reply
  | { readonly kind: "silence" }
  | { readonly kind: "unreadable"; readonly problem: string };

/** `origins` are the keys of the zones that the servers have. */
export function normalForm(
  bytes: Uint8Array | undefined,
  origins: ReadonlySet<string>,
): NormalForm {
  if (bytes === undefined) return { kind: "silence" };
  try {
    return normalReply(readMessage(bytes), bytes.length, origins);
  } catch (error) {
    return { kind: "unreadable", problem: (error as Error).message };
  }
}

const OTHER_FLAGS = HeaderFlag.rd | HeaderFlag.ra | HeaderFlag.z | HeaderFlag.ad;

function normalReply(message: Message, length: number, origins: ReadonlySet<string>): Reply {
  const opts = message.additionals.filter(({ rrtype }) => rrtype === Type.OPT);
  if (opts.length > 1) throw new Error("more than one OPT");
  const edns = opts[0] === undefined ? undefined : recordEdns(opts[0]);
  const others = message.additionals.filter(({ rrtype }) => rrtype !== Type.OPT);
  const isAnswered = isPositive(message, origins);
  const cut = isAnswered ? undefined : referralCut(message);
  const isGlue = ({ owner }: ResourceRecord) => cut !== undefined && isSubdomain(owner, cut);
  return {
    kind: "reply",
    opcode: message.opcode,
    rcode: message.rcode | ((edns?.extendedRcode ?? 0) << 4),
    isAuthoritative: (message.flags & HeaderFlag.aa) !== 0,
    isTruncated: (message.flags & HeaderFlag.tc) !== 0,
    otherFlags: message.flags & OTHER_FLAGS,
    hasCd: (message.flags & HeaderFlag.cd) !== 0,
    question: message.questions
      .map(({ wireName, qtype, qclass }) => `${hex(wireName)}/${qtype}/${qclass}`)
      .join(" "),
    answer: sorted(message.answers),
    authority: sorted(isAnswered ? withoutNs(message.authorities) : message.authorities),
    glue: sorted(others.filter(isGlue)),
    additional: sorted(others.filter((record) => !isGlue(record))),
    edns,
    length,
    hasDuplicates: [message.answers, message.authorities, others].some(
      (section) => sorted(section).length < section.length,
    ),
  };
}

/**
 * Whether the NS RRset in authority is an extra of some servers: that of the answering zone beside an answer. An alias
 * into a delegation has an answer and a referral, whose NS RRset is owned by no origin.
 */
function isPositive({ answers, authorities }: Message, origins: ReadonlySet<string>): boolean {
  return (
    answers.length > 0 &&
    authorities.every(({ rrtype, owner }) => rrtype === Type.NS && origins.has(nameKey(owner)))
  );
}

function withoutNs(records: readonly ResourceRecord[]): ResourceRecord[] {
  return records.filter(({ rrtype }) => rrtype !== Type.NS);
}

/** The owner of the NS RRset of a referral. */
function referralCut({ authorities }: Message): Name | undefined {
  if (authorities.some(({ rrtype }) => rrtype === Type.SOA)) return undefined;
  return authorities.find(({ rrtype }) => rrtype === Type.NS)?.owner;
}

function sorted(records: readonly ResourceRecord[]): string[] {
  return [...new Set(records.map(recordText))].sort();
}

function recordText({ owner, ttl, class: rrclass, rrtype, rdata }: ResourceRecord): string {
  const text = rrclass === 1 ? formatRdata(rrtype, rdata) : hex(rdata);
  return `${formatName(owner)} ${ttl} ${className(rrclass)} ${typeName(rrtype)} ${text}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
