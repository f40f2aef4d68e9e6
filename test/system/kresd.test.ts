/**
 * Knot Resolver in front of Windhover, from the root down: another server's root zone delegates to us, kresd follows,
 * minimises its questions, caches, and falls back to TCP. What changes here is seen there when the TTL is over.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ORIGIN, SECRET } from "./harness/example.ts";
import { mayBindPort53, startNsd } from "./harness/nsd.ts";
import { freePort } from "./harness/ports.ts";
import { Daemon, run, skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const ROOT = "127.0.0.157";
const CHILD = "127.0.0.158";
const TTL = 2;

const ROOT_ZONE = `$ORIGIN .
@ 3600 IN SOA ns.root.test. hostmaster.root.test. 1 3600 600 86400 60
@ 3600 IN NS ns.root.test.
ns.root.test. 3600 IN A ${ROOT}
${ORIGIN}. 3600 IN NS ns1.${ORIGIN}.
ns1.${ORIGIN}. 3600 IN A ${CHILD}
`;

/** Long lived: what the resolver need not ask again. Two seconds: what it must. */
const ZONE = `$ORIGIN ${ORIGIN}.
$TTL 3600
@ IN SOA ns1 hostmaster 1 3600 600 86400 ${TTL}
@ IN NS ns1
ns1 IN A ${CHILD}
home ${TTL} IN A 192.0.2.1
steady IN A 192.0.2.2
www IN CNAME home
a.deep.tree IN TXT "below two empty non-terminals"
*.any IN TXT "any name"
old IN DNAME new
host.new IN A 192.0.2.3
${Array.from({ length: 200 }, (_, at) => `many IN A 198.51.100.${at}\n`).join("")}`;

const isSkipped = skipWithout("nsd", "kresd", "nsupdate", "dig") || !(await mayBindPort53(CHILD));

describe.skipIf(isSkipped)("resolved by kresd from the root down", () => {
  let server: Windhover;
  let port: number;
  const daemons: Daemon[] = [];

  beforeAll(async () => {
    daemons.push(startNsd(ROOT, ".", ROOT_ZONE));
    server = await Windhover.start({
      config: {
        dns: { listen: [`${CHILD}:53`] },
        zones: [{ origin: ORIGIN, file: "dyn.zone" }],
        keys: [
          {
            name: "whole",
            algorithm: "hmac-sha256",
            secret: SECRET,
            grants: [{ allow: ["update"], zone: ORIGIN }],
          },
        ],
      },
      files: { "dyn.zone": ZONE },
    });
    port = await freePort();
    daemons.push(startKresd(port));
    await until("kresd to answer", () => resolve("home", "A").includes("192.0.2.1"));
  });
  afterAll(async () => {
    await server?.stop();
    for (const daemon of daemons) await daemon.end();
  });

  const dig = (...args: string[]) =>
    run("dig", ["@127.0.0.1", "-p", String(port), "+tries=1", "+time=5", ...args]).stdout;
  const resolve = (label: string, rrtype: string) =>
    dig("+short", `${label}.${ORIGIN}`, rrtype)
      .split("\n")
      .filter((line) => line !== "");
  const status = (label: string, rrtype: string) =>
    /status: (\w+)/.exec(dig(`${label}.${ORIGIN}`, rrtype))?.[1];

  function update(...lines: string[]): void {
    const input = [`server ${CHILD} 53`, `zone ${ORIGIN}`, ...lines, "send", ""].join("\n");
    const done = run("nsupdate", ["-y", `hmac-sha256:whole:${SECRET}`], { input });
    expect(done).toMatchObject({ status: 0, stderr: "" });
  }

  test("a changed address is seen when the TTL is over", async () => {
    const home = `home.${ORIGIN}`;
    update(`update delete ${home} A`, `update add ${home} ${TTL} A 192.0.2.99`);
    await until("kresd to give the new address", () => resolve("home", "A")[0] === "192.0.2.99");
    expect(resolve("home", "A")).toEqual(["192.0.2.99"]);
  });

  test("what it keeps for an hour it does not ask again", () => {
    expect(resolve("steady", "A")).toEqual(["192.0.2.2"]);
    update(`update delete steady.${ORIGIN} A`, `update add steady.${ORIGIN} 3600 A 192.0.2.98`);
    expect(resolve("steady", "A")).toEqual(["192.0.2.2"]);
  });

  test("a name that appears is seen when the negative TTL is over, and gone when deleted", async () => {
    expect(status("fresh", "A")).toBe("NXDOMAIN");
    update(`update add fresh.${ORIGIN} ${TTL} A 192.0.2.50`);
    await until("kresd to find the new name", () => resolve("fresh", "A")[0] === "192.0.2.50");
    update(`update delete fresh.${ORIGIN}`);
    await until("kresd to lose the name", () => status("fresh", "A") === "NXDOMAIN");
  });

  test.each([
    ["an alias", "www", "A", [`home.${ORIGIN}.`, "192.0.2.99"]],
    ["a name below empty non-terminals", "a.deep.tree", "TXT", ['"below two empty non-terminals"']],
    ["a wildcard", "x.y.any", "TXT", ['"any name"']],
    ["a name below a DNAME", "host.old", "A", [`host.new.${ORIGIN}.`, "192.0.2.3"]],
  ])("%s", (_, label, rrtype, expected) => {
    expect(resolve(label, rrtype)).toEqual(expect.arrayContaining(expected));
  });

  test.each([
    ["an empty non-terminal", "deep.tree", "NOERROR"],
    ["another type of a name", "home", "NOERROR"],
    ["a name that does not exist", "nothing", "NXDOMAIN"],
    ["a name below one that does not exist", "a.b.nothing", "NXDOMAIN"],
  ])("%s", (_, label, expected) => {
    expect(status(label, "MX")).toBe(expected);
    expect(resolve(label, "MX")).toEqual([]);
  });

  test("an RRset too large for UDP comes whole, over TCP", () => {
    expect(dig("+tcp", "+short", `many.${ORIGIN}`, "A").trim().split("\n")).toHaveLength(200);
  });
});

function startKresd(port: number): Daemon {
  const directory = mkdtempSync(join(tmpdir(), "windhover-kresd-"));
  const asksElsewhere = ["ta_update", "ta_signal_query", "priming", "detect_time_skew"];
  const config = [
    `net.listen('127.0.0.1', ${port}, { kind = 'dns' })`,
    "net.ipv6 = false",
    `cache.open(10 * MB, 'lmdb://${directory}/cache')`,
    "cache.min_ttl(0)",
    "modules.load('hints > iterate')",
    ...asksElsewhere.map((name) => `modules.unload('${name}')`),
    "trust_anchors.remove('.')",
    `hints.root({ ['ns.root.test.'] = '${ROOT}' })`,
    "option('ALLOW_LOCAL', true)",
    "",
  ];
  writeFileSync(join(directory, "kresd.conf"), config.join("\n"));
  return new Daemon("kresd", ["-n", "-c", "kresd.conf", directory]);
}
