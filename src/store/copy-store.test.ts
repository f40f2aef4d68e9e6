/** One store into another: the same there, broken off and begun again, and what must not be overwritten. */
import { describe, expect, test } from "vitest";
import { exampleZone, ORIGIN, soa } from "../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../base/errors.ts";
import { formatName, nameKey, parseName } from "../wire/name.ts";
import { type CopyOptions, copyStore } from "./copy-store.ts";
import { createMemoryState, MemoryStore } from "./memory-store.ts";
import type { JournalEntry, Store, ZonePast } from "./store.ts";

const OTHER = parseName("example.net");

function entry(sequence: number, fields: Partial<JournalEntry> = {}): JournalEntry {
  const who = { actor: "key:router", door: "rfc2136", address: "::1" };
  const change = { removed: [soa(sequence - 1)], added: [soa(sequence)] };
  const serials = { fromSerial: sequence - 1, toSerial: sequence };
  return { origin: ORIGIN, sequence, timeMs: sequence, ...serials, ...who, ...change, ...fields };
}

const PAST: ZonePast = {
  origin: ORIGIN,
  serial: 3,
  sequence: 3,
  mark: 42,
  journal: [entry(2), entry(3)],
};

async function filled() {
  const state = createMemoryState();
  const store = new MemoryStore(state);
  await store.createZone(PAST, exampleZone(3));
  const made = { fromSerial: 1, toSerial: 1, removed: [], added: [] };
  await store.createZone(entry(1, { origin: OTHER, ...made }), []);
  await store.writeDocument("key", "router.", "{}");
  await store.writeDocument("label", "dyn.example.com./begun", "{}");
  return { state, store };
}

function empty() {
  const state = createMemoryState();
  return { state, store: new MemoryStore(state) };
}

const told: string[] = [];

function copy(source: Store, target: Store, options: Partial<CopyOptions> = {}) {
  told.length = 0;
  return copyStore(source, target, {
    origins: undefined,
    replace: false,
    onZone: ({ origin, isKept, rrsets, changes }, at, of) =>
      told.push(`${at}/${of} ${formatName(origin)} ${rrsets} ${changes} ${isKept}`),
    ...options,
  });
}

/** One commit of the zone. */
async function change(store: Store): Promise<void> {
  const { serial, sequence, mark } = (await store.findZone(ORIGIN)) ?? PAST;
  const expected = { serial, sequence, ...(mark === undefined ? {} : { mark }) };
  const next = { serial: serial + 1, sequence: sequence + 1 };
  const apex = soa(next.serial);
  const changes = [{ owner: ORIGIN, rrtype: 6, rrset: apex }];
  const entries = [entry(next.sequence, { fromSerial: serial, toSerial: next.serial })];
  const outcome = await store.commit({ origin: ORIGIN, expected, next, entries, changes });
  expect(outcome.status).toBe("committed");
}

