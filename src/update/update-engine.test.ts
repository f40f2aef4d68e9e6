import { describe, expect, test } from "vitest";
import {
  type FaultyStore,
  faultyStore,
  listLogger,
  MapTable,
  standingClock,
  until,
} from "../../test/update/fakes.ts";
import {
  add,
  at,
  contentText,
  deleteName,
  deleteRR,
  exampleZone,
  OPERATOR,
  ORIGIN,
  principal,
  replace,
  request,
  rrset,
  rrtype,
  soa,
  ZONE_OWNER,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import type { Clock } from "../base/clock.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { DEFAULT_RETENTION } from "../store/journal-retention.ts";
import { createMemoryState, type MemoryState, MemoryStore } from "../store/memory-store.ts";
import type { JournalEntry, ZoneFollower } from "../store/store.ts";
import { Rcode } from "../wire/code-points.ts";
import { formatName, type Name, nameKey } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { createUpdateEngine, type ZoneEngine } from "./update-engine.ts";
import type { UpdateRequest, Verdict } from "./update-request.ts";

const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };

interface Server {
  readonly engine: ZoneEngine;
  readonly store: FaultyStore;
  readonly table: MapTable;
  readonly events: string[];
  readonly told: (readonly JournalEntry[])[];
  readonly log: ReturnType<typeof listLogger>;
}

/** An engine on a handle of its own; several on one state are several processes on one store. */
async function startServer(
  state: MemoryState = createMemoryState(),
  more: { clock?: Clock; prepare?: (store: FaultyStore) => void } = {},
): Promise<Server> {
  const events: string[] = [];
  const told: (readonly JournalEntry[])[] = [];
  const store = faultyStore(new MemoryStore(state), events);
  more.prepare?.(store);
  const table = new MapTable(events);
  const log = listLogger();
  const engine = createUpdateEngine({
    store,
    writer: table,
    clock: more.clock ?? standingClock,
    log,
    onCommit: (_, entries) => {
      events.push("tell");
      told.push(entries);
    },
  });
  await engine.start();
  return { engine, store, table, events, told, log };
}

async function serverWithZone(rrsets: RRset[] = exampleZone(), state = createMemoryState()) {
  const server = await startServer(state);
  await server.engine.createZone(intent, rrsets);
  server.events.length = 0;
  server.told.length = 0;
  server.log.lines.length = 0;
  return server;
}

function submit(server: Server, ...requests: UpdateRequest[]): Promise<Verdict[]> {
  return Promise.all(requests.map((each) => server.engine.submit(each)));
}

function newHost(n: number): UpdateRequest {
  return request([add(`host${n}`, 60, "A", `192.0.2.${n % 256}`)]);
}

async function storedText(server: Server): Promise<string[]> {
  const zone = await server.store.loadZone(ORIGIN);
  const lines: string[] = [];
  for await (const batch of zone?.batches ?? []) {
    for (const each of batch) lines.push(formatName(each.owner), String(each.rrtype));
  }
  return lines.sort();
}

async function journal(server: Server): Promise<readonly JournalEntry[]> {
  return server.engine.readJournal(ORIGIN, { afterSequence: 0, limit: 1_000 });
}

