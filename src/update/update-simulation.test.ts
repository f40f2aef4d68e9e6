/**
 * Servers on one store, driven at random with commits that fail before and after they happen, outages and restarts,
 * against a list of RRs. Each update carries a number as its address, so that the journal tells which were made.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type FaultyStore,
  faultyStore,
  listLogger,
  standingClock,
  until,
} from "../../test/update/fakes.ts";
import {
  applyNaively,
  type NaiveRR,
  naiveZone,
  naiveZoneText,
} from "../../test/update/naive-zone.ts";
import {
  add,
  at,
  deleteName,
  deleteRR,
  deleteRRset,
  exampleZone,
  OPERATOR,
  ORIGIN,
  request,
  soa,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { createMemoryState, type MemoryState, MemoryStore } from "../store/memory-store.ts";
import type { JournalEntry } from "../store/store.ts";
import { createTableMemory } from "../table/table-memory.ts";
import { TableWriter } from "../table/table-writer.ts";
import { Type } from "../wire/code-points.ts";
import { applyChangeset, invertChangeset, joinChangesets } from "../zone/changeset.ts";
import { isSerialAfter } from "../zone/serial.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { createUpdateEngine, type ZoneEngine } from "./update-engine.ts";
import type { UpdateOperation, UpdateRequest, Verdict } from "./update-request.ts";

/** Just before the wrap, so that serials cross it. */
const FIRST_SERIAL = 0xffff_fff8;
const TABLE_BYTES = 1024 * 1024;

type Step =
  | { readonly do: "update"; readonly server: number; readonly operations: UpdateOperation[] }
  | { readonly do: "fail"; readonly server: number; readonly failure: "before" | "after" }
  | { readonly do: "outage"; readonly server: number; readonly isDown: boolean }
  | { readonly do: "restart"; readonly server: number }
  | { readonly do: "settle" };

const owner = fc.constantFrom("home", "alias", "new", "other", "@");
const operation: fc.Arbitrary<UpdateOperation> = fc.oneof(
  fc
    .tuple(owner, fc.constantFrom(30, 60), fc.integer({ min: 1, max: 3 }))
    .map(([name, ttl, n]) => add(name, ttl, "A", `192.0.2.${n}`)),
  fc.tuple(owner, fc.constantFrom("home", "new")).map(([o, t]) => add(o, 60, "CNAME", t)),
  fc.tuple(owner, fc.integer({ min: 1, max: 3 })).map(([o, n]) => deleteRR(o, "A", `192.0.2.${n}`)),
  fc.tuple(owner, fc.constantFrom("A", "CNAME", "NS")).map(([o, type]) => deleteRRset(o, type)),
  owner.map((name) => deleteName(name)),
);
const server = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      server,
      operations: fc.array(operation, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      server,
      failure: fc.constantFrom("before" as const, "after" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("outage" as const), server, isDown: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), server }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
);

interface Running {
  readonly engine: ZoneEngine;
  readonly store: FaultyStore;
  readonly writer: TableWriter;
}

class Simulation {
  readonly #state: MemoryState = createMemoryState();
  readonly servers: Running[] = [];
  readonly requests: UpdateRequest[] = [];
  readonly verdicts: Verdict[] = [];
  #pending: Promise<void>[] = [];
  #published = FIRST_SERIAL;

  async begin(): Promise<void> {
    for (let n = 0; n < 2; n++) this.servers.push(await this.#startServer());
    const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli" as const, address: "" };
    await this.servers[0]!.engine.createZone(intent, exampleZone(FIRST_SERIAL));
    await until(() => this.servers[1]!.engine.zones().length === 1);
  }

  async #startServer(): Promise<Running> {
    const store = faultyStore(new MemoryStore(this.#state));
    const writer = new TableWriter(createTableMemory(TABLE_BYTES));
    let shown: number | undefined;
    const engine = createUpdateEngine({
      store,
      writer,
      clock: standingClock,
      log: listLogger(),
      onCommit: (_, entries) => {
        const serial = entries.at(-1)?.toSerial;
        if (serial === undefined) return;
        if (shown !== undefined) expect(isSerialAfter(serial, shown)).toBe(true);
        shown = serial;
      },
    });
    await engine.start();
    return { engine, store, writer };
  }

  async take(each: Step): Promise<void> {
    if (each.do === "settle") return this.settle();
    const running = this.servers[each.server]!;
    if (each.do === "fail") running.store.failures.push(each.failure);
    else if (each.do === "outage") running.store.isDown = each.isDown;
    else if (each.do === "restart") await this.#restart(each.server);
    else this.#submit(running, each.operations);
  }

  #submit({ engine }: Running, operations: readonly UpdateOperation[]): void {
    const id = this.requests.length;
    const numbered = { ...request(operations), address: String(id) };
    this.requests.push(numbered);
    this.#pending.push(
      engine.submit(numbered).then((verdict) => {
        this.verdicts[id] = verdict;
      }),
    );
  }

