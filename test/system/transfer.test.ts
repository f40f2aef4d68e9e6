/** Transfers as dig, kdig and real secondaries see them: forms, keys, NOTIFY, and one serial while updates run. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "./harness/ports.ts";
import { run, runAsync, skipWithout, until } from "./harness/program.ts";
import {
  type SecondaryName,
  SecondaryServer,
  secondaryCommand,
  soaSerialAt,
  transferred,
} from "./harness/secondaries.ts";
import { Windhover } from "./harness/windhover.ts";

const ZONE = "xfr.example.com";
const SECRET = "c2VjcmV0IGZvciB0aGUgdGVzdHMgb2Ygd2luZGhvdmVyLg==";
const NAMES: readonly SecondaryName[] = ["nsd", "knot", "bind"];

const ZONE_FILE = `$ORIGIN ${ZONE}.
$TTL 300
@        IN SOA  ns1 hostmaster 1 3600 600 86400 60
@        IN NS   ns1
ns1      IN A    127.0.0.1
home  60 IN A    192.0.2.1
home     IN AAAA 2001:db8::1
mail     IN MX   10 home
*.wild   IN TXT  "any name" "and more"
www      IN CNAME home
old      IN DNAME new
sub      IN NS   ns.sub
ns.sub   IN A    192.0.2.3
below.ns.sub IN TXT "occluded"
_sip._tcp IN SRV 1 2 5060 home
odd      IN TYPE65280 \\# 4 01020304
s        IN SVCB 1 home alpn=h2 port=8443
caa      IN CAA  0 issue "ca.example.net"
a.b.c.d  IN TXT  "deep"
`;

const key = (name: string, secret = SECRET) => ["-y", `hmac-sha256:${name}:${secret}`];
const grant = (name: string, more: object) => ({
  name,
  algorithm: "hmac-sha256",
  secret: SECRET,
  grants: [{ allow: ["transfer"], ...more }],
});

const KEYS = [
  { ...grant("owner", {}), grants: [{ allow: ["update", "transfer"], zone: ZONE }] },
  ...NAMES.map((name) => grant(name, { zone: ZONE })),
  grant("texts", { zone: ZONE, types: ["TXT"] }),
  grant("one", { name: `home.${ZONE}` }),
  { ...grant("updater", {}), grants: [{ allow: ["update"], zone: ZONE }] },
];

const start = (config: object = {}, zoneFile = ZONE_FILE, zone: object = {}) =>
  Windhover.start({
    config: { zones: [{ origin: ZONE, file: "x.zone", ...zone }], keys: KEYS, ...config },
    files: { "x.zone": zoneFile },
  });

/** Sends these lines, with a `send` after each group of them, by one nsupdate. */
async function update(server: Windhover, groups: readonly (readonly string[])[]): Promise<void> {
  const head = [`server 127.0.0.1 ${server.dnsPort}`, `zone ${ZONE}`];
  const body = groups.flatMap((lines) => [...lines, "send"]);
  const input = [...head, ...body, ""].join("\n");
  const done = await runAsync("nsupdate", key("owner"), { input, timeoutMs: 100_000 });
  expect(done).toMatchObject({ status: 0, stderr: "" });
}

