/** What the generated zones are made of: each function adds one kind of construct, with random names and details. */
import { ROOT } from "../../src/wire/name.ts";
import { parseRdata } from "../../src/wire/rdata.ts";
import { parseType } from "../../src/wire/rr-types.ts";
import { tokenize } from "../../src/wire/token.ts";
import type { Chance } from "./chance.ts";
import type { ZoneDraft } from "./zone-draft.ts";

/** Where constructs are put, and which names they may point to. */
export interface Ground {
  readonly chance: Chance;
  readonly zone: ZoneDraft;
  /** A name of any of the zones, or outside them. */
  readonly anyName: () => string;
}

const LABELS = ["a", "b", "c", "d", "*"];
const TTLS = [0, 1, 59, 60, 61, 300, 3600, 86_400, 604_800, 2_147_483_647];
const DS = `12345 8 2 ${"0123456789ABCDEF".repeat(4)}`;

export function randomTtl(chance: Chance): number {
  return chance.pick(TTLS);
}

export function randomOwner(chance: Chance): string {
  return chance.some(1, 4, () => chance.pick(LABELS)).join(".");
}

function ipv4(chance: Chance): string {
  return `192.0.2.${chance.below(256)}`;
}

function ipv6(chance: Chance): string {
  return `2001:db8::${(1 + chance.below(0xfffe)).toString(16)}`;
}

/** Owners of a small alphabet, four labels deep, so that every pair of constructs meets sooner or later. */
export function addDense({ chance, zone, anyName }: Ground): void {
  for (let left = 6 + chance.below(20); left > 0; left--) {
    const owner = chance.is(6) ? "@" : randomOwner(chance);
    const ttl = randomTtl(chance);
    const kind = chance.weighted([
      [3, "CNAME"],
      [1, "DNAME"],
      [2, "NS"],
      [1, "addresses"],
      [6, "data"],
    ] as const);
    // At the apex none of these can stand, or BIND would find the name servers missing.
    if (owner === "@") addSomeData({ chance, zone, anyName }, owner);
    else if (kind === "CNAME" || kind === "DNAME") zone.add(owner, ttl, kind, anyName());
    else if (kind === "NS") addDelegation({ chance, zone, anyName }, owner);
    else if (kind === "addresses") addAddresses({ chance, zone, anyName }, owner);
    else addSomeData({ chance, zone, anyName }, owner);
  }
}

function addAddresses({ chance, zone }: Ground, owner: string): void {
  const ttl = randomTtl(chance);
  if (chance.is(80)) zone.add(owner, ttl, "A", ipv4(chance));
  if (chance.is(20)) zone.add(owner, ttl, "A", ipv4(chance));
  if (chance.is(60)) zone.add(owner, randomTtl(chance), "AAAA", ipv6(chance));
}

function addSomeData({ chance, zone, anyName }: Ground, owner: string): void {
  const kinds: readonly (readonly [string, () => string])[] = [
    ["A", () => ipv4(chance)],
    ["AAAA", () => ipv6(chance)],
    ["TXT", () => `"t${chance.below(10)}"`],
    ["MX", () => `${chance.below(3)} ${anyName()}`],
    ["SRV", () => `0 ${chance.below(3)} 53 ${anyName()}`],
    ["PTR", () => anyName()],
    ["SVCB", () => (chance.is(30) ? "1 ." : `1 ${anyName()}`)],
    ["HTTPS", () => (chance.is(30) ? "0 ." : `1 ${anyName()} alpn=h2`)],
    ["DS", () => DS],
    ["TYPE65280", () => `\\# 2 ${chance.below(65_536).toString(16).padStart(4, "0")}`],
  ];
  for (let left = 1 + chance.below(3); left > 0; left--) {
    const [rrtype, rdata] = chance.pick(kinds);
    const ttl = randomTtl(chance);
    for (const each of chance.some(1, 3, rdata)) zone.add(owner, ttl, rrtype, each);
  }
}

