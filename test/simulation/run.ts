/** One seed: a world, its nodes, what clients and operators do, what goes wrong, and what must be true at the end. */
import { WindhoverError } from "../../src/base/errors.ts";
import { Limits } from "../../src/base/limits.ts";
import type { Prerequisite, UpdateOperation, Verdict } from "../../src/update/update-request.ts";
import { Type } from "../../src/wire/code-points.ts";
import { formatName, type Name, nameKey, parseName } from "../../src/wire/name.ts";
import { makeRRset, type RRset } from "../../src/zone/rrset.ts";
import { OPERATOR, principal, rdata } from "../update/zone-fixtures.ts";
import { contentOf, isAncestor, isEqual, isUnknown, Model, type Version } from "./model.ts";
import { SimulatedNode } from "./node.ts";
import { StoreService } from "./simulated-store.ts";
import { World } from "./world.ts";

/** What one seed did: for the sum over many. */
export interface RunReport {
  readonly seed: number;
  readonly digest: string;
  readonly steps: number;
  readonly versions: number;
  readonly updates: number;
  readonly acknowledged: number;
  readonly unknown: number;
  /** Faults by name. */
  readonly faults: ReadonlyMap<string, number>;
  /** Steps that crashes cut off, by name. */
  readonly cuts: ReadonlyMap<string, number>;
  readonly lost: number;
  readonly recovered: number;
}

export class SimulationFailure extends Error {
  readonly seed: number;
  readonly trace: readonly string[];