describe.skipIf(skipWithout("dig", "kdig", "nsupdate"))("dig and kdig", () => {
  let server: Windhover;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server?.stop();
  });

  const dig = (...args: string[]) => server.digFull(...args).stdout;
  const types = (text: string) =>
    text.split("\n").flatMap((line) => /\sIN\s+(\S+)\s/.exec(line)?.[1] ?? []);

  test("an AXFR with a key has every RR of the file, verified", () => {
    const text = dig(...key("owner"), ZONE, "AXFR");
    expect(text).not.toMatch(/failed|could not|tsig verify/i);
    expect(types(text)).toHaveLength(ZONE_FILE.split(" IN ").length - 1 + 1);
    expect(text).toMatch(/owner\.\s+0\s+ANY\s+TSIG/);
    expect(text).toContain("below.ns.sub");
    const byKdig = run("kdig", [
      "@127.0.0.1",
      "-p",
      String(server.dnsPort),
      "+tcp",
      ...key("owner"),
      ZONE,
      "AXFR",
    ]);
    expect(byKdig.stdout).not.toMatch(/;; (WARNING|ERROR)/);
    expect(types(byKdig.stdout).sort()).toEqual(types(text).sort());
  });

  test.each([
    ["no key", []],
    ["a key without a grant", key("updater")],
    ["a wrong secret", key("owner", "d3Jvbmc=")],
    ["an unknown key", key("nobody")],
  ])("%s gets nothing", (_, credential) => {
    for (const form of ["AXFR", "IXFR=1"]) {
      const text = dig(...credential, ZONE, form);
      expect(text).toMatch(/Transfer failed|REFUSED|NOTAUTH/);
      expect(types(text)).toEqual([]);
    }
  });

  test("a refusal is REFUSED", () => {
    const query = ["@127.0.0.1", "-p", String(server.dnsPort), "+tcp", "+edns"];
    const { stdout, stderr } = run("kdig", [...query, ZONE, "AXFR"]);
    expect(stdout + stderr).toContain("REFUSED");
  });

  test("a key for a part gets that part", () => {
    expect(types(dig(...key("texts"), ZONE, "AXFR"))).toEqual([
      "SOA",
      "NS",
      "TXT",
      "TXT",
      "TXT",
      "SOA",
    ]);
    const one = dig(...key("one"), ZONE, "AXFR");
    expect(types(one).sort()).toEqual(["A", "AAAA", "NS", "SOA", "SOA"]);
  });

  test("other names are no zones", () => {
    for (const name of [`home.${ZONE}`, "example.com", "elsewhere.org"]) {
      expect(dig(...key("owner"), name, "AXFR")).toContain("Transfer failed");
    }
  });

  test("an IXFR has the difference, condensed; up to date it is the SOA; too old it is the zone", async () => {
    const before = soaSerialAt(server.dnsPort, ZONE);
    await update(server, [
      [`add t1.${ZONE} 60 TXT first`],
      [`add t2.${ZONE} 60 TXT second`],
      [`del t1.${ZONE} TXT`],
    ]);
    const difference = ["SOA", "SOA", "SOA", "TXT", "SOA"];
    const owner = key("owner");
    expect(types(dig(...owner, ZONE, `IXFR=${before}`))).toEqual(difference);
    expect(types(dig(...owner, "+notcp", ZONE, `IXFR=${before}`))).toEqual(difference);
    expect(types(dig(...owner, ZONE, `IXFR=${before + 3}`))).toEqual(["SOA"]);
    expect(types(dig(...owner, "+notcp", ZONE, "IXFR=4294967290"))).toEqual(["SOA"]);
    const whole = types(dig(...owner, ZONE, "IXFR=4294967290"));
    expect(whole.slice(0, 2)).toEqual(["SOA", "NS"]);
    expect(whole.length).toBeGreaterThan(10);
    expect(types(dig(...key("one"), ZONE, `IXFR=${before}`)).slice(0, 2)).toEqual(["SOA", "NS"]);
  });

  test("many transfers on one connection are answered in full, one after the other", async () => {
    const question = (form: string) => ["-t", form, "-q", ZONE];
    const all = ["AXFR", "SOA", "AXFR", "IXFR=1"].flatMap(question);
    const { stdout } = run("kdig", [
      "@127.0.0.1",
      "-p",
      String(server.dnsPort),
      "+tcp",
      "+keepopen",
      ...key("owner"),
      ...all,
    ]);
    expect(stdout).not.toMatch(/;; (WARNING|ERROR)/);
    expect(stdout.match(/below\.ns\.sub/g)?.length).toBeGreaterThanOrEqual(2);
  });
});