/** A cut with name servers in it, at it, beside it, elsewhere; with and without glue; with what a cut occludes. */
export function addDelegation(ground: Ground, owner = `cut${ground.chance.below(4)}`): void {
  const { chance, zone, anyName } = ground;
  const cut = chance.is(20) ? `${owner}.${randomOwner(chance)}` : owner;
  const ttl = randomTtl(chance);
  for (const kind of chance.some(1, 4, () => chance.below(6))) {
    const server = [`ns${kind}.${cut}`, cut, `ns.x.${cut}`, `ns${kind}`, "", ""][kind] as string;
    const target = server === "" ? anyName() : `${server}.${zone.origin}`;
    if (!zone.add(cut, ttl, "NS", target)) return;
    if (server !== "" && chance.is(75)) addAddresses(ground, server);
  }
  if (chance.is(40)) zone.add(cut, randomTtl(chance), "DS", DS);
  if (chance.is(30)) addSomeData(ground, cut);
  if (chance.is(30)) addSomeData(ground, `${chance.pick(LABELS)}.${cut}`);
  if (chance.is(15)) zone.add(`alias.${cut}`, ttl, "CNAME", anyName());
  if (chance.is(15)) zone.add(`deep.${cut}`, ttl, "NS", `ns.deep.${cut}.${zone.origin}`);
  if (chance.is(10)) zone.add(`dn.${cut}`, ttl, "DNAME", anyName());
}

/** Wildcards at several depths, of several types, with names and empty non-terminals that block them. */
export function addWildcards(ground: Ground): void {
  const { chance, zone, anyName } = ground;
  const top = `w${chance.below(3)}`;
  const ttl = randomTtl(chance);
  addSomeData(ground, `*.${top}`);
  zone.add(`*.b.${top}`, ttl, "CNAME", anyName());
  zone.add(`*.c.${top}`, ttl, "MX", `10 host.${top}.${zone.origin}`);
  zone.add(`*.c.${top}`, ttl, "A", ipv4(chance));
  zone.add(`x.ent.${top}`, ttl, "A", ipv4(chance));
  zone.add(`a.*.${top}`, ttl, "TXT", '"below an asterisk"');
  zone.add(`*.*.${top}`, ttl, "TXT", '"two asterisks"');
  zone.add(`chain.${top}`, ttl, "CNAME", `any.${top}.${zone.origin}`);
  zone.add(`*.self.${top}`, ttl, "CNAME", `x.self.${top}.${zone.origin}`);
  if (chance.is(50)) addDelegation(ground, `cut.${top}`);
  if (chance.is(50)) zone.add(`*.dn.${top}`, ttl, "DNAME", anyName());
  if (chance.is(50)) zone.add(`*.${top}`, ttl, "NS", `ns.${zone.origin}`);
  if (chance.is(50)) addSomeData(ground, "*");
}

/** Chains that end well, in nothing, outside, in a loop, in another zone; some longer than any server follows. */
export function addChains({ chance, zone, anyName }: Ground): void {
  const name = `ch${chance.below(3)}`;
  const length = chance.pick([2, 3, 8, 15, 19, 20, 21, 25]);
  for (let link = 0; link < length; link++) {
    zone.add(`${link}.${name}`, randomTtl(chance), "CNAME", `${link + 1}.${name}.${zone.origin}`);
  }
  const end = chance.below(5);
  const last = `${length}.${name}`;
  if (end === 0) zone.add(last, 60, "A", ipv4(chance));
  if (end === 1) zone.add(last, 60, "CNAME", anyName());
  if (end === 2) zone.add(last, 60, "CNAME", `${chance.below(length)}.${name}.${zone.origin}`);
  if (end === 3) zone.add(last, 60, "CNAME", "elsewhere.invalid.");
}

/** DNAMEs into this zone, into others, out of all; one whose result is too long; one into itself. */
export function addDnames(ground: Ground): void {
  const { chance, zone, anyName } = ground;
  const name = `dn${chance.below(3)}`;
  zone.add(name, randomTtl(chance), "DNAME", anyName());
  addSomeData(ground, name);
  zone.add(
    `long-${name}`,
    60,
    "DNAME",
    `${"l".repeat(63)}.${"m".repeat(63)}.${"n".repeat(40)}.${name}.${zone.origin}`,
  );
  zone.add(`to-target-${name}`, 60, "DNAME", `target-${name}.${zone.origin}`);
  for (const left of ["a", "b.a", "*.c"]) addSomeData(ground, `${left}.target-${name}`);
  zone.add(`over-${name}`, 60, "DNAME", `to-target-${name}.${zone.origin}`);
  zone.add(`via-${name}`, 60, "CNAME", `a.over-${name}.${zone.origin}`);
  if (chance.is(30)) zone.add(`self-${name}`, 60, "DNAME", `self-${name}.${zone.origin}`);
  if (chance.is(30)) zone.add(`grow-${name}`, 60, "DNAME", `x.grow-${name}.${zone.origin}`);
  if (chance.is(50)) {
    zone.add(`both-${name}`, 60, "NS", `ns.${zone.origin}`);
    zone.add(`both-${name}`, 60, "DNAME", anyName());
  }
}

