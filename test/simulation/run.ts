/** One seed: a world, its nodes, what clients and operators do, what goes wrong, and what must be true at the end. */
import { WindhoverError } from "../../src/base/errors.ts";
import { Limits } from "../../src/base/limits.ts";
import type { ZoneEngine } from "../../src/update/update-engine.ts";
import type {
  Prerequisite,
  UpdateOperation,
  UpdateRequest,
  Verdict,
} from "../../src/update/update-request.ts";
import { Type } from "../../src/wire/code-points.ts";
import { formatName, type Name, nameKey, parseName } from "../../src/wire/name.ts";
import { makeRRset, type RRset } from "../../src/zone/rrset.ts";
import { OPERATOR, principal, rdata } from "../update/zone-fixtures.ts";
import { FAULTS, type Fault, LOSING, REPLICA_FAULTS } from "./faults.ts";
import {
  contentOf,
  isAncestor,
  isEqual,
  isUnconfirmed,
  isUnknown,
  Model,
  type Version,
} from "./model.ts";
import { SimulatedNode } from "./node.ts";
import { NO_REPLICAS, type ReplicaTerms } from "./replicas.ts";
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
  /** Of these, what was shown though too few replicas had it. */
  readonly unconfirmed: number;
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

/** What a commit waits for, in order: a crash comes before any of them. */
export const COMMIT_STEPS = [
  "begins to commit",
  "commit arrives",
  "commit is answered",
  "acknowledges",
] as const;

