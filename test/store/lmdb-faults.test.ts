/** What may go wrong with a store directory: crashes, a second owner, wrong files, a full disk. */

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, open } from "lmdb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Limits } from "../../src/base/limits.ts";
import { COMMIT_LOG_LENGTH } from "../../src/store/commit-log.ts";
import { DEFAULT_RETENTION } from "../../src/store/journal-retention.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import type { Store, ZoneVersion } from "../../src/store/store.ts";
import { parseName } from "../../src/wire/name.ts";
import { type Child, startChild } from "./child.ts";
import { committedRRset, committedZone } from "./committer.ts";
import { type Compiled, compile } from "./compiled.ts";
import {
  address,
  collect,
  creation,
  host,
  hosts,
  makeCommit,
  put,
  rrsetKey,
  soa,
  text,
} from "./zone-samples.ts";

const ORIGIN = parseName("dyn.example.com.");
const BINARY = { encoding: "binary", keyEncoding: "binary" } as const;
const NOBODY = 65_534;

let compiled: Compiled;
let directory: string;
const children: Child[] = [];

beforeAll(() => {
  compiled = compile("test/store/committer.ts");
});

afterAll(() => compiled.remove());

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windhover-faults-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
  rmSync(directory, { recursive: true, force: true });
});

function committer(...args: string[]): Child {
  const child = startChild(compiled.path("test/store/committer.ts"), [directory, ...args]);
  children.push(child);
  return child;
}

describe("a process killed with -9", () => {
  test("loses no acknowledged commit, and leaves none half done", async () => {
    const zones = 20;
    const acked = new Array<number>(zones).fill(1);
    for (let round = 1; round <= 4; round++) {
      const child = committer("commit", String(zones));
      await child.line((line, count) => line.startsWith("ack") && count >= 400 * round);
      await child.kill();
      for (const line of child.lines) {
        const [, zone, sequence] = line.split(" ");
        acked[Number(zone)] = Number(sequence);
      }
      const store = await openLmdbStore(directory);
      expect(await store.listZones()).toHaveLength(zones);
      for (const [at, sequence] of acked.entries()) await checkZone(store, at, sequence);
      await store.close();
    }
    expect(Math.min(...acked)).toBeGreaterThan(20);
  });

  async function checkZone(store: Store, at: number, acked: number): Promise<void> {
    const origin = committedZone(at);
    const zone = await store.loadZone(origin);
    const sequence = zone?.sequence ?? 0;
    expect(sequence).toBeGreaterThanOrEqual(acked);
    // The one commit that was under way may be there; what is there is whole.
    expect(sequence).toBeLessThanOrEqual(acked + 1);
    expect(zone?.serial).toBe(sequence);
    const rrsets = await collect(zone);
    const last = committedRRset(origin, sequence);
    if (sequence > 1) expect(rrsets.get(rrsetKey(last))).toEqual(last);
    const newest = committedRRset(host(`n${sequence % 50}`, origin), sequence);
    if (sequence > 1) expect(rrsets.get(rrsetKey(newest))).toEqual(newest);
    let after = Math.max(0, sequence - DEFAULT_RETENTION.entries);
    while (after < sequence) {
      const page = await store.readJournal(origin, { afterSequence: after, limit: 1_000 });
      expect(page[0]?.sequence).toBe(after + 1);
      after = page.at(-1)?.sequence ?? Number.POSITIVE_INFINITY;
    }
    expect(after).toBe(sequence);
  }

  test("leaves nothing of a zone that it was making", async () => {
    const child = committer("create");
    await child.line((line) => line === "filling");
    await child.kill();
    const store = await openLmdbStore(directory);
    expect(await store.listZones()).toEqual([]);
    await store.close();
    expect(await keysOf("packs")).toBe(0);
    expect(await keysOf("leftovers")).toBe(0);
    const again = await openLmdbStore(directory);
    await again.createZone(creation(parseName("endless.example.")), []);
    await again.close();
  });

  async function keysOf(name: string): Promise<number> {
    const root = open<Uint8Array, Uint8Array>(directory, {
      ...BINARY,
      noSubdir: false,
      maxDbs: 16,
    });
    const count = root.openDB<Uint8Array, Uint8Array>(name, BINARY).getCount();
    await root.close();
    return count;
  }

  test("leaves nothing of a zone that it was taking away", async () => {
    const store = await openLmdbStore(directory);
    await store.createZone(creation(ORIGIN), hosts(ORIGIN, 3 * Limits.storeBatch));
    await store.deleteZone(ORIGIN);
    await store.close();
    for (const name of ["packs", "rrsets", "journal", "versions"])
      expect(await keysOf(name)).toBe(0);
  });
});

