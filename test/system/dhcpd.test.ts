/**
 * ISC dhcpd with real leases: a DHCP client at one end of a virtual wire, dhcpd at the other, which then updates forward
 * and reverse zone in its two styles. The same with BIND behind it must be logged in the same words. It updates port 53
 * and no other, so this needs the right to bind that and to add a virtual network device.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ORIGIN, SECRET } from "./harness/example.ts";
import { startNamed } from "./harness/named.ts";
import { mayBindPort53 } from "./harness/nsd.ts";
import { Daemon, run, runAsync, skipWithout, until } from "./harness/program.ts";
import { PYTHON, skipWithoutModule } from "./harness/python.ts";
import { Windhover } from "./harness/windhover.ts";

const NETWORK = "198.51.100";
/** dhcpd's end of the wire. The primary listens there too: BIND wants an address that a device has. */
const ADDRESS = `${NETWORK}.1`;
const REVERSE = "100.51.198.in-addr.arpa";
const HOST = `laptop.${ORIGIN}`;
const CLIENT = join(import.meta.dirname, "harness/dhcp-client.py");
const KEY = { name: "dhcpd", algorithm: "hmac-md5", secret: SECRET };

const zoneFile = (origin: string) => `$ORIGIN ${origin}.
$TTL 300
@ IN SOA ns1.${ORIGIN}. hostmaster.${ORIGIN}. 1 3600 600 86400 60
@ IN NS ns1.${ORIGIN}.
`;
const ZONES = {
  [ORIGIN]: `${zoneFile(ORIGIN)}ns1 IN A ${ADDRESS}\nprinter IN A 192.0.2.250\n`,
  [REVERSE]: zoneFile(REVERSE),
};

/** Something that answers on port 53 and takes dhcpd's updates. */
interface Primary {
  stop(): Promise<unknown>;
}

async function startWindhover(): Promise<Primary> {
  const zones = Object.keys(ZONES).map((origin) => ({ origin, file: `${origin}.zone` }));
  const grants = Object.keys(ZONES).map((zone) => ({ allow: ["update"], zone }));
  const files = Object.fromEntries(
    Object.entries(ZONES).map(([origin, text]) => [`${origin}.zone`, text]),
  );
  const dns = { listen: [`${ADDRESS}:53`] };
  return Windhover.start({ config: { dns, zones, keys: [{ ...KEY, grants }] }, files });
}

async function startBind(): Promise<Primary> {
  const daemon = startNamed({ address: ADDRESS, port: 53, zones: ZONES, keys: [KEY] });
  await until("named to answer", () => ask(ORIGIN, "SOA").includes("hostmaster"));
  return { stop: () => daemon.end() };
}

const ask = (...questions: string[]) =>
  run("dig", [`@${ADDRESS}`, "+tries=1", "+time=5", "+noall", "+answer", ...questions]).stdout;

const rrtypesOf = (owner: string) =>
  ask(...["A", "DHCID", "TXT", "PTR"].flatMap((rrtype) => [owner, rrtype]))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(/\s+/)[3]);

const pointerOf = (address: string) => `${address.split(".").reverse().join(".")}.in-addr.arpa`;

/** Two ends of a virtual wire; dhcpd's has an address. */
const WIRE = { server: `wh${process.pid}s`, client: `wh${process.pid}c` };

function layWire(): boolean {
  const { server, client } = WIRE;
  const laid =
    run("ip", ["link", "add", server, "type", "veth", "peer", "name", client]).status === 0;
  if (!laid && process.env.CI === "true") throw new Error("cannot add a virtual network device");
  if (!laid) console.warn("skipped, because a virtual network device cannot be added");
  return laid;
}

const isSkipped =
  skipWithout("dhcpd", "ip", "named", "dig") ||
  skipWithoutModule("socket") ||
  !(await mayBindPort53("127.0.0.159")) ||
  !layWire();

