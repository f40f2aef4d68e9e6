/** A store directory that is not what it was: cut off, of an older layout, restored in part, taken away while it is open. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { writeJournalRecord } from "../../src/store/journal-record.ts";
import {
  journalKey,
  PRESENT,
  SCHEMA_KEY,
  rrsetKey as storedRRsetKey,
  versionKey,
  zoneValue,
} from "../../src/store/lmdb-keys.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { writeRRsetKey, writeRRsetValue } from "../../src/store/rrset-record.ts";
import type { Store, ZoneVersion } from "../../src/store/store.ts";
import { parseName } from "../../src/wire/name.ts";
import { type Child, startChild } from "./child.ts";
import { type Compiled, compile } from "./compiled.ts";
import { address, collect, creation, host, hosts, makeCommit, put, soa } from "./zone-samples.ts";

const ORIGIN = parseName("dyn.example.com.");
const FIRST: ZoneVersion = { serial: 1, sequence: 1 };
const BINARY = { encoding: "binary", keyEncoding: "binary" } as const;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windhover-damage-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Commits one address of one host after the other. */
async function step(store: Store, from: ZoneVersion, count: number): Promise<ZoneVersion> {
  let expected = from;
  for (let at = 0; at < count; at++) {
    const owner = host(`n${expected.sequence}`, ORIGIN);
    const commit = makeCommit(ORIGIN, expected, [put(address(owner, at))]);
    expect(await store.commit(commit)).toEqual({ status: "committed" });
    expected = commit.next;
  }
  return expected;
}

