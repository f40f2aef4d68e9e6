/** Zone files: records, or an error that names file, line and column; and what was read can be written and read again. */
import { equalBytes } from "../../../src/base/bytes.ts";
import { ErrorCode, WindhoverError } from "../../../src/base/errors.ts";
import { Limits } from "../../../src/base/limits.ts";
import { isMetaType } from "../../../src/wire/code-points.ts";
import { formatName, isSubdomain } from "../../../src/wire/name.ts";
import { canonicalRdata } from "../../../src/wire/rdata.ts";
import { RR_TYPES } from "../../../src/wire/rr-types.ts";
import { makeRRset } from "../../../src/zone/rrset.ts";
import { parseZoneFile, type ZoneRecord } from "../../../src/zone/zone-file.ts";
import { formatRRset } from "../../../src/zone/zone-file-writer.ts";
import { ORIGIN, ZONE_TEXT } from "../hostile-zone.ts";
import { Random, seedOf } from "../random.ts";
import { sampleRdata } from "../seed-messages.ts";
import { type FuzzTarget, must } from "../target.ts";

/** Records looked at of one file: a line of $GENERATE makes a million. */
const RECORDS = 400;

const INCLUDED: Readonly<Record<string, string>> = {
  "inc.zone": "inc 60 IN A 192.0.2.7\n",
  "self.zone": "$INCLUDE self.zone\n",
  "broken.zone": "broken IN A (\n",
};

const DIRECTIVES = [
  "$ORIGIN sub.dyn.example.com.",
  "$ORIGIN other.example.",
  "$TTL 1h30m",
  "$TTL 2147483648",
  "$INCLUDE inc.zone",
  "$INCLUDE inc.zone deeper",
  "$INCLUDE self.zone",
  "$INCLUDE broken.zone",
  "$INCLUDE /etc/passwd",
  "$GENERATE 1-3 h$ A 192.0.2.$",
  `$GENERATE 0-4000000000 h$\{0,3,d} A 192.0.2.1`,
  "$GENERATE 5-1 x$ A 192.0.2.1",
  `$GENERATE 1-3/0 x$\{-5,60,x} TXT $`,
  "$NOSUCH",
];

const WORDS = [
  "@",
  "*",
  ".",
  "..",
  "(",
  ")",
  '"',
  ";",
  "\\",
  "\\256",
  "\\000",
  "\\#",
  "\\# 4 c0000201",
  "\\# 65535 00",
  "\\# 4294967296 00",
  "IN",
  "CH",
  "ANY",
  "0",
  "-1",
  "2147483647",
  "4294967296",
  "1w2d3h4m5s",
  "TYPE65280",
  "TYPE0",
  "TYPE65536",
  "SOA",
  "OPT",
  "TSIG",
  "AXFR",
  "\n",
  "\r\n",
  "\t",
  "\u0000",
  "ÿ",
  `${"a".repeat(64)}.`,
  `${"a.".repeat(128)}`,
  "9".repeat(400),
];

function lineOf(rrtype: number, seed: number): Uint8Array {
  const rrset = makeRRset(ORIGIN, rrtype, 60, [sampleRdata(rrtype, seed)]);
  return Buffer.from([...formatRRset(rrset)].join(""));
}

export const zoneFileTarget: FuzzTarget = {
  name: "zone-file",
  seeds: [
    Buffer.from(ZONE_TEXT),
    ...RR_TYPES.flatMap(({ rrtype }) => [1, 2, 3].map((seed) => lineOf(rrtype, seed))),
  ],
  mutate: mutateText,
  check(input) {
    const whole = readZone([input]);
    const random = new Random(seedOf(input));
    const cuts: Uint8Array[] = [];
    for (let at = 0; at < input.length; ) {
      const next = at + 1 + random.below(random.pick([1, 5, 60, 4000]));
      cuts.push(input.slice(at, next));
      at = next;
    }
    const pieces = readZone(cuts);
    must(pieces.problem === whole.problem, `in pieces: ${pieces.problem}; whole: ${whole.problem}`);
    must(pieces.records.length === whole.records.length, "in pieces it has other records");
    for (const record of whole.records) checkRecord(record);
  },
};

function readZone(chunks: readonly Uint8Array[]): { records: ZoneRecord[]; problem: string } {
  const records: ZoneRecord[] = [];
  const readFile = (path: string) => {
    const text = INCLUDED[path.split("/").at(-1) as string];
    if (text === undefined) throw new Error(`ENOENT: ${path}`);
    return [Buffer.from(text)];
  };
  try {
    for (const record of parseZoneFile({ chunks, file: "fuzz.zone", origin: ORIGIN, readFile })) {
      records.push(record);
      if (records.length === RECORDS) break;
    }
  } catch (error) {
    if (!(error instanceof WindhoverError) || error.code !== ErrorCode.badZoneFile) throw error;
    must(/^[^:]+:\d+:\d+: ./.test(error.message), `it says no place: ${error.message}`);
    return { records, problem: error.message };
  }
  return { records, problem: "" };
}

function checkRecord({ owner, ttl, rrtype, rdata }: ZoneRecord): void {
  must(isSubdomain(owner, ORIGIN), `${formatName(owner)} is outside the zone`);
  must(ttl >= 0 && ttl <= Limits.ttl && !isMetaType(rrtype), `TTL ${ttl}, type ${rrtype}`);
  must(equalBytes(canonicalRdata(rrtype, rdata), rdata), "its rdata is not canonical");
  const text = [...formatRRset(makeRRset(owner, rrtype, ttl, [rdata]))].join("");
  const { records, problem } = readZone([Buffer.from(text)]);
  const again = records[0];
  const isSame =
    again !== undefined &&
    records.length === 1 &&
    again.ttl === ttl &&
    again.rrtype === rrtype &&
    equalBytes(again.owner, owner) &&
    equalBytes(again.rdata, rdata);
  must(isSame, `written as ${text.trim()} it is read otherwise: ${problem}`);
}

function mutateText(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  if (random.oneIn(40)) return random.octets(random.below(400));
  const from = Buffer.from(random.pick(seeds)).toString("latin1");
  let lines = from.split("\n");
  if (lines.length > 8 && !random.oneIn(4)) {
    const start = random.below(lines.length - 4);
    lines = lines.slice(start, start + 1 + random.below(5));
  }
  for (let left = random.below(5); left > 0; left--) {
    const at = random.below(lines.length + 1);
    if (random.oneIn(3)) lines.splice(at, 0, random.pick(DIRECTIVES));
    else
      lines[random.below(lines.length)] = mutateLine(
        random,
        lines[random.below(lines.length)] ?? "",
      );
  }
  const bytes = Buffer.from(lines.join("\n"), "latin1");
  if (bytes.length > 0 && random.oneIn(3))
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return new Uint8Array(bytes);
}

function mutateLine(random: Random, line: string): string {
  const words = line.split(" ");
  // Mostly in the rdata: what stands before it is the same for all types.
  const last = words.length - 1 - random.below(Math.min(words.length, 4));
  const at = random.oneIn(3) ? random.below(words.length) : last;
  const how = random.below(5);
  if (how === 0) words.splice(at, 1);
  else if (how === 1) words[at] = random.pick(WORDS);
  else if (how === 2) words.splice(at, 0, random.pick(WORDS));
  else if (how === 3) words.splice(at, 0, ...words.slice(0, random.below(words.length)));
  else words[at] = (words[at] as string).slice(0, random.below(20)) + random.pick(WORDS);
  return words.join(" ");
}
