/** History as an operator has it from the command line: who, what, the difference, the way back, and where it goes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROJECT_ROOT } from "../project-root.ts";
import { startRedisServer } from "../store/redis-server.ts";
import { EXAMPLE, ORIGIN, SECRET, ZONE } from "./harness/example.ts";
import { freePort } from "./harness/ports.ts";
import { run, skipWithout, until } from "./harness/program.ts";
import {
  type SecondaryName,
  SecondaryServer,
  secondaryCommand,
  transferred,
} from "./harness/secondaries.ts";
import { Windhover } from "./harness/windhover.ts";

const MAIN = join(PROJECT_ROOT, "dist/cli/main.js");
const KEY = `hmac-sha256:key-sha256:${SECRET}`;
const ROUTER = `hmac-sha256:router:${SECRET}`;

function update(server: Windhover, key: string, ...lines: readonly string[]) {
  const updates = lines.map((line) => `update ${line}`);
  return server.nsupdate([`zone ${ORIGIN}`, ...updates], "-y", key);
}

/** `windhover zone WORD ORIGIN …`, which must succeed. */
function zone(server: Windhover, word: string, ...args: readonly string[]): string {
  const done = server.cli("zone", word, ORIGIN, ...args);
  expect(done).toMatchObject({ status: 0, stderr: "" });
  return done.stdout;
}

function refusal(server: Windhover, word: string, ...args: readonly string[]): string {
  const done = server.cli("zone", word, ORIGIN, ...args);
  expect(done).toMatchObject({ status: 1, stdout: "" });
  expect(done.stderr.trim().split("\n")).toHaveLength(1);
  return done.stderr;
}

