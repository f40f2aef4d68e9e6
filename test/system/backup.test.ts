/** Backup, restore and move as an operator has them, while clients go on updating, and broken off in the middle. */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RedisServer, startRedisServer } from "../store/redis-server.ts";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { skipWithout, until } from "./harness/program.ts";
import { newAcknowledged, updateUntil } from "./harness/update-stream.ts";
import { MAIN, Windhover } from "./harness/windhover.ts";

const KEY = `hmac-sha256:key-sha256:${SECRET}`;
const CLIENTS = 4;

const directories: string[] = [];

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "windhover-backup-"));
  directories.push(made);
  return made;
}

afterAll(() => {
  for (const each of directories) rmSync(each, { recursive: true, force: true });
});

/** A command that must succeed. */
async function cli(server: Windhover, ...args: string[]): Promise<string> {
  const done = await server.cliAsync(...args);
  expect(done, args.join(" ")).toMatchObject({ status: 0 });
  return done.stdout;
}

async function refusal(server: Windhover, ...args: string[]): Promise<string> {
  const done = await server.cliAsync(...args);
  expect(done, args.join(" ")).toMatchObject({ status: 1, stdout: "" });
  expect(done.stderr.trim().split("\n")).toHaveLength(1);
  return done.stderr;
}

/** The records of the first zone of a backup, as sorted lines without padding. */
function records(lines: string): string[] {
  return lines
    .split("\n")
    .filter((line) => line !== "" && !/^[;$]/.test(line))
    .map((line) => line.replaceAll(/ +/g, " "))
    .sort();
}

function versionIn(backup: string): { serial: number; sequence: number } {
  return JSON.parse(/^;zone (.*)$/m.exec(backup)?.[1] ?? "") as {
    serial: number;
    sequence: number;
  };
}