  async #restart(n: number): Promise<void> {
    await this.servers[n]!.engine.close();
    await this.servers[n]!.store.close();
    this.servers[n] = await this.#startServer();
  }

  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    this.#pending = [];
    const serials = this.servers.flatMap(({ engine }) => engine.zones().map((zone) => zone.serial));
    for (const serial of serials) {
      expect(((serial - FIRST_SERIAL) | 0) >= 0).toBe(true);
      if (isSerialAfter(serial, this.#published)) this.#published = serial;
    }
  }

  /** Ends all trouble; both servers end with the same zone. Returns its journal after the creation. */
  async end(): Promise<readonly JournalEntry[]> {
    for (const [n, running] of this.servers.entries()) {
      running.store.failures.length = 0;
      running.store.isDown = false;
      this.#submit(running, [add(`last${n}`, 60, "A", "192.0.2.9")]);
      await this.settle();
    }
    const [one, two] = this.servers as [Running, Running];
    await until(() => one.engine.zones()[0]!.sequence === two.engine.zones()[0]!.sequence);
    const view = one.engine.view(ORIGIN)!;
    expect(zoneText(two.engine.view(ORIGIN)!)).toEqual(zoneText(view));
    const last = one.engine.zones()[0]!.serial;
    expect(last === this.#published || isSerialAfter(last, this.#published)).toBe(true);
    return one.engine.readJournal(ORIGIN, { afterSequence: 1, limit: 1_000 });
  }
}

/** Every journal entry does what a naive reading of its update does, and is there once. */
function checkJournal(simulation: Simulation, entries: readonly JournalEntry[]): void {
  const replayed = new ZoneMap(ORIGIN, exampleZone(FIRST_SERIAL));
  const naive = naiveZone(exampleZone(FIRST_SERIAL));
  const made = new Map<number, JournalEntry>();
  for (const entry of entries) {
    const id = Number(entry.address);
    expect(made.has(id)).toBe(false);
    made.set(id, entry);
    expect(entry.toSerial).toBe((entry.fromSerial + 1) >>> 0);
    applyNaively(naive, ORIGIN, simulation.requests[id]!.operations);
    setSerial(naive, entry.toSerial);
    expect(applyChangeset(replayed, entry)).toBe(true);
    expect(zoneText(replayed)).toEqual(naiveZoneText(naive));
  }
  for (const [id, verdict] of simulation.verdicts.entries()) {
    const entry = made.get(id);
    if (verdict.status === "applied") {
      expect(entry).toMatchObject({ toSerial: verdict.serial, sequence: verdict.sequence });
    } else if (verdict.status === "unchanged") expect(entry).toBeUndefined();
    else expect(verdict.reason).toBe("store-unavailable");
  }
}

function setSerial(naive: NaiveRR[], serial: number): void {
  const rr = naive.find(({ rrtype }) => rrtype === Type.SOA)!;
  rr.rdata = soa(serial).rdatas[0]!;
}

/** From any serial the journal still has, and back again. */
function checkReplay(final: string[], entries: readonly JournalEntry[]): void {
  const versions = [new ZoneMap(ORIGIN, exampleZone(FIRST_SERIAL))];
  for (const entry of entries) {
    const next = new ZoneMap(ORIGIN, rrsetsOf(versions.at(-1)!));
    applyChangeset(next, entry);
    versions.push(next);
  }
  for (const [kept, version] of versions.entries()) {
    const rest = entries.slice(kept);
    if (rest.length === 0) continue;
    const zone = new ZoneMap(ORIGIN, rrsetsOf(version));
    const joined = joinChangesets(rest);
    expect(applyChangeset(zone, joined)).toBe(true);
    expect(zoneText(zone)).toEqual(final);
    expect(applyChangeset(zone, invertChangeset(joined))).toBe(true);
    expect(zoneText(zone)).toEqual(zoneText(version));
  }
}

function rrsetsOf(zone: ZoneMap) {
  return [...zone.owners()].flatMap((name) => zone.rrsets(name));
}

test("no acknowledged update is lost, none is made twice, and the journal tells the zone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const simulation = new Simulation();
      await simulation.begin();
      for (const each of steps) await simulation.take(each);
      const entries = await simulation.end();
      checkJournal(simulation, entries);
      checkReplay(zoneText(simulation.servers[0]!.engine.view(ORIGIN)!), entries);
      expect(simulation.servers[0]!.writer.view(ORIGIN)!.rrsets(at("last0"))).toHaveLength(1);
    }),
    { numRuns: 150 },
  );
});
