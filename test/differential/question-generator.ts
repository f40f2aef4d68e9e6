/**
 * The questions of a round, as octets: every owner and the names around it, with every kind of type; and beside plain
 * queries everything else a header, a question and an OPT can say, well formed or not.
 */

import { canonicalName, formatName, parseName, parseWireName } from "../../src/wire/name.ts";
import { parseType } from "../../src/wire/rr-types.ts";
import type { Chance } from "./chance.ts";
import type { Continuation } from "./continuation.ts";
import type { GeneratedZone } from "./zone-generator.ts";

export interface Question {
  /** Its place in the run. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly transport: "udp" | "tcp";
  /** What is special about it: differences are counted by it. */
  readonly kind: string;
  /** The qname as text, where the question has one that can be read. */
  readonly qname: string | undefined;
  readonly qtype: number;
  /** Whether it is a plain query for a type of ordinary data, which all servers answer alike. */
  readonly isOrdinary: boolean;
  /** Octets its response may have. */
  readonly limit: number;
  /** What it goes on from, when an answer has led to it. */
  readonly continues?: Continuation;
}

const COMMON = [
  "A",
  "AAAA",
  "NS",
  "SOA",
  "MX",
  "TXT",
  "CNAME",
  "DNAME",
  "DS",
  "SRV",
  "HTTPS",
  "SVCB",
  "PTR",
];
const DNSSEC = ["DNSKEY", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "CDS", "CDNSKEY"];
const META = ["TYPE0", "OPT", "TKEY", "TSIG", "MAILB", "MAILA", "TYPE128", "TYPE200", "TYPE65535"];
const RARE = [
  "TYPE65280",
  "TYPE1234",
  "TYPE65534",
  "CAA",
  "LOC",
  "NAPTR",
  "HINFO",
  "SPF",
  "TLSA",
  "TYPE999",
];
const ORDINARY: ReadonlySet<number> = new Set(COMMON.map((text) => parseType(text) as number));
const EXTRA_LABELS = [
  "a",
  "b",
  "c",
  "d",
  "*",
  "x",
  "any",
  "ns",
  "_tcp",
  "k".repeat(63),
  "\\000",
  "\\.",
];

type Kind = (round: Round) => Draft;

interface Round {
  readonly chance: Chance;
  readonly owners: readonly string[];
  /** Owners of the zones that every peer has. */
  readonly servedByAll: readonly string[];
}

/** A query before it is octets. */
interface Draft {
  kind: string;
  name: Uint8Array;
  qtype: number;
  qclass: number;
  opcode: number;
  flags: number;
  questions: number;
  opt: Uint8Array | undefined;
  /** Octets behind everything, or a change of the finished message. */
  finish?: (bytes: Uint8Array) => Uint8Array;
}

const SPECIAL: readonly (readonly [number, Kind])[] = [
  [60, (round) => ({ ...plain(round), kind: "edns-version", opt: makeOpt(round.chance, 1) })],
  [60, (round) => ({ ...plain(round), kind: "edns-options", opt: optWithOptions(round.chance) })],
  [30, (round) => ({ ...plain(round), kind: "edns-flags", opt: makeOpt(round.chance, 0, 0x7fff) })],
  [60, (round) => ({ ...plain(round), kind: "class-any", qclass: 255 })],
  [30, (round) => ({ ...plain(round), kind: "class-none", qclass: 254 })],
  [30, (round) => ({ ...plain(round), kind: "class-hs", qclass: 4 })],
  [30, (round) => ({ ...plain(round), kind: "class-unknown", qclass: round.chance.below(65_536) })],
  [60, chaos],
  [80, opcode],
  [30, (round) => ({ ...plain(round), kind: "qdcount-0", questions: 0 })],
  [30, (round) => ({ ...plain(round), kind: "qdcount-0-empty", questions: 0, finish: keepHeader })],
  [30, (round) => ({ ...plain(round), kind: "qdcount-2", questions: 2 })],
  [30, (round) => ({ ...plain(round), kind: "axfr-udp", qtype: 252 })],
  [20, (round) => ({ ...plain(round), kind: "qr", flags: 0x8000 })],
  [40, (round) => ({ ...plain(round), kind: "z-flag", flags: 0x0040 })],
  [40, (round) => ({ ...plain(round), kind: "aa-tc-ra", flags: 0x0680 })],
  [60, malformed],
];

export function* generateQuestions(
  chance: Chance,
  zones: readonly GeneratedZone[],
  count: number,
): Generator<Question, void, undefined> {
  const round: Round = {
    chance,
    owners: zones.flatMap((zone) => zone.owners),
    servedByAll: zones.filter((zone) => zone.refusedBy.length === 0).flatMap((zone) => zone.owners),
  };
  for (let number = 0; number < count; number++) {
    const draft = chance.is(85) ? plain(round) : chance.weighted(SPECIAL)(round);
    const isTcp = draft.kind !== "axfr-udp" && chance.is(8);
    yield {
      number,
      bytes: build(draft),
      transport: isTcp ? "tcp" : "udp",
      kind: draft.kind,
      qtype: draft.qtype,
      isOrdinary: draft.kind === "query" && ORDINARY.has(draft.qtype),
      limit: isTcp ? MESSAGE : udpLimit(draft),
      qname: draft.kind.startsWith("malformed") ? undefined : formatName(canonicalName(draft.name)),
    };
  }
}

