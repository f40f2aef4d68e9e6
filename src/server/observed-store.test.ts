import { expect, test, vi } from "vitest";
import { FlakyStore, ORIGIN, TestClock } from "../../test/server/http-fixture.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { parseName } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import { ObservedStore } from "./observed-store.ts";

const CREATION = {
  origin: ORIGIN,
  fromSerial: 1,
  toSerial: 1,
  removed: [],
  added: [],
  sequence: 1,
  timeMs: 0,
  actor: "local",
  door: "cli",
  address: "",
};
const BATCH = {
  origin: ORIGIN,
  expected: { serial: 1, sequence: 1 },
  next: { serial: 2, sequence: 2 },
  entries: [{ ...CREATION, toSerial: 2, sequence: 2 }],
  changes: [],
};

function observe(inner: FlakyStore) {
  const commits: number[][] = [];
  const lines: string[] = [];
  const keep = (_: object, message: string) => void lines.push(message);
  const log: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  const onCommit = (updates: number, seconds: number) => void commits.push([updates, seconds]);
  const observed = new ObservedStore(inner, { clock: new TestClock(), log, onCommit });
  return { observed, commits, lines };
}

test("a store is up until a use finds it unavailable, and again from the next that does not", async () => {
  const inner = new FlakyStore();
  const { observed, lines } = observe(inner);
  expect(observed.problem).toBeUndefined();
  inner.isDown = true;
  await expect(observed.store.commit(BATCH)).rejects.toThrow("down");
  await expect(observed.store.commit(BATCH)).rejects.toThrow("down");
  expect(observed.problem).toContain("down");
  inner.isDown = false;
  expect(await observed.store.listZones()).toEqual([]);
  expect(observed.problem).toBeUndefined();
  expect(lines).toEqual([
    "the store is down: queries go on, updates are refused",
    "the store is back: updates are taken again",
  ]);
});

test("a connection that notices by itself is believed", () => {
  const { observed } = observe(new FlakyStore());
  observed.setState(false, "connection lost");
  expect(observed.problem).toBe("connection lost");
  observed.setState(true, "");
  expect(observed.problem).toBeUndefined();
});

test("only what was committed is timed, with the updates in it", async () => {
  const { observed, commits } = observe(new FlakyStore());
  await observed.store.createZone(CREATION, []);
  expect(await observed.store.commit(BATCH)).toMatchObject({ status: "committed" });
  expect(await observed.store.commit(BATCH)).toMatchObject({ status: "conflict" });
  expect(commits).toEqual([[1, 0]]);
});

test("a change that too few replicas have is a problem until one is safe, whatever is read meanwhile", async () => {
  const inner = new FlakyStore();
  const silent: { problem: string | undefined } = { problem: "0 of 1 replicas had it" };
  const commit = inner.commit.bind(inner);
  const { observed, lines } = observe(
    Object.assign(inner, {
      commit: async (batch: typeof BATCH) => {
        const { problem } = silent;
        return { ...(await commit(batch)), ...(problem && { unconfirmed: problem }) };
      },
      confirm: async () => silent.problem,
    }) as FlakyStore,
  );
  await observed.store.createZone(CREATION, []);
  await observed.store.commit(BATCH);
  await observed.store.listZones();
  expect(observed.problem).toBe(silent.problem);
  expect(await observed.store.confirm?.(ORIGIN)).toBe(silent.problem);
  silent.problem = undefined;
  expect(await observed.store.confirm?.(ORIGIN)).toBeUndefined();
  expect(observed.problem).toBeUndefined();
  expect(lines).toEqual([
    "too few replicas have a change: it is shown and not acknowledged",
    "replicas have the changes",
  ]);
});

test("a zone whose change too few replicas have stays told when another zone's is confirmed", async () => {
  const inner = new FlakyStore();
  const [commit, other] = [inner.commit.bind(inner), parseName("other.test.")];
  const { observed, lines } = observe(
    Object.assign(inner, {
      commit: async (batch: typeof BATCH) => ({ ...(await commit(batch)), unconfirmed: "0 of 1" }),
      confirm: async () => undefined,
    }) as FlakyStore,
  );
  await observed.store.createZone(CREATION, []);
  await observed.store.commit(BATCH);
  await observed.store.confirm?.(other);
  expect(observed.problem).toBe("0 of 1");
  await observed.store.confirm?.(ORIGIN);
  expect(observed.problem).toBeUndefined();
  expect(lines).toEqual([
    "too few replicas have a change: it is shown and not acknowledged",
    "replicas have the changes",
  ]);
});

