/** The way back of what a store lost, as the command line asks for it. */
import { fastify } from "fastify";
import { expect, test } from "vitest";
import { listLogger, MapTable, standingClock } from "../../../test/update/fakes.ts";
import { add, exampleZone, OPERATOR, ORIGIN, request } from "../../../test/update/zone-fixtures.ts";
import { createMemoryState, MemoryStore } from "../../store/memory-store.ts";
import { createUpdateEngine } from "../../update/update-engine.ts";
import { recoverRoutes } from "./recover-routes.ts";

const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };

/** A server whose store fell back behind two acknowledged changes, one of them made again since. */
async function fallenBack() {
  const state = createMemoryState();
  const log = listLogger();
  const start = async () => {
    const parts = {
      store: new MemoryStore(state),
      writer: new MapTable(),
      clock: standingClock,
      log,
    };
    const engine = createUpdateEngine(parts);
    await engine.start();
    return engine;
  };
  const engine = await start();
  await engine.createZone(intent, exampleZone());
  const [[key, zone]] = [...state.zones] as [
    [string, (typeof state)["zones"] extends Map<string, infer Z> ? Z : never],
  ];
  const copy = { ...zone, rrsets: new Map(zone.rrsets), journal: new Map(zone.journal) };
  const submit = (owner: string, address: string) =>
    engine.submit(request([add(owner, 60, "A", address)]));
  await submit("lost", "192.0.2.1");
  await submit("contested", "192.0.2.1");
  state.zones.set(key, copy);
  const other = await start();
  await other.submit(request([add("contested", 60, "A", "192.0.2.9")]));
  await submit("next", "192.0.2.1");
  const app = fastify();
  app.register(recoverRoutes(engine, log));
  const ask = async (payload: object) => {
    const url = "/v1/zones/dyn.example.com/recover";
    const reply = await app.inject({ method: "POST", url, payload });
    return { status: reply.statusCode, body: reply.json() };
  };
  return { engine, ask, log };
}

const LINE = "lost.dyn.example.com. 60 IN A 192.0.2.1";

test("it is told first, then taken, and then there is nothing more", async () => {
  const { engine, ask, log } = await fallenBack();
  const plan = {
    rrsets: 2,
    recovered: 1,
    added: [LINE],
    removed: [],
    omitted: 0,
    changedSince: 1,
    changed: ["contested.dyn.example.com. A"],
    dropped: 0,
  };
  expect((await ask({ dryRun: true })).body).toEqual({ status: "would-recover", ...plan });
  expect((await ask({ dryRun: true, discard: true })).body).toEqual({
    status: "would-discard",
    ...plan,
  });
  const { serial } = engine.zones()[0]!;
  expect((await ask({})).body).toEqual({ status: "applied", serial: serial + 1, ...plan });
  const recovered = { message: "zone recovered", fields: { recovered: 1 } };
  expect(log.lines.at(-1)).toMatchObject(recovered);
  expect((await ask({})).body).toMatchObject({ status: "unchanged", rrsets: 0, added: [] });
  expect(log.lines.filter(({ message }) => message === "zone recovered")).toHaveLength(1);
});

test("it can be given up", async () => {
  const { ask } = await fallenBack();
  expect((await ask({ discard: true })).body).toEqual({ status: "discarded", rrsets: 2 });
  expect((await ask({ dryRun: true })).body).toMatchObject({ rrsets: 0 });
});

test("what else is asked is refused", async () => {
  const { ask } = await fallenBack();
  expect((await ask({ force: true })).status).toBe(200);
  expect((await ask({ discard: "perhaps" })).status).toBe(400);
});
