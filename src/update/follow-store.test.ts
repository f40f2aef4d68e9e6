/** The ways from what the table shows to what the store has: by the journal, whole, and past a serial that went back. */
import { describe, expect, test } from "vitest";
import { listLogger, MapTable, standingClock } from "../../test/update/fakes.ts";
import {
  add,
  at,
  exampleZone,
  OPERATOR,
  ORIGIN,
  request,
  rrset,
  soa,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { createMemoryState, MemoryStore } from "../store/memory-store.ts";
import type { LoadedZone, Store, ZoneVersion } from "../store/store.ts";
import type { RRset } from "../zone/rrset.ts";
import { packRRsets } from "../zone/rrset-pack.ts";
import { type FollowParts, followStore } from "./follow-store.ts";
import { LostLedger } from "./lost-ledger.ts";
import { createUpdateEngine } from "./update-engine.ts";

const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };

/** A table that follows a store into which somebody else writes. */
async function following(serial = 1) {
  const state = createMemoryState();
  const writer = createUpdateEngine({
    store: new MemoryStore(state),
    writer: new MapTable(),
    clock: standingClock,
    log: listLogger(),
  });
  await writer.createZone(intent, exampleZone(serial));
  let hosts = 0;
  const write = () => writer.submit(request([add(`host${++hosts}`, 60, "A", "192.0.2.1")]));
  const store: Store = new MemoryStore(state);
  const table = new MapTable();
  const log = listLogger();
  const lost = new LostLedger(store, log);
  const parts: FollowParts = { store, lost, table, clock: standingClock, log };
  const follow = (known: ZoneVersion | undefined) =>
    followStore(parts, ORIGIN, known === undefined ? [] : [known]);
  const expectAlike = () => {
    expect(zoneText(table.view(ORIGIN)!)).toEqual(zoneText(writer.view(ORIGIN)!));
  };
  return { store, table, log, parts, write, follow, expectAlike, writer };
}

/** The store's zone in batches of one RRset each, as `change` leaves them, with what happens between. */
function rebatch(
  store: Store,
  change: (rrsets: RRset[]) => RRset[],
  meanwhile: { eachTime?: () => void; atTheEnd?: () => void } = {},
): void {
  const loadZone = store.loadZone.bind(store);
  store.loadZone = async (origin): Promise<LoadedZone | undefined> => {
    const zone = await loadZone(origin);
    if (zone === undefined) return undefined;
    async function* batches(whole: LoadedZone): AsyncGenerator<readonly RRset[]> {
      const rrsets: RRset[] = [];
      for await (const batch of whole.batches) rrsets.push(...batch);
      for (const rrset of change(rrsets)) {
        meanwhile.eachTime?.();
        yield [rrset];
      }
      meanwhile.atTheEnd?.();
    }
    return { ...zone, batches: batches(zone) };
  };
}

test("a zone that the store gives in packs is loaded from them", async () => {
  const { store, parts, follow, expectAlike } = await following();
  const loadZone = store.loadZone.bind(store);
  store.loadZone = async (origin) => {
    const zone = await loadZone(origin);
    async function* batches(whole: LoadedZone) {
      for await (const batch of whole.batches) yield* packRRsets(origin, batch);
    }
    return zone && { ...zone, batches: batches(zone) };
  };
  expect(await follow(undefined)).toMatchObject({ status: "following", isReloaded: true });
  expectAlike();
  expect(parts.table.zoneUsage(ORIGIN).rrsets).toBe(exampleZone().length);
});

describe("a zone that changed in the store", () => {
  test("is followed by its journal", async () => {
    const { table, write, follow, expectAlike } = await following();
    expect(await follow(undefined)).toMatchObject({ isReloaded: true, entries: [] });
    await write();
    await write();
    const followed = await follow({ serial: 1, sequence: 1 });
    expect(followed).toMatchObject({
      status: "following",
      versions: [
        { serial: 2, sequence: 2 },
        { serial: 3, sequence: 3 },
      ],
      isReloaded: false,
      entries: [{ toSerial: 2 }, { toSerial: 3 }],
    });
    expectAlike();
    expect(table.events).toEqual(["load", "publish"]);
  });

  test("is loaded whole when its journal has lost what is needed", async () => {
    const { store, table, write, follow, expectAlike } = await following();
    await follow(undefined);
    await write();
    await write();
    const readJournal = store.readJournal.bind(store);
    store.readJournal = async (origin, range) =>
      (await readJournal(origin, range)).filter(({ sequence }) => sequence < 3);
    expect(await follow({ serial: 1, sequence: 1 })).toMatchObject({
      versions: [{ serial: 3, sequence: 3 }],
      isReloaded: true,
      entries: [],
    });
    expectAlike();
    expect(table.events).toEqual(["load", "load"]);
  });

  test("is loaded whole when its journal cannot be read, which is told", async () => {
    const { store, log, write, follow, expectAlike } = await following();
    await follow(undefined);
    await write();
    const failure = (code: ErrorCode) => async () => {
      throw new WindhoverError(code, "entry 2 of the journal of dyn.example.com. cannot be read");
    };
    store.readJournal = failure(ErrorCode.storeFormat);
    expect(await follow({ serial: 1, sequence: 1 })).toMatchObject({ isReloaded: true });
    expectAlike();
    expect(log.lines).toContainEqual({
      level: "error",
      message: "the journal cannot be read: the zone is loaded whole",
      fields: { zone: "dyn.example.com.", problem: expect.stringContaining("entry 2") },
    });
    await write();
    store.readJournal = failure(ErrorCode.storeUnavailable);
    await expect(follow({ serial: 2, sequence: 2 })).rejects.toMatchObject({
      code: ErrorCode.storeUnavailable,
    });
  });

  test("is loaded whole when its journal does not fit what is shown", async () => {
    const { table, write, follow, expectAlike } = await following();
    await follow(undefined);
    table.publish(ORIGIN, [
      { owner: at("host1"), rrtype: 1, rrset: rrset("host1", 60, "A", "192.0.2.1") },
    ]);
    await write();
    expect(await follow({ serial: 1, sequence: 1 })).toMatchObject({ isReloaded: true });
    expectAlike();
    expect(table.events).toEqual(["load", "publish", "load"]);
  });

  test("is followed to where it stood when it was looked at, however fast it goes on", async () => {
    const { store, write, follow, expectAlike } = await following();
    await follow(undefined);
    const findZone = store.findZone.bind(store);
    let known: ZoneVersion | undefined = { serial: 1, sequence: 1 };
    store.findZone = async (origin) => {
      await write();
      return findZone(origin);
    };
    for (let look = 0; look < 20; look++) {
      const followed = await follow(known);
      expect(followed).toMatchObject({ isReloaded: false, entries: [{ sequence: look + 2 }] });
      known = followed.status === "following" ? followed.versions.at(-1) : undefined;
    }
    expectAlike();
  });

  test("is gone when the store has it no longer", async () => {
    const { writer, follow } = await following();
    await follow(undefined);
    await writer.deleteZone(intent);
    expect(await follow({ serial: 1, sequence: 1 })).toEqual({ status: "gone" });
  });
});