describe.skipIf(skipWithout("dig", "nsupdate", ...NAMES.map(secondaryCommand)))(
  "secondaries",
  () => {
    test("follow a thousand updates by NOTIFY and IXFR, and end with our zone", async () => {
      const ports = new Map<SecondaryName, number>();
      for (const name of NAMES) ports.set(name, await freePort());
      const notify = [...ports.values()].map((port) => `127.0.0.1:${port}`);
      const server = await start({}, ZONE_FILE + hosts(3_000), { notify });
      const secondaries = NAMES.map((name) =>
        SecondaryServer.start(name, {
          zone: ZONE,
          port: ports.get(name) as number,
          primaryPort: server.dnsPort,
          key: name,
          secret: SECRET,
        }),
      );
      try {
        const caughtUp = async () => {
          const serial = soaSerialAt(server.dnsPort, ZONE);
          for (const each of secondaries) {
            const what = () =>
              `${each.name} to reach ${serial}; it said:\n${each.output.slice(-3_000)}`;
            await until("", () => each.serial(ZONE) === serial, 15_000).catch(() => {
              throw new Error(`waited in vain for ${what()}`);
            });
          }
        };
        await caughtUp();
        const mark = server.output.length;
        const groups = Array.from({ length: ROUNDS * EACH }, (_, step) => change(step));
        for (let round = 0; round < ROUNDS; round++) {
          const ours = groups.slice(round * EACH, (round + 1) * EACH);
          const halves = [0, 1].map((half) => ours.filter((_, at) => at % 2 === half));
          await Promise.all(halves.map((each) => update(server, each)));
          await caughtUp();
        }
        expect(soaSerialAt(server.dnsPort, ZONE)).toBe(1_001);
        const ours = await transferred(server.dnsPort, ZONE, ...key("owner"));
        expect(ours.length).toBeGreaterThan(3_000);
        for (const { name, port } of secondaries) {
          expect(await transferred(port, ZONE), name).toEqual(
            ours.filter((line) => !line.includes(" TSIG ")),
          );
          const forms = formsSent(server.output.slice(mark), name);
          expect(forms.length, name).toBeGreaterThanOrEqual(ROUNDS);
          expect(new Set(forms), name).toEqual(new Set(["IXFR"]));
        }
      } finally {
        for (const each of secondaries) await each.stop();
        await server.stop();
      }
    }, 300_000);
  },
);

describe.skipIf(skipWithout("dig", "nsupdate", ...NAMES.map(secondaryCommand)))(
  "secondaries that take NOTIFY with a key only",
  () => {
    test.each(NAMES)("%s follows what is signed, and not what is not", async (name) => {
      const port = await freePort();
      const address = `127.0.0.1:${port}`;
      const options = { zone: ZONE, port, key: name, secret: SECRET, demandsSignedNotify: true };
      const unsigned = await start({}, ZONE_FILE, { notify: [address] });
      const secondary = SecondaryServer.start(name, { ...options, primaryPort: unsigned.dnsPort });
      try {
        await until("", () => secondary.serial(ZONE) === 1, 15_000);
        await update(unsigned, [[`add t1.${ZONE} 60 TXT first`]]);
        await until("the NOTIFY to be refused", () => isRefused(name, unsigned, secondary));
      } finally {
        await secondary.stop();
        await unsigned.stop();
      }
      const signed = await start({}, ZONE_FILE, { notify: [{ address, key: name }] });
      const follower = SecondaryServer.start(name, { ...options, primaryPort: signed.dnsPort });
      try {
        await until("", () => follower.serial(ZONE) === 1, 15_000);
        const mark = signed.output.length;
        for (const step of [2, 3, 4]) {
          await update(signed, [[`add t${step}.${ZONE} 60 TXT signed`]]);
          await until("", () => follower.serial(ZONE) === step, 15_000);
        }
        expect(signed.output.slice(mark)).not.toMatch(/secondary (answers|does)/);
      } finally {
        await follower.stop();
        await signed.stop();
      }
    });
  },
);

/** Knot says so, NSD is silent; BIND takes what comes from the address of its primary, whoever signs. */
function isRefused(name: SecondaryName, primary: Windhover, { output }: SecondaryServer): boolean {
  if (name === "bind") return true;
  if (name === "nsd") return /notify for .* refused, no acl matches/.test(output);
  return /secondary answers NOTIFY with rcode/.test(primary.output);
}

/** Times that the secondaries have to catch up, and the updates before each. */
const ROUNDS = 5;
const EACH = 200;