describe("an update", () => {
  test("is committed, then visible, then told of, then acknowledged", async () => {
    const server = await serverWithZone();
    const verdict = server.engine.submit(newHost(1)).then((each) => {
      server.events.push("acknowledge");
      return each;
    });
    expect(await verdict).toEqual({ status: "applied", serial: 2, sequence: 2 });
    const order = ["commit committed", "publish", "tell", "acknowledge"];
    expect(server.events).toEqual(order);
    expect(contentText(server.table.view(ORIGIN)!)).toContain(
      "host1.dyn.example.com. 60 A 192.0.2.1",
    );
  });

  test("is not visible while its commit is under way", async () => {
    const server = await serverWithZone();
    let open = () => {};
    server.store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const verdict = server.engine.submit(newHost(1));
    await until(() => server.store.commits === 1);
    expect(server.table.view(ORIGIN)!.rrsets(at("host1"))).toEqual([]);
    open();
    expect((await verdict).status).toBe("applied");
    expect(server.table.view(ORIGIN)!.rrsets(at("host1"))).toHaveLength(1);
  });

  test("goes into the journal with its SOAs, its sender and its door", async () => {
    const server = await serverWithZone();
    await submit(server, request([add("home", 60, "A", "192.0.2.9")]));
    const [, entry] = await journal(server);
    expect(entry).toEqual({
      origin: ORIGIN,
      fromSerial: 1,
      toSerial: 2,
      removed: [soa(1)],
      added: expect.arrayContaining([soa(2), rrset("home", 60, "A", "192.0.2.9")]),
      sequence: 2,
      timeMs: standingClock.nowMs(),
      actor: "key:test",
      door: "rfc2136",
      address: "198.51.100.7",
    });
    expect(server.told).toEqual([[entry]]);
  });

  test("that changes nothing commits nothing and steps no serial", async () => {
    const server = await serverWithZone();
    const nothing = request([replace("home", 60, "AAAA", "2001:db8::1")], { door: "dyndns2" });
    expect(await submit(server, nothing)).toEqual([{ status: "unchanged", serial: 1 }]);
    const takenBack = request([add("x", 1, "A", "192.0.2.1"), deleteName("x")]);
    expect(await submit(server, takenBack)).toEqual([{ status: "unchanged", serial: 1 }]);
    expect(server.store.commits).toBe(0);
    expect(server.events).toEqual([]);
    expect(await journal(server)).toHaveLength(1);
  });

  test("takes the serial that it sets, and the next one otherwise", async () => {
    const server = await serverWithZone();
    const set = request([add("@", 3600, "SOA", "ns1 hostmaster 50 1 2 3 4")]);
    expect(await submit(server, set)).toMatchObject([{ status: "applied", serial: 50 }]);
    const lower = request([
      add("@", 3600, "SOA", "ns1 hostmaster 7 1 2 3 4"),
      add("x", 1, "A", "192.0.2.1"),
    ]);
    expect(await submit(server, lower)).toMatchObject([{ status: "applied", serial: 51 }]);
  });

  test.each([
    [0, 1],
    [0x7fff_ffff, 0x8000_0000],
    [0x8000_0000, 0x8000_0001],
    [0xffff_ffff, 0],
  ])("steps serial %i to %i", async (serial, next) => {
    const server = await serverWithZone(exampleZone(serial));
    expect(await submit(server, newHost(1))).toMatchObject([{ serial: next }]);
    expect(server.table.view(ORIGIN)!.rrset(ORIGIN, rrtype("SOA"))).toEqual(soa(next));
  });

  test("for a zone that is not here gets NOTAUTH, whoever asks", async () => {
    const server = await serverWithZone();
    const other = request([deleteName("x")], { origin: at("other.org.") });
    expect(await submit(server, other)).toMatchObject([
      { rcode: Rcode.notAuth, reason: "no-such-zone" },
    ]);
  });

  test("is judged by policy before its prerequisites", async () => {
    const server = await serverWithZone();
    const inUse = { kind: "name-in-use" as const, owner: at("nobody") };
    const stranger = request([], { principal: principal(), prerequisites: [inUse] });
    const known = request([], { prerequisites: [inUse] });
    expect(await submit(server, stranger, known)).toMatchObject([
      { rcode: Rcode.refused, reason: "no-grant" },
      { rcode: Rcode.nxDomain, reason: "prerequisite" },
    ]);
  });

  test("writes one line in the log, applied or refused, and says why", async () => {
    const server = await serverWithZone();
    const refused = request([add("x", 1, "A", "192.0.2.1")], {
      principal: principal({ name: at("home") }),
    });
    await submit(server, newHost(1), refused);
    expect(server.log.lines).toEqual([
      {
        level: "info",
        message: "update applied",
        fields: {
          zone: "dyn.example.com.",
          serial: 2,
          actor: "key:test",
          door: "rfc2136",
          address: "198.51.100.7",
          removed: 0,
          added: 1,
          rrsets: "host1.dyn.example.com. A",
        },
      },
      {
        level: "info",
        message: "update refused",
        fields: {
          zone: "dyn.example.com.",
          actor: "key:test",
          door: "rfc2136",
          address: "198.51.100.7",
          reason: "no-grant",
          detail: "key:test has no update grant for x.dyn.example.com. A",
          rcode: Rcode.refused,
        },
      },
    ]);
  });
});

