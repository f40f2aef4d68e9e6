/**
 * Kea's DHCP-DDNS daemon with its conflict resolution (RFC 4703): it goes by the exact rcode of each prerequisite. Every
 * step is told to a second D2 in front of BIND as well: both must see the same rcodes and leave the same records.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SECRET } from "./harness/example.ts";
import { KeaD2, type Lease } from "./harness/kea-d2.ts";
import { startNamed } from "./harness/named.ts";
import { freePort } from "./harness/ports.ts";
import { type Daemon, run, skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const FORWARD = "dyn.example.com";
const REVERSE4 = "2.0.192.in-addr.arpa";
const REVERSE6 = "8.b.d.0.1.0.0.2.ip6.arpa";
/** Here, but the key may change nothing in it. */
const LOCKED = "locked.example.com";
const OPEN_ZONES = [FORWARD, REVERSE4, REVERSE6];

const zoneFile = (origin: string) => `$ORIGIN ${origin}.
$TTL 300
@ IN SOA ns1.${FORWARD}. hostmaster.${FORWARD}. 1 3600 600 86400 60
@ IN NS ns1.${FORWARD}.
`;
const FILES: Record<string, string> = {
  [FORWARD]: `${zoneFile(FORWARD)}ns1 IN A 127.0.0.1
printer IN A 192.0.2.250
alias IN CNAME printer
`,
  [REVERSE4]: zoneFile(REVERSE4),
  [REVERSE6]: zoneFile(REVERSE6),
  [LOCKED]: zoneFile(LOCKED),
};
const FILE_NAMES = Object.fromEntries(
  Object.entries(FILES).map(([origin, text]) => [`${origin}.zone`, text]),
);

/** As D2 knows them and as the servers do; `forged` has another secret in D2. */
const KEYS = [
  { name: "kea", algorithm: "hmac-sha256" },
  { name: "kea-md5", algorithm: "hmac-md5" },
  { name: "kea-sha512", algorithm: "hmac-sha512" },
  { name: "forged", algorithm: "hmac-sha256" },
];
const D2_KEYS = KEYS.map(({ name, algorithm }) => ({
  name,
  algorithm: algorithm.toUpperCase(),
  secret: name === "forged" ? "d3Jvbmcgc2VjcmV0" : SECRET,
}));

const NAME = `lap.${FORWARD}`;
const MINE = "000201AAAAAAAA";
const THEIRS = "000201BBBBBBBB";
const mine = (change: Lease["change"], address: string): Lease => ({
  change,
  fqdn: `${NAME}.`,
  address,
  dhcid: MINE,
});

const DHCID = "AAIBqqqqqg==";
const a = (address: string) => `${NAME}. 1200 IN A ${address}`;
const dhcid = `${NAME}. 1200 IN DHCID ${DHCID}`;
const pointer = (owner: string) => [
  `${owner}. 1200 IN DHCID ${DHCID}`,
  `${owner}. 1200 IN PTR ${NAME}.`,
];
const pointer4 = (last: number) => pointer(`${last}.${REVERSE4}`);
const V6 = "2001:db8::41";
const aaaa = `${NAME}. 1200 IN AAAA ${V6}`;
const V6_OWNER = `1.4.${"0.".repeat(22)}${REVERSE6}`;
const pointer6 = pointer(V6_OWNER);

interface Step {
  readonly what: string;
  readonly lease: Lease;
  /** What D2 sent and what it heard. */
  readonly heard: readonly string[];
  /** Every record of the client in every zone, after it. */
  readonly records: readonly string[];
}

const forwardTaken = ["Forward Add", "YXDOMAIN", "Forward Replace"];
const replaced = [...forwardTaken, "NOERROR", "Reverse Replace", "NOERROR", "ADD_SUCCEEDED"];
const notOurs = [...forwardTaken, "NXRRSET", "ADD_FAILED"];
const unconditional = ["Forward Add", "NOERROR", "ADD_SUCCEEDED"];
const onlyForward = { directions: "forward" } as const;

