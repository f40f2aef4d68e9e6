import { describe, expect, test } from "vitest";
import {
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
  deleteRR,
  exampleZone,
  OPERATOR,
  ORIGIN,
  request,
} from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import { createMemoryState, MemoryStore } from "../store/memory-store.ts";
import { Rcode } from "../wire/code-points.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { createUpdateEngine } from "./update-engine.ts";
import type { UpdateRequest, Verdict } from "./update-request.ts";

const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };

const host = (n: number) => request([add(`host${n}`, 60, "A", `192.0.2.${n}`)]);

/** Only where the host is there. */
const onlyWith = (n: number, update: UpdateRequest): UpdateRequest => ({
  ...update,
  prerequisites: [{ kind: "name-in-use", owner: at(`host${n}`) }],
});

/** A zone of which one commit is under way, that of host 1, until it is let go. */
async function underWay(more: { rrsets?: number } = {}) {
  const events: string[] = [];
  const state = createMemoryState();
  const store = faultyStore(new MemoryStore(state), events);
  const table = new MapTable(events);
  const log = listLogger();
  const zoneRRsets = () => more.rrsets ?? 1_000;
  const engine = createUpdateEngine({
    store,
    writer: table,
    clock: standingClock,
    log,
    zoneRRsets,
  });
  await engine.createZone(intent, exampleZone());
  let letGo = () => {};
  store.gate = new Promise((resolve) => {
    letGo = resolve;
  });
  const submit = (update: UpdateRequest): Promise<Verdict> =>
    engine.submit(update).then((verdict) => {
      events.push(verdict.status);
      return verdict;
    });
  const first = submit(host(1));
  await until(() => store.commits === 1);
  events.length = 0;
  /** Another server on the same store. */
  const other = () => new MemoryStore(state);
  const hosts = () =>
    contentText(table.view(ORIGIN)!).filter((line) => line.startsWith("host")).length;
  return { engine, store, table, log, events, submit, first, letGo, other, hosts };
}

describe("what comes while a commit is under way", () => {
  test("finds the zone as that commit leaves it, and is the next one", async () => {
    const { submit, first, letGo, store } = await underWay();
    const second = submit(onlyWith(1, host(2)));
    const third = submit(onlyWith(3, host(3)));
    letGo();
    expect(await first).toMatchObject({ status: "applied", serial: 2 });
    expect(await second).toMatchObject({ status: "applied", serial: 3, sequence: 3 });
    expect(await third).toMatchObject({ status: "refused", rcode: Rcode.nxDomain });
    expect(store.commits).toBe(2);
  });

  test("is on its way before the one before it is acknowledged", async () => {
    const { submit, first, letGo, store, events } = await underWay();
    store.gate = undefined;
    const commit = store.commit.bind(store);
    store.commit = (next) => {
      events.push("begins");
      return commit(next);
    };
    const second = submit(host(2));
    letGo();
    await Promise.all([first, second]);
    const order = ["commit committed", "publish", "begins", "applied"];
    expect(events.slice(0, order.length)).toEqual(order);
  });

  test("has its verdict only when that commit is made, also if it changes nothing", async () => {
    const { submit, first, letGo, store, events } = await underWay();
    const second = submit(host(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    letGo();
    await first;
    expect(await second).toMatchObject({ status: "unchanged", serial: 2 });
    expect(store.commits).toBe(1);
  });

  test("is judged anew when that commit is not made", async () => {
    const { submit, first, letGo, store, hosts } = await underWay();
    store.failures.push("before");
    const second = submit(onlyWith(1, host(2)));
    const third = submit(host(3));
    letGo();
    expect(await first).toMatchObject({ status: "refused", reason: "store-unavailable" });
    expect(await second).toMatchObject({ status: "refused", rcode: Rcode.nxDomain });
    expect(await third).toMatchObject({ status: "applied", serial: 2, sequence: 2 });
    expect(hosts()).toBe(1);
  });

  test("is judged anew when another writer was first", async () => {
    const { submit, first, letGo, store, other, engine, hosts } = await underWay();
    const elsewhere = createUpdateEngine({
      store: other(),
      writer: new MapTable(),
      clock: standingClock,
      log: listLogger(),
    });
    await elsewhere.start();
    expect((await elsewhere.submit(host(9))).status).toBe("applied");
    const second = submit(onlyWith(9, host(2)));
    letGo();
    expect(await first).toMatchObject({ status: "applied", serial: 3 });
    expect(await second).toMatchObject({ status: "applied", serial: 4 });
    expect(store.commits).toBe(3);
    expect(hosts()).toBe(3);
    await engine.close();
    await elsewhere.close();
  });

  test("is drafted again behind a change that an operator made between", async () => {
    const { submit, first, letGo, engine } = await underWay();
    const second = submit(request([deleteRR("host1", "A", "192.0.2.1")]));
    const between = engine.importZone(intent, new ZoneMap(ORIGIN, exampleZone()));
    letGo();
    expect(await first).toMatchObject({ status: "applied", serial: 2 });
    expect(await between).toMatchObject({ status: "applied", serial: 3 });
    expect(await second).toMatchObject({ status: "unchanged", serial: 3 });
  });

  test("has the room that the commit leaves", async () => {
    const { submit, first, letGo } = await underWay({ rrsets: exampleZone().length + 3 });
    const verdicts = Promise.all([2, 3, 4].map((n) => submit(host(n))));
    letGo();
    await first;
    // Host 5 comes while those are under way, and there is no room left.
    const last = submit(host(5));
    expect((await verdicts).map(({ status }) => status)).toEqual(["applied", "applied", "refused"]);
    expect(await last).toMatchObject({ status: "refused", reason: "limit" });
  });

  test("goes into as many commits as its bound asks for", async () => {
    const { submit, first, letGo, engine } = await underWay();
    const many = Array.from({ length: Limits.updateBatch + 1 }, (_, n) =>
      submit(request([add("many", 60, "TXT", `"${n}"`)])),
    );
    letGo();
    await first;
    const verdicts = await Promise.all(many);
    expect(verdicts.map(({ status }) => status)).not.toContain("refused");
    const { serial } = engine.zones()[0]!;
    expect(serial).toBe(2 + many.length);
  });
});
