/** What goes wrong while clients update, and how long until every living node takes updates again. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "./engines.ts";
import type { Fleet, Node } from "./fleet.ts";
import { ORIGINS } from "./fleet-config.ts";
import type { QueryWatch } from "./query-watch.ts";
import type { LinkState } from "./tcp-proxy.ts";

export interface Trial {
  readonly engine: Engine;
  readonly fleet: Fleet;
  readonly watches: readonly QueryWatch[];
  /** Which of the nodes, zones or servers a fault hits. */
  readonly choose: (count: number) => number;
  /** Resolves when every node acknowledges updates of every zone. */
  readonly acknowledging: (nodes: readonly Node[]) => Promise<void>;
  /** Milliseconds, under the name of what took them. */
  readonly note: (what: string, milliseconds: number) => void;
}

export type FaultName = keyof typeof FAULTS;

export const FAULTS = {
  "the primary is killed": killPrimary,
  "a node is killed": killNode,
  "a link is cut": (trial: Trial) => disturb(trial, "cut", { kind: "cut" }),
  "a link is silent": (trial: Trial) => disturb(trial, "silent", { kind: "silent" }),
  "a link is slow": (trial: Trial) => disturb(trial, "slow", { kind: "slow", delayMs: 100 }),
} as const;

export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** How long a link is disturbed, and a killed process stays away at least. */
const FAULT_MS = 3_000;

async function killPrimary(trial: Trial): Promise<void> {
  const { engine, fleet, choose, note, acknowledging } = trial;
  await engine.whole();
  const origin = ORIGINS[choose(ORIGINS.length)] as string;
  const killed = await engine.primaryOf(origin);
  const startedMs = performance.now();
  await killed.kill();
  await engine.failedOver(killed, origin);
  note("primary killed: until another is primary", performance.now() - startedMs);
  // The new primary has no replica to confirm anything until the old one is back.
  await killed.start();
  const restartedMs = performance.now();
  await acknowledging(fleet.nodes);
  note("primary killed: until all nodes acknowledge, from the kill", performance.now() - startedMs);
  note("… from the start of the killed one as a replica", performance.now() - restartedMs);
}

async function killNode({ fleet, watches, choose, note, acknowledging }: Trial): Promise<void> {
  const at = choose(fleet.nodes.length);
  const node = fleet.nodes[at] as Node;
  watches[at]?.pause();
  await node.server.kill();
  await acknowledging(fleet.nodes.filter((other) => other !== node));
  await sleep(FAULT_MS);
  const startedMs = performance.now();
  await node.server.launch();
  watches[at]?.resume();
  await acknowledging([node]);
  note("node killed: until it acknowledges, from its start", performance.now() - startedMs);
}

async function disturb(trial: Trial, what: string, state: LinkState): Promise<void> {
  const { fleet, choose, note, acknowledging } = trial;
  const node = fleet.nodes[choose(fleet.nodes.length)] as Node;
  node.link.set(state);
  await acknowledging(fleet.nodes.filter((other) => other !== node));
  await sleep(FAULT_MS);
  const healedMs = performance.now();
  node.link.heal();
  await acknowledging([node]);
  note(`link ${what}: until its node acknowledges, from the healing`, performance.now() - healedMs);
}