  constructor(seed: number, cause: unknown, trace: readonly string[]) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed}: ${message}\n  to play it again: npm run simulate -- --seed ${seed}`, {
      cause,
    });
    this.seed = seed;
    this.trace = trace;
  }
}

/** Rejects with a `SimulationFailure`. */
export async function simulate(seed: number): Promise<RunReport> {
  const run = new Run(seed);
  try {
    return await run.play();
  } catch (error) {
    throw new SimulationFailure(seed, error, run.world.trace);
  }
}

const ORIGINS = [parseName("dyn.example.com"), parseName("example.org")];
const OWNERS = ["home", "alias", "new", "other", "@"];
/** Rounds of looking after the last fault; far more than are needed. */
const HEALING = 30;

type Fault = (run: Run) => void;

/** What a commit waits for, in order: a crash comes before any of them. */
export const COMMIT_STEPS = [
  "begins to commit",
  "commit arrives",
  "commit is answered",
  "acknowledges",
] as const;

class Run {
  readonly seed: number;
  readonly world: World;
  readonly model: Model;
  readonly service: StoreService;
  readonly nodes: SimulatedNode[];
  readonly faults = new Map<string, number>();
  readonly cuts = new Map<string, number>();
  #unknown = 0;
  #recovered = 0;
  #lost = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.world = new World(seed);
    this.model = new Model(this.world);
    this.service = new StoreService(this.world, (state) => this.model.observe(state, false));
    const count = 2 + this.world.random.below(4);
    const parts = { world: this.world, model: this.model, service: this.service };
    this.nodes = Array.from({ length: count }, (_, at) => new SimulatedNode(at, parts));
  }

  async play(): Promise<RunReport> {
    await this.#begin();
    const { random } = this.world;
    const names = Object.keys(FAULTS).filter(() => random.oneIn(3));
    const steps = 100 + random.below(400);
    const quiet = 5 + random.below(40);
    for (let step = 0; step < steps; step++) {
      const chance = random.below(100);
      if (chance < 15) this.#submit();
      else if (names.length > 0 && random.oneIn(quiet)) this.#strike(random.pick(names));
      else if (chance < 20) this.#look();
      else if (random.oneIn(100)) this.#pause();
      else if (await this.world.turn()) continue;
      await this.world.settle();
    }
    await this.#heal();
    await this.#recover();
    this.#checkEnd();
    const { model, world } = this;
    return {
      seed: this.seed,
      digest: world.digest,
      steps: world.steps,
      versions: model.versions,
      updates: model.requests.length,
      acknowledged: model.acknowledged.size,
      unknown: this.#unknown,
      faults: this.faults,
      cuts: this.cuts,
      lost: this.#lost,
      recovered: this.#recovered,
    };
  }

  async #begin(): Promise<void> {
    for (const node of this.nodes) node.start();
    await this.#drain();
    const { random } = this.world;
    for (const origin of ORIGINS.slice(0, random.oneIn(3) ? 2 : 1)) this.create(origin);
    await this.#drain();
    await this.#lookEverywhere();
  }

  async #drain(): Promise<void> {
    await this.world.settle();
    for (let turn = 0; turn < 100_000; turn++) if (!(await this.world.turn())) return;
    throw new Error("it never comes to rest");
  }

  openNode(): SimulatedNode | undefined {
    const open = this.nodes.filter(({ isOpen }) => isOpen);
    return open.length === 0 ? undefined : this.world.random.pick(open);
  }

  create(origin: Name): void {
    const node = this.openNode();
    const intent = { origin, principal: OPERATOR, door: "cli", address: "" } as const;
    const serial = this.world.random.oneIn(4) ? 0xffff_fff0 : 1 + this.world.random.below(3);
    node?.engine?.createZone(intent, zoneRRsets(origin, serial)).catch(this.#refusedOnly);
  }

  delete(origin: Name): void {
    const intent = { origin, principal: OPERATOR, door: "cli", address: "" } as const;
    this.openNode()?.engine?.deleteZone(intent).catch(this.#refusedOnly);
  }

  /** An operation may fail, but only for reasons that a person is told. */
  readonly #refusedOnly = (error: unknown): void => {
    const isTold = error instanceof WindhoverError;
    this.world.check(isTold, () => `an operator is told of a fault of ours: ${String(error)}`);
  };

  #submit(): void {
    const { random } = this.world;
    const count = random.oneIn(2_000) ? Limits.updateBatch + 50 : random.oneIn(6) ? 3 : 1;
    const node = this.openNode();
    if (node === undefined) return;
    for (let each = 0; each < count; each++) this.#submitTo(node);
  }

  #submitTo(node: SimulatedNode): void {
    const { world, model } = this;
    const { random } = world;
    const id = model.requests.length;
    const origin = random.pick(ORIGINS);
    const operations = Array.from({ length: 1 + random.below(3) }, () => this.#operation(origin));
    const prerequisites = random.oneIn(5) ? [this.#prerequisite(origin)] : [];
    const who = principal({ zone: origin });
    const request = { origin, principal: who, door: "rfc2136" as const, operations, prerequisites };
    model.requests.push({ ...request, address: String(id) });
    const { engine } = node;
    void engine?.submit({ ...request, address: String(id) }).then((verdict) => {
      if (node.engine === engine) this.#decided(node, id, verdict);
    });
  }

  /** The engine has decided; the client hears of it later, or never. */
  #decided(node: SimulatedNode, id: number, verdict: Verdict): void {
    const { world, model } = this;
    model.verdicts[id] = verdict;
    if (isUnknown(verdict)) this.#unknown++;
    const made = model.versionsOf(id);
    if (verdict.status === "applied") {
      const shown = node.shown.get(nameKey((model.requests[id] as { origin: Name }).origin)) ?? [];
      const isShown = made.some((each) => shown.some((now) => isAncestor(each, now)));
      world.check(made.length > 0, () => `update ${id} is acknowledged, and in no version`);
      world.check(
        isShown,
        () => `update ${id} is acknowledged by node ${node.index}, and not shown`,
      );
    } else if (!isUnknown(verdict)) {
      world.check(made.length === 0, () => `update ${id} was ${verdict.status}, and was applied`);
    }
    const run = () => {
      if (verdict.status === "applied") model.acknowledged.add(id);
    };
    world.later({ node: node.index, label: "acknowledges", run });
  }

  #operation(origin: Name): UpdateOperation {
    const { random } = this.world;
    const owner = parseName(random.pick(OWNERS), origin);
    const address = rdata("A", `192.0.2.${1 + random.below(4)}`);
    switch (random.below(6)) {
      case 0:
        return { kind: "delete-rr", owner, rrtype: Type.A, rdata: address };
      case 1:
        return { kind: "delete-rrset", owner, rrtype: random.pick([Type.A, Type.CNAME, Type.NS]) };
      case 2:
        return random.oneIn(3)
          ? { kind: "delete-name", owner }
          : { kind: "add", owner, rrtype: Type.CNAME, ttl: 60, rdata: rdata("CNAME", "home") };
      default:
        return { kind: "add", owner, rrtype: Type.A, ttl: random.pick([30, 60]), rdata: address };
    }
  }

  #prerequisite(origin: Name): Prerequisite {
    const { random } = this.world;
    const owner = parseName(random.pick(OWNERS), origin);
    return { kind: random.pick(["rrset-exists", "rrset-absent"]), owner, rrtype: Type.A };
  }

  #strike(name: string): void {
    this.world.note(`fault: ${name}`);
    this.faults.set(name, (this.faults.get(name) ?? 0) + 1);
    (FAULTS[name] as Fault)(this);
  }

  /** Trouble ends for a while. */
  #pause(): void {
    this.world.note("all is well for a while");
    this.service.heal();
    for (const node of this.nodes) if (!node.isRunning) node.start();
  }

  /** Between two steps of a commit, which ones the seed chooses. */
  crashInCommit(): void {
    const cut = this.world.random.pick(COMMIT_STEPS);
    const found = this.world.pending.find(({ label }) => label === cut);
    if (found !== undefined) this.crash(this.nodes[found.node] as SimulatedNode);
  }

  crash(node: SimulatedNode): void {
    for (const label of node.crash()) this.cuts.set(label, (this.cuts.get(label) ?? 0) + 1);
  }

  /** Another state than the newest: what the store acknowledged may be gone. */
  replaceStore(by: "newest" | "oldest" | "nothing"): void {
    this.model.rollbacks++;
    this.service.replace(by);
    this.model.observe(this.service.state, true);
  }

  #look(): void {
    const node = this.openNode();
    node?.client?.compare().catch(() => {});
  }

  async #lookEverywhere(): Promise<void> {
    for (const { client, isOpen } of this.nodes) {
      if (isOpen) client?.compare().catch(() => {});
    }
    await this.#drain();
  }

  /** All trouble ends, and time passes; nobody helps. */
  async #heal(): Promise<void> {
    this.world.note("all trouble ends");
    this.service.heal();
    for (let round = 0; round < HEALING; round++) {
      for (const node of this.nodes) if (!node.isRunning) node.start();
      await this.#drain();
      await this.#lookEverywhere();
      if (this.#disagreement() === undefined) return;
    }
    throw new Error(`time passes, and ${this.#disagreement()}`);
  }

  /** What is not alike everywhere. */
  #disagreement(): string | undefined {
    for (const node of this.nodes) {
      if (!node.isOpen) return `node ${node.index} does not start`;
      for (const origin of ORIGINS) {
        const view = node.engine?.view(origin);
        const stored = this.model.current(origin);
        const what = `node ${node.index} and the store do not agree on ${formatName(origin)}`;
        if ((view === undefined) !== (stored === undefined)) return what;
        if (view === undefined || stored === undefined) continue;
        const rrsets = [...view.owners()].flatMap((owner) => view.rrsets(owner));
        if (!isEqual(contentOf(origin, rrsets), stored.content)) return what;
        const { serial, sequence } = node.engine?.version(origin) ?? {};
        if (serial !== stored.serial || sequence !== stored.sequence) return `${what}'s version`;
      }
    }
    return undefined;
  }

  /** What was kept of what the store lost comes back by one command. */
  async #recover(): Promise<void> {
    for (const origin of ORIGINS) {
      const engine = this.world.random.pick(this.nodes).engine;
      if (engine?.view(origin) === undefined) continue;
      const intent = { origin, principal: OPERATOR, door: "cli", address: "" } as const;
      const recovering = engine.recovery.recover(intent);
      recovering.catch(this.#refusedOnly);
      await this.#drain();
      const { verdict, plan } = await recovering;
      this.#lost += plan.rrsets.length;
      if (verdict.status === "refused") {
        this.world.check(verdict.reason === "bad-operation", () => `recovery: ${verdict.detail}`);
        continue;
      }
      const stored = this.model.current(origin) as Version;
      for (const { owner, rrtype, shown, recovery } of plan.rrsets) {
        if (recovery !== "recovered") continue;
        this.#recovered++;
        const view = engine.view(origin)?.rrset(owner, rrtype);
        const both = [shown, view].map((each) =>
          contentOf(origin, each === undefined ? [] : [each]),
        );
        const isBack = isEqual(both[0] as never, both[1] as never);
        this.world.check(isBack, () => `${formatName(owner)} ${rrtype} is not as it was shown`);
      }
      const left = engine.recovery.waiting().filter((each) => nameKey(each.origin) === stored.zone);
      this.world.check(left.length === 0, () => "what was recovered is still waiting");
    }
    await this.#heal();
  }

  #checkEnd(): void {
    const { model, world } = this;
    for (const id of model.acknowledged) {
      const made = model.versionsOf(id);
      const isKept = made.some(
        (each) => isAncestor(each, model.current(each.origin)) || model.isDeletedAfter(each),
      );
      const isExcused = model.rollbacks > 0;
      world.check(isKept || isExcused, () => `update ${id} was acknowledged and is lost`);
    }
  }
}