describe("a batch", () => {
  test("is one commit; each update keeps its verdict, its entry and its serial", async () => {
    const server = await serverWithZone();
    const exists = { kind: "name-in-use" as const, owner: at("host1") };
    const verdicts = await submit(
      server,
      newHost(1),
      request([deleteName("example.org.")]),
      request([add("host2", 60, "A", "192.0.2.2")], { prerequisites: [exists] }),
      newHost(1),
      request([deleteRR("host2", "A", "192.0.2.2")]),
    );
    expect(verdicts).toMatchObject([
      { status: "applied", serial: 2, sequence: 2 },
      { status: "refused", rcode: Rcode.notZone },
      { status: "applied", serial: 3, sequence: 3 },
      { status: "unchanged", serial: 3 },
      { status: "applied", serial: 4, sequence: 4 },
    ]);
    expect(server.store.commits).toBe(1);
    const entries = (await journal(server)).slice(1);
    expect(entries.map(({ fromSerial, toSerial }) => [fromSerial, toSerial])).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    const view = server.table.view(ORIGIN)!;
    expect(contentText(view).filter((line) => line.startsWith("host"))).toEqual([
      "host1.dyn.example.com. 60 A 192.0.2.1",
    ]);
  });

  test("is no larger than its bound; the rest is the next one", async () => {
    const server = await serverWithZone();
    const requests = Array.from({ length: Limits.updateBatch + 1 }, (_, n) => newHost(n));
    const verdicts = await submit(server, ...requests);
    expect(verdicts.every(({ status }) => status === "applied")).toBe(true);
    expect(server.told.map((entries) => entries.length)).toEqual([Limits.updateBatch, 1]);
  });

  test("leaves what comes later to the next commit, and the queue is bounded", async () => {
    const server = await serverWithZone();
    let open = () => {};
    server.store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = server.engine.submit(newHost(0));
    await until(() => server.store.commits === 1);
    const same = { ...newHost(1), principal: OPERATOR };
    const waiting = Array.from({ length: Limits.updateQueue }, () => server.engine.submit(same));
    expect(await server.engine.submit(same)).toMatchObject({
      status: "refused",
      rcode: Rcode.servFail,
      reason: "queue-full",
    });
    open();
    expect((await first).status).toBe("applied");
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    expect(statuses.filter((each) => each === "applied")).toHaveLength(1);
    expect(statuses.filter((each) => each === "unchanged")).toHaveLength(Limits.updateQueue - 1);
  });

  test("one principal has a share of the queue, and others have theirs", async () => {
    const server = await serverWithZone();
    let open = () => {};
    server.store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = server.engine.submit(newHost(0));
    await until(() => server.store.commits === 1);
    const greedy = { ...newHost(1), principal: { ...ZONE_OWNER, actor: "key:greedy" } };
    const waiting = Array.from({ length: Limits.updateQueuePerPrincipal }, () =>
      server.engine.submit(greedy),
    );
    expect(await server.engine.submit(greedy)).toMatchObject({
      status: "refused",
      rcode: Rcode.servFail,
      reason: "queue-full",
      detail: expect.stringContaining("key:greedy"),
    });
    const modest = server.engine.submit(newHost(2));
    open();
    expect((await first).status).toBe("applied");
    expect((await modest).status).toBe("applied");
    expect((await Promise.all(waiting)).map(({ status }) => status)).not.toContain("refused");
    server.store.gate = undefined;
    expect((await server.engine.submit({ ...greedy, ...newHost(3) })).status).toBe("applied");
  });

  test("who has no grant in the zone never waits in its queue", async () => {
    const server = await serverWithZone();
    server.store.gate = new Promise(() => {});
    void server.engine.submit(newHost(0));
    await until(() => server.store.commits === 1);
    for (const stranger of [principal(), principal({ zone: at("other.org.") })]) {
      const verdict = await server.engine.submit({ ...newHost(1), principal: stranger });
      expect(verdict).toMatchObject({ rcode: Rcode.refused, reason: "no-grant" });
    }
  });

  test("of one zone does not wait for another zone's", async () => {
    const server = await serverWithZone();
    const other = at("other.org.");
    const otherZone = [
      { ...soa(1), owner: other },
      { ...rrset("@", 60, "NS", "ns1"), owner: other },
    ];
    await server.engine.createZone({ ...intent, origin: other }, otherZone);
    let open = () => {};
    server.store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const held = server.engine.submit(newHost(1));
    await until(() => server.store.commits === 1);
    server.store.gate = undefined;
    const elsewhere = request([add("x.other.org.", 60, "A", "192.0.2.1")], {
      origin: other,
      principal: OPERATOR,
    });
    expect((await server.engine.submit(elsewhere)).status).toBe("applied");
    open();
    expect((await held).status).toBe("applied");
  });

  test("survives an update that throws", async () => {
    const server = await serverWithZone();
    const broken = request([{ kind: "add" } as never]);
    expect(await submit(server, newHost(1), broken, newHost(2))).toMatchObject([
      { status: "applied" },
      { status: "refused", rcode: Rcode.servFail },
      { status: "applied" },
    ]);
    expect(server.log.lines.some(({ level }) => level === "error")).toBe(true);
  });
});

