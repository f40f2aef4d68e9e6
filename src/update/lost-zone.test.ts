/** Stores that lose what they acknowledged, as nodes meet them: what is shown, told, put back and recovered. */
import { describe, expect, test } from "vitest";
import { listLogger, MapTable, standingClock, until } from "../../test/update/fakes.ts";
import {
  add,
  at,
  contentText,
  exampleZone,
  OPERATOR,
  ORIGIN,
  request,
  rrset,
  ZONE_OWNER,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { createMemoryState, type MemoryState, MemoryStore } from "../store/memory-store.ts";
import type { ZoneFollower } from "../store/store.ts";
import { nameKey } from "../wire/name.ts";
import { createUpdateEngine } from "./update-engine.ts";

const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };
const KEY = nameKey(ORIGIN);

/** A server that hears of nothing until it is told. */
async function server(state: MemoryState) {
  const store = new MemoryStore(state);
  let follower: ZoneFollower | undefined;
  let heard: ((kind: "lost" | "key") => void) | undefined;
  store.watch = ({ zones, documents }) => {
    follower = zones;
    heard = documents;
    return () => {};
  };
  const log = listLogger();
  const table = new MapTable();
  const engine = createUpdateEngine({ store, writer: table, clock: standingClock, log });
  await engine.start();
  let looks = 0;
  const findZone = store.findZone.bind(store);
  store.findZone = (origin) => {
    looks++;
    return findZone(origin);
  };
  /** Looks at the store, to the end. */
  const look = async () => {
    const before = looks;
    follower?.changed(ORIGIN);
    await until(() => looks > before);
    await engine.submit(request([], { principal: ZONE_OWNER }));
    await until(() => true);
  };
  const write = (owner: string, address: string) =>
    engine.submit(request([add(owner, 60, "A", `192.0.2.${address}`)]));
  return { engine, store, table, log, look, write, hear: (kind: "lost" | "key") => heard?.(kind) };
}

/** What a replica has by now. */
function copy(state: MemoryState): () => void {
  const zones = new Map(
    [...state.zones].map(([key, zone]) => [
      key,
      { ...zone, rrsets: new Map(zone.rrsets), journal: new Map(zone.journal) },
    ]),
  );
  return () => {
    state.zones.clear();
    for (const [key, zone] of zones) state.zones.set(key, zone);
  };
}

/** Two servers with the example zone. */
async function servers() {
  const state = createMemoryState();
  const one = await server(state);
  await one.engine.createZone(intent, exampleZone());
  const two = await server(state);
  return { state, one, two };
}

