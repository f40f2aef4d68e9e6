/** Messages to start from: golden packets of other programs, and queries and updates of every type made here. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Class, HeaderFlag, Opcode, Type } from "../../src/wire/code-points.ts";
import {
  type Message,
  makeQuery,
  type ResourceRecord,
  writeMessage,
} from "../../src/wire/message.ts";
import { type Name, parseName, ROOT } from "../../src/wire/name.ts";
import { canonicalRdata } from "../../src/wire/rdata.ts";
import { RR_TYPES } from "../../src/wire/rr-types.ts";
import { signTsig, type TsigKey } from "../../src/wire/tsig.ts";
import { type Packet, parsePacket } from "../golden/packet-file.ts";
import { PROJECT_ROOT } from "../project-root.ts";
import { arbitraryRdata } from "../rdata-arbitrary.ts";
import { FUZZ_KEY, NOW_SECONDS, ORIGIN } from "./hostile-zone.ts";

const NO_OCTETS = new Uint8Array(0);
const GOLDEN = join(PROJECT_ROOT, "test/golden");

export function goldenPackets(): Packet[] {
  return readdirSync(GOLDEN)
    .filter((file) => file.endsWith(".packet"))
    .sort()
    .map((file) => parsePacket(file, readFileSync(join(GOLDEN, file), "utf8")));
}

export function write(message: Message): Uint8Array {
  const buffer = new Uint8Array(65_535);
  return buffer.slice(0, writeMessage(message, buffer));
}

export function sign(
  message: Uint8Array,
  nowSeconds: number = NOW_SECONDS,
  key: TsigKey = FUZZ_KEY,
): Uint8Array {
  const buffer = new Uint8Array(message.length + 400);
  buffer.set(message);
  return buffer.slice(0, signTsig({ message: buffer, length: message.length, key, nowSeconds }));
}

const OWNERS = [
  "@",
  "home",
  "www",
  "loop1",
  "x.wild",
  "x.alias",
  "b.old",
  "a.sub",
  "deep",
  "many",
  "no",
];

function opt(udpPayload: number, ttl: number, rdata: Uint8Array = NO_OCTETS): ResourceRecord {
  return { owner: ROOT, rrtype: Type.OPT, class: udpPayload, ttl, rdata };
}

/** NSID, a cookie, padding, keepalive and an option of nobody. */
const OPTIONS = Uint8Array.of(
  ...[0, 3, 0, 0],
  ...[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
  ...[0, 12, 0, 4, 0, 0, 0, 0],
  ...[0, 11, 0, 0],
  ...[0xfd, 0xe9, 0, 1, 7],
);

export function queries(): Uint8Array[] {
  const qtypes = [Type.A, Type.SOA, Type.TXT, Type.ANY, Type.DS, Type.AXFR, Type.IXFR, Type.HTTPS];
  const plain = OWNERS.map((owner, at) => {
    const qtype = qtypes[at % qtypes.length] as number;
    const name = parseName(owner, ORIGIN);
    return makeQuery({ id: at, name, qtype, flags: HeaderFlag.rd });
  });
  const withOpt = plain.flatMap((query) => [
    { ...query, additionals: [opt(1232, 0x8000)] },
    { ...query, additionals: [opt(4096, 0, OPTIONS)] },
  ]);
  const chaos = { ...makeQuery({ id: 1, name: parseName("version.bind"), qtype: Type.TXT }) };
  const chaosQuestion = chaos.questions.map((question) => ({ ...question, qclass: Class.ch }));
  const notify = { ...makeQuery({ id: 2, name: ORIGIN, qtype: Type.SOA }), opcode: Opcode.notify };
  return [...plain, ...withOpt, { ...chaos, questions: chaosQuestion }, notify].map(write);
}

/** The same rdata each time it is asked: the seeds of a run are those of its replay. */
export function sampleRdata(rrtype: number, seed: number): Uint8Array {
  const [sample] = fc.sample(arbitraryRdata(rrtype), { numRuns: 1, seed });
  return canonicalRdata(rrtype, sample as Uint8Array);
}

export function updateMessage(
  updates: readonly ResourceRecord[],
  prerequisites: readonly ResourceRecord[] = [],
): Uint8Array {
  const head = makeQuery({ id: 9, name: ORIGIN, qtype: Type.SOA });
  return write({ ...head, opcode: Opcode.update, answers: prerequisites, authorities: updates });
}

function record(
  owner: Name,
  rrtype: number,
  rrclass: number,
  rdata: Uint8Array = NO_OCTETS,
): ResourceRecord {
  return { owner, rrtype, class: rrclass, ttl: rrclass === Class.in ? 60 : 0, rdata };
}

/** Additions of every type of zone data, deletions and prerequisites of every form. */
export function updates(): Uint8Array[] {
  const made: Uint8Array[] = [];
  for (const { rrtype } of RR_TYPES) {
    const owner = parseName(`t${rrtype}`, ORIGIN);
    const rdatas = [1, 2, 3].map((seed) => sampleRdata(rrtype, seed * 1_000 + rrtype));
    made.push(updateMessage(rdatas.map((rdata) => record(owner, rrtype, Class.in, rdata))));
  }
  const home = parseName("home", ORIGIN);
  const www = parseName("www", ORIGIN);
  const address = Uint8Array.of(192, 0, 2, 9);
  made.push(
    updateMessage([record(home, Type.A, Class.none, Uint8Array.of(192, 0, 2, 1))]),
    updateMessage([record(home, Type.AAAA, Class.any), record(home, Type.A, Class.in, address)]),
    updateMessage([record(ORIGIN, Type.ANY, Class.any), record(www, Type.ANY, Class.any)]),
    updateMessage([record(www, Type.CNAME, Class.any)], [record(www, Type.CNAME, Class.any)]),
    updateMessage([record(home, Type.A, Class.in, address)], [record(home, Type.ANY, Class.none)]),
    updateMessage([], [{ ...record(home, Type.A, Class.in, address), ttl: 0 }]),
  );
  return made;
}

export function signedSeeds(nowSeconds: number = NOW_SECONDS): Uint8Array[] {
  const plain = [...queries().slice(0, 8), ...updates()];
  return plain.map((message) => sign(message, nowSeconds));
}

/** Everything. */
export function messageSeeds(): Uint8Array[] {
  const golden = goldenPackets().map(({ bytes }) => bytes);
  return [...golden, ...queries(), ...updates(), ...signedSeeds()];
}
