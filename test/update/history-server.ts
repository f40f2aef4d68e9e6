/** An engine over a memory store whose clock the test sets, and a zone whose history it makes. */
import { createMemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import { createUpdateEngine, type ZoneEngine } from "../../src/update/update-engine.ts";
import type { UpdateOperation } from "../../src/update/update-request.ts";
import type { RRset } from "../../src/zone/rrset.ts";
import { type FaultyStore, faultyStore, type ListLogger, listLogger, MapTable } from "./fakes.ts";
import {
  add,
  deleteName,
  exampleZone,
  OPERATOR,
  ORIGIN,
  replace,
  request,
} from "./zone-fixtures.ts";

export const START_MS = Date.UTC(2026, 0, 1);
export const OPERATORS = { origin: ORIGIN, principal: OPERATOR, door: "cli", address: "" } as const;

export interface HistoryServer {
  readonly engine: ZoneEngine;
  readonly store: FaultyStore;
  readonly table: MapTable;
  readonly log: ListLogger;
  readonly clock: { ms: number; nowMs(): number; monotonicMs(): number };
  /** One update a minute after the last; it must be applied. */
  update(...operations: UpdateOperation[]): Promise<void>;
}

/** The zone is made at `START_MS`, unless the store has it. */
export async function historyServer(
  rrsets: readonly RRset[] = exampleZone(),
  state = createMemoryState(),
): Promise<HistoryServer> {
  const clock = { ms: START_MS, nowMs: () => clock.ms, monotonicMs: () => clock.ms };
  const store = faultyStore(new MemoryStore(state));
  const table = new MapTable();
  const log = listLogger();
  const engine = createUpdateEngine({ store, writer: table, clock, log });
  await engine.start();
  if (engine.version(ORIGIN) === undefined) await engine.createZone(OPERATORS, rrsets);
  const update = async (...operations: UpdateOperation[]) => {
    clock.ms += 60_000;
    const verdict = await engine.submit(request(operations, { door: "dyndns2" }));
    if (verdict.status !== "applied") throw new Error(JSON.stringify(verdict));
  };
  return { engine, store, table, log, clock, update };
}

/** #1 the example zone, #2 and #3 two addresses of home, #4 www comes and alias goes. */
export async function changedServer(): Promise<HistoryServer> {
  const made = await historyServer();
  await made.update(replace("home", 60, "A", "192.0.2.8"));
  await made.update(replace("home", 60, "A", "192.0.2.9"));
  await made.update(add("www", 60, "A", "192.0.2.80"), deleteName("alias"));
  return made;
}