const STORY: readonly Step[] = [
  {
    what: "a new lease: the name was not in use",
    lease: mine("add", "192.0.2.40"),
    heard: ["Forward Add", "NOERROR", "Reverse Replace", "NOERROR", "ADD_SUCCEEDED"],
    records: [a("192.0.2.40"), dhcid, ...pointer4(40)],
  },
  {
    what: "the lease is renewed",
    lease: mine("add", "192.0.2.40"),
    heard: replaced,
    records: [a("192.0.2.40"), dhcid, ...pointer4(40)],
  },
  {
    what: "the client gets another address",
    lease: mine("add", "192.0.2.41"),
    heard: replaced,
    records: [a("192.0.2.41"), dhcid, ...pointer4(40), ...pointer4(41)],
  },
  {
    what: "the old address loses its pointer",
    lease: { ...mine("remove", "192.0.2.40"), directions: "reverse" },
    heard: ["Reverse Remove", "NOERROR", "REMOVE_SUCCEEDED"],
    records: [a("192.0.2.41"), dhcid, ...pointer4(41)],
  },
  {
    what: "an old address that has no pointer any more",
    lease: { ...mine("remove", "192.0.2.40"), directions: "reverse" },
    heard: ["Reverse Remove", "NXRRSET", "REMOVE_SUCCEEDED"],
    records: [a("192.0.2.41"), dhcid, ...pointer4(41)],
  },
  {
    what: "an IPv6 lease of the same client",
    lease: mine("add", V6),
    heard: replaced,
    records: [a("192.0.2.41"), aaaa, dhcid, ...pointer4(41), ...pointer6],
  },
  {
    what: "another client asks for the name",
    lease: { ...mine("add", "192.0.2.42"), dhcid: THEIRS },
    heard: notOurs,
    records: [a("192.0.2.41"), aaaa, dhcid, ...pointer4(41), ...pointer6],
  },
  {
    what: "another client wants the name removed",
    lease: { ...mine("remove", "192.0.2.41"), dhcid: THEIRS, ...onlyForward },
    heard: [
      ...["Forward A/AAAA Remove", "NXRRSET"],
      ...["Forward RR Remove", "YXRRSET", "REMOVE_FAILED"],
    ],
    records: [a("192.0.2.41"), aaaa, dhcid, ...pointer4(41), ...pointer6],
  },
  {
    what: "the IPv4 lease ends while the IPv6 one goes on",
    lease: mine("remove", "192.0.2.41"),
    heard: [
      ...["Forward A/AAAA Remove", "NOERROR"],
      ...["Forward RR Remove", "YXRRSET", "REMOVE_FAILED"],
    ],
    records: [aaaa, dhcid, ...pointer4(41), ...pointer6],
  },
  {
    what: "the IPv6 lease ends, and with it the name",
    lease: mine("remove", V6),
    heard: [
      ...["Forward A/AAAA Remove", "NOERROR", "Forward RR Remove", "NOERROR"],
      ...["Reverse Remove", "NOERROR", "REMOVE_SUCCEEDED"],
    ],
    records: [...pointer4(41)],
  },
  {
    what: "a name that an administrator made",
    lease: { ...mine("add", "192.0.2.43"), fqdn: `printer.${FORWARD}.` },
    heard: notOurs,
    records: [...pointer4(41)],
  },
  {
    what: "a name that is an alias",
    lease: { ...mine("add", "192.0.2.43"), fqdn: `alias.${FORWARD}.` },
    heard: notOurs,
    records: [...pointer4(41)],
  },
  {
    what: "an alias without conflict resolution: the address is passed over in silence",
    lease: {
      ...mine("add", "192.0.2.43"),
      fqdn: `alias.${FORWARD}.`,
      ...onlyForward,
      isConflictChecked: false,
    },
    heard: unconditional,
    records: [...pointer4(41)],
  },
  {
    what: "a new name without conflict resolution",
    lease: { ...mine("add", "192.0.2.44"), ...onlyForward, isConflictChecked: false },
    heard: unconditional,
    records: [a("192.0.2.44"), dhcid, ...pointer4(41)],
  },
  {
    what: "another client takes it without conflict resolution",
    lease: {
      ...mine("add", "192.0.2.45"),
      dhcid: THEIRS,
      ...onlyForward,
      isConflictChecked: false,
    },
    heard: unconditional,
    records: [a("192.0.2.45"), `${NAME}. 1200 IN DHCID AAIBu7u7uw==`, ...pointer4(41)],
  },
  {
    what: "a zone that the key may not change",
    lease: { ...mine("add", "192.0.2.46"), fqdn: `lap.${LOCKED}.`, ...onlyForward },
    heard: ["Forward Add", "REFUSED", "ADD_FAILED"],
    records: [a("192.0.2.45"), `${NAME}. 1200 IN DHCID AAIBu7u7uw==`, ...pointer4(41)],
  },
  {
    what: "a zone that is not here",
    lease: { ...mine("add", "192.0.2.46"), fqdn: "lap.nowhere.example.com.", ...onlyForward },
    heard: ["Forward Add", "NOTAUTH", "ADD_FAILED"],
    records: [a("192.0.2.45"), `${NAME}. 1200 IN DHCID AAIBu7u7uw==`, ...pointer4(41)],
  },
  {
    what: "a forged signature: asked three times, never an answer that verifies",
    lease: { ...mine("add", "192.0.2.46"), fqdn: `lap.forged.${FORWARD}.`, ...onlyForward },
    heard: ["Forward Add", "Forward Add", "Forward Add", "ADD_FAILED"],
    records: [a("192.0.2.45"), `${NAME}. 1200 IN DHCID AAIBu7u7uw==`, ...pointer4(41)],
  },
];