describe("a directory that somebody has open", () => {
  test("is refused to a second process, with the number of the first", async () => {
    const store = await openLmdbStore(directory);
    const child = committer("open");
    const line = await child.line((each) => each.startsWith("error"));
    expect(line).toContain("store-unavailable");
    expect(line).toContain(`is in use by process ${process.pid}`);
    await store.createZone(creation(ORIGIN), [soa(ORIGIN, 1)]);
    await store.close();
  });

  test("is refused while the other lives, and taken when it was killed", async () => {
    const child = committer("open");
    await child.line((each) => each === "open");
    const refused = openLmdbStore(directory);
    await expect(refused).rejects.toMatchObject({ code: "store-unavailable" });
    await expect(openLmdbStore(directory)).rejects.toThrow(`in use by process ${child.pid}`);
    await child.kill();
    expect(existsSync(join(directory, "owner.json"))).toBe(true);
    const store = await openLmdbStore(directory);
    await store.close();
    expect(existsSync(join(directory, "owner.json"))).toBe(false);
  });

  test("is refused to the same process", async () => {
    const store = await openLmdbStore(directory);
    await expect(openLmdbStore(directory)).rejects.toThrow(`in use by process ${process.pid}`);
    await store.close();
  });

  test("is free when another process has the dead owner's number", async () => {
    const owner = { pid: process.pid, started: "1", boot: "another" };
    writeFileSync(join(directory, "owner.json"), JSON.stringify(owner));
    await (await openLmdbStore(directory)).close();
  });

  test("is free when a crash of the machine left an empty mark", async () => {
    writeFileSync(join(directory, "owner.json"), "");
    await (await openLmdbStore(directory)).close();
  });
});

describe("a location that is no store directory", () => {
  const refuses = async (path: string, code: string, message: string | RegExp) => {
    await expect(openLmdbStore(path)).rejects.toMatchObject({ code });
    await expect(openLmdbStore(path)).rejects.toThrow(message);
    await expect(openLmdbStore(path)).rejects.toThrow(path);
  };

  test("a file", async () => {
    const path = join(directory, "file");
    writeFileSync(path, "hello");
    await refuses(path, "store-unavailable", "it is a file");
    expect(readFileSync(path, "utf8")).toBe("hello");
    await refuses(join(path, "below"), "store-unavailable", "is a directory");
    await refuses("/proc/windhover", "store-unavailable", "it cannot be made");
  });

  test("a directory whose data.mdb is something else, or an end of one", async () => {
    for (const bytes of [Buffer.from("hello"), Buffer.alloc(100_000, 0x5a), Buffer.alloc(8_192)]) {
      writeFileSync(join(directory, "data.mdb"), bytes);
      await refuses(directory, "store-format", "data.mdb is damaged or not an LMDB file");
      expect(readFileSync(join(directory, "data.mdb")).equals(bytes)).toBe(true);
    }
  });

  test("a store of another schema version, which is left as it was", async () => {
    await (await openLmdbStore(directory)).close();
    const root = open<Uint8Array, Uint8Array>(directory, { ...BINARY, noSubdir: false });
    const meta = root.openDB<Uint8Array, Uint8Array>("meta", BINARY);
    await meta.put(Buffer.from("schema"), Buffer.from("3"));
    await root.close();
    await refuses(directory, "store-format", /schema version 3, .* use the version/);
    expect(existsSync(join(directory, "owner.json"))).toBe(false);
  });

  test("a directory that this user may not write or read", async () => {
    for (const mode of [0o500, 0o300, 0o600]) {
      const path = join(directory, `mode${mode.toString(8)}`);
      mkdirSync(path);
      const line = await openAsNobody(path, mode);
      expect(line).toContain("store-unavailable");
      expect(line).toContain(path);
      expect(line).toContain("permission");
    }
  });

  /** Root may do everything, so a child of another user tries. */
  async function openAsNobody(path: string, mode: number): Promise<string> {
    chmodSync(path, mode);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      chmodSync(directory, 0o755);
      chownSync(path, NOBODY, NOBODY);
    }
    const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
    const child = startChild(compiled.path("test/store/committer.ts"), [path, "open"], identity);
    children.push(child);
    const line = await child.line((each) => each.startsWith("error") || each === "open");
    chmodSync(path, 0o700);
    return line;
  }
});