describe.skipIf(isSkipped)("ISC dhcpd", () => {
  beforeAll(() => {
    run("ip", ["addr", "add", `${ADDRESS}/24`, "dev", WIRE.server]);
    for (const device of Object.values(WIRE)) run("ip", ["link", "set", device, "up"]);
  });
  afterAll(() => {
    run("ip", ["link", "del", WIRE.server]);
  });

  describe.each([
    ["standard", "DHCID", "Windhover", startWindhover],
    ["standard", "DHCID", "BIND", startBind],
    ["interim", "TXT", "Windhover", startWindhover],
    ["interim", "TXT", "BIND", startBind],
  ] as const)("%s style, marks by %s, with %s behind it", (style, mark, _, start) => {
    let primary: Primary;
    let dhcpd: Daemon;
    beforeAll(async () => {
      primary = await start();
      dhcpd = await startDhcpd(style);
    });
    afterAll(async () => {
      await dhcpd?.end();
      await primary?.stop();
    });

    /** One exchange of a client; resolves with its address once dhcpd logs what it made of the name. */
    async function lease(mac: string, host: string, outcome: RegExp, ...wishes: string[]) {
      const before = dhcpd.output.length;
      const done = await runAsync(PYTHON, [CLIENT, WIRE.client, mac, host, ...wishes]);
      expect(done).toMatchObject({ status: 0, stderr: "" });
      await until(`dhcpd to log ${outcome}`, () => outcome.test(dhcpd.output.slice(before)));
      return done.stdout.trim();
    }

    test("a lease, another client of the same name, the end of the lease", async () => {
      const address = await lease("020000000001", "laptop", /Added reverse map/);
      expect(rrtypesOf(HOST)).toEqual(["A", mark]);
      expect(ask("+short", HOST, "A")).toContain(address);
      expect(rrtypesOf(pointerOf(address))).toEqual(["PTR"]);

      const stranger = await lease("020000000002", "laptop", REFUSED);
      expect(stranger).not.toBe(address);
      expect(ask("+short", HOST, "A").trim()).toBe(address);
      expect(rrtypesOf(pointerOf(stranger))).toEqual([]);

      await lease("020000000001", "laptop", /Removed reverse map/, "release");
      expect(rrtypesOf(HOST)).toEqual([]);
      expect(rrtypesOf(pointerOf(address))).toEqual([]);
    });

    test("a name that an administrator made is left alone", async () => {
      await lease("020000000003", "printer", REFUSED);
      expect(ask("+short", `printer.${ORIGIN}`, "A").trim()).toBe("192.0.2.250");
    });
  });
});

/** How dhcpd logs a name that is not its client's, after YXDOMAIN and NXRRSET. */
const REFUSED = /Forward map from \S+ to \S+ FAILED: Has an address record but no DHCID, not mine/;

async function startDhcpd(style: string): Promise<Daemon> {
  const directory = mkdtempSync(join(tmpdir(), "windhover-dhcpd-"));
  const zone = (origin: string) => `zone ${origin}. { primary ${ADDRESS}; key ${KEY.name}; }`;
  const config = [
    "authoritative;",
    "ping-check false;",
    "ddns-updates on;",
    `ddns-update-style ${style};`,
    `ddns-domainname "${ORIGIN}.";`,
    'ddns-rev-domainname "in-addr.arpa.";',
    "ignore client-updates;",
    `key ${KEY.name} { algorithm ${KEY.algorithm}; secret "${KEY.secret}"; }`,
    ...Object.keys(ZONES).map(zone),
    `subnet ${NETWORK}.0 netmask 255.255.255.0 { range ${NETWORK}.10 ${NETWORK}.99; }`,
    "",
  ];
  writeFileSync(join(directory, "dhcpd.conf"), config.join("\n"));
  writeFileSync(join(directory, "leases"), "");
  const args = ["-4", "-f", "-d", "--no-pid", "-cf", "dhcpd.conf", "-lf", "leases", WIRE.server];
  const daemon = new Daemon("dhcpd", args, { cwd: directory });
  await until("dhcpd to start", () => daemon.output.includes("Server starting service"));
  return daemon;
}