/** RRsets and referrals about as large as responses may be: 512, 1232 and 4096 octets, and far beyond. */
export function addLarge({ chance, zone, anyName }: Ground): void {
  const name = `big${chance.below(3)}`;
  const octets = chance.pick([440, 470, 500, 1100, 1180, 1232, 4000, 9000, 30_000]);
  for (let at = 0; at * 16 < octets; at++)
    zone.add(`a.${name}`, 60, "A", `10.0.${at >> 8}.${at & 255}`);
  for (let at = 0; at * 110 < octets; at++)
    zone.add(`txt.${name}`, 60, "TXT", `"${at} ${"x".repeat(90)}"`);
  zone.add(`cname.${name}`, 60, "CNAME", `txt.${name}.${zone.origin}`);
  for (let at = 0; at * 80 < Math.min(octets, 4000); at++) {
    const server = `${"s".repeat(20)}${at}`;
    zone.add(`cut.${name}`, 60, "NS", `${server}.cut.${name}.${zone.origin}`);
    zone.add(`${server}.cut.${name}`, 60, "A", ipv4(chance));
    zone.add(`${server}.cut.${name}`, 60, "AAAA", ipv6(chance));
    zone.add(`mx.${name}`, 60, "MX", `${at} ${server}.mx.${name}.${zone.origin}`);
    zone.add(`${server}.mx.${name}`, 60, "AAAA", ipv6(chance));
    zone.add(`sib.${name}`, 60, "NS", `${server}.mx.${name}.${zone.origin}`);
    zone.add(`far.${name}`, 60, "NS", `${server}.elsewhere.invalid.`);
  }
  zone.add(`mixed.${name}`, 60, "NS", `ns.mixed.${name}.${zone.origin}`);
  zone.add(`ns.mixed.${name}`, 60, "A", ipv4(chance));
  zone.add(`mixed.${name}`, 60, "NS", anyName());
}

/** Names that text can hardly spell, and names at the limits of length. */
export function addOddNames({ chance, zone, anyName }: Ground): void {
  const odd = [
    "a\\.b",
    "\\032",
    "\\000",
    "\\255",
    "UPPER",
    "MiXed.Case",
    "\\064",
    '\\"q',
    "\\;c",
    "\\\\x",
    "\\(p\\)",
    "_dns._udp",
    "-",
    "1",
    "x\\*",
    "\\000\\.\\255.z",
    "\\195\\164",
    "\\*\\*",
    "\\001*",
  ];
  for (const owner of odd) {
    zone.add(owner, randomTtl(chance), "TXT", '"odd"');
    if (chance.is(20)) zone.add(`to-${chance.below(1000)}`, 60, "CNAME", `${owner}.${zone.origin}`);
    if (chance.is(20)) zone.add(`*.${owner}`, 60, "A", ipv4(chance));
  }
  const room = 254 - zone.origin.length;
  const longest = longName(room);
  zone.add(longest, 60, "A", ipv4(chance));
  zone.add(longName(room - 2), 60, "TXT", '"two octets less"');
  zone.add(`*.${longName(room - 60)}`, 60, "A", ipv4(chance));
  zone.add(
    Array.from({ length: Math.floor(room / 2) }, () => "l").join("."),
    60,
    "A",
    ipv4(chance),
  );
  zone.add("l".repeat(63), 60, "MX", `10 ${longest}.${zone.origin}`);
  zone.add("case", 60, "CNAME", `uPpEr.${zone.origin}`);
  zone.add("any", 60, "PTR", anyName());
}

/** Labels of 63 octets and a rest that take `room` octets of text together. */
function longName(room: number): string {
  const labels: string[] = [];
  let left = room - 1;
  for (; left > 64; left -= 64) labels.push("k".repeat(63));
  labels.push("k".repeat(Math.max(left, 1)));
  return labels.join(".");
}