describe.skipIf(skipWithout("kea-dhcp-ddns", "named", "dig"))("Kea's D2", () => {
  let server: Windhover;
  let named: Daemon;
  let namedPort: number;
  let ours: KeaD2;
  let theirs: KeaD2;

  beforeAll(async () => {
    server = await startWindhover();
    namedPort = await freePort();
    const keys = KEYS.map((key) => ({ ...key, secret: SECRET }));
    const at = { address: "127.0.0.1", port: namedPort };
    named = startNamed({ ...at, zones: FILES, locked: [LOCKED], keys });
    await until("named to answer", () => ask(namedPort, FORWARD, "SOA").includes("hostmaster"));
    ours = await startD2(server.dnsPort);
    theirs = await startD2(namedPort);
  });
  afterAll(async () => {
    await ours?.stop();
    await theirs?.stop();
    await named?.end();
    await server?.stop();
  });

  test.each(STORY)("$what", async ({ lease, heard, records }) => {
    expect({ us: await ours.tell(lease), bind: await theirs.tell(lease) }).toEqual({
      us: heard,
      bind: heard,
    });
    const expected = [...records].sort();
    expect({ us: clientRecords(server.dnsPort), bind: clientRecords(namedPort) }).toEqual({
      us: expected,
      bind: expected,
    });
  });

  test("what an administrator made stands as it was", () => {
    expect(server.dig(`printer.${FORWARD}`, "A")).toEqual(["192.0.2.250"]);
    expect(server.dig(`alias.${FORWARD}`, "CNAME")).toEqual([`printer.${FORWARD}.`]);
  });
});

function startWindhover(): Promise<Windhover> {
  const keys = KEYS.map((key) => ({
    ...key,
    secret: SECRET,
    grants: OPEN_ZONES.map((zone) => ({ allow: ["update"], zone })),
  }));
  const zones = Object.keys(FILES).map((origin) => ({ origin, file: `${origin}.zone` }));
  return Windhover.start({ config: { zones, keys }, files: FILE_NAMES });
}

function startD2(dnsPort: number): Promise<KeaD2> {
  return KeaD2.start({
    dnsPort,
    keys: D2_KEYS,
    forward: [
      { name: FORWARD, key: "kea" },
      { name: LOCKED, key: "kea" },
      { name: "nowhere.example.com", key: "kea" },
      { name: `forged.${FORWARD}`, key: "forged" },
    ],
    reverse: [
      { name: REVERSE4, key: "kea-md5" },
      { name: REVERSE6, key: "kea-sha512" },
    ],
  });
}

/** The answers to several questions, by one dig. */
function ask(port: number, ...questions: string[]): string {
  const args = ["@127.0.0.1", "-p", String(port), "+tries=1", "+time=5", "+noall", "+answer"];
  return run("dig", [...args, ...questions]).stdout;
}

/** All that the client's names and addresses have, as sorted lines. */
function clientRecords(port: number): string[] {
  const owners = [NAME, ...[40, 41, 42, 43].map((last) => `${last}.${REVERSE4}`), V6_OWNER];
  const types = ["A", "AAAA", "PTR", "DHCID"];
  const questions = owners.flatMap((owner) => types.flatMap((rrtype) => [owner, rrtype]));
  return ask(port, ...questions)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/\s+/g, " "))
    .sort();
}