test("what is made is for its owner alone", async () => {
  const path = join(directory, "deep", "er.d");
  await (await openLmdbStore(path)).close();
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(path, "data.mdb")).mode & 0o777).toBe(0o600);
});

describe("a full disk", () => {
  let mounted: string | undefined;

  afterEach(() => {
    if (mounted !== undefined) spawnSync("umount", ["--lazy", mounted]);
    mounted = undefined;
  });

  test("refuses commits whole, keeps what it acknowledged, and goes on when there is room", async (context) => {
    const disk = join(directory, "disk");
    mkdirSync(disk);
    const size = COMMIT_LOG_LENGTH + 2 * 1024 * 1024;
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk]);
    if (mount.status !== 0) context.skip("only root may mount a small disk");
    mounted = disk;
    writeFileSync(join(disk, "ballast"), Buffer.alloc(400_000));
    const store = await openLmdbStore(join(disk, "db"));
    await store.createZone(creation(ORIGIN), []);
    let expected: ZoneVersion = { serial: 1, sequence: 1 };
    const next = () => {
      const owner = host(`h${expected.sequence}`, ORIGIN);
      return makeCommit(ORIGIN, expected, [put(text(owner, new Uint8Array(9_000).fill(1)))]);
    };
    const fill = async () => {
      for (let at = 0; at < 1_000; at++) {
        const commit = next();
        await store.commit(commit);
        expected = commit.next;
        await store.listZones();
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: "store-unavailable" });
    await expect(store.commit(next())).rejects.toThrow("the disk is full");
    const several = [1, 2, 3].map((id) => store.writeDocument("key", `k${id}`, "x".repeat(99_999)));
    for (const written of several) await expect(written).rejects.toThrow("the disk is full");
    const big = parseName("big.example.");
    const made = store.createZone(creation(big), hosts(big, 100_000));
    await expect(made).rejects.toThrow("the disk is full");
    // Part of what was acknowledged is in the log alone, so nobody is shown less.
    await expect(store.listZones()).rejects.toThrow("the disk is full");
    rmSync(join(disk, "ballast"));
    expect(await store.listZones()).toEqual([{ origin: ORIGIN, ...expected }]);
    expect((await collect(await store.loadZone(ORIGIN))).size).toBe(expected.sequence - 1);
    expect(await store.commit(next())).toEqual({ status: "committed" });
    await store.close();
    const again = await openLmdbStore(join(disk, "db"));
    expect(await again.listZones()).toMatchObject([{ sequence: expected.sequence + 1 }]);
    expect((await collect(await again.loadZone(ORIGIN))).size).toBe(expected.sequence);
    await again.close();
  });
});