describe.skipIf(skipWithout("dig", "nsupdate", "redis-server"))("a backup", () => {
  let redis: RedisServer;
  let server: Windhover;
  const others: Windhover[] = [];
  const files = directory();
  const file = join(files, "backup.txt");
  let first: { serial: number; sequence: number };

  beforeAll(async () => {
    redis = await startRedisServer();
    server = await Windhover.start(EXAMPLE);
    const add = `update add first.${ORIGIN} 60 A 192.0.2.1`;
    expect(server.nsupdate([`zone ${ORIGIN}`, add], "-y", KEY)).toMatchObject({ status: 0 });
    await cli(server, "zone", "label", ORIGIN, "add", "begun");
    await cli(server, "key", "add", "made", "--update-zone", ORIGIN);
  });

  afterEach(async () => {
    for (const each of others.splice(0)) await each.stop();
  });

  afterAll(async () => {
    await server.stop();
    await redis.destroy();
  });

  /** A server of its own on this store. */
  const another = async (store: string) => {
    const config = { ...EXAMPLE.config, store };
    const made = await Windhover.start({ ...EXAMPLE, config });
    others.push(made);
    await until("its socket", async () => (await made.cliAsync("zone", "list")).status === 0);
    return made;
  };

  test("is of one serial while updates go on, which all the records are of", async () => {
    const acknowledged = newAcknowledged();
    let isOver = false;
    const updates = Array.from({ length: CLIENTS }, (_, at) =>
      updateUntil(server, at, acknowledged, () => isOver),
    );
    await until("some updates", () => acknowledged.count > 200);
    const texts: string[] = [];
    for (let at = 0; at < 5; at++) {
      const path = join(files, `${at}.${at % 2 === 0 ? "txt" : "gz"}`);
      const before = acknowledged.count;
      await cli(server, "backup", path);
      await until("updates to go on", () => acknowledged.count > before);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(await cli(server, "backup", "--verify", path)).toContain("is complete: zones 1");
      if (at % 2 === 0) texts.push(readFileSync(path, "utf8"));
    }
    isOver = true;
    await Promise.all(updates);
    expect(acknowledged.refused).toEqual([]);
    for (const text of texts) {
      const { sequence } = versionIn(text);
      const past = await cli(server, "zone", "export", ORIGIN, "--at", `@${sequence}`);
      expect(records(text)).toEqual(records(past));
    }
    await cli(server, "backup", file);
    first = versionIn(readFileSync(file, "utf8"));
    expect(readdirSync(files).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  test.each(["LMDB", "Redis"])(
    "is restored into a fresh %s, history, labels and keys too",
    async (kind) => {
      const store = kind === "LMDB" ? join(directory(), "data") : redis.url;
      const told = await cli(server, "restore", file, "--store", store);
      expect(told).toContain(`restored ${ORIGIN}. at serial ${first.serial} (#${first.sequence})`);
      const copy = await another(store);
      const same = async (...args: string[]) =>
        expect(await cli(copy, ...args), args.join(" ")).toBe(await cli(server, ...args));
      await same("zone", "export", ORIGIN);
      await same("zone", "history", ORIGIN, "--limit", "1000", "--json");
      await same("zone", "label", ORIGIN, "list");
      await same("key", "list");
      await same("zone", "show", ORIGIN, "--at", "begun");
      for (const name of ["c0.alice.", "c3.alice.", "first."]) {
        expect(copy.dig(`${name}${ORIGIN}`, "A")).toEqual(server.dig(`${name}${ORIGIN}`, "A"));
      }
      const old = first.serial - 2;
      const transferred = copy.digFull("-y", KEY, "+tcp", ORIGIN, `IXFR=${old}`).stdout;
      const soas = [...transferred.matchAll(/SOA\s+\S+ \S+ (\d+) /g)].map(([, serial]) =>
        Number(serial),
      );
      expect(soas).toEqual([first.serial, old, first.serial, first.serial]);
      const add = `update add later.${ORIGIN} 60 A 192.0.2.1`;
      expect(copy.nsupdate([`zone ${ORIGIN}`, add], "-y", KEY)).toMatchObject({ status: 0 });
      const [shown] = copy.dig(ORIGIN, "SOA");
      expect(shown?.split(" ")[2]).toBe(String(first.serial + 1));
    },
  );

  test("does not overwrite a zone unless told to, and then by one change", async () => {
    const add = `update add extra.${ORIGIN} 60 A 192.0.2.1`;
    expect(server.nsupdate([`zone ${ORIGIN}`, add], "-y", KEY)).toMatchObject({ status: 0 });
    const said = await refusal(server, "restore", file);
    expect(said).toContain(`is there at serial ${first.serial + 1}`);
    expect(said).toContain(`the backup has serial ${first.serial}`);
    expect(await cli(server, "restore", file, "--replace")).toContain(
      `changed ${ORIGIN}. to what it was, by serial ${first.serial + 2}`,
    );
    expect(server.dig(`extra.${ORIGIN}`, "A")).toEqual([]);
    expect(await cli(server, "zone", "history", ORIGIN, "--limit", "1")).toContain("extra");
  });

  test("that is no whole backup is refused before anything is written", async () => {
    const text = readFileSync(file, "utf8");
    const flipped = Buffer.from(text);
    const middle = flipped.length >> 1;
    flipped[middle] = (flipped[middle] as number) ^ 1;
    const bad = {
      "cut.txt": text.slice(0, -70),
      "flipped.txt": flipped,
      "newer.txt": text.replace('"backup":1', '"backup":9'),
      "zone.txt": `$ORIGIN ${ORIGIN}.\n@ 60 IN A 192.0.2.1\n`,
      "empty.txt": "",
    };
    const store = join(directory(), "data");
    for (const [name, content] of Object.entries(bad)) {
      const path = join(files, name);
      writeFileSync(path, content);
      expect(await refusal(server, "restore", path, "--store", store)).toContain(
        `${name} is not to be used`,
      );
    }
    expect(existsSync(store)).toBe(false);
  });

  test("is not written where it cannot be, and says so", async () => {
    expect(await refusal(server, "backup", "/nowhere/at/all")).toContain(
      "cannot write /nowhere/at/all",
    );
    expect(await refusal(server, "backup", file, "--zone", "no.example")).toContain(
      "there is no zone no.example.",
    );
  });
});

describe.skipIf(skipWithout("redis-server"))("moving a store", () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedisServer();
  });

  afterAll(() => redis.destroy());

  test("to Redis and back leaves everything as it was", async () => {
    const server = await Windhover.start(EXAMPLE);
    await cli(server, "zone", "label", ORIGIN, "add", "begun");
    const exported = await cli(server, "zone", "export", ORIGIN);
    const history = await cli(server, "zone", "history", ORIGIN, "--json");
    const data = join(server.directory, "data");
    expect(await refusal(server, "move", "--from", data, "--to", redis.url)).toContain("is in use");
    await server.stop();
    const back = join(directory(), "data");
    for (const [from, to] of [
      [data, redis.url],
      [redis.url, back],
    ] as const) {
      expect(await cli(server, "move", "--from", from, "--to", to)).toContain(`store: ${to}`);
      const again = await cli(server, "move", "--from", from, "--to", to);
      expect(again).toContain("was there already");
    }
    const moved = await Windhover.start({ ...EXAMPLE, config: { ...EXAMPLE.config, store: back } });
    expect(await cli(moved, "zone", "export", ORIGIN)).toBe(exported);
    expect(await cli(moved, "zone", "history", ORIGIN, "--json")).toBe(history);
    expect(await cli(moved, "zone", "label", ORIGIN, "list")).toContain("begun");
    await moved.stop();
  });

  test("from where there is none is refused", async () => {
    const server = await Windhover.prepare(EXAMPLE);
    const nowhere = join(directory(), "none");
    expect(await refusal(server, "move", "--from", nowhere, "--to", redis.url)).toContain(
      "there is no store",
    );
    expect(existsSync(nowhere)).toBe(false);
  });
});