describe("a store that fell back to a copy", () => {
  test("and went on with as many changes is not taken for ours", async () => {
    const { state, one, two } = await servers();
    const failOver = copy(state);
    await one.write("lost", "1");
    failOver();
    await two.write("other", "2");
    expect(one.engine.version(ORIGIN)).toMatchObject({ serial: 2, sequence: 2 });
    expect(two.engine.version(ORIGIN)).toMatchObject({ serial: 2, sequence: 2 });
    expect(await one.write("third", "3")).toMatchObject({ status: "applied" });
    await two.look();
    expect(contentText(one.engine.view(ORIGIN)!)).toEqual(contentText(two.engine.view(ORIGIN)!));
    expect(one.engine.view(ORIGIN)?.rrset(at("lost"), 1)).toBeUndefined();
    expect(one.engine.recovery.waiting()).toMatchObject([
      { shown: { serial: 2 }, rrsets: [{ owner: at("lost"), isChangedSince: false }], dropped: 0 },
    ]);
    const told = one.log.lines.find(({ message }) => message.includes("has lost acknowledged"));
    expect(told).toMatchObject({
      level: "error",
      fields: { rrsets: 1, advice: "windhover zone recover dyn.example.com." },
    });
  });

  test("gives back what it lost by one change, what was changed since aside", async () => {
    const { state, one, two } = await servers();
    const failOver = copy(state);
    await one.write("lost", "1");
    await one.write("contested", "1");
    failOver();
    await two.write("contested", "9");
    await one.look();
    expect(one.engine.view(ORIGIN)?.rrset(at("lost"), 1)).toBeUndefined();
    await two.look();
    await two.engine.recovery.plan(ORIGIN);
    const before = two.engine.version(ORIGIN)?.sequence as number;
    const { verdict, plan } = await two.engine.recovery.recover(intent);
    expect(verdict).toMatchObject({ status: "applied", sequence: before + 1 });
    expect(plan.rrsets.map(({ owner, recovery }) => [nameKey(owner), recovery])).toEqual([
      [nameKey(at("contested")), "changed-since"],
      [nameKey(at("lost")), "recovered"],
    ]);
    const view = two.engine.view(ORIGIN);
    expect(view?.rrset(at("lost"), 1)).toEqual(rrset("lost", 60, "A", "192.0.2.1"));
    expect(view?.rrset(at("contested"), 1)).toEqual(rrset("contested", 60, "A", "192.0.2.9"));
    expect(two.engine.recovery.waiting()).toEqual([]);
    one.hear("key");
    one.hear("lost");
    await until(() => one.engine.recovery.waiting().length === 0);
    const again = await two.engine.recovery.recover(intent);
    expect(again).toMatchObject({ verdict: { status: "unchanged" }, plan: { rrsets: [] } });
  });

  test("has lost nothing when only its serials are behind", async () => {
    const { state, one, two } = await servers();
    const failOver = copy(state);
    await one.write("gone", "1");
    await one.engine.submit(request([{ kind: "delete-name", owner: at("gone") }]));
    failOver();
    await one.look();
    expect(one.engine.version(ORIGIN)).toMatchObject({ serial: 4, sequence: 2 });
    expect(one.engine.recovery.waiting()).toEqual([]);
    expect(one.log.lines.some(({ message }) => message.includes("nothing is lost"))).toBe(true);
    await two.look();
    expect(zoneText(two.engine.view(ORIGIN)!)).toEqual(zoneText(one.engine.view(ORIGIN)!));
  });

  test("can be asked what would come back, and told to forget it", async () => {
    const { state, one } = await servers();
    const failOver = copy(state);
    await one.write("lost", "1");
    failOver();
    await one.look();
    expect((await one.engine.recovery.plan(ORIGIN)).rrsets).toMatchObject([
      { recovery: "recovered" },
    ]);
    const stranger = { ...intent, principal: ZONE_OWNER };
    const refused = await one.engine.recovery.recover(stranger);
    expect(refused.verdict).toMatchObject({ status: "refused", reason: "no-grant" });
    await expect(one.engine.recovery.discard(stranger)).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(one.engine.recovery.waiting()).toHaveLength(1);
    expect(await one.engine.recovery.discard(intent)).toBe(1);
    expect(one.engine.recovery.waiting()).toEqual([]);
    const nowhere = at("gone.org.");
    await expect(one.engine.recovery.plan(nowhere)).rejects.toMatchObject({ code: "no-such-zone" });
  });
});