const MESSAGE = 65_535;

/** 512 octets, or what the OPT offers, but no more than servers give. */
function udpLimit({ opt: bytes }: Draft): number {
  if (bytes === undefined) return 512;
  return Math.min(Math.max(((bytes[3] as number) << 8) | (bytes[4] as number), 512), 1232);
}

function plain({ chance, owners }: Round): Draft {
  return {
    kind: "query",
    name: mixCase(chance, makeQname(chance, owners)),
    qtype: makeQtype(chance),
    qclass: 1,
    opcode: 0,
    flags:
      (chance.is(30) ? 0x0100 : 0) | (chance.is(10) ? 0x0020 : 0) | (chance.is(10) ? 0x0010 : 0),
    questions: 1,
    opt: chance.is(60) ? makeOpt(chance, 0) : undefined,
  };
}

function makeQname(chance: Chance, owners: readonly string[]): Uint8Array {
  const owner = chance.pick(owners);
  const text = chance.weighted([
    [40, () => owner],
    [25, () => `${chance.pick(EXTRA_LABELS)}.${owner}`],
    [8, () => `${chance.pick(EXTRA_LABELS)}.${chance.pick(EXTRA_LABELS)}.${owner}`],
    [10, () => replaceAsterisk(chance, owner)],
    [8, () => withoutFirst(owner)],
    [6, () => `${chance.pick(EXTRA_LABELS)}.${withoutFirst(owner)}`],
    [2, () => `${"x.".repeat(1 + chance.below(60))}${owner}`],
    [1, () => chance.pick([".", "test.", "invalid.", "a.invalid.", "p.", "xp.test."])],
  ])();
  try {
    return parseWireName(text === "" ? "." : text);
  } catch {
    // One label too many for a name: the owner itself will do.
    return parseWireName(owner);
  }
}

function replaceAsterisk(chance: Chance, owner: string): string {
  return owner.replace(/(^|\.)\*/, (_, dot) => `${dot}${chance.pick(["x", "y.z", "a", "b.c.d"])}`);
}

/** By text: names with escaped dots are cut inside a label, which gives other odd names. */
function withoutFirst(owner: string): string {
  return owner.slice(owner.indexOf(".") + 1);
}

function mixCase(chance: Chance, name: Uint8Array): Uint8Array {
  if (chance.is(70)) return name;
  return name.map((octet) =>
    octet >= 0x61 && octet <= 0x7a && chance.is(50) ? octet - 0x20 : octet,
  );
}

function makeQtype(chance: Chance): number {
  const text = chance.weighted([
    [75, () => chance.pick(COMMON)],
    [8, () => "ANY"],
    [7, () => chance.pick(RARE)],
    [5, () => chance.pick(DNSSEC)],
    [5, () => chance.pick(META)],
  ])();
  return parseType(text) as number;
}

function makeOpt(chance: Chance, version: number, flags = 0): Uint8Array {
  const payload = chance.pick([0, 511, 512, 513, 1231, 1232, 1233, 1400, 4096, 65_535]);
  const dnssecOk = chance.is(30) ? 0x8000 : 0;
  return opt(payload, version, flags | dnssecOk, new Uint8Array(0));
}

function opt(payload: number, version: number, flags: number, options: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(11 + options.length);
  bytes.writeUInt16BE(41, 1);
  bytes.writeUInt16BE(payload, 3);
  bytes[6] = version;
  bytes.writeUInt16BE(flags, 7);
  bytes.writeUInt16BE(options.length, 9);
  bytes.set(options, 11);
  return new Uint8Array(bytes);
}

/** Options that no server knows, and those that are always allowed: padding, and NSID where none has one. */
function optWithOptions(chance: Chance): Uint8Array {
  const options = chance.some(1, 3, () => {
    const code = chance.pick([3, 12, 100, 4711, 65_001, 65_535]);
    const bytes = code === 3 ? new Uint8Array(0) : chance.octets(chance.below(20));
    const head = Buffer.alloc(4);
    head.writeUInt16BE(code, 0);
    head.writeUInt16BE(bytes.length, 2);
    return Buffer.concat([head, bytes]);
  });
  return opt(1232, 0, 0, new Uint8Array(Buffer.concat(options)));
}

function chaos(round: Round): Draft {
  const { chance } = round;
  const name = chance.pick([
    "version.bind.",
    "version.server.",
    "id.server.",
    "hostname.bind.",
    "authors.bind.",
    "bind.",
    "x.version.bind.",
    "p.test.",
    ".",
  ]);
  const qtype = chance.pick([16, 16, 16, 255, 1, 6]);
  return {
    ...plain(round),
    kind: "class-ch",
    name: mixCase(chance, parseName(name)),
    qtype,
    qclass: 3,
  };
}

