/** Backup and restore as the command line asks a running server for them. */
import { fastify } from "fastify";
import { expect, test } from "vitest";
import { listLogger, MapTable, standingClock } from "../../../test/update/fakes.ts";
import {
  add,
  at,
  exampleZone,
  OPERATOR,
  ORIGIN,
  request,
  zoneText,
} from "../../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../../base/errors.ts";
import { createMemoryState, MemoryStore } from "../../store/memory-store.ts";
import { createUpdateEngine } from "../../update/update-engine.ts";
import { nameKey } from "../../wire/name.ts";
import { backupRoutes } from "./backup-routes.ts";
import { ZoneStreams } from "./zone-streams.ts";

const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };

async function server() {
  const state = createMemoryState();
  const store = new MemoryStore(state);
  const log = listLogger();
  const engine = createUpdateEngine({ store, writer: new MapTable(), clock: standingClock, log });
  await engine.start();
  const counts = { reloads: 0, returned: 0 };
  const app = fastify();
  const parts = {
    engine,
    store,
    log,
    clock: standingClock,
    reloadIdentities: async () => void counts.reloads++,
    returnMemory: async () => void counts.returned++,
  };
  app.register(backupRoutes(parts, new ZoneStreams()));
  const backup = async (query = "") => (await app.inject({ url: `/v1/backup${query}` })).body;
  const restore = async (payload: string, query = "") => {
    const headers = { "content-type": "text/dns" };
    const url = `/v1/restore${query}`;
    const reply = await app.inject({ method: "POST", url, headers, payload });
    return reply.body
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const write = (owner: string) => engine.submit(request([add(owner, 60, "A", "192.0.2.1")]));
  return { state, store, engine, log, counts, backup, restore, write };
}

/** With two changes, a key and a label. */
async function filled() {
  const one = await server();
  await one.engine.createZone(intent, exampleZone());
  await one.write("a");
  await one.store.writeDocument("key", "made.", '{"secret":"x"}');
  await one.engine.history.addLabel(ORIGIN, "begun", "now");
  return one;
}

const ZONE = { zone: "dyn.example.com.", serial: 2, sequence: 2 };

test("what one server gives, another takes: zone, history and documents", async () => {
  const one = await filled();
  const two = await server();
  const text = await one.backup();
  expect(await two.restore(text)).toEqual([
    { ...ZONE, status: "restored" },
    { documents: { written: 2, unchanged: 0, kept: [] } },
  ]);
  expect(zoneText(two.engine.view(ORIGIN)!)).toEqual(zoneText(one.engine.view(ORIGIN)!));
  expect(two.state.zones).toEqual(one.state.zones);
  expect(two.state.documents).toEqual(one.state.documents);
  expect(two.counts.reloads).toBe(1);
  await expect.poll(() => two.counts.returned).toBe(1);
  expect(await two.restore(text)).toEqual([
    { ...ZONE, status: "unchanged" },
    { documents: { written: 0, unchanged: 2, kept: [] } },
  ]);
});

test("a zone that is there is refused, or changed by one change", async () => {
  const one = await filled();
  const text = await one.backup();
  await one.write("b");
  await one.store.writeDocument("key", "made.", '{"secret":"y"}');
  const [refused] = await one.restore(text);
  expect(refused).toMatchObject({
    failed: {
      code: ErrorCode.zoneExists,
      message: expect.stringMatching(
        /is there at serial 3, and the backup has serial 2; --replace/,
      ),
    },
  });
  expect(await one.restore(text, "?replace=true")).toEqual([
    { zone: "dyn.example.com.", serial: 4, sequence: 4, status: "replaced" },
    { documents: { written: 1, unchanged: 1, kept: [] } },
  ]);
  expect(one.engine.view(ORIGIN)?.rrsets(at("b"))).toEqual([]);
  const again = await one.restore(text, "?replace=true");
  expect(again[0]).toMatchObject({ status: "unchanged", serial: 4 });
});

test("documents of the same name that are there are kept and named", async () => {
  const one = await filled();
  const two = await server();
  await two.store.writeDocument("key", "made.", '{"secret":"y"}');
  expect((await two.restore(await one.backup())).at(-1)).toEqual({
    documents: { written: 1, unchanged: 0, kept: ["key made."] },
  });
});

test("some zones come with their labels alone", async () => {
  const one = await filled();
  const two = await server();
  const told = await two.restore(await one.backup(), "?zone=dyn.example.com");
  expect(told.at(-1)).toEqual({ documents: { written: 1, unchanged: 0, kept: [] } });
  const three = await server();
  expect(await three.restore(await one.backup(), "?zone=other.example")).toEqual([
    { documents: { written: 0, unchanged: 0, kept: [] } },
  ]);
  expect(await one.backup("?zone=dyn.example.com")).not.toContain('"kind":"key"');
  expect(await one.backup("?credentials=false")).not.toContain('"kind":"key"');
});

test("a zone that was deleted later comes back behind that", async () => {
  const one = await filled();
  const text = await one.backup();
  await one.write("b");
  await one.engine.deleteZone(intent);
  const [anew] = await one.restore(text);
  expect(anew).toEqual({ zone: "dyn.example.com.", serial: 4, sequence: 4, status: "anew" });
});

test("a zone that was deleted before the backup begins behind that, made again from its older backup", async () => {
  const one = await filled();
  const older = await one.backup();
  await one.write("b");
  await one.engine.deleteZone(intent);
  const text = await one.backup();
  const two = await server();
  expect(await two.restore(text, "?zone=other.example")).toHaveLength(1);
  expect(await two.store.listDeleted()).toEqual([]);
  await two.restore(text);
  expect(await two.store.deletedVersion(ORIGIN)).toMatchObject({ serial: 3, sequence: 3 });
  const [anew] = await two.restore(older);
  expect(anew).toEqual({ zone: "dyn.example.com.", serial: 4, sequence: 4, status: "anew" });
});

test("what the backup had to leave out is told", async () => {
  const one = await filled();
  one.state.zones.get(nameKey(ORIGIN))?.journal.set(2, new Uint8Array([9]));
  const failed = await one.backup();
  expect(failed.trim().split("\n").at(-1)).toMatch(/^;failed .*cannot be backed up/);
  expect(one.log.lines.map(({ message }) => message)).toContain("a backup could not be finished");
  const two = await server();
  const [told] = await two.restore(await one.backup("?skipUnreadable=true"));
  expect(told).toMatchObject({ status: "left-out", problem: expect.stringContaining("entry 2") });
  expect(two.state.zones.size).toBe(0);
});

test("a backup that is cut off makes nothing of the zone that it is cut off in", async () => {
  const one = await filled();
  const two = await server();
  const text = await one.backup();
  const [failed] = await two.restore(text.slice(0, text.indexOf(";end-zone")));
  expect(failed).toMatchObject({ failed: { code: ErrorCode.badBackup } });
  expect(two.engine.view(ORIGIN)).toBeUndefined();
  expect(two.state.zones.size).toBe(0);
});