describe("a zone whose version cannot be read after a crash", () => {
  test("stands alone, keeps what was acknowledged aside, and has it when it can be read again", async () => {
    const child = committer("commit", "2");
    await child.line((line, count) => line.startsWith("ack") && count >= 100);
    await child.kill();
    const acked = [1, 1];
    for (const line of child.lines) {
      const [, zone, sequence] = line.split(" ");
      acked[Number(zone)] = Number(sequence);
    }
    const key = await takeVersion();
    const store = await openLmdbStore(directory);
    const found = await Promise.allSettled([0, 1].map((at) => store.findZone(committedZone(at))));
    const lost = found.findIndex(({ status }) => status === "rejected");
    const well = 1 - lost;
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(found[well]).toMatchObject({ status: "fulfilled" });
    const sequence = (await store.findZone(committedZone(well)))?.sequence ?? 0;
    expect(sequence).toBeGreaterThanOrEqual(acked[well] as number);
    const expected = { serial: sequence, sequence, ...(await markOfZone(store, well)) };
    const change = [put(address(host("later", committedZone(well)), 1))];
    const commit = makeCommit(committedZone(well), expected, change);
    expect(await store.commit(commit)).toEqual({ status: "committed" });
    const [aside] = asideFiles();
    await expect(store.loadZone(committedZone(lost))).rejects.toMatchObject({
      code: "store-format",
    });
    await expect(store.loadZone(committedZone(lost))).rejects.toThrow(aside as string);
    expect(await store.listOrigins()).toHaveLength(2);
    await store.close();
    expect(asideFiles()).toEqual([aside]);
    await putVersion(key);
    const again = await openLmdbStore(directory);
    const mended = await again.findZone(committedZone(lost));
    expect(mended?.sequence).toBeGreaterThanOrEqual(acked[lost] as number);
    expect(await again.findZone(committedZone(well))).toMatchObject({ sequence: sequence + 1 });
    expect(asideFiles()).toEqual([]);
    await again.close();
  });

  const asideFiles = () => readdirSync(directory).filter((name) => name.startsWith("aside-"));

  async function markOfZone(store: Store, at: number): Promise<{ mark?: number }> {
    const { mark } = (await store.findZone(committedZone(at))) ?? {};
    return mark === undefined ? {} : { mark };
  }

  /** Takes the first version out of the tables, as a damaged page would, and says what it was. */
  async function takeVersion(): Promise<Uint8Array> {
    return useVersions(async (versions) => {
      const [key] = [...versions.getKeys({ limit: 1 })].map((each) => new Uint8Array(each));
      await versions.remove(key as Uint8Array);
      return key as Uint8Array;
    });
  }

  async function putVersion(key: Uint8Array): Promise<void> {
    await useVersions((versions) => versions.put(key, Buffer.from([1])));
  }

  type Table = Database<Uint8Array, Uint8Array>;

  async function useVersions<T>(use: (versions: Table) => Promise<T>): Promise<T> {
    const root = open<Uint8Array, Uint8Array>(directory, {
      ...BINARY,
      noSubdir: false,
      maxDbs: 16,
    });
    const used = await use(root.openDB<Uint8Array, Uint8Array>("versions", BINARY));
    await root.close();
    return used;
  }
});

test("several hundred loads at once each have their own version", async () => {
  const store = await openLmdbStore(directory);
  await store.createZone(creation(ORIGIN), []);
  const loads = [];
  for (let sequence = 1; sequence <= 300; sequence++) {
    loads.push(await store.loadZone(ORIGIN));
    const change = put(address(host(`h${sequence}`, ORIGIN), sequence));
    const commit = makeCommit(ORIGIN, { serial: sequence, sequence }, [change]);
    expect(await store.commit(commit)).toEqual({ status: "committed" });
  }
  for (const [at, load] of loads.entries()) {
    expect(load).toMatchObject({ sequence: at + 1 });
    expect((await collect(load)).size).toBe(at);
  }
  await store.close();
});

test("many commits waiting share few flushes", async () => {
  const store = await openLmdbStore(directory);
  const origins = Array.from({ length: 256 }, (_, at) => committedZone(at));
  await Promise.all(origins.map((origin) => store.createZone(creation(origin), [])));
  const before = transactions();
  await Promise.all(
    origins.map((origin) =>
      store.commit(makeCommit(origin, { serial: 1, sequence: 1 }, [put(address(origin, 1))])),
    ),
  );
  expect(transactions() - before).toBeLessThanOrEqual(32);
  await store.close();
});

/** The number of the last transaction in the meta pages of the file: one per durable commit. */
function transactions(): number {
  const file = readFileSync(join(directory, "data.mdb"));
  const pageSize = file.readUInt32LE(24 + 24);
  const at = 24 + 24 + 2 * 48 + 8;
  return Math.max(...[0, pageSize].map((page) => Number(file.readBigUInt64LE(page + at))));
}