/** The sequences of the entries shown. */
function heads(text: string): string[] {
  return text.split("\n").flatMap((line) => /^#\d+/.exec(line)?.[0] ?? []);
}

const HOME = `home.${ORIGIN}`;
const setHome = (address: string) => [`del ${HOME} A`, `add ${HOME} 60 A ${address}`];

describe.skipIf(skipWithout("dig", "nsupdate"))("the history of a zone", () => {
  let server: Windhover;

  /** #2 and #3 by the router, #4 by the key of the zone. */
  beforeAll(async () => {
    server = await Windhover.start(EXAMPLE);
    expect(update(server, ROUTER, ...setHome("192.0.2.2"))).toMatchObject({ status: 0 });
    expect(update(server, ROUTER, ...setHome("192.0.2.3"))).toMatchObject({ status: 0 });
    zone(server, "label", "add", "before-www");
    const www = `www.${ORIGIN}`;
    const lines = [`del ${www} CNAME`, `add ${www} 300 A 192.0.2.80`];
    expect(update(server, KEY, ...lines)).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await server?.stop();
  });

  test("says who changed a name, through which door, from where", () => {
    const text = zone(server, "history", "--name", "www");
    expect(heads(text)).toEqual(["#4", "#1"]);
    expect(text).toMatch(/^#4 {2}\S+Z {2}3 → 4 {2}key:key-sha256 by rfc2136 from 127\.0\.0\.1$/m);
    expect(text).toMatch(/- www\.dyn.* CNAME home.*\n {2}\+ www\.dyn.* A 192\.0\.2\.80$/m);
    expect(text).not.toContain("mail.");
    expect(text).toContain("other records");
    expect(text).not.toContain(" SOA ");
  });

  test.each([
    [
      ["--actor", "router"],
      ["#3", "#2"],
    ],
    [["--actor", "key:router", "--limit", "1"], ["#3"]],
    [
      ["--type", "cname"],
      ["#4", "#1"],
    ],
    [
      ["--name", HOME, "--since", "1h"],
      ["#3", "#2", "#1"],
    ],
    [
      ["--address", "127.0.0.1"],
      ["#4", "#3", "#2"],
    ],
  ])("can be searched by %j", (search, found) => {
    expect(heads(zone(server, "history", ...search))).toEqual(found);
  });

  test.each([
    ["--until", "1h"],
    ["--address", "192.0.2.99"],
  ])("says when nothing is found by %s %s", (...search) => {
    const stderr = `no change of ${ORIGIN} was found\n`;
    const done = server.cli("zone", "history", ORIGIN, ...search);
    expect(done).toMatchObject({ status: 0, stdout: "", stderr });
  });

  test("is JSON for programs", () => {
    const entries = JSON.parse(zone(server, "history", "--json", "--name", "home", "--limit", "1"));
    expect(entries).toMatchObject([
      {
        sequence: 3,
        fromSerial: 2,
        toSerial: 3,
        actor: "key:router",
        removed: [`${HOME}. 60 IN A 192.0.2.2`],
        added: [`${HOME}. 60 IN A 192.0.2.3`],
        omitted: 0,
      },
    ]);
  });

  test("has what was refused, and why, and how often", () => {
    for (let time = 0; time < 3; time++) {
      expect(update(server, ROUTER, `add nas.${ORIGIN} 60 A 192.0.2.9`).status).not.toBe(0);
    }
    const text = zone(server, "history", "--refused");
    expect(text).toMatch(
      /^\S+Z {2}key:router by rfc2136 from 127\.0\.0\.1 {2}3 times since \S+Z$/m,
    );
    expect(text).toContain(
      `refused (no-grant): key:router has no update grant for nas.${ORIGIN}. A`,
    );
    const [refused] = JSON.parse(zone(server, "history", "--refused", "--json"));
    expect(refused).toMatchObject({ actor: "key:router", reason: "no-grant", count: 3 });
  });

  test("shows the zone and parts of it as they were", () => {
    expect(zone(server, "show", "--name", "home", "--at", "@1")).toMatch(
      / 60 IN A +192\.0\.2\.1\n/,
    );
    expect(zone(server, "show", "--type", "A", "--at", "before-www").split("\n")).toHaveLength(4);
    const first = zone(server, "export", "--at", "1");
    const again = join(server.directory, "first.zone");
    writeFileSync(again, first);
    expect(server.cli("zone", "check", ORIGIN, again)).toMatchObject({ status: 0 });
    expect(first).toContain(" 192.0.2.1\n");
    expect(first).toMatch(/SOA .* 1 3600/);
  });

  test("says what differs between two points", () => {
    const lines = zone(server, "diff", "#1", "before-www").trimEnd().split("\n");
    expect(lines).toEqual([
      expect.stringMatching(/^--- dyn\.example\.com\. serial 1 #1 \S+Z$/),
      expect.stringMatching(/^\+\+\+ dyn\.example\.com\. serial 3 #3 \S+Z$/),
      `- ${HOME}. 60 IN A 192.0.2.1`,
      `+ ${HOME}. 60 IN A 192.0.2.3`,
    ]);
    const back = JSON.parse(zone(server, "diff", "3", "1", "--json"));
    expect(back).toMatchObject({
      from: { serial: 3 },
      to: { serial: 1 },
      removed: [`${HOME}. 60 IN A 192.0.2.3`],
      added: [`${HOME}. 60 IN A 192.0.2.1`],
    });
  });

  test.each([
    [["diff"], "a point"],
    [["diff", "teatime"], "has no label teatime"],
    [["diff", "#99"], "no change #99 yet"],
    [["diff", "1", "2", "3"], "maybe a second one"],
    [["show", "--at", "2030-01-01"], "lies in the future"],
    [["show", "--at", "4w"], "begins with serial 1 (#1)"],
    [["history", "--since", "soon"], "2h for two hours ago"],
    [["history", "--name", "a..b"], "a..b"],
    [["history", "--type", "AA"], '"AA" is no RR type'],
    [["history", "--refused", "--name", "x"], "--name"],
    [["revert"], "--to POINT or --change SEQUENCE"],
    [["revert", "--change", "1"], "delete it"],
    [["revert", "--change", "x"], "takes a number"],
    [["revert", "--to", "1", "--force"], "`force` goes with `change`"],
    [["revert", "--change", "3", "--name", "www"], "`names` goes with `to`"],
    [["export", "--journal", "nowhere/journal.jsonl"], "cannot write nowhere/journal.jsonl"],
    [["label"], "add NAME [POINT]"],
    [["label", "ad", "x"], "did you mean `add`?"],
    [["label", "add", "2h"], "a letter first"],
    [["label", "add", "before-www"], "already"],
    [["label", "remove", "nobody"], "no label nobody"],
  ])("%j is answered with the way out", ([word, ...args], advice) => {
    expect(refusal(server, word as string, ...args)).toContain(advice);
  });

  test("is turned back by one change or to a point, and forward again", () => {
    const blocked = refusal(server, "revert", "--change", "2");
    expect(blocked).toContain("later changes touched the same records as #2: #3 (");
    expect(blocked).toContain("with force");
    const would = zone(server, "revert", "--change", "2", "--force", "--dry-run");
    expect(would).toContain(`would revert change #2 of ${ORIGIN}.:\n`);
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.3"]);
    expect(zone(server, "revert", "--change", "2", "--force")).toContain("by serial 5:\n");
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.1"]);
    expect(zone(server, "revert", "--change", "#4")).toContain("CNAME");
    expect(server.dig(`www.${ORIGIN}`, "A")).toEqual([`${HOME}.`, "192.0.2.1"]);
    expect(zone(server, "revert", "--to", "#4", "--name", "home")).toContain("serial 4 (#4)");
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.3"]);
    const done = JSON.parse(zone(server, "revert", "--to", "@4", "--json"));
    expect(done).toMatchObject({ status: "applied", serial: 8, to: { serial: 4 } });
    expect(server.dig(`www.${ORIGIN}`, "A")).toEqual(["192.0.2.80"]);
    expect(zone(server, "revert", "--to", "4")).toContain("nothing to revert");
    const shown = zone(server, "history", "--actor", "local");
    for (const way of ["of #2", "of #4", `to #4 for ${HOME}.`, "to #4"]) {
      expect(shown).toContain(`local by cli, revert ${way}\n`);
    }
    expect(heads(shown)).toEqual(["#8", "#7", "#6", "#5", "#1"]);
  });

  test("and its labels outlive a restart", async () => {
    await server.stop();
    await server.launch();
    expect(zone(server, "label", "list")).toMatch(/^before-www +3 +#3 +\S+Z +\S+Z$/m);
    expect(zone(server, "revert", "--to", "before-www")).toContain("serial 3 (#3)");
    expect(server.dig(`www.${ORIGIN}`, "CNAME")).toEqual([`${HOME}.`]);
    expect(zone(server, "label", "remove", "before-www")).toContain("removed");
  });

  test("goes out beside the zone it led to, while updates go on", async () => {
    let isOver = false;
    const updates = (async () => {
      for (let n = 1; !isOver && n < 1_000; n++) {
        const path = `/nic/update?hostname=h${n % 7}.alice.${ORIGIN}&myip=10.0.0.${n % 250}`;
        const authorization = `Basic ${Buffer.from("alice:alices-secret").toString("base64")}`;
        await (await fetch(server.url(path), { headers: { authorization } })).text();
      }
    })();
    const journal = join(server.directory, "journal.jsonl");
    const sequences: number[] = [];
    for (let time = 0; time < 3; time++) {
      const exported = (await server.cliAsync("zone", "export", ORIGIN, "--journal", journal))
        .stdout;
      const [head, ...entries] = readFileSync(journal, "utf8")
        .trimEnd()
        .split("\n")
        .map((each) => JSON.parse(each));
      expect(head).toMatchObject({ format: 1, zone: `${ORIGIN}.`, sequence: entries.length });
      expect(replay(entries)).toEqual(recordsOf(exported));
      expect(exported).toContain(` ${head.serial} 3600 600`);
      sequences.push(head.sequence);
    }
    expect(sequences.at(-1)).toBeGreaterThan(sequences[0] as number);
    isOver = true;
    await updates;
  });
});

/** The records that a whole journal leads to. */
function replay(entries: readonly { removed: string[]; added: string[] }[]): string[] {
  const records = new Set<string>();
  for (const { removed, added } of entries) {
    for (const each of removed) expect(records.delete(each)).toBe(true);
    for (const each of added) records.add(each);
  }
  return [...records].sort();
}

function recordsOf(zoneFile: string): string[] {
  const lines = zoneFile.split("\n").filter((line) => line !== "" && !line.startsWith("$"));
  return lines.map((line) => line.replaceAll(/ +/g, " ")).sort();
}

test.skipIf(skipWithout("dig", "nsupdate"))(
  "a zone made with more than the journal keeps says so, and is taken back there all the same",
  async () => {
    const hosts = Array.from({ length: 1_500 }, (_, n) => `h${n} IN A 10.0.${n >> 8}.${n & 255}\n`);
    const files = { "dyn.zone": ZONE + hosts.join("") };
    const server = await Windhover.start({ ...EXAMPLE, files });
    try {
      const before = zone(server, "export");
      expect(update(server, KEY, `del h7.${ORIGIN}`, ...setHome("192.0.2.2")).status).toBe(0);
      expect(zone(server, "history")).toContain(
        "  made with more records than the journal keeps\n",
      );
      zone(server, "revert", "--to", "#1");
      expect(zone(server, "export")).toBe(before.replace(" 1 3600 600", " 3 3600 600"));
      expect(zone(server, "export", "--at", "#1")).toBe(before);
      const command = `"${process.execPath}" "${MAIN}" zone export ${ORIGIN} | head -n 1`;
      const first = run("sh", ["-c", command], { cwd: server.directory });
      expect(first).toEqual({ status: 0, stdout: `$ORIGIN ${ORIGIN}.\n`, stderr: "" });
    } finally {
      await server.stop();
    }
  },
);

describe("a revert goes out like any change", () => {
  const NAMES: readonly SecondaryName[] = ["knot", "nsd"];

  test.skipIf(skipWithout("dig", "nsupdate", ...NAMES.map(secondaryCommand)))(
    "by NOTIFY and IXFR, with a serial that goes on",
    async () => {
      const ports = await Promise.all(NAMES.map(() => freePort()));
      const key = "key-sha256";
      const notify = ports.map((port) => `127.0.0.1:${port}`);
      const zones = [{ origin: ORIGIN, file: "dyn.zone", notify }];
      const server = await Windhover.start({ ...EXAMPLE, config: { ...EXAMPLE.config, zones } });
      const primary = { zone: ORIGIN, primaryPort: server.dnsPort, key, secret: SECRET };
      const secondaries = NAMES.map((name, at) =>
        SecondaryServer.start(name, { ...primary, port: ports[at] as number }),
      );
      const reached = async (serial: number) => {
        for (const each of secondaries) {
          await until(`${each.name} at ${serial}`, () => each.serial(ORIGIN) === serial);
        }
      };
      try {
        await reached(1);
        const [first] = secondaries as [SecondaryServer, SecondaryServer];
        const before = await transferred(first.port, ORIGIN);
        expect(update(server, KEY, `del www.${ORIGIN}`, ...setHome("192.0.2.2")).status).toBe(0);
        await reached(2);
        zone(server, "revert", "--to", "#1");
        await reached(3);
        const serialStep = (lines: readonly string[]) =>
          lines.map((line) => line.replace(" 3 3600", " 1 3600"));
        for (const each of secondaries) {
          expect(serialStep(await transferred(each.port, ORIGIN)), each.name).toEqual(before);
        }
        const incremental = server.output
          .split("\n")
          .filter((line) => line.includes('"form":"IXFR"'));
        expect(incremental.length).toBeGreaterThanOrEqual(2 * NAMES.length);
      } finally {
        await Promise.all(secondaries.map((each) => each.stop()));
        await server.stop();
      }
    },
  );
});

test.skipIf(skipWithout("redis-server", "dig", "nsupdate"))(
  "two nodes on one Redis have one history: labelled at one, compared and taken back at the other",
  async () => {
    const redis = await startRedisServer();
    const config = { ...EXAMPLE.config, store: redis.url };
    const one = await Windhover.start({ ...EXAMPLE, config });
    const two = await Windhover.start({ ...EXAMPLE, config });
    const answers = async (server: Windhover, address: string) =>
      until(`the answer ${address}`, () => server.dig(HOME, "A")[0] === address);
    try {
      zone(one, "label", "add", "before");
      expect(update(two, ROUTER, ...setHome("192.0.2.2"))).toMatchObject({ status: 0 });
      await answers(one, "192.0.2.2");
      expect(update(one, ROUTER, ...setHome("192.0.2.3"))).toMatchObject({ status: 0 });
      await answers(two, "192.0.2.3");
      expect(zone(two, "diff", "before")).toContain(`+ ${HOME}. 60 IN A 192.0.2.3\n`);
      expect(zone(two, "revert", "--to", "before")).toContain("by serial 4:");
      expect(two.dig(HOME, "A")).toEqual(["192.0.2.1"]);
      await answers(one, "192.0.2.1");
      expect(heads(zone(one, "history", "--name", "home"))).toEqual(["#4", "#3", "#2", "#1"]);
      expect(zone(one, "export")).toBe(zone(two, "export"));
    } finally {
      await one.stop();
      await two.stop();
      await redis.destroy();
    }
  },
);
