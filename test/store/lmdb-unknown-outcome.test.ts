/** Writes that LMDB rejects though they are durable: what a zone holds is never removed under a zone that is there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ErrorCode, WindhoverError } from "../../src/base/errors.ts";
import { DEFAULT_RETENTION } from "../../src/store/journal-retention.ts";
import { type LmdbEnvironment, openEnvironment } from "../../src/store/lmdb-environment.ts";
import { LmdbStore, openLmdbStore } from "../../src/store/lmdb-store.ts";
import { parseName } from "../../src/wire/name.ts";
import { address, collect, creation, host, hosts, makeCommit, put, soa } from "./zone-samples.ts";

const ORIGIN = parseName("dyn.example.com.");
const FIRST = { serial: 1, sequence: 1 };
const ZONE = [soa(ORIGIN, 1), ...hosts(ORIGIN, 50)];

let directory: string;
let store: LmdbStore;
/** The next write of this kind is done, or is not, and rejects. */
let failing: "writeIfAbsent" | "writeIfExists" | undefined;
let isDone = true;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "windhover-outcome-"));
  failing = undefined;
  isDone = true;
  store = new LmdbStore(withFaults(await openEnvironment(directory)), DEFAULT_RETENTION);
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

function withFaults(environment: LmdbEnvironment): LmdbEnvironment {
  const faulty = (kind: "writeIfAbsent" | "writeIfExists"): LmdbEnvironment[typeof kind] => {
    return async (table, key, work) => {
      if (failing !== kind) return environment[kind](table, key, work);
      failing = undefined;
      if (isDone) await environment[kind](table, key, work);
      throw new WindhoverError(ErrorCode.storeUnavailable, "nobody knows");
    };
  };
  return {
    ...environment,
    writeIfAbsent: faulty("writeIfAbsent"),
    writeIfExists: faulty("writeIfExists"),
  };
}

async function reopened() {
  await store.close();
  const again = await openLmdbStore(directory);
  const zone = await again.loadZone(ORIGIN);
  const size = zone === undefined ? undefined : (await collect(zone)).size;
  await again.close();
  return size;
}

test("a zone whose making is told to have failed and was done is there whole, now and later", async () => {
  failing = "writeIfAbsent";
  await expect(store.createZone(creation(ORIGIN), ZONE)).rejects.toThrow("nobody knows");
  expect(await store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...FIRST });
  expect((await collect(await store.loadZone(ORIGIN))).size).toBe(ZONE.length);
  await expect(store.createZone(creation(ORIGIN), ZONE)).rejects.toMatchObject({
    code: "zone-exists",
  });
  const commit = makeCommit(ORIGIN, FIRST, [put(address(host("new", ORIGIN), 9))]);
  expect(await store.commit(commit)).toEqual({ status: "committed" });
  expect(await reopened()).toBe(ZONE.length + 1);
});

test("one that was not done leaves nothing, and can be made", async () => {
  isDone = false;
  failing = "writeIfAbsent";
  await expect(store.createZone(creation(ORIGIN), ZONE)).rejects.toThrow("nobody knows");
  expect(await store.findZone(ORIGIN)).toBeUndefined();
  expect(await store.listZones()).toEqual([]);
  await store.createZone(creation(ORIGIN), ZONE.slice(0, 3));
  expect(await reopened()).toBe(3);
});

test("a zone whose deletion is told to have failed and was done is gone, now and later", async () => {
  await store.createZone(creation(ORIGIN), ZONE);
  failing = "writeIfExists";
  await expect(store.deleteZone(ORIGIN)).rejects.toThrow("nobody knows");
  expect(await store.findZone(ORIGIN)).toBeUndefined();
  expect(await store.deletedVersion(ORIGIN)).toEqual(FIRST);
  expect(await store.deleteZone(ORIGIN)).toBe(false);
  expect(await reopened()).toBeUndefined();
});
