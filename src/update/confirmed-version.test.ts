/** Where a change must be in several places: what is acknowledged, and what is only shown. */
import { describe, expect, test } from "vitest";
import { listLogger, MapTable, standingClock, until } from "../../test/update/fakes.ts";
import { add, exampleZone, OPERATOR, ORIGIN, request } from "../../test/update/zone-fixtures.ts";
import { createMemoryState, type MemoryState, MemoryStore } from "../store/memory-store.ts";
import type { Store, ZoneVersion } from "../store/store.ts";
import { Rcode } from "../wire/code-points.ts";
import { ConfirmedVersion } from "./confirmed-version.ts";
import { refuse } from "./refusal.ts";
import { createUpdateEngine } from "./update-engine.ts";

const PROBLEM = "0 of 1 replicas had it after 100 ms";

/** A server on a store with replicas, which may be silent. */
async function server(state: MemoryState = createMemoryState()) {
  const inner = new MemoryStore(state);
  const replicas = { problem: undefined as string | undefined, asked: 0, isCut: false };
  const store: Store = Object.assign(inner, {
    commit: async (commit: Parameters<Store["commit"]>[0]) => {
      const outcome = await MemoryStore.prototype.commit.call(inner, commit);
      const { problem } = replicas;
      return problem === undefined ? outcome : { ...outcome, unconfirmed: problem };
    },
    confirm: async () => {
      replicas.asked++;
      if (replicas.isCut) throw new Error("connection lost");
      return replicas.problem;
    },
  });
  const table = new MapTable();
  const told: number[] = [];
  const engine = createUpdateEngine({
    store,
    writer: table,
    clock: standingClock,
    log: listLogger(),
    onCommit: (_, entries) => told.push(entries.length),
  });
  await engine.start();
  const submit = (n: number) => engine.submit(request([add(`host${n}`, 60, "A", "192.0.2.1")]));
  return { engine, replicas, store, submit, told };
}

async function withZone() {
  const state = createMemoryState();
  const one = await server(state);
  const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };
  await one.engine.createZone(intent, exampleZone());
  one.told.length = 0;
  return { one, state };
}

const doubt = {
  status: "refused",
  rcode: Rcode.servFail,
  reason: "not-replicated",
  detail: expect.stringContaining(PROBLEM),
};

describe("a commit that too few replicas have", () => {
  test("is shown and told, and not acknowledged", async () => {
    const { one } = await withZone();
    one.replicas.problem = PROBLEM;
    expect(await one.submit(1)).toMatchObject(doubt);
    expect(one.engine.version(ORIGIN)).toMatchObject({ serial: 2 });
    expect(one.told).toEqual([1]);
  });

  test("is not acknowledged either when it is sent again, until replicas have it", async () => {
    const { one } = await withZone();
    one.replicas.problem = PROBLEM;
    await one.submit(1);
    expect(await one.submit(1)).toMatchObject(doubt);
    one.replicas.isCut = true;
    expect(await one.submit(1)).toMatchObject({ detail: expect.stringContaining("connection") });
    one.replicas.isCut = false;
    one.replicas.problem = undefined;
    expect(await one.submit(1)).toMatchObject({ status: "unchanged", serial: 2 });
    expect(one.engine.version(ORIGIN)).toMatchObject({ serial: 2 });
  });

  test("leaves what was refused refused for its own reason", async () => {
    const { one } = await withZone();
    one.replicas.problem = PROBLEM;
    const outside = request([add("host.example.net.", 60, "A", "192.0.2.1")]);
    const verdicts = await Promise.all([one.engine.submit(outside), one.submit(1)]);
    expect(verdicts).toMatchObject([{ reason: "not-in-zone" }, doubt]);
  });
});

describe("what needs no commit", () => {
  test("is told at once where the version is known to be safe", async () => {
    const { one } = await withZone();
    await one.submit(1);
    const { asked } = one.replicas;
    expect(await one.submit(1)).toMatchObject({ status: "unchanged" });
    expect(one.replicas.asked).toBe(asked);
  });

  test("is asked for once when another server made the change", async () => {
    const { one, state } = await withZone();
    const two = await server(state);
    await one.submit(1);
    await until(() => two.engine.version(ORIGIN)?.serial === 2);
    two.replicas.problem = PROBLEM;
    expect(await two.submit(1)).toMatchObject(doubt);
    two.replicas.problem = undefined;
    expect(await two.submit(1)).toMatchObject({ status: "unchanged" });
    expect(await two.submit(1)).toMatchObject({ status: "unchanged" });
    expect(two.replicas.asked).toBe(2);
  });
});

test("what needs no commit is in doubt where the store cannot be asked, unless the version is known", async () => {
  const { state } = await withZone();
  const { store } = await server(state);
  const stored = (await store.findZone(ORIGIN)) as ZoneVersion;
  const confirmed = new ConfirmedVersion(ORIGIN, store);
  const refused = refuse(Rcode.refused, "not-in-zone", "it is elsewhere");
  const verdicts = [{ status: "unchanged", serial: 1 }, refused] as const;
  const detail = expect.stringContaining("cannot be asked");
  expect(confirmed.unasked(stored, verdicts)).toMatchObject([{ ...doubt, detail }, refused]);
  confirmed.take(stored, undefined);
  expect(confirmed.unasked(stored, verdicts)).toEqual(verdicts);
});

test("a version that the store lost meanwhile is not confirmed by what replicas have now", async () => {
  const { state } = await withZone();
  const { store } = await server(state);
  const stored = (await store.findZone(ORIGIN)) as ZoneVersion;
  const confirmed = new ConfirmedVersion(ORIGIN, store);
  const lost = { serial: stored.serial + 1, sequence: stored.sequence + 1 };
  const refused = { reason: "not-replicated", detail: expect.stringContaining("stands elsewhere") };
  expect(await confirmed.ask(lost)).toMatchObject(refused);
  expect(confirmed.covers(lost)).toBe(false);
  expect(await confirmed.ask(stored)).toBeUndefined();
  expect(confirmed.covers(stored)).toBe(true);
});