/** One owner for each type that all the servers can read. */
const ALL_TYPES: readonly (readonly [string, string])[] = [
  ["A", "192.0.2.1"],
  ["NS", "ns.elsewhere.invalid."],
  ["CNAME", "a.all"],
  ["MB", "mb.invalid."],
  ["MG", "mg.invalid."],
  ["MR", "mr.invalid."],
  ["PTR", "ptr.invalid."],
  ["HINFO", '"cpu" "os"'],
  ["MINFO", "r.invalid. e.invalid."],
  ["MX", "10 mx.invalid."],
  ["TXT", '"one" "two" ""'],
  ["RP", "mbox.invalid. txt.invalid."],
  ["AFSDB", "1 afsdb.invalid."],
  ["X25", '"311061700956"'],
  ["ISDN", '"150862028003217" "004"'],
  ["RT", "2 rt.invalid."],
  ["PX", "10 map822.invalid. mapx400.invalid."],
  ["AAAA", "2001:db8::1"],
  ["LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"],
  ["SRV", "1 2 3 srv.invalid."],
  ["NAPTR", '100 50 "s" "http" "" naptr.invalid.'],
  ["KX", "10 kx.invalid."],
  ["CERT", "1 12345 8 AQID"],
  ["DNAME", "dname.invalid."],
  ["APL", "1:192.0.2.0/24 !2:2001:db8::/32"],
  ["SSHFP", "1 1 0123456789abcdef0123456789abcdef01234567"],
  ["IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG"],
  ["DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="],
  ["TLSA", "3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"],
  ["SMIMEA", "3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"],
  ["OPENPGPKEY", "AQID"],
  ["CSYNC", "66 3 A NS AAAA"],
  ["SVCB", "1 svc.invalid. alpn=h2,h3 port=8443 ipv4hint=192.0.2.1"],
  ["HTTPS", "0 svc.invalid."],
  ["SPF", '"v=spf1 -all"'],
  ["NID", "10 0014:4fff:ff20:ee64"],
  ["L32", "10 10.1.2.0"],
  ["L64", "10 2001:0db8:1140:1000"],
  ["LP", "10 lp.invalid."],
  ["EUI48", "00-00-5e-00-53-2a"],
  ["EUI64", "00-00-5e-ef-10-00-00-2a"],
  ["URI", '10 1 "https://example.invalid/"'],
  ["CAA", '0 issue "ca.invalid"'],
  ["DS", DS],
  ["TYPE1234", "\\# 0"],
  ["TYPE65534", "\\# 4 00ff00ff"],
];

/** Types that Knot has no presentation form for are written in that of RFC 3597. */
const UNKNOWN_TO_KNOT: ReadonlySet<string> = new Set(["MB", "MG", "MR", "X25", "ISDN", "PX"]);

function asUnknown(mnemonic: string, text: string): [rrtype: string, rdata: string] {
  const number = parseType(mnemonic) as number;
  const tokens = [...tokenize(text)];
  const rdata = Buffer.from(parseRdata(number, tokens, ROOT));
  return [`TYPE${number}`, `\\# ${rdata.length} ${rdata.toString("hex")}`];
}

export function addAllTypes({ chance, zone }: Ground): void {
  for (const [mnemonic, text] of ALL_TYPES) {
    const [rrtype, rdata] = UNKNOWN_TO_KNOT.has(mnemonic)
      ? asUnknown(mnemonic, text)
      : [mnemonic, text];
    zone.add(`${mnemonic.toLowerCase()}.all`, randomTtl(chance), rrtype, rdata);
    if (rrtype !== "NS" && rrtype !== "DNAME") zone.add("many", 300, rrtype, rdata);
  }
}

/** RRsets whose targets have addresses here, by a wildcard, below a cut, behind an alias, elsewhere, nowhere. */
export function addTargets({ chance, zone, anyName }: Ground): void {
  const at = (left: string) => `${left}.${zone.origin}`;
  zone.add("host", 60, "A", ipv4(chance));
  zone.add("host", 61, "AAAA", ipv6(chance));
  zone.add("*.wild", 60, "A", ipv4(chance));
  zone.add("alias", 60, "CNAME", at("host"));
  zone.add("tcut", 60, "NS", at("ns.tcut"));
  zone.add("ns.tcut", 60, "A", ipv4(chance));
  zone.add("tdn", 60, "DNAME", at("wild"));
  const targets = [
    at("host"),
    at("x.wild"),
    at("alias"),
    at("ns.tcut"),
    at("x.tdn"),
    at("none"),
    ".",
  ];
  for (const [index, target] of [...targets, anyName(), anyName()].entries()) {
    for (const owner of [`t${index}`, "t-all"]) {
      zone.add(owner, 60, "MX", `${index} ${target}`);
      zone.add(owner, 60, "SRV", `0 ${index} 53 ${target}`);
      zone.add(owner, 60, "SVCB", `${index + 1} ${target}`);
      zone.add(owner, 60, "HTTPS", `${index + 1} ${target}`);
      if (target !== ".") zone.add(`del-${owner}`, 60, "NS", target);
    }
  }
  zone.add("https-alias", 60, "HTTPS", `0 ${at("t0")}`);
}