describe("a copy", () => {
  test("is the same, journal and documents too, and can be begun again", async () => {
    const source = await filled();
    const target = empty();
    for (const isKept of [false, true]) {
      const outcome = await copy(source.store, target.store);
      expect(outcome).toEqual({ zones: 2, documents: 2, unreadable: [] });
      const rrsets = exampleZone().length;
      expect(told).toEqual([
        `1/2 dyn.example.com. ${rrsets} 2 ${isKept}`,
        `2/2 example.net. 0 1 ${isKept}`,
      ]);
      expect(target.state.zones).toEqual(source.state.zones);
      expect(target.state.documents).toEqual(source.state.documents);
    }
  });

  test("of some zones has these alone", async () => {
    const source = await filled();
    const target = empty();
    await copy(source.store, target.store, { origins: [OTHER] });
    expect([...target.state.zones.keys()]).toEqual([nameKey(OTHER)]);
    expect(target.state.documents.size).toBe(0);
    const missing = copy(source.store, target.store, { origins: [parseName("no.example")] });
    await expect(missing).rejects.toMatchObject({ code: ErrorCode.noSuchZone });
  });

  test("does not overwrite another zone, and says where both stand", async () => {
    const source = await filled();
    const target = await filled();
    await change(target.store);
    await expect(copy(source.store, target.store)).rejects.toMatchObject({
      code: ErrorCode.zoneExists,
      message: expect.stringMatching(/dyn\.example\.com\. \(serial 4, where the source has 3\)/),
    });
    await copy(source.store, target.store, { replace: true });
    expect(target.state.zones).toEqual(source.state.zones);
  });

  test("does not overwrite another document", async () => {
    const source = await filled();
    const target = empty();
    await target.store.writeDocument("key", "router.", '{"other":1}');
    await expect(copy(source.store, target.store)).rejects.toMatchObject({
      code: ErrorCode.exists,
      message: expect.stringContaining('another key "router."'),
    });
    expect(target.state.zones.size).toBe(0);
    await copy(source.store, target.store, { replace: true });
    expect(target.state.documents).toEqual(source.state.documents);
  });

  test("goes on past what cannot be read, and names it", async () => {
    const source = await filled();
    source.state.zones.get(nameKey(ORIGIN))?.journal.set(3, new Uint8Array([9]));
    const target = empty();
    const { zones, unreadable } = await copy(source.store, target.store);
    expect(zones).toBe(1);
    expect(unreadable).toMatchObject([
      { origin: ORIGIN, problem: expect.stringMatching(/entry 3/) },
    ]);
    expect([...target.state.zones.keys()]).toEqual([nameKey(OTHER)]);
  });

  test("has what the source was changed by meanwhile", async () => {
    const source = await filled();
    const target = empty();
    let changes = 0;
    await copy(source.store, target.store, {
      onZone: ({ origin }) => {
        if (origin === OTHER || changes++ > 0) return;
        void change(source.store);
      },
    });
    expect(await target.store.findZone(ORIGIN)).toMatchObject({ serial: 4 });
    expect(target.state.zones).toEqual(source.state.zones);
  });

  test("has zones that were made meanwhile, and not those that were deleted", async () => {
    const source = await filled();
    const target = empty();
    const late = parseName("late.example");
    await copy(source.store, target.store, {
      onZone: ({ origin }) => {
        if (origin !== ORIGIN) return;
        const made = { fromSerial: 5, toSerial: 5, removed: [], added: [] };
        void source.store.createZone(entry(1, { origin: late, ...made }), []);
        void source.store.deleteZone(ORIGIN);
      },
    });
    expect([...target.state.zones.keys()].sort()).toEqual([nameKey(OTHER), nameKey(late)].sort());
    expect(target.state.zones).toEqual(source.state.zones);
    expect(await target.store.deletedVersion(ORIGIN)).toEqual({ serial: 3, sequence: 3, mark: 42 });
  });

  test("keeps a zone that the source has lost, and knows where deleted zones stood", async () => {
    const source = await filled();
    const target = empty();
    const old = parseName("old.example");
    await source.store.rememberDeleted({ origin: old, serial: 9, sequence: 4 });
    const outcome = await copy(source.store, target.store, {
      onZone: () => source.state.zones.delete(nameKey(ORIGIN)),
    });
    expect(outcome.zones).toBe(2);
    expect(target.state.zones.has(nameKey(ORIGIN))).toBe(true);
    expect(await target.store.deletedVersion(old)).toEqual({ serial: 9, sequence: 4 });
  });

  test("has documents as they are at its end, read back once for each kind", async () => {
    const source = await filled();
    const target = empty();
    let reads = 0;
    const read = target.store.readDocuments.bind(target.store);
    target.store.readDocuments = (kind) => {
      if (kind === "token") reads++;
      return read(kind);
    };
    for (const id of ["a", "b", "c"]) await source.store.writeDocument("token", id, "{}");
    await copy(source.store, target.store, {
      onZone: () => void source.store.writeDocument("token", "a", undefined),
    });
    expect([...(target.state.documents.get("token")?.keys() ?? [])]).toEqual(["b", "c"]);
    expect(reads).toBe(3);
  });

  test("of what cannot be read takes nothing away from the target, not even when it may replace", async () => {
    const source = await filled();
    const target = await filled();
    await change(source.store);
    source.state.zones.get(nameKey(ORIGIN))?.journal.set(3, new Uint8Array([9]));
    const { unreadable } = await copy(source.store, target.store, { replace: true });
    expect(unreadable).toMatchObject([{ origin: ORIGIN }]);
    expect(await target.store.findZone(ORIGIN)).toMatchObject({ serial: 3 });
  });

  test("of a source that goes on changing ends with saying so", async () => {
    const source = await filled();
    const other = new MemoryStore(source.state);
    source.store.findZone = async (origin) => {
      await change(other);
      return other.findZone(origin);
    };
    const endless = copy(source.store, empty().store);
    await expect(endless).rejects.toMatchObject({ code: ErrorCode.conflict });
  });

  test("that reads back as something else is an error", async () => {
    const source = await filled();
    const target = empty();
    const createZone = target.store.createZone.bind(target.store);
    target.store.createZone = async (beginning, rrsets) => {
      await createZone(beginning, rrsets);
      const zone = target.state.zones.get(nameKey(beginning.origin));
      zone?.rrsets.delete([...(zone?.rrsets.keys() ?? [])][0] ?? "");
    };
    await expect(copy(source.store, target.store)).rejects.toMatchObject({
      code: ErrorCode.conflict,
      message: expect.stringContaining("is not the same"),
    });
  });
});
