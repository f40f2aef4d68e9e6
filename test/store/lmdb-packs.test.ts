/** Zones in packs: what commits change goes before what packs say, and leaves nothing behind that is of no use. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Limits } from "../../src/base/limits.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { parseName } from "../../src/wire/name.ts";
import type { RRset } from "../../src/zone/rrset.ts";
import { type PackedRRsets, packRRsets, RRsetPack } from "../../src/zone/rrset-pack.ts";
import {
  address,
  byKey,
  collect,
  creation,
  end,
  host,
  hosts,
  makeCommit,
  put,
} from "./zone-samples.ts";

const ORIGIN = parseName("dyn.example.com.");
const BINARY = { encoding: "binary", keyEncoding: "binary" } as const;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windhover-packs-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** What a table holds, while no store has the directory. */
async function inTable<T>(
  name: string,
  look: (table: {
    keys: Uint8Array[];
    put(key: Uint8Array, value: Uint8Array): Promise<unknown>;
  }) => T,
): Promise<T> {
  const root = open<Uint8Array, Uint8Array>(directory, { ...BINARY, noSubdir: false, maxDbs: 16 });
  const table = root.openDB<Uint8Array, Uint8Array>(name, BINARY);
  const keys = Array.from(table.getKeys(), (key) => new Uint8Array(key));
  const seen = await look({ keys, put: (key, value) => table.put(key, value) });
  await root.close();
  return seen;
}

const count = (name: string) => inTable(name, ({ keys }) => keys.length);

async function withStore<T>(
  work: (store: Awaited<ReturnType<typeof openLmdbStore>>) => Promise<T>,
) {
  const store = await openLmdbStore(directory);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const load = () => withStore(async (store) => collect(await store.loadZone(ORIGIN)));

describe("a zone that was made whole", () => {
  const made = [...hosts(ORIGIN, 5_000)];

  test("lies in few records, whether it came in packs or not", async () => {
    await withStore((store) => store.createZone(creation(ORIGIN), made));
    expect(await count("rrsets")).toBe(0);
    const packs = await count("packs");
    expect(packs).toBeGreaterThan(1);
    expect(packs).toBeLessThan(20);
    expect(await load()).toEqual(byKey(made));
    await withStore((store) => store.deleteZone(ORIGIN));
    expect(await count("packs")).toBe(0);
    const zone: PackedRRsets = {
      packs: () => packRRsets(ORIGIN, made),
      [Symbol.iterator]: () => made[Symbol.iterator](),
    };
    await withStore((store) => store.createZone({ ...creation(ORIGIN), sequence: 2 }, zone));
    expect(await count("packs")).toBe(packs);
    expect(await load()).toEqual(byKey(made));
  });

  test("is given back in the packs it came in, where nothing has changed", async () => {
    await withStore(async (store) => {
      await store.createZone(creation(ORIGIN), made);
      const batches: Iterable<RRset>[] = [];
      for await (const batch of (await store.loadZone(ORIGIN))?.batches ?? []) batches.push(batch);
      expect(batches.every((batch) => batch instanceof RRsetPack)).toBe(true);
    });
    expect(await count("packs")).toBe([...packRRsets(ORIGIN, made)].length);
  });

  test("is as commits left it: changed, ended, come back, new, and new and ended", async () => {
    await withStore((store) => store.createZone(creation(ORIGIN), made));
    const at = (number: number) => made[number] as RRset;
    const changes = [
      [put({ ...at(0), ttl: 5 }), end(at(1)), put(address(host("new", ORIGIN), 1))],
      [end(at(2)), put(address(host("brief", ORIGIN), 1)), put({ ...at(4_999), ttl: 7 })],
      [put({ ...at(2), ttl: 6 }), end(address(host("brief", ORIGIN), 1))],
    ];
    await withStore(async (store) => {
      for (const [index, change] of changes.entries()) {
        const version = { serial: index + 1, sequence: index + 1 };
        const outcome = await store.commit(makeCommit(ORIGIN, version, change));
        expect(outcome).toEqual({ status: "committed" });
      }
    });
    const wanted = byKey([
      { ...at(0), ttl: 5 },
      { ...at(2), ttl: 6 },
      ...made.slice(3, -1),
      { ...at(4_999), ttl: 7 },
      address(host("new", ORIGIN), 1),
    ]);
    expect(await count("rrsets")).toBe(6);
    expect(await load()).toEqual(wanted);
    // Only the end of the brief one hid nothing.
    expect(await count("rrsets")).toBe(5);
    expect(await load()).toEqual(wanted);
  });

  test("may lose all of a pack", async () => {
    const few = made.slice(0, 3);
    await withStore(async (store) => {
      await store.createZone(creation(ORIGIN), few);
      const ends = few.map(end);
      await store.commit(makeCommit(ORIGIN, { serial: 1, sequence: 1 }, ends));
    });
    expect(await load()).toEqual(byKey([]));
  });

  test("keeps an end of no use that could be of use again by a commit meanwhile", async () => {
    await withStore(async (store) => {
      await store.createZone(creation(ORIGIN), made.slice(0, 3));
      const brief = address(host("brief", ORIGIN), 1);
      const version = (sequence: number) => ({ serial: sequence, sequence });
      await store.commit(makeCommit(ORIGIN, version(1), [put(brief)]));
      await store.commit(makeCommit(ORIGIN, version(2), [end(brief)]));
      const loaded = await store.loadZone(ORIGIN);
      await store.commit(makeCommit(ORIGIN, version(3), [put(brief)]));
      expect(await collect(loaded)).toEqual(byKey(made.slice(0, 3)));
      expect(await collect(await store.loadZone(ORIGIN))).toEqual(
        byKey([...made.slice(0, 3), brief]),
      );
    });
  });

  test("is loaded with more changes than one batch holds", async () => {
    const changed = made.slice(0, Limits.loadBatch + 1).map((rrset) => ({ ...rrset, ttl: 9 }));
    await withStore(async (store) => {
      await store.createZone(creation(ORIGIN), made);
      await store.commit(makeCommit(ORIGIN, { serial: 1, sequence: 1 }, changed.map(put)));
    });
    expect(await load()).toEqual(byKey([...changed, ...made.slice(changed.length)]));
  });

  test.each([
    ["of another format", [2, 0], "format 2"],
    ["that is none", [1, 1, 0], "its owner is too long"],
    ["cut short", [1, 2, 1, 0x61, 0, 1, 0, 0, 0, 60, 0, 1, 0, 4, 192], "its length"],
    ["with a name in capitals", [1, 2, 1, 0x41, 0, 1, 0, 0, 0, 60, 0, 1, 0, 0], "lower case"],
  ])("with a pack %s is reported, not skipped", async (_, octets, problem) => {
    await withStore((store) => store.createZone(creation(ORIGIN), made));
    await inTable("packs", ({ keys, put: write }) =>
      write(keys[1] as Uint8Array, Buffer.from(octets)),
    );
    await expect(load()).rejects.toMatchObject({ code: "store-format" });
    await expect(load()).rejects.toThrow("the pack 0000000100000001 of dyn.example.com.");
    await expect(load()).rejects.toThrow(problem);
  });
});