/** By name, so that the seed chooses which of them a run has. */
const FAULTS: Readonly<Record<string, Fault>> = {
  "requests are lost": ({ service, world }) => {
    service.faults.requestLost = world.random.pick([0, 50, 300]);
  },
  "replies are lost": ({ service, world }) => {
    service.faults.replyLost = world.random.pick([0, 50, 300]);
  },
  "hints are lost": ({ service, world }) => {
    service.faults.hintLost = world.random.pick([0, 200, 1_000]);
  },
  "hints come twice": ({ service }) => {
    service.faults.hintTwice = 500;
  },
  "a node is cut off": ({ service, nodes, world }) => service.cut(world.random.pick(nodes).index),
  "a cut heals": ({ service, nodes, world }) => service.join(world.random.pick(nodes).index),
  "the store is down": ({ service }) => {
    service.isDown = true;
  },
  "the store is back": ({ service }) => {
    service.isDown = false;
  },
  "the store is read-only": ({ service }) => {
    service.refusal = "READONLY You can't write against a read only replica";
  },
  "the store is out of memory": ({ service }) => {
    service.refusal = "OOM command not allowed when used memory > 'maxmemory'";
  },
  "the disk is full": ({ service }) => {
    service.refusal = "No space left on device";
  },
  "the store takes writes again": ({ service }) => {
    service.refusal = undefined;
  },
  "the store restarts": ({ service }) => {
    service.epoch++;
  },
  "the store restarts empty": (run) => run.replaceStore("nothing"),
  "a replica copies": ({ service }) => service.copy(),
  "a stale replica takes over": (run) => {
    if (run.service.copies > 0) run.replaceStore("newest");
  },
  "an old snapshot is restored": (run) => {
    if (run.service.copies > 0) run.replaceStore("oldest");
  },
  "the journal is trimmed": ({ service, world }) => service.trimJournal(1 + world.random.below(3)),
  "a node is killed": (run) => run.crash(run.world.random.pick(run.nodes)),
  "a node is killed in a commit": (run) => run.crashInCommit(),
  "killed nodes start": ({ nodes }) => {
    for (const node of nodes) if (!node.isRunning) node.start();
  },
  "a clock jumps": ({ nodes, world }) => {
    world.random.pick(nodes).skewMs = world.random.pick([-1, 1]) * world.random.below(86_400_000);
  },
  "a zone is made": (run) => run.create(run.world.random.pick(ORIGINS)),
  "a zone is deleted": (run) => run.delete(run.world.random.pick(ORIGINS)),
};

export const FAULT_NAMES: readonly string[] = Object.keys(FAULTS);

function zoneRRsets(origin: Name, serial: number): RRset[] {
  const rrset = (owner: string, ttl: number, type: number, ...rdatas: Uint8Array[]) =>
    makeRRset(parseName(owner, origin), type, ttl, rdatas);
  const ns = (text: string) => rdata("NS", text);
  return [
    rrset("@", 3600, Type.SOA, rdata("SOA", `ns1 hostmaster ${serial} 3600 600 86400 300`)),
    rrset("@", 3600, Type.NS, ns("ns1.example.net."), ns("ns2.example.net.")),
    rrset("home", 60, Type.A, rdata("A", "192.0.2.1"), rdata("A", "192.0.2.2")),
    rrset("*.wild", 300, Type.TXT, rdata("TXT", '"any"')),
    rrset("a.deep", 300, Type.TXT, rdata("TXT", '"below"')),
  ];
}