/** One of a few kinds of change, over names that come up again. */
function change(step: number): string[] {
  const name = `h${(step * 7) % 300}.${ZONE}`;
  switch (step % 5) {
    case 0:
      return [`add ${name} 60 A 192.0.2.${step % 250}`, `add ${name} 60 AAAA 2001:db8::${step}`];
    case 1:
      return [`del ${name}`, `add ${name} ${60 + (step % 7)} TXT step-${step}`];
    case 2:
      return [`del ${name} A`, `add ${name} 30 A 10.${step % 4}.${step >> 8}.${step & 255}`];
    case 3:
      return [`add new-${step}.x.${ZONE} 60 MX 10 ${name}`];
    default:
      return [`del new-${step - 1}.x.${ZONE}`, `add log-${step % 20}.${ZONE} 60 TXT ${step}`];
  }
}

function hosts(count: number): string {
  return Array.from({ length: count }, (_, at) => `h${at} 60 IN A 198.51.100.${at % 250}\n`).join(
    "",
  );
}

/** The forms of the transfers that went out to a key, from the server's log. */
function formsSent(output: string, name: string): string[] {
  return output
    .split("\n")
    .filter((line) => line.includes("zone transferred") && line.includes(`key:${name}"`))
    .map((line) => (JSON.parse(line) as { form: string }).form);
}

describe.skipIf(skipWithout("dig", "nsupdate") || process.platform !== "linux")(
  "a large zone",
  () => {
    const COUNT = 200_000;

    test("goes out as one serial, in bounded memory, while updates run", async () => {
      const marks = "m1 60 IN TXT 1\nm2 60 IN TXT 1\n";
      const server = await start({}, ZONE_FILE + marks + largeZone(COUNT));
      try {
        const owner = key("owner");
        await transferred(server.dnsPort, ZONE, ...owner);
        const before = residentMiB(server.pid);
        let peak = before;
        const watch = setInterval(() => {
          peak = Math.max(peak, residentMiB(server.pid));
        }, 20);
        let isOver = false;
        const updating = (async () => {
          for (let serial = 1; !isOver; serial += 100) await update(server, markSteps(serial, 100));
        })();
        const seen: number[] = [];
        for (let round = 0; round < 5; round++) {
          const lines = await transferred(server.dnsPort, ZONE, ...owner);
          seen.push(...serialsOf(lines));
          const [serial] = serialsOf(lines);
          expect(new Set(serialsOf(lines))).toEqual(new Set([serial]));
          expect(lines.filter((line) => / A 10\./.test(line))).toHaveLength(COUNT);
          const marked = ["m1", "m2"].map((name) =>
            lines.find((line) => line.startsWith(`${name}.`)),
          );
          expect(marked).toEqual(
            ["m1", "m2"].map((name) => `${name}.${ZONE}. 60 IN TXT "${serial}"`),
          );
        }
        isOver = true;
        await updating;
        clearInterval(watch);
        expect(seen.at(-1)).toBeGreaterThan(seen[0] as number);
        const grown = peak - before;
        console.info(
          `transfers of ${COUNT} names: ${grown.toFixed(1)} MiB more than ${before.toFixed(1)}`,
        );
        expect(grown).toBeLessThan(100);
      } finally {
        await server.stop();
      }
    });
  },
);

/** Updates that give both marks the serial they make, in one step each. */
function markSteps(serial: number, count: number): string[][] {
  return Array.from({ length: count }, (_, step) =>
    ["m1", "m2"].flatMap((name) => [
      `del ${name}.${ZONE} TXT`,
      `add ${name}.${ZONE} 60 TXT ${serial + step + 1}`,
    ]),
  );
}

function largeZone(count: number): string {
  const lines: string[] = [];
  for (let at = 0; at < count; at++) {
    lines.push(`n${at}.d${at % 500} 60 IN A 10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
  }
  return `${lines.join("\n")}\n`;
}

const serialsOf = (lines: readonly string[]) =>
  lines.flatMap((line) => (/ SOA /.test(line) ? [Number(line.split(" ")[6])] : []));

/** Memory of a process now. */
function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
