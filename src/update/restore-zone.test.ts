/** Zones that come back from a backup, where there is none, where one was deleted, and where one is. */
import { describe, expect, test } from "vitest";
import { listLogger, MapTable, standingClock } from "../../test/update/fakes.ts";
import {
  add,
  contentText,
  exampleZone,
  OPERATOR,
  ORIGIN,
  principal,
  request,
  soa,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../base/errors.ts";
import { createMemoryState, MemoryStore } from "../store/memory-store.ts";
import type { JournalEntry, Store, StoredZone } from "../store/store.ts";
import { createUpdateEngine } from "./update-engine.ts";

const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };

async function server(state = createMemoryState()) {
  const store = new MemoryStore(state);
  const table = new MapTable();
  const told: (readonly JournalEntry[])[] = [];
  const engine = createUpdateEngine({
    store,
    writer: table,
    clock: standingClock,
    log: listLogger(),
    onCommit: (_, entries) => told.push(entries),
  });
  await engine.start();
  const write = (owner: string) => engine.submit(request([add(owner, 60, "A", "192.0.2.1")]));
  return { store, table, engine, told, write };
}

const readAll = (store: Store) => store.readJournal(ORIGIN, { afterSequence: 0, limit: 100 });

/** The example zone after three changes: what a backup has of it. */
async function backedUp(serial = 1) {
  const { store, engine, write } = await server();
  await engine.createZone(intent, exampleZone(serial));
  for (const owner of ["a", "b", "c"]) await write(owner);
  const version = (await store.findZone(ORIGIN)) as StoredZone;
  const past = { ...version, journal: await readAll(store) };
  const rrsets = [...(engine.view(ORIGIN)?.owners() ?? [])].flatMap((owner) => [
    ...(engine.view(ORIGIN)?.rrsets(owner) ?? []),
  ]);
  return { past, rrsets, text: zoneText(engine.view(ORIGIN)!) };
}

describe("a zone from a backup", () => {
  test("stands where it stood, with its history, and goes on from there", async () => {
    const { past, rrsets, text } = await backedUp();
    const { store, engine, told, write } = await server();
    expect(await engine.restoreZone(intent, past, rrsets)).toBe(true);
    expect(zoneText(engine.view(ORIGIN)!)).toEqual(text);
    expect(await store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...engine.version(ORIGIN) });
    expect(engine.version(ORIGIN)).toMatchObject({ serial: 4, sequence: 4, mark: past.mark });
    expect(await readAll(store)).toEqual(past.journal);
    expect(told).toEqual([[]]);
    expect(await write("d")).toMatchObject({ status: "applied", serial: 5 });
    expect(await engine.history.point(ORIGIN, "2")).toMatchObject({ sequence: 2 });
  });

  test("is not restored over one that is there", async () => {
    const { past, rrsets } = await backedUp();
    const { engine } = await server();
    await engine.createZone(intent, exampleZone(9));
    await expect(engine.restoreZone(intent, past, rrsets)).rejects.toMatchObject({
      code: ErrorCode.zoneExists,
    });
    expect(engine.version(ORIGIN)).toMatchObject({ serial: 9 });
  });

  test("is for operators", async () => {
    const { past, rrsets } = await backedUp();
    const { engine } = await server();
    const stranger = { ...intent, principal: principal({ zone: ORIGIN }) };
    await expect(engine.restoreZone(stranger, past, rrsets)).rejects.toMatchObject({
      code: ErrorCode.forbidden,
    });
  });

  test("whose SOA has another serial is refused", async () => {
    const { past, rrsets } = await backedUp();
    const { engine } = await server();
    const restored = engine.restoreZone(intent, { ...past, serial: 5 }, rrsets);
    await expect(restored).rejects.toMatchObject({
      code: ErrorCode.badZone,
      message: expect.stringContaining("stood at serial 5, and its SOA says 4"),
    });
  });

  test("whose history does not lead to it leaves nothing", async () => {
    const { past, rrsets } = await backedUp();
    const { store, engine } = await server();
    const journal = past.journal.slice(0, -1);
    await expect(engine.restoreZone(intent, { ...past, journal }, rrsets)).rejects.toMatchObject({
      code: ErrorCode.storeFormat,
    });
    expect(engine.view(ORIGIN)).toBeUndefined();
    expect(await store.listZones()).toEqual([]);
    expect(await engine.restoreZone(intent, past, rrsets)).toBe(true);
  });
});

describe("a zone that was deleted", () => {
  /** Deleted at the serial to which `changes` updates led. */
  const deletedAt = async (serial: number, changes: number) => {
    const found = await server();
    await found.engine.createZone(intent, exampleZone(serial));
    for (let at = 0; at < changes; at++) await found.write(`d${at}`);
    await found.engine.deleteZone(intent);
    return found;
  };

  test("at the same version or before comes back as it was", async () => {
    const { past, rrsets } = await backedUp();
    const { engine, store } = await deletedAt(1, 2);
    expect(await engine.restoreZone(intent, past, rrsets)).toBe(true);
    expect(await readAll(store)).toEqual(past.journal);
    await engine.deleteZone(intent);
    expect(await engine.restoreZone(intent, past, rrsets)).toBe(true);
    expect(await readAll(store)).toEqual(past.journal);
  });

  test("at the same numbers of another history begins behind that", async () => {
    const { past, rrsets } = await backedUp();
    const { engine } = await deletedAt(1, 3);
    expect(await engine.restoreZone(intent, past, rrsets)).toBe(false);
    expect(engine.version(ORIGIN)).toEqual({ serial: 5, sequence: 5 });
  });

  test("after the backup begins behind where it was deleted, without its history", async () => {
    const { past, rrsets } = await backedUp();
    const { engine, store } = await deletedAt(1, 4);
    expect(await engine.restoreZone(intent, past, rrsets)).toBe(false);
    expect(engine.version(ORIGIN)).toEqual({ serial: 6, sequence: 6 });
    expect(engine.view(ORIGIN)?.rrset(ORIGIN, 6)).toEqual(soa(6));
    const records = rrsets.flatMap(({ rdatas }) => rdatas);
    expect(contentText(engine.view(ORIGIN)!)).toHaveLength(records.length - 1);
    expect(await readAll(store)).toMatchObject([{ sequence: 6, fromSerial: 6, toSerial: 6 }]);
  });

  test("at fewer changes and a later serial begins behind that serial", async () => {
    const { past, rrsets } = await backedUp();
    const { engine } = await deletedAt(50, 0);
    expect(await engine.restoreZone(intent, past, rrsets)).toBe(false);
    expect(engine.version(ORIGIN)).toEqual({ serial: 51, sequence: 2 });
  });

  test("at more changes and an earlier serial keeps the serial of the backup", async () => {
    const { past, rrsets } = await backedUp(100);
    const { engine } = await deletedAt(1, 9);
    expect(await engine.restoreZone(intent, past, rrsets)).toBe(false);
    expect(engine.version(ORIGIN)).toEqual({ serial: 103, sequence: 11 });
  });
});