describe("two servers on one store", () => {
  async function pair() {
    const state = createMemoryState();
    const one = await serverWithZone(exampleZone(), state);
    const two = await startServer(state);
    return { one, two };
  }

  /** Lets both draft their commits before either is made. */
  async function atOnce(one: Server, two: Server, submitBoth: () => Promise<Verdict[]>) {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    one.store.gate = gate;
    two.store.gate = gate;
    const verdicts = submitBoth();
    await until(() => one.store.commits > 0 && two.store.commits > 0);
    open();
    return verdicts;
  }

  test("both write; neither loses the other's updates; both tables end alike", async () => {
    const { one, two } = await pair();
    const verdicts = await atOnce(one, two, () =>
      Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : two).engine.submit(newHost(n))),
      ),
    );
    expect(verdicts.every(({ status }) => status === "applied")).toBe(true);
    const serials = verdicts.map((verdict) => (verdict.status === "applied" ? verdict.serial : 0));
    expect(new Set(serials).size).toBe(40);
    await until(() => one.engine.zones()[0]!.serial === two.engine.zones()[0]!.serial);
    expect(zoneText(one.table.view(ORIGIN)!)).toEqual(zoneText(two.table.view(ORIGIN)!));
    const hosts = contentText(one.table.view(ORIGIN)!).filter((line) => line.startsWith("host"));
    expect(hosts).toHaveLength(40);
    expect([...one.events, ...two.events]).toContain("commit conflict");
    await Promise.all([one.engine.close(), two.engine.close()]);
  });

  test("prerequisites are asked again after a conflict", async () => {
    const { one, two } = await pair();
    const absent = { kind: "name-not-in-use" as const, owner: at("lap") };
    const claim = (text: string) =>
      request([add("lap", 60, "A", text)], { prerequisites: [absent] });
    const verdicts = await atOnce(one, two, () =>
      Promise.all([one.engine.submit(claim("192.0.2.1")), two.engine.submit(claim("192.0.2.2"))]),
    );
    expect(verdicts.map(({ status }) => status).sort()).toEqual(["applied", "refused"]);
    expect(verdicts.find(({ status }) => status === "refused")).toMatchObject({
      rcode: Rcode.yxDomain,
    });
  });

  test("a commit that is never first gives up after so many attempts", async () => {
    const { one } = await pair();
    let attempts = 0;
    one.store.commit = async () => {
      attempts++;
      return { status: "conflict", actual: undefined };
    };
    expect(await submit(one, newHost(1))).toMatchObject([
      { rcode: Rcode.servFail, reason: "store-unavailable" },
    ]);
    expect(attempts).toBe(Limits.commitAttempts);
  });

  test("one follows the other without writing, and tells what it followed", async () => {
    const { one, two } = await pair();
    two.told.length = 0;
    await submit(one, newHost(1), newHost(2));
    await until(() => two.engine.zones()[0]!.serial === 3);
    expect(zoneText(two.table.view(ORIGIN)!)).toEqual(zoneText(one.table.view(ORIGIN)!));
    expect(two.told.flat().map(({ toSerial }) => toSerial)).toEqual([2, 3]);
    expect(two.engine.zones()).toEqual(one.engine.zones());
    expect(two.events.filter((event) => event === "load")).toHaveLength(1);
  });

  test("one sees the other make and end a zone", async () => {
    const { one, two } = await pair();
    const other = at("other.org.");
    const rrsets = [
      { ...soa(1), owner: other },
      { ...rrset("@", 60, "NS", "ns1"), owner: other },
    ];
    await one.engine.createZone({ ...intent, origin: other }, rrsets);
    await until(() => two.engine.zones().length === 2);
    await one.engine.deleteZone({ ...intent, origin: other });
    await until(() => two.engine.zones().length === 1);
    expect(two.table.view(other)).toBeUndefined();
  });

  test("one that was away too long loads the zone whole", async () => {
    const { one, two } = await pair();
    two.store.isDown = true;
    const flips = Array.from({ length: Limits.updateBatch }, (_, n) =>
      request([replace("flip", 1, "A", `192.0.2.${n % 2}`)]),
    );
    const rounds = Math.ceil(DEFAULT_RETENTION.entries / Limits.updateBatch) + 1;
    for (let round = 0; round < rounds; round++) await submit(one, ...flips);
    two.events.length = 0;
    two.told.length = 0;
    two.store.isDown = false;
    await submit(one, newHost(1));
    await until(() => two.engine.zones()[0]!.serial === one.engine.zones()[0]!.serial);
    expect(two.events.slice(0, 1)).toEqual(["load"]);
    expect(two.told[0]).toEqual([]);
    expect(zoneText(two.table.view(ORIGIN)!)).toEqual(zoneText(one.table.view(ORIGIN)!));
  });
});

describe("a store that fails", () => {
  test("before the commit: refused, not visible, and the next one goes through", async () => {
    const server = await serverWithZone();
    server.store.failures.push("before");
    const [refused] = await submit(server, newHost(1));
    expect(refused).toMatchObject({
      status: "refused",
      rcode: Rcode.servFail,
      reason: "store-unavailable",
      detail: "the store is not available: connection lost",
    });
    expect(server.events).toEqual([]);
    expect(await submit(server, newHost(2))).toMatchObject([{ status: "applied", serial: 2 }]);
    expect(server.table.view(ORIGIN)!.rrsets(at("host1"))).toEqual([]);
  });

  test("after the commit: refused, then what was in fact committed is shown, and told of in the log", async () => {
    const server = await serverWithZone();
    server.store.failures.push("after");
    await submit(server, newHost(1));
    await until(() => server.table.view(ORIGIN)!.rrsets(at("host1")).length > 0);
    expect(server.log.lines.at(-1)).toMatchObject({ message: "update followed from the store" });
  });

  test("after the commit: what was in fact committed is there for the next update", async () => {
    const server = await serverWithZone();
    server.store.failures.push("after");
    const [refused] = await submit(server, newHost(1));
    expect(refused).toMatchObject({ reason: "store-unavailable" });
    expect(await submit(server, newHost(2))).toMatchObject([{ status: "applied", serial: 3 }]);
    expect(server.table.view(ORIGIN)!.rrsets(at("host1"))).toHaveLength(1);
    expect(server.told.flat().map(({ toSerial }) => toSerial)).toEqual([2, 3]);
  });

  test("for a while: refused each time, queries go on, and then it goes on", async () => {
    const server = await serverWithZone();
    server.store.isDown = true;
    for (const n of [1, 2]) {
      expect(await submit(server, newHost(n))).toMatchObject([{ reason: "store-unavailable" }]);
    }
    expect(zoneText(server.engine.view(ORIGIN)!)).toHaveLength(12);
    server.store.isDown = false;
    expect(await submit(server, newHost(3))).toMatchObject([{ status: "applied", serial: 2 }]);
    expect(server.log.lines.filter(({ level }) => level === "error").length).toBeGreaterThan(0);
  });

  test("keeps the verdicts that did not need it", async () => {
    const server = await serverWithZone();
    server.store.failures.push("before");
    const nothing = request([deleteName("nobody")]);
    const verdicts = await submit(server, nothing, newHost(1), newHost(1));
    expect(verdicts).toMatchObject([
      { status: "unchanged" },
      { reason: "store-unavailable" },
      { reason: "store-unavailable" },
    ]);
  });

  test("and a table that is full: refused, and shown once there is room", async () => {
    const server = await serverWithZone();
    server.table.failure = new Error("no room");
    expect(await submit(server, newHost(1))).toMatchObject([{ rcode: Rcode.servFail }]);
    expect(await submit(server, newHost(2))).toMatchObject([{ status: "applied", serial: 3 }]);
    expect(server.table.view(ORIGIN)!.rrsets(at("host1"))).toHaveLength(1);
  });
});