describe("a store that lost the zone", () => {
  test("gets it back from whoever shows it, once", async () => {
    const { state, one, two } = await servers();
    await one.write("kept", "1");
    await two.look();
    state.zones.clear();
    await one.look();
    await two.look();
    expect(one.engine.version(ORIGIN)).toMatchObject({ serial: 3, sequence: 3 });
    expect(two.engine.version(ORIGIN)).toMatchObject({ serial: 3, sequence: 3 });
    expect(zoneText(two.engine.view(ORIGIN)!)).toEqual(zoneText(one.engine.view(ORIGIN)!));
    expect(one.engine.view(ORIGIN)?.rrset(at("kept"), 1)).toBeDefined();
    expect(one.engine.recovery.waiting()).toEqual([]);
    const told = one.log.lines.filter(({ message }) => message.includes("put back"));
    expect(told).toMatchObject([{ level: "error", fields: { zone: "dyn.example.com." } }]);
  });

  test("has it from another node meanwhile", async () => {
    const { state, one, two } = await servers();
    state.zones.clear();
    const createZone = one.store.createZone.bind(one.store);
    one.store.createZone = async (...parameters) => {
      one.store.createZone = createZone;
      await two.look();
      return createZone(...parameters);
    };
    await one.look();
    expect(one.engine.version(ORIGIN)).toMatchObject({ serial: 2, sequence: 2 });
    expect(zoneText(two.engine.view(ORIGIN)!)).toEqual(zoneText(one.engine.view(ORIGIN)!));
  });

  test("and takes no zone either leaves it shown", async () => {
    const { state, one } = await servers();
    state.zones.clear();
    one.store.createZone = async () => {
      throw new WindhoverError(ErrorCode.storeUnavailable, "out of memory");
    };
    const verdict = await one.write("host", "1");
    expect(verdict).toMatchObject({ status: "refused", reason: "store-unavailable" });
    expect(one.engine.view(ORIGIN)).toBeDefined();
  });

  test("ends it all the same when it is deleted", async () => {
    const { state, one, two } = await servers();
    state.zones.clear();
    await one.engine.deleteZone(intent);
    expect(state.deleted.get(KEY)).toMatchObject({ version: { sequence: 2 } });
    await two.look();
    await until(() => two.engine.view(ORIGIN) === undefined);
    expect(state.zones.size).toBe(0);
  });

  test("again and again cannot end it", async () => {
    const { one } = await servers();
    one.store.deleteZone = async () => false;
    await expect(one.engine.deleteZone(intent)).rejects.toMatchObject({
      code: "store-unavailable",
    });
    expect(one.engine.view(ORIGIN)).toBeDefined();
  });

  test("and has another one of that name has it at later numbers", async () => {
    const { one, two } = await servers();
    await one.engine.deleteZone(intent);
    await one.engine.createZone(intent, exampleZone(7));
    expect(one.engine.version(ORIGIN)).toEqual({ serial: 7, sequence: 2 });
    await two.look();
    expect(two.engine.version(ORIGIN)).toEqual({ serial: 7, sequence: 2 });
    expect(two.engine.recovery.waiting()).toEqual([]);
  });

  test("was put back with less than this node has", async () => {
    const { state, one, two } = await servers();
    await one.write("newer", "1");
    await one.write("newest", "1");
    state.zones.clear();
    await two.look();
    await two.write("after", "1");
    await two.write("more", "1");
    await one.look();
    expect(one.engine.recovery.waiting()).toMatchObject([
      { rrsets: [{ owner: at("newer") }, { owner: at("newest") }] },
    ]);
    expect(one.engine.view(ORIGIN)?.rrset(at("after"), 1)).toBeDefined();
  });
});

test("a zone that came while another was to be made is not made over it", async () => {
  const state = createMemoryState();
  const one = await server(state);
  const two = await server(state);
  const deletedVersion = two.store.deletedVersion.bind(two.store);
  two.store.deletedVersion = async (origin) => {
    await one.engine.createZone(intent, exampleZone());
    const loading = two.look();
    const found = await deletedVersion(origin);
    void loading;
    return found;
  };
  await expect(two.engine.createZone(intent, exampleZone(9))).rejects.toMatchObject({
    code: "zone-exists",
  });
  await until(() => two.engine.version(ORIGIN) !== undefined);
  expect(two.engine.version(ORIGIN)).toEqual({ serial: 1, sequence: 1 });
});

test("what waits is counted and told with the command to type", async () => {
  const { state, one } = await servers();
  expect(one.engine.recovery.count()).toEqual({ rrsets: 0, zones: [] });
  const failOver = copy(state);
  await one.write("lost", "1");
  failOver();
  await one.look();
  expect(one.engine.recovery.count()).toEqual({ rrsets: 1, zones: ["dyn.example.com."] });
  expect(one.engine.recovery.warnings()).toEqual([
    expect.stringContaining("`windhover zone recover dyn.example.com. --dry-run`"),
  ]);
});