describe("a data.mdb that was cut off", () => {
  const data = () => join(directory, "data.mdb");

  async function fill(): Promise<ZoneVersion> {
    const store = await openLmdbStore(directory);
    await store.createZone(creation(ORIGIN), hosts(ORIGIN, 20_000));
    const last = await step(store, FIRST, 300);
    await store.close();
    return last;
  }

  test("anywhere is refused before it is read, and left as it is", async () => {
    await fill();
    const whole = readFileSync(data());
    for (const part of [0.0001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9]) {
      const octets = whole.subarray(0, Math.max(1, Math.floor(whole.length * part)));
      writeFileSync(data(), octets);
      const opening = openLmdbStore(directory);
      await expect(opening).rejects.toMatchObject({ code: "store-format" });
      await expect(openLmdbStore(directory)).rejects.toThrow(/data\.mdb is damaged.*restore it/);
      expect(readFileSync(data()).equals(octets)).toBe(true);
      expect(existsSync(join(directory, "owner.json"))).toBe(false);
    }
    writeFileSync(data(), whole);
    await (await openLmdbStore(directory)).close();
  });

  test("by a page or more at its end is refused unless nothing was lost", async () => {
    const last = await fill();
    const whole = readFileSync(data());
    let refused = 0;
    for (let pages = 1; pages <= 40; pages++) {
      writeFileSync(data(), whole.subarray(0, whole.length - 4_096 * pages));
      try {
        const store = await openLmdbStore(directory);
        expect(await store.listZones()).toEqual([{ origin: ORIGIN, ...last }]);
        expect((await collect(await store.loadZone(ORIGIN))).size).toBe(20_300);
        const journal = await store.readJournal(ORIGIN, { afterSequence: 0, limit: 1_000 });
        expect(journal).toHaveLength(last.sequence);
        await store.close();
      } catch (error) {
        expect(error).toMatchObject({ code: "store-format" });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });

  test("is opened where its last pages are free ones that LMDB never wrote", async () => {
    const last = await fill();
    const file = readFileSync(data());
    for (const page of [0, 4_096]) {
      file.writeBigUInt64LE(file.readBigUInt64LE(page + 144) + 7n, page + 144);
    }
    writeFileSync(data(), file);
    const store = await openLmdbStore(directory);
    expect(await store.listZones()).toEqual([{ origin: ORIGIN, ...last }]);
    await step(store, last, 50);
    await store.close();
  });
});

describe("a directory of schema version 1", () => {
  /** As it was written then: RRsets one by one, no packs, no log. */
  async function makeOld(): Promise<void> {
    const root = open<Uint8Array, Uint8Array>(directory, {
      ...BINARY,
      noSubdir: false,
      maxDbs: 16,
    });
    const table = (name: string) => root.openDB<Uint8Array, Uint8Array>(name, BINARY);
    const rrsets = [soa(ORIGIN, 1), address(host("a", ORIGIN), 1), address(host("b", ORIGIN), 2)];
    table("meta").putSync(SCHEMA_KEY, Buffer.from("1"));
    table("zones").putSync(ORIGIN, zoneValue(4));
    table("versions").putSync(versionKey(4, FIRST), PRESENT);
    table("journal").putSync(journalKey(4, 1), writeJournalRecord(creation(ORIGIN)));
    for (const rrset of rrsets) {
      const key = writeRRsetKey(rrset.owner, rrset.rrtype, ORIGIN);
      table("rrsets").putSync(storedRRsetKey(4, key), writeRRsetValue(rrset));
    }
    await root.close();
  }

  test("is taken over as it is, and is one of this version from then on", async () => {
    await makeOld();
    const store = await openLmdbStore(directory);
    expect(await store.listZones()).toEqual([{ origin: ORIGIN, ...FIRST }]);
    expect((await collect(await store.loadZone(ORIGIN))).size).toBe(3);
    const last = await step(store, FIRST, 2);
    await store.close();
    const again = await openLmdbStore(directory);
    expect(await again.listZones()).toEqual([{ origin: ORIGIN, ...last }]);
    expect((await collect(await again.loadZone(ORIGIN))).size).toBe(5);
    expect(await again.readJournal(ORIGIN, { afterSequence: 0, limit: 9 })).toHaveLength(3);
    await again.close();
    const root = open<Uint8Array, Uint8Array>(directory, { ...BINARY, noSubdir: false });
    const meta = root.openDB<Uint8Array, Uint8Array>("meta", BINARY);
    expect(Buffer.from(meta.get(SCHEMA_KEY) as Uint8Array).toString()).toBe("2");
    await root.close();
  });
});

describe("tables and log that do not belong together", () => {
  test("an older data.mdb beside a newer log is refused, and what to do is said; without the log it opens", async () => {
    const store = await openLmdbStore(directory);
    await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
    await store.listZones();
    copyFileSync(join(directory, "data.mdb"), join(directory, "backup"));
    const second = await step(store, FIRST, 2);
    await store.listZones();
    const third = await step(store, second, 1);
    const logged = readFileSync(join(directory, "commits.log"));
    await store.close();
    const restore = () => copyFileSync(join(directory, "backup"), join(directory, "data.mdb"));
    restore();
    writeFileSync(join(directory, "commits.log"), logged);
    // The log still holds all of them, so it leads from the older tables to where the zone stood.
    const led = await openLmdbStore(directory);
    expect(await led.listZones()).toEqual([{ origin: ORIGIN, ...third }]);
    await step(led, third, 1);
    await led.listZones();
    const fourth = await step(led, { serial: 5, sequence: 5 }, 1);
    const later = readFileSync(join(directory, "commits.log"));
    await led.close();
    restore();
    writeFileSync(join(directory, "commits.log"), later);
    const opening = openLmdbStore(directory);
    await expect(opening).rejects.toMatchObject({ code: "store-format" });
    await expect(openLmdbStore(directory)).rejects.toThrow(/entry 6, .* is at serial 1, entry 1\./);
    await expect(openLmdbStore(directory)).rejects.toThrow("move commits.log away");
    expect(fourth.sequence).toBe(6);
    renameSync(join(directory, "commits.log"), join(directory, "commits.log.old"));
    const without = await openLmdbStore(directory);
    expect(await without.listZones()).toEqual([{ origin: ORIGIN, ...FIRST }]);
    await without.close();
  });
});

describe("a directory that is taken away while it is open", () => {
  const REFUSED = { code: "store-unavailable" };

  test("moved: changes are refused and the probe says so; put back: they are taken, and nothing refused is there", async () => {
    const path = join(directory, "db");
    const store = await openLmdbStore(path);
    await store.createZone(creation(ORIGIN), []);
    const second = await step(store, FIRST, 1);
    await store.probe?.();
    renameSync(path, join(directory, "elsewhere"));
    const commit = makeCommit(ORIGIN, second, [put(address(host("refused", ORIGIN), 1))]);
    await expect(store.commit(commit)).rejects.toMatchObject(REFUSED);
    await expect(store.probe?.()).rejects.toThrow("was removed while it was open");
    await expect(store.writeDocument("key", "k", "{}")).rejects.toMatchObject(REFUSED);
    renameSync(join(directory, "elsewhere"), path);
    await store.probe?.();
    const third = await step(store, second, 1);
    expect(await store.listZones()).toEqual([{ origin: ORIGIN, ...third }]);
    expect((await collect(await store.loadZone(ORIGIN))).size).toBe(2);
    await store.close();
  });

  test("removed: nothing is acknowledged any more, and what is read is what was", async () => {
    const path = join(directory, "db");
    const store = await openLmdbStore(path);
    await store.createZone(creation(ORIGIN), []);
    const second = await step(store, FIRST, 1);
    await store.listZones();
    rmSync(path, { recursive: true });
    const commit = makeCommit(ORIGIN, second, []);
    await expect(store.commit(commit)).rejects.toThrow("was removed while it was open");
    expect((await collect(await store.loadZone(ORIGIN))).size).toBe(1);
    await expect(store.probe?.()).rejects.toMatchObject(REFUSED);
    mkdirSync(path);
    for (const file of ["data.mdb", "commits.log"]) writeFileSync(join(path, file), "another");
    await expect(store.commit(commit)).rejects.toThrow("another file");
    await store.close();
  });
});

describe("two servers on one directory", () => {
  let compiled: Compiled;
  beforeAll(() => {
    compiled = compile("test/store/committer.ts");
  });
  afterAll(() => compiled.remove());

  test("that cannot see each other's process ids: the second is refused, and may when the first was killed", async (context) => {
    const script = compiled.path("test/store/committer.ts");
    const unshare = ["--pid", "--fork", "--kill-child", "--mount-proc", process.execPath, script];
    const isolated = spawn("unshare", [...unshare, directory, "open"], { stdio: "pipe" });
    let output = "";
    isolated.on("error", () => {});
    isolated.stdout.on("data", (chunk) => {
      output += String(chunk);
    });
    const ended = once(isolated.stdout, "close");
    await Promise.race([once(isolated.stdout, "data"), ended]);
    if (output === "") context.skip("only root may make a process namespace");
    try {
      expect(output).toBe("open\n");
      const owner = JSON.parse(readFileSync(join(directory, "owner.json"), "utf8"));
      expect(owner.pid).toBe(1);
      const refusal = `is in use by process 1 on ${hostname()}`;
      await expect(openLmdbStore(directory)).rejects.toThrow(refusal);
      const twin = spawn("unshare", [...unshare, directory, "open"], { stdio: "pipe" });
      let said = "";
      twin.stdout.on("data", (chunk) => {
        said += String(chunk);
      });
      await once(twin.stdout, "close");
      expect(said).toContain(refusal);
    } finally {
      isolated.kill("SIGKILL");
      await ended;
    }
    await (await openLmdbStore(directory)).close();
  });

  test("started at the same moment: one has it, the others are refused", async () => {
    const script = compiled.path("test/store/committer.ts");
    const children: Child[] = Array.from({ length: 4 }, () =>
      startChild(script, [directory, "open"]),
    );
    const said = await Promise.all(children.map((child) => child.line(() => true)));
    expect(said.filter((line) => line === "open")).toHaveLength(1);
    expect(said.filter((line) => line.startsWith("error store-unavailable"))).toHaveLength(3);
    for (const child of children) await child.kill();
    await (await openLmdbStore(directory)).close();
  });

  test("in a directory whose path is longer than a socket's may be", async () => {
    const path = join(directory, "d".repeat(100), "e".repeat(100));
    const store = await openLmdbStore(path);
    expect(readdirSync(path)).toContain("owner.sock");
    writeFileSync(join(path, "owner.json"), "");
    await expect(openLmdbStore(path)).rejects.toThrow("in use by another process");
    await store.close();
    expect(readdirSync(path)).not.toContain("owner.sock");
  });
});