describe("what follows a commit", () => {
  test.each([new Error("no secondary"), "no secondary"])(
    "does not undo it when it throws %s",
    async (thrown) => {
      const server = await serverWithZone();
      server.told.push = () => {
        throw thrown;
      };
      expect(await submit(server, newHost(1))).toMatchObject([{ status: "applied", serial: 2 }]);
      expect(await submit(server, newHost(2))).toMatchObject([{ status: "applied", serial: 3 }]);
      const errors = server.log.lines.filter(({ level }) => level === "error");
      expect(errors).toHaveLength(2);
      expect(errors[0]).toMatchObject({
        message: "what follows a commit threw",
        fields: { error: expect.stringContaining("no secondary") },
      });
    },
  );
});

describe("notifications of the store", () => {
  /** A server whose store says nothing by itself. */
  async function notified(
    prepare: (store: FaultyStore, notify: (origin: Name) => void) => void = () => {},
  ) {
    const state = createMemoryState();
    const other = await serverWithZone(exampleZone(), state);
    let follower: ZoneFollower | undefined;
    let looks = 0;
    const server = await startServer(state, {
      prepare: (store) => {
        store.watch = ({ zones }) => {
          follower = zones;
          return () => {};
        };
        const findZone = store.findZone.bind(store);
        store.findZone = (origin) => {
          looks++;
          return findZone(origin);
        };
        prepare(store, (origin) => follower?.changed(origin));
      },
    });
    const { changed, version, origins } = follower as unknown as ZoneFollower;
    return { server, other, notify: changed, version, origins, looks: () => looks };
  }

  test("that come together are one look", async () => {
    const { server, other, notify, looks } = await notified();
    await submit(other, newHost(1));
    for (let count = 0; count < 5; count++) notify(ORIGIN);
    await until(() => server.engine.version(ORIGIN)?.serial === 2);
    await server.engine.close();
    expect(looks()).toBe(1);
  });

  test("can be compared with what is shown", async () => {
    const { server, version, origins } = await notified();
    expect([...origins()]).toEqual([ORIGIN]);
    expect(version(ORIGIN)).toEqual(server.engine.version(ORIGIN));
    expect(version(at("gone.org."))).toBeUndefined();
  });

  test("that come while zones are loaded are looked at afterwards", async () => {
    const { server, looks } = await notified((store, notify) => {
      const listOrigins = store.listOrigins.bind(store);
      store.listOrigins = async () => {
        const zones = await listOrigins();
        for (let count = 0; count < 5; count++) notify(ORIGIN);
        return zones;
      };
    });
    await server.engine.close();
    expect(looks()).toBe(1);
  });

  test("of a zone that is gone leave nothing", async () => {
    const { server, notify } = await notified();
    const gone = at("gone.org.");
    server.events.length = 0;
    notify(gone);
    await server.engine.close();
    expect(server.events).toEqual([]);
    expect(server.engine.version(gone)).toBeUndefined();
    expect(server.engine.zones().map(({ origin }) => origin)).toEqual([ORIGIN]);
  });

  test("that come when it has closed are passed over", async () => {
    const { server, other, notify, looks } = await notified();
    await server.engine.close();
    await submit(other, newHost(1));
    notify(ORIGIN);
    await server.engine.close();
    expect(looks()).toBe(0);
    expect(server.engine.version(ORIGIN)?.serial).toBe(1);
  });
});

describe("a store that went back", () => {
  test("is taken past the published serial", async () => {
    const state = createMemoryState();
    const server = await serverWithZone(exampleZone(100), state);
    await submit(server, newHost(1), newHost(2));
    const older = createMemoryState();
    await serverWithZone(exampleZone(100), older);
    state.zones.clear();
    for (const [key, zone] of older.zones) state.zones.set(key, zone);
    expect(await submit(server, newHost(3))).toMatchObject([{ status: "applied", serial: 104 }]);
    expect(server.table.view(ORIGIN)!.rrset(ORIGIN, rrtype("SOA"))).toEqual(soa(104));
    expect(server.log.lines.some(({ message }) => message.includes("older version"))).toBe(true);
  });
});