test("hazards, and what cannot be read, are warnings until they are gone, told once", async () => {
  const inner = new FlakyStore();
  const { observed, lines } = observe(inner);
  observed.setHazards(["keeps nothing"]);
  observed.setHazards(["keeps nothing", "evicts"]);
  expect(observed.warnings).toEqual(["keeps nothing", "evicts"]);
  observed.setHazards([]);
  const readJournal = inner.readJournal.bind(inner);
  inner.readJournal = async () => {
    throw new WindhoverError(ErrorCode.storeFormat, "key x cannot be read");
  };
  const read = () => observed.store.readJournal(ORIGIN, { afterSequence: 0, limit: 1 });
  await expect(read()).rejects.toThrow("key x");
  await expect(read()).rejects.toThrow("key x");
  expect(observed.warnings).toEqual(["key x cannot be read"]);
  expect(observed.problem).toBeUndefined();
  inner.readJournal = readJournal;
  await read();
  expect(observed.warnings).toEqual([]);
  const unreadable = "the store holds what cannot be read: the zone goes on as it is shown";
  expect(lines).toEqual(["keeps nothing", "evicts", unreadable]);
});

test("a zone of which a part cannot be read is a warning until it can be", async () => {
  const inner = new FlakyStore();
  const { observed } = observe(inner);
  await observed.store.createZone(CREATION, []);
  const loadZone = inner.loadZone.bind(inner);
  inner.loadZone = async (origin) => {
    const zone = await loadZone(origin);
    // biome-ignore lint/correctness/useYield: it fails before the first
    async function* batches(): AsyncGenerator<readonly RRset[]> {
      throw new WindhoverError(ErrorCode.storeFormat, "key y cannot be read");
    }
    return zone && { ...zone, batches: batches() };
  };
  const read = async () => {
    for await (const _ of (await observed.store.loadZone(ORIGIN))?.batches ?? []);
  };
  await expect(read()).rejects.toThrow("key y");
  expect(observed.warnings).toEqual(["key y cannot be read"]);
  inner.loadZone = loadZone;
  await read();
  expect(observed.warnings).toEqual([]);
});

test("a store that can be probed is up when the probe says so, not when something was read or another zone changed", async () => {
  const inner = new FlakyStore();
  let problem: string | undefined = "the disk is read-only";
  const probe = async () => {
    if (problem !== undefined) throw new WindhoverError(ErrorCode.storeUnavailable, problem);
  };
  const { observed } = observe(Object.assign(inner, { probe }));
  await vi.waitFor(() => expect(observed.problem).toBe(problem), { timeout: 30_000 });
  await observed.store.listZones();
  await observed.store.createZone(CREATION, []);
  expect(await observed.store.commit(BATCH)).toMatchObject({ status: "committed" });
  expect(observed.problem).toBe("the disk is read-only");
  problem = undefined;
  await vi.waitFor(() => expect(observed.problem).toBeUndefined(), { timeout: 30_000 });
  await observed.store.close();
});

test("a change that too few replicas had is no problem any more when a probe finds that they have it", async () => {
  const inner = new FlakyStore();
  const commit = inner.commit.bind(inner);
  let problem: string | undefined = "0 of 1 replicas had it";
  const { observed } = observe(
    Object.assign(inner, {
      commit: async (batch: typeof BATCH) => ({ ...(await commit(batch)), unconfirmed: "0 of 1" }),
      confirm: async () => problem,
      probe: async () => {},
    }) as FlakyStore,
  );
  await observed.store.createZone(CREATION, []);
  await observed.store.commit(BATCH);
  expect(observed.problem).toBe("0 of 1");
  await vi.waitFor(() => expect(observed.problem).toBe(problem), { timeout: 30_000 });
  problem = undefined;
  await vi.waitFor(() => expect(observed.problem).toBeUndefined(), { timeout: 30_000 });
  await observed.store.close();
});