describe("a load", () => {
  test("that breaks off leaves what was shown before", async () => {
    const { store, table, write, follow } = await following();
    await follow(undefined);
    const before = zoneText(table.view(ORIGIN)!);
    await write();
    const failure = new WindhoverError(ErrorCode.storeUnavailable, "connection lost");
    const atTheEnd = () => {
      throw failure;
    };
    rebatch(store, (rrsets) => rrsets.slice(0, 3), { atTheEnd });
    await expect(follow(undefined)).rejects.toBe(failure);
    expect(table.events).toEqual(["load", "abort"]);
    expect(zoneText(table.view(ORIGIN)!)).toEqual(before);
  });

  test.each([
    [1_000, []],
    [4_999, [2]],
    [5_000, [1, 2, 3]],
  ])("whose batches take %i ms each says now and then how far it is", async (step, said) => {
    const { store, parts, log } = await following();
    let ms = 0;
    const eachTime = () => {
      ms += step;
    };
    rebatch(store, (rrsets) => rrsets.slice(0, 3), { eachTime });
    const clock = { ...standingClock, monotonicMs: () => ms };
    await followStore({ ...parts, clock }, ORIGIN, []);
    const lines = log.lines.filter(({ message }) => message === "loading zone");
    expect(lines.map(({ fields }) => fields.rrsets)).toEqual(said);
  });
});

describe("a store at an older serial than was shown", () => {
  const shown = { serial: 50, sequence: 9 };

  test("goes on from ours, wherever its SOA stands", async () => {
    const { store, table, follow } = await following();
    await follow(undefined);
    rebatch(store, ([first, ...rest]) => [...rest, first as RRset]);
    expect(await follow(shown)).toMatchObject({
      versions: [{ serial: 51, sequence: 2 }],
      isReloaded: true,
    });
    expect(table.view(ORIGIN)?.rrset(ORIGIN, 6)).toEqual(soa(51));
  });

  test("that changes at every look is given up for now, and followed when it rests", async () => {
    const { store, write, follow } = await following();
    await follow(undefined);
    const loadZone = store.loadZone.bind(store);
    let looks = 0;
    store.loadZone = async (origin) => {
      looks++;
      const zone = await loadZone(origin);
      await write();
      return zone;
    };
    await expect(follow(shown)).rejects.toMatchObject({
      code: ErrorCode.conflict,
      message: expect.stringContaining("changes faster in the store"),
    });
    expect(looks).toBe(Limits.commitAttempts);
    store.loadZone = loadZone;
    expect(await follow(shown)).toMatchObject({ status: "following", isReloaded: true });
  });

  test("and without an SOA is reported, not mended", async () => {
    const { store, table, follow } = await following();
    await follow(undefined);
    rebatch(store, (rrsets) => rrsets.slice(1));
    await expect(follow(shown)).rejects.toMatchObject({
      code: ErrorCode.storeFormat,
      message: expect.stringContaining("restore it from a backup"),
    });
    expect(table.events).toEqual(["load"]);
  });
});

test("a journal that breaks off between its pages proves no loss", async () => {
  const { store, parts, write, follow, expectAlike } = await following();
  await follow(undefined);
  await write();
  await write();
  store.readJournal = async () => [];
  expect(await follow({ serial: 1, sequence: 1 })).toMatchObject({ isReloaded: true });
  expect(parts.lost.parts()).toEqual([]);
  expectAlike();
});

test("a store with a later serial but fewer changes is not what became of ours", async () => {
  const { log, follow, expectAlike } = await following(10);
  await follow(undefined);
  expect(await follow({ serial: 5, sequence: 4 })).toMatchObject({
    versions: [{ serial: 10, sequence: 1 }],
    isReloaded: true,
  });
  expect(log.lines.some(({ message }) => message.includes("is not ours"))).toBe(true);
  expectAlike();
});