describe("zones", () => {
  test("are loaded at start, with serial, sequence and the number of names", async () => {
    const state = createMemoryState();
    const one = await serverWithZone(exampleZone(), state);
    await submit(one, newHost(1));
    const expected = [{ origin: ORIGIN, serial: 2, sequence: 2, names: 9 }];
    expect(one.engine.zones()).toEqual(expected);
    await submit(one, newHost(2), request([deleteName("host1"), deleteName("home")]));
    expect(one.engine.zones()[0]!.names).toBe(8);
    const two = await startServer(state);
    expect(two.engine.zones()).toEqual(one.engine.zones());
    expect(zoneText(two.engine.view(ORIGIN)!)).toEqual(zoneText(one.engine.view(ORIGIN)!));
  });

  test("are made by operators only, whole and once", async () => {
    const server = await startServer();
    const stranger = { ...intent, principal: principal({ zone: ORIGIN }) };
    await expect(server.engine.createZone(stranger, exampleZone())).rejects.toThrow("operator");
    const noSoa = exampleZone().slice(1);
    await expect(server.engine.createZone(intent, noSoa)).rejects.toThrow("no SOA");
    const noNs = [soa(1)];
    await expect(server.engine.createZone(intent, noNs)).rejects.toThrow("no NS");
    const outside = [...exampleZone(), rrset("x.org.", 1, "A", "192.0.2.1")];
    await expect(server.engine.createZone(intent, outside)).rejects.toThrow("outside");
    const lower = [...exampleZone(), { ...soa(1), owner: at("home") }];
    await expect(server.engine.createZone(intent, lower)).rejects.toThrow("SOA below the apex");
    expect(server.engine.zones()).toEqual([]);
    expect(server.engine.version(ORIGIN)).toBeUndefined();
    await server.engine.createZone(intent, exampleZone());
    expect(server.engine.version(ORIGIN)).toEqual({ serial: 1, sequence: 1 });
    await expect(server.engine.createZone(intent, exampleZone())).rejects.toThrow("exists");
  });

  test("that another server has made already are taken over, not made again", async () => {
    const state = createMemoryState();
    const [one, two] = await Promise.all([startServer(state), startServer(state)]);
    const made = await Promise.allSettled([
      one.engine.createZone(intent, exampleZone()),
      two.engine.createZone(intent, exampleZone()),
    ]);
    expect(made.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(one.engine.zones()).toEqual(two.engine.zones());
    expect(one.engine.zones()).toHaveLength(1);
  });

  test("asked for twice at once are made once", async () => {
    const server = await startServer();
    const made = await Promise.allSettled([
      server.engine.createZone(intent, exampleZone(5)),
      server.engine.createZone(intent, exampleZone(6)),
    ]);
    expect(made).toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: { code: ErrorCode.zoneExists } },
    ]);
    expect(server.engine.zones()).toMatchObject([{ serial: 5 }]);
  });

  test("that the table cannot take are not stored", async () => {
    const server = await startServer();
    const beginZone = server.table.beginZone;
    server.table.beginZone = () => {
      throw new WindhoverError(ErrorCode.limit, "more than 100000 zones");
    };
    await expect(server.engine.createZone(intent, exampleZone())).rejects.toMatchObject({
      code: ErrorCode.limit,
    });
    expect(await server.store.listZones()).toEqual([]);
    server.table.beginZone = beginZone;
    await server.engine.createZone(intent, exampleZone());
    expect(server.engine.zones()).toHaveLength(1);
  });

  test.each([
    [1_000, 1_000],
    [1_001, 0],
  ])("of %i RRsets are told in the journal by %i", async (count, told) => {
    const server = await startServer();
    const hosts = Array.from({ length: count - exampleZone().length }, (_, n) =>
      rrset(`host${n}`, 60, "A", "192.0.2.1"),
    );
    await server.engine.createZone(intent, [...exampleZone(), ...hosts]);
    const [creation] = await journal(server);
    expect(creation).toMatchObject({ fromSerial: 1, toSerial: 1, removed: [], sequence: 1 });
    expect(creation?.added).toHaveLength(told);
  });

  test.each([
    [4_999, []],
    [5_000, [{ loaded: 1, of: 1 }]],
  ])("that take %i ms to load say so", async (step, said) => {
    const state = createMemoryState();
    await serverWithZone(exampleZone(), state);
    let ms = 0;
    const clock = { ...standingClock, monotonicMs: () => ms };
    const prepare = (store: FaultyStore) => {
      const loadZone = store.loadZone.bind(store);
      store.loadZone = (origin) => {
        if (ms === 0) ms = step;
        return loadZone(origin);
      };
    };
    const server = await startServer(state, { clock, prepare });
    const lines = server.log.lines.filter(({ message }) => message === "loading zones");
    expect(lines.map(({ fields }) => fields)).toEqual(said);
  });

  test("that cannot be read do not keep others from being served", async () => {
    const state = createMemoryState();
    await serverWithZone(exampleZone(), state);
    const broken = at("broken.org.");
    const [whole] = state.zones.values();
    const rrsets = new Map([["x", new Uint8Array([9])]]);
    state.zones.set(nameKey(broken), { ...whole!, origin: broken, rrsets });
    const server = await startServer(state);
    expect(server.engine.zones().map(({ origin }) => origin)).toEqual([ORIGIN]);
    expect(server.log.lines).toContainEqual({
      level: "error",
      message: "a zone cannot be read and is not served; the others are",
      fields: { zone: "broken.org.", problem: expect.stringContaining("broken.org.") },
    });
    const update = { ...newHost(1), origin: broken, principal: OPERATOR };
    expect(await submit(server, update)).toMatchObject([{ reason: "store-unavailable" }]);
    expect(await submit(server, newHost(1))).toMatchObject([{ status: "applied" }]);
  });

  test("are not served at all when the store is down at the start", async () => {
    const prepare = (store: FaultyStore) => {
      store.isDown = true;
    };
    const state = createMemoryState();
    await serverWithZone(exampleZone(), state);
    await expect(startServer(state, { prepare })).rejects.toMatchObject({
      code: ErrorCode.storeUnavailable,
    });
  });

  test("deleted twice at once are ended once, and what is made after stays", async () => {
    const server = await serverWithZone();
    const first = server.engine.deleteZone(intent);
    const second = expect(server.engine.deleteZone(intent)).rejects.toThrow("no zone");
    await first;
    const made = server.engine.createZone(intent, exampleZone(7));
    await second;
    await made;
    expect(server.engine.zones()).toMatchObject([{ serial: 7 }]);
    expect(await submit(server, newHost(1))).toMatchObject([{ status: "applied", serial: 8 }]);
  });

  test("are deleted with what waits for them refused, and can be made again", async () => {
    const server = await serverWithZone();
    const deleted = server.engine.deleteZone(intent);
    expect(await submit(server, newHost(1))).toMatchObject([{ reason: "no-such-zone" }]);
    await deleted;
    await expect(server.engine.deleteZone(intent)).rejects.toThrow("no zone");
    expect(server.engine.view(ORIGIN)).toBeUndefined();
    await server.engine.createZone(intent, exampleZone(7));
    expect(server.engine.zones()).toMatchObject([{ serial: 7 }]);
  });
});