export class Run {
  readonly seed: number;
  readonly world: World;
  readonly model: Model;
  readonly service: StoreService;
  readonly nodes: SimulatedNode[];
  readonly faults = new Map<string, number>();
  readonly cuts = new Map<string, number>();
  #unknown = 0;
  #unconfirmed = 0;
  #recovered = 0;
  #lost = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.world = new World(seed);
    this.model = new Model(this.world);
    this.service = new StoreService({
      world: this.world,
      onChange: (state) => this.model.observe(state, false),
      onConfirmed: (state) => this.model.observeConfirmed(state),
      replicas: this.#isReplicated ? this.#chooseReplicas() : NO_REPLICAS,
    });
    const count = 2 + this.world.random.below(4);
    const parts = { world: this.world, model: this.model, service: this.service };
    this.nodes = Array.from({ length: count }, (_, at) => new SimulatedNode(at, parts));
  }

  /** Every third world has a store that waits for replicas. */
  get #isReplicated(): boolean {
    return this.seed % 3 === 0;
  }

  #chooseReplicas(): ReplicaTerms {
    const count = 1 + this.world.random.below(3);
    return { count, wanted: 1 + this.world.random.below(count) };
  }

  #chooseFaults(): string[] {
    const { random } = this.world;
    const names = Object.keys(FAULTS).filter(() => random.oneIn(3));
    if (!this.#isReplicated) return names;
    const mayLose = random.oneIn(4);
    const isWanted = (name: string) => mayLose || !LOSING.includes(name);
    const others = names.filter((name) => isWanted(name) && random.oneIn(2));
    const own = Object.keys(REPLICA_FAULTS).filter(isWanted);
    // As often as all others.
    while (own.length < others.length) own.push(random.pick(own));
    return [...others, ...own];
  }

  async play(): Promise<RunReport> {
    await this.#begin();
    const { random } = this.world;
    const names = this.#chooseFaults();
    const steps = 100 + random.below(400);
    const quiet = 5 + random.below(this.#isReplicated ? 15 : 40);
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
    this.model.checkKept();
    const { model, world } = this;
    return {
      seed: this.seed,
      digest: world.digest,
      steps: world.steps,
      versions: model.versions,
      updates: model.requests.length,
      acknowledged: model.acknowledged.size,
      unknown: this.#unknown,
      unconfirmed: this.#unconfirmed,
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

  anyOrigin(): Name {
    return this.world.random.pick(ORIGINS);
  }

  create(origin: Name): void {
    const node = this.openNode();
    const intent = { origin, principal: OPERATOR, door: "cli", address: "" } as const;
    const serial = this.world.random.oneIn(4) ? 0xffff_fff0 : 1 + this.world.random.below(3);
    node?.engine?.createZone(intent, zoneRRsets(origin, serial)).catch(this.#refusedOnly);
  }

  delete(origin: Name): void {
    const intent = { origin, principal: OPERATOR, door: "cli", address: "" } as const;
    const ended = () => this.#deleted(origin);
    this.openNode()?.engine?.deleteZone(intent).then(ended).catch(this.#refusedOnly);
  }

  #deleted(origin: Name): void {
    const { model, world } = this;
    const ended = model.deletions.findLast(({ zone }) => zone === nameKey(origin));
    world.check(ended !== undefined, () => "a deletion is acknowledged, and nothing was ended");
    if (ended === undefined) return;
    const isSafe = !this.#isReplicated || model.isSafelyDeleted(ended);
    world.check(isSafe, () => "a deletion is acknowledged, and too few replicas have it");
    model.acknowledgeDeletion(ended);
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
    for (let each = 0; each < count; each++) {
      const said = this.#isReplicated && random.oneIn(3) ? this.#saidLately() : undefined;
      if (said === undefined) this.#submitTo(node);
      else this.#send(node, said);
    }
  }

  /** Routers say again and again what holds already. */
  #saidLately(): UpdateRequest | undefined {
    const { requests } = this.model;
    return requests.at(-1 - this.world.random.below(20));
  }

  #submitTo(node: SimulatedNode): void {
    const { random } = this.world;
    const origin = random.pick(ORIGINS);
    const operations = Array.from({ length: 1 + random.below(3) }, () => this.#operation(origin));
    const prerequisites = random.oneIn(5) ? [this.#prerequisite(origin)] : [];
    const who = principal({ zone: origin });
    this.#send(node, { origin, principal: who, door: "rfc2136", operations, prerequisites });
  }

  #send(node: SimulatedNode, request: Omit<UpdateRequest, "address">): void {
    const id = this.model.requests.length;
    const numbered = { ...request, address: String(id) };
    this.model.requests.push(numbered);
    const { engine } = node;
    void engine?.submit(numbered).then((verdict) => {
      if (node.engine === engine) this.#decided(node, id, verdict);
    });
  }

  /** The engine has decided; the client hears of it later, or never. */
  #decided(node: SimulatedNode, id: number, verdict: Verdict): void {
    const { world, model } = this;
    model.verdicts[id] = verdict;
    if (isUnknown(verdict)) this.#unknown++;
    if (isUnconfirmed(verdict)) this.#unconfirmed++;
    const made = model.versionsOf(id);
    const { origin } = model.requests[id] as UpdateRequest;
    const shown = node.shown.get(nameKey(origin)) ?? [];
    const isShown = made.some((each) => shown.some((now) => isAncestor(each, now)));
    const what = () => `update ${id} is ${verdict.status} by node ${node.index}`;
    const isMade = made.length > 0;
    if (verdict.status === "applied") {
      world.check(isMade, () => `${what()}, and in no version`);
      world.check(isShown, () => `${what()}, and not shown`);
    } else if (isUnconfirmed(verdict)) {
      world.check(!isMade || isShown, () => `${what()}, is in the store, and not shown`);
    } else if (!isUnknown(verdict)) world.check(!isMade, () => `${what()}, and was applied`);
    const rest = verdict.status === "applied" ? made : shown;
    if (verdict.status !== "refused") this.#checkSafe(rest, what);
    if (this.#isReplicated && isUnknown(verdict)) this.#sendAgain(node, id);
    const run = () => {
      if (verdict.status === "applied") model.acknowledged.add(id);
      if (verdict.status !== "refused") model.acknowledge(id, rest);
    };
    world.later({ node: node.index, label: "acknowledges", run });
  }

  /** What is acknowledged is in as many places as is asked for. */
  #checkSafe(versions: readonly Version[], what: () => string): void {
    if (!this.#isReplicated || versions.length === 0) return;
    const isSafe = versions.some((each) => this.model.isSafe(each));
    this.world.check(isSafe, () => `${what()}, and too few replicas have it`);
  }

  /** Clients that hear of no outcome try again, maybe elsewhere. */
  #sendAgain(node: SimulatedNode, id: number): void {
    if (this.world.random.oneIn(2)) return;
    const run = () => {
      const next = node.isOpen && !this.world.random.oneIn(3) ? node : this.openNode();
      if (next !== undefined) this.#send(next, this.model.requests[id] as UpdateRequest);
    };
    this.world.later({ node: -1, label: "an update is sent again", run });
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
    ((FAULTS[name] ?? REPLICA_FAULTS[name]) as Fault)(this);
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
    this.model.losses++;
    this.service.replace(by);
    this.model.observe(this.service.state, true);
  }

  /** What replicas had confirmed is there afterwards. */
  failOver(to: "best" | "any"): void {
    const failover = this.service.failOver(to);
    if (failover === undefined) return;
    if (failover.isBehind) this.model.rollbacks++;
    if (failover.isLoss) this.model.losses++;
    this.model.observe(this.service.state, true);
    this.model.checkKept();
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

  async #recoverZone(engine: ZoneEngine, origin: Name) {
    const intent = { origin, principal: OPERATOR, door: "cli", address: "" } as const;
    const recovering = engine.recovery.recover(intent);
    recovering.catch(this.#refusedOnly);
    await this.#drain();
    return recovering;
  }

  /** What was kept of what the store lost comes back by one command. */
  async #recover(): Promise<void> {
    for (const origin of ORIGINS) {
      const engine = this.world.random.pick(this.nodes).engine;
      if (engine?.view(origin) === undefined) continue;
      const { verdict, plan } = await this.#recoverZone(engine, origin);
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
}

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