describe("a restore that is killed", () => {
  test("leaves nothing of a zone, and the next one makes it whole", async () => {
    const server = await Windhover.start(EXAMPLE);
    const zone = join(server.directory, "large.zone");
    const hosts = Array.from(
      { length: 200_000 },
      (_, at) => `h${at} 60 IN A 10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
    );
    const apex = [
      "@ 60 IN SOA ns1 hostmaster 7 3600 600 86400 60",
      "@ 60 IN NS ns1",
      "ns1 60 IN A 192.0.2.1",
    ];
    writeFileSync(zone, `${[...apex, ...hosts].join("\n")}\n`);
    await cli(server, "zone", "import", "large.example", zone);
    const file = join(server.directory, "large.gz");
    await cli(server, "backup", file, "--zone", "large.example");
    await server.stop();
    const store = join(directory(), "data");
    let killed = 0;
    for (const waitMs of [900, 1_300, 1_700, 2_100]) {
      const child = spawn(process.execPath, [MAIN, "restore", file, "--store", store], {
        cwd: server.directory,
        stdio: "ignore",
      });
      const ended = new Promise<NodeJS.Signals | null>((resolve) =>
        child.once("exit", (_, signal) => resolve(signal)),
      );
      const timer = setTimeout(() => child.kill("SIGKILL"), waitMs);
      if ((await ended) === "SIGKILL") killed++;
      clearTimeout(timer);
    }
    expect(killed).toBeGreaterThan(0);
    const told = await cli(server, "restore", file, "--store", store);
    expect(told).toMatch(/restored large\.example\. at serial 7 \(#1\)|is so already, at serial 7/);
    const again = join(server.directory, "again.txt");
    expect(await cli(server, "backup", again, "--store", store)).toContain(
      "zones 1 (records 200003, changes 1)",
    );
  }, 60_000);
});