describe("an import", () => {
  test("is one update with the difference; the serial goes on", async () => {
    const server = await serverWithZone(exampleZone(10));
    const wanted = exampleZone(3).map((each) =>
      each.rrtype === rrtype("AAAA") ? rrset("home", 60, "AAAA", "2001:db8::2") : each,
    );
    wanted.splice(5, 1);
    expect(await server.engine.importZone(intent, new ZoneMap(ORIGIN, wanted))).toMatchObject({
      status: "applied",
      serial: 11,
    });
    expect(contentText(server.table.view(ORIGIN)!)).toEqual(
      contentText(new ZoneMap(ORIGIN, wanted)),
    );
    const [, entry] = await journal(server);
    expect(entry!.removed).toHaveLength(3);
    expect(entry!.added).toHaveLength(2);
    expect(await server.engine.importZone(intent, new ZoneMap(ORIGIN, wanted))).toEqual({
      status: "unchanged",
      serial: 11,
    });
  });

  test("cannot make an RRset that no zone has, nor a zone", async () => {
    const server = await serverWithZone();
    const twoAliases = exampleZone().map((each) =>
      each.rrtype === rrtype("CNAME") ? rrset("alias", 300, "CNAME", "home", "ns1") : each,
    );
    expect(await server.engine.importZone(intent, new ZoneMap(ORIGIN, twoAliases))).toMatchObject({
      reason: "bad-operation",
      detail: "alias.dyn.example.com. CNAME can have one RR only",
    });
    const elsewhere = { ...intent, origin: at("other.org.") };
    expect(await server.engine.importZone(elsewhere, new ZoneMap(at("other.org.")))).toMatchObject({
      rcode: Rcode.notAuth,
      reason: "no-such-zone",
    });
  });

  test("of a large zone lets others have their turn, and updates of the zone come after it", async () => {
    const hosts = Array.from({ length: 2_500 }, (_, at) => rrset(`h${at}`, 60, "A", "192.0.2.1"));
    const server = await serverWithZone(exampleZone(10));
    const other = { ...intent, origin: at("other.org.") };
    const apex = ["SOA ns.net. root.net. 1 2 3 4 5", "NS ns.net."].map((text) => {
      const [type, ...rdata] = text.split(" ") as [string, ...string[]];
      return rrset("other.org.", 60, type, rdata.join(" "));
    });
    await server.engine.createZone(other, apex);
    const done: string[] = [];
    const wanted = new ZoneMap(ORIGIN, [...exampleZone(10), ...hosts]);
    const all = [
      server.engine.importZone(intent, wanted).then(({ status }) => done.push(`import ${status}`)),
      server.engine.submit(newHost(1)).then(({ status }) => done.push(`update ${status}`)),
      server.engine
        .submit({ ...request([add("x.other.org.", 1, "A", "192.0.2.1")]), ...other })
        .then(({ status }) => done.push(`other ${status}`)),
    ];
    await Promise.all(all);
    expect(done).toEqual(["other applied", "import applied", "update applied"]);
  });

  test("takes a later serial from the file", async () => {
    const server = await serverWithZone(exampleZone(10));
    expect(
      await server.engine.importZone(intent, new ZoneMap(ORIGIN, exampleZone(20))),
    ).toMatchObject({ serial: 20 });
  });

  test("is for operators, inside the zone, and keeps the apex whole", async () => {
    const server = await serverWithZone();
    const stranger = { ...intent, principal: principal({ zone: ORIGIN }) };
    expect(
      await server.engine.importZone(stranger, new ZoneMap(ORIGIN, exampleZone())),
    ).toMatchObject({
      reason: "no-grant",
    });
    const outside = [...exampleZone(), rrset("x.org.", 1, "A", "192.0.2.1")];
    expect(await server.engine.importZone(intent, new ZoneMap(ORIGIN, outside))).toMatchObject({
      reason: "not-in-zone",
    });
    expect(await server.engine.importZone(intent, new ZoneMap(ORIGIN, [soa(5)]))).toMatchObject({
      reason: "bad-operation",
    });
    expect(server.engine.zones()).toMatchObject([{ serial: 1 }]);
  });
});

