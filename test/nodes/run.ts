/**
 * Many clients update three nodes on one Redis while processes are killed and links are cut. At the end nothing that
 * was acknowledged may be missing, the nodes have the same octets, no living node left a query without its right answer,
 * and no serial went back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../fuzz/random.ts";
import { until } from "../system/harness/program.ts";
import { type Engine, type EngineKind, startEngine } from "./engines.ts";
import { FAULT_NAMES, FAULTS, type Trial } from "./faults.ts";
import { addressesOf, exportZones, Fleet, firstDifference, type Node } from "./fleet.ts";
import { ORIGINS } from "./fleet-config.ts";
import { type Change, Ledger } from "./ledger.ts";
import { QueryWatch } from "./query-watch.ts";
import { type Doors, probe, runClient } from "./update-client.ts";

export interface NodesPlan {
  readonly engine: EngineKind;
  /** Acknowledged at least; more while faults go on. */
  readonly updates: number;
  readonly clients: number;
  readonly seed: number;
  /** Milliseconds between two updates of a client. */
  readonly paceMs?: number;
  readonly nodes?: number;
  /** Redis listens on some of these and of those 10,000 above. */
  readonly ports: readonly [number, number];
  readonly tell?: (text: string) => void;
}

export interface NodesReport {
  readonly complaints: readonly string[];
  readonly acknowledged: number;
  readonly unacknowledged: number;
  readonly seconds: number;
  readonly answered: number;
  readonly askedAgain: number;
  readonly longestAnswerMs: number;
  /** What took so many milliseconds, each time it was done. */
  readonly times: ReadonlyMap<string, readonly number[]>;
}

const NODES = 3;
const AGAIN_MS = 120_000;
/** Between two faults, so that there is something to lose. */
const CALM_MS = 1_000;

export async function runNodes(plan: NodesPlan): Promise<NodesReport> {
  const engine = await startEngine(plan.engine, plan.ports);
  try {
    const fleet = await Fleet.start({ ...engine, waitReplicas: 1 }, plan.nodes ?? NODES);
    try {
      return await runOn(plan, engine, fleet);
    } finally {
      await fleet.stop();
    }
  } finally {
    await engine.destroy();
  }
}

async function runOn(plan: NodesPlan, engine: Engine, fleet: Fleet): Promise<NodesReport> {
  const ledger = new Ledger();
  const times = new Map<string, number[]>();
  const watches = fleet.nodes.map(({ name, server }) => new QueryWatch(name, server.dnsPort));
  const startedMs = performance.now();
  let isOver = false;
  const doors = fleet.nodes.map(({ server }) => server);
  const clients = Array.from({ length: plan.clients }, (_, client) =>
    runClient({ client, doors, ledger, paceMs: plan.paceMs ?? 0, isOver: () => isOver }),
  );
  const random = new Random(plan.seed);
  const note = (what: string, milliseconds: number) => {
    times.set(what, [...(times.get(what) ?? []), milliseconds]);
    plan.tell?.(`${Math.round(milliseconds)} ms ${what}`);
  };
  const acknowledging = (nodes: readonly Node[]) => acknowledgingAll(nodes, ledger, startedMs);
  const choose = (count: number) => random.below(count);
  const trial: Trial = { engine, fleet, watches, choose, acknowledging, note };
  try {
    await breakThings(trial, plan, ledger, random);
  } finally {
    isOver = true;
    await Promise.all(clients);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const complaints = await judge(fleet, ledger, note);
  for (const watch of watches) await watch.stop();
  return {
    complaints: [...complaints, ...watches.flatMap((watch) => watch.complaints)],
    acknowledged: ledger.acknowledged,
    unacknowledged: ledger.unacknowledged,
    seconds,
    answered: watches.reduce((sum, watch) => sum + watch.answered, 0),
    askedAgain: watches.reduce((sum, watch) => sum + watch.askedAgain, 0),
    longestAnswerMs: Math.max(...watches.map((watch) => watch.longestMs)),
    times,
  };
}

/** Every fault once, in an order by the seed, and again until there were enough updates. */
async function breakThings(trial: Trial, plan: NodesPlan, ledger: Ledger, random: Random) {
  const left: (keyof typeof FAULTS)[] = [];
  let rounds = 0;
  for (;;) {
    if (left.length === 0) {
      if (rounds > 0 && ledger.acknowledged >= plan.updates) return;
      left.push(...FAULT_NAMES);
      rounds++;
    }
    const [fault] = left.splice(random.below(left.length), 1) as [keyof typeof FAULTS];
    await sleep(CALM_MS);
    plan.tell?.(`${ledger.acknowledged} acknowledged; ${fault}`);
    await FAULTS[fault](trial).catch((error: Error) => {
      throw new Error(`${fault}: ${error.message}\n${lastWords(trial.fleet)}`);
    });
    if (rounds > 1 && ledger.acknowledged >= plan.updates) return;
  }
}

/** Each node is asked to change each zone until it says that it did. */
async function acknowledgingAll(nodes: readonly Node[], ledger: Ledger, sinceMs: number) {
  const waits = nodes.flatMap((node) =>
    ORIGINS.map((origin, at) =>
      until(
        `${node.name} to acknowledge changes of ${origin}`,
        async () => {
          const sentMs = performance.now();
          const change = probeChange(node, origin, at, Math.floor((sentMs - sinceMs) * 4));
          const isAcknowledged = await probe(node.server as Doors, change);
          ledger.note(change, sentMs, isAcknowledged);
          return isAcknowledged;
        },
        AGAIN_MS,
      ),
    ),
  );
  await Promise.all(waits);
}

/** Quarters of a millisecond make each address another one. */
function probeChange(node: Node, origin: string, at: number, moment: number): Change {
  const address = `${11 + at}.${(moment >> 16) & 255}.${(moment >> 8) & 255}.${moment & 255}`;
  return { way: "set", origin, owner: `${node.name.replace(" ", "-")}.probe.${origin}`, address };
}

async function judge(
  fleet: Fleet,
  ledger: Ledger,
  note: (what: string, milliseconds: number) => void,
): Promise<string[]> {
  const startedMs = performance.now();
  let exports: Map<string, string>[] = [];
  const areEqual = async () => {
    exports = await Promise.all(fleet.nodes.map(exportZones));
    return ORIGINS.every((origin) => new Set(exports.map((each) => each.get(origin))).size === 1);
  };
  const unequal = await until("all nodes to be equal", areEqual, 10_000).then(
    () => [],
    () => differences(exports),
  );
  note("all nodes equal, from the last update", performance.now() - startedMs);
  const missing = exports.flatMap((each, at) => {
    const zones = new Map([...each].map(([origin, text]) => [origin, addressesOf(text)]));
    return ledger.judge(zones).map((text) => `node ${at}: ${text}`);
  });
  return [...unequal, ...missing];
}

function differences([first, ...others]: readonly Map<string, string>[]): string[] {
  return others.flatMap((other, at) =>
    ORIGINS.flatMap((origin) => {
      const [here, there] = [first?.get(origin) ?? "", other.get(origin) ?? ""];
      if (here === there) return [];
      return [`node 0 and node ${at + 1}, ${origin}: ${firstDifference(here, there)}`];
    }),
  );
}

function lastWords({ nodes }: Fleet): string {
  return nodes.map(({ name, server }) => `${name}:\n${server.output.slice(-3_000)}`).join("\n");
}