/** Opcodes that ask nothing of a server; NOTIFY and UPDATE have questions of their own and tests elsewhere. */
function opcode(round: Round): Draft {
  const opcode = round.chance.pick([1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  return {
    ...plain(round),
    kind: `opcode-${opcode === 1 || opcode === 2 ? opcode : "unknown"}`,
    opcode,
  };
}

function keepHeader(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, 12);
}

const DAMAGE: readonly (readonly [string, (chance: Chance, bytes: Uint8Array) => Uint8Array])[] = [
  ["cut-name", (chance, bytes) => bytes.subarray(0, 12 + chance.below(4))],
  ["cut-question", (_, bytes) => bytes.subarray(0, questionEnd(bytes) - 1)],
  ["cut-header", (chance, bytes) => bytes.subarray(0, 2 + chance.below(10))],
  ["trailing", (chance, bytes) => joined(bytes, chance.octets(1 + chance.below(10)))],
  ["label-64", (_, bytes) => set(bytes, 12, 64)],
  ["label-type-80", (_, bytes) => set(bytes, 12, 0x80)],
  ["pointer-self", (_, bytes) => pointer(bytes, 12)],
  ["pointer-forward", (_, bytes) => pointer(bytes, 200)],
  ["pointer-header", (_, bytes) => pointer(bytes, 0)],
  ["ancount-1", (_, bytes) => set(bytes, 7, 1)],
  ["nscount-1", (_, bytes) => set(bytes, 9, 1)],
  ["arcount-9", (_, bytes) => set(bytes, 11, 9)],
  ["two-opts", (_, bytes) => twoOpts(bytes)],
  [
    "opt-owner",
    (_, bytes) =>
      withRecord(bytes, joined(Uint8Array.of(1, 0x61), opt(1232, 0, 0, new Uint8Array(0)))),
  ],
  [
    "opt-cut-option",
    (_, bytes) => withRecord(bytes, opt(1232, 0, 0, Uint8Array.of(0, 100, 0, 9, 1))),
  ],
  ["opt-cut-header", (_, bytes) => withRecord(bytes, opt(1232, 0, 0, Uint8Array.of(0, 100, 0)))],
  [
    "a-in-additional",
    (_, bytes) => withRecord(bytes, Uint8Array.of(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4)),
  ],
  ["name-256", (_, bytes) => longQuestion(bytes)],
];

function malformed(round: Round): Draft {
  const [name, damage] = round.chance.pick(DAMAGE);
  const served = { ...round, owners: round.servedByAll };
  const finish = (bytes: Uint8Array) => damage(round.chance, bytes);
  return { ...plain(served), kind: `malformed ${name}`, opt: undefined, qtype: 1, finish };
}

function build(draft: Draft): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(draft.flags | (draft.opcode << 11), 2);
  head.writeUInt16BE(draft.questions, 4);
  head.writeUInt16BE(draft.opt === undefined ? 0 : 1, 10);
  const question = Buffer.alloc(draft.name.length + 4);
  question.set(draft.name);
  question.writeUInt16BE(draft.qtype, draft.name.length);
  question.writeUInt16BE(draft.qclass, draft.name.length + 2);
  const questions = Array.from({ length: draft.questions }, () => question);
  const whole = Buffer.concat([head, ...questions, draft.opt ?? new Uint8Array(0)]);
  if (draft.kind === "qdcount-0-empty") whole[11] = 0;
  const bytes = new Uint8Array(whole);
  return draft.finish === undefined ? bytes : draft.finish(bytes);
}

function questionEnd(bytes: Uint8Array): number {
  let at = 12;
  while (bytes[at] !== 0) at += (bytes[at] as number) + 1;
  return at + 5;
}

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  bytes[at] = value;
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The question's name replaced by a pointer. */
function pointer(bytes: Uint8Array, to: number): Uint8Array {
  return joined(bytes.subarray(0, 12), Uint8Array.of(0xc0, to, 0, 1, 0, 1));
}

function withRecord(bytes: Uint8Array, record: Uint8Array): Uint8Array {
  return set(joined(bytes, record), 11, 1);
}

function twoOpts(bytes: Uint8Array): Uint8Array {
  const one = opt(1232, 0, 0, new Uint8Array(0));
  return set(joined(bytes, one, one), 11, 2);
}

/** A question of 4 labels of 63 octets and the root: 257 octets. */
function longQuestion(bytes: Uint8Array): Uint8Array {
  const label = new Uint8Array(64).fill(0x61);
  label[0] = 63;
  const name = joined(label, label, label, label, Uint8Array.of(0));
  return joined(bytes.subarray(0, 12), name, Uint8Array.of(0, 1, 0, 1));
}