describe("closing", () => {
  test("finishes what waits and refuses what comes later", async () => {
    const server = await serverWithZone();
    const waiting = [server.engine.submit(newHost(1)), server.engine.submit(newHost(2))];
    const closed = server.engine.close();
    expect(await server.engine.submit(newHost(3))).toMatchObject({
      rcode: Rcode.servFail,
      reason: "shutting-down",
    });
    expect(
      await server.engine.importZone(intent, new ZoneMap(ORIGIN, exampleZone(9))),
    ).toMatchObject({
      rcode: Rcode.servFail,
      reason: "shutting-down",
    });
    await closed;
    expect(await Promise.all(waiting)).toMatchObject([{ serial: 2 }, { serial: 3 }]);
    await expect(server.engine.createZone(intent, [])).rejects.toThrow("shutting down");
    expect(await storedText(server)).toContain("host2.dyn.example.com.");
  });
});

describe("a zone's size", () => {
  /** A zone that has room for two more RRsets. */
  async function nearlyFull() {
    const table = new MapTable();
    const engine = createUpdateEngine({
      store: new MemoryStore(createMemoryState()),
      writer: table,
      clock: standingClock,
      log: listLogger(),
      zoneRRsets: () => exampleZone().length + 2,
    });
    await engine.createZone(intent, exampleZone());
    return { engine, table };
  }

  const full = { status: "refused", rcode: Rcode.refused, reason: "limit" };

  test("may reach its bound and not pass it, one by one", async () => {
    const { engine } = await nearlyFull();
    expect((await engine.submit(newHost(1))).status).toBe("applied");
    expect((await engine.submit(newHost(2))).status).toBe("applied");
    expect(await engine.submit(newHost(3))).toMatchObject(full);
    expect((await engine.submit(request([add("host1", 60, "A", "192.0.2.99")]))).status).toBe(
      "applied",
    );
    expect((await engine.submit(request([deleteName("host1")]))).status).toBe("applied");
    expect((await engine.submit(newHost(3))).status).toBe("applied");
  });

  test("nor in one commit, nor by one update, nor by an import", async () => {
    const { engine } = await nearlyFull();
    const verdicts = await Promise.all([1, 2, 3].map((n) => engine.submit(newHost(n))));
    expect(verdicts.map(({ status }) => status)).toEqual(["applied", "applied", "refused"]);
    const swap = request([deleteName("host1"), add("host4", 60, "A", "192.0.2.4")]);
    expect((await engine.submit(swap)).status).toBe("applied");
    const more = ["x1", "x2", "x3"].map((host) => rrset(host, 60, "A", "192.0.2.1"));
    expect(
      await engine.importZone(intent, new ZoneMap(ORIGIN, [...exampleZone(), ...more])),
    ).toMatchObject(full);
  });

  test("counts when it is made", async () => {
    const { engine } = await nearlyFull();
    const origin = at("other.org.");
    const hosts = Array.from({ length: exampleZone().length + 3 }, (_, n) => ({
      ...rrset("@", 60, "A", "192.0.2.1"),
      owner: at(`host${n}.other.org.`),
    }));
    await expect(engine.createZone({ ...intent, origin }, hosts)).rejects.toMatchObject({
      code: "limit",
    });
  });

  test("grows no more when the table has no room, before anything is stored", async () => {
    const { engine, table } = await nearlyFull();
    table.bytesLeft = 6;
    expect((await engine.submit(newHost(1))).status).toBe("applied");
    table.bytesLeft = 5;
    const before = engine.zones();
    expect(await engine.submit(newHost(2))).toMatchObject(full);
    expect(engine.zones()).toEqual(before);
    expect((await engine.submit(request([deleteName("host1")]))).status).toBe("applied");
  });
});
