/**
 * Scripts whose effects replicas must have before they count as done. WAIT answers for everything that its connection
 * wrote before, and holds the connection up; so these scripts have a connection of their own, and all that come
 * together share one WAIT. What comes meanwhile goes together with the next:
 *
 *     commit a ┐                  commit c ┐
 *     commit b ┴─► a, b, WAIT ──► commit d ┴─► c, d, WAIT ──►      (one such line for each primary of a Cluster)
 *
 * A script that was done and that too few replicas have in time has happened all the same: the primary has it, and
 * only a failover can lose it.
 */
import { createHash } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { errorMessage } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import { hashSlot } from "./hash-slot.ts";
import type { ScriptArgument } from "./redis-scripts.ts";

export interface ReplicatedReply {
  readonly reply: unknown;
  /** Why the effects may be lost; `undefined` when as many replicas have them as was asked for. */
  readonly unconfirmed: string | undefined;
}

export interface ReplicatedScript {
  readonly lua: string;
  /** All in one slot; the first says in which. */
  readonly keys: readonly string[];
  readonly args: readonly ScriptArgument[];
}

export interface ReplicaTerms {
  readonly replicas: number;
  readonly waitMs: number;
}

interface Waiting {
  readonly script: ReplicatedScript;
  /** What to send: a script that Redis does not know yet is sent whole. */
  command: "EVALSHA" | "EVAL";
  attempts: number;
  readonly resolve: (reply: ReplicatedReply) => void;
  readonly reject: (error: unknown) => void;
}

/** A primary, and what waits for it. */
interface Line {
  waiting: Waiting[];
  isBusy: boolean;
}

type Results = readonly (readonly [error: Error | null, reply: unknown])[];

export class ReplicatedScripts {
  readonly #client: Redis;
  readonly #isCluster: boolean;
  readonly #terms: ReplicaTerms;
  readonly #lines = new Map<string, Line>();
  readonly #digests = new Map<string, string>();

  constructor(client: Redis, isCluster: boolean, terms: ReplicaTerms) {
    this.#client = client;
    this.#isCluster = isCluster;
    this.#terms = terms;
    client.on("error", () => {});
  }

  connect(): Promise<void> {
    return this.#client.connect();
  }

  /** Rejects with what Redis or the connection said; then the script may or may not have been done. */
  run(script: ReplicatedScript): Promise<ReplicatedReply> {
    if (this.#client.status !== "ready") return Promise.reject(new Error("not connected"));
    return new Promise((resolve, reject) => {
      this.#add({ script, command: "EVALSHA", attempts: 0, resolve, reject });
    });
  }

  close(): void {
    this.#client.disconnect();
  }

  #add(waiting: Waiting): void {
    const primary = this.#primaryOf(waiting.script.keys[0] as string);
    let line = this.#lines.get(primary);
    if (line === undefined) {
      line = { waiting: [], isBusy: false };
      this.#lines.set(primary, line);
    }
    line.waiting.push(waiting);
    if (!line.isBusy) void this.#drain(line);
  }

  #primaryOf(key: string): string {
    if (!this.#isCluster) return "";
    const { slots } = this.#client as unknown as Cluster;
    return slots[hashSlot(key)]?.[0] ?? "";
  }

  /** Begins after this turn's messages, so that what came together goes together. */
  async #drain(line: Line): Promise<void> {
    line.isBusy = true;
    await new Promise((resolve) => setImmediate(resolve));
    while (line.waiting.length > 0) {
      const batch = line.waiting;
      line.waiting = [];
      await this.#send(batch);
    }
    line.isBusy = false;
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const { script, command } of batch) {
      const { lua, keys, args } = script;
      const what = command === "EVAL" ? lua : this.#digest(lua);
      pipeline.callBuffer(command, what, keys.length, ...keys, ...(args as (string | Buffer)[]));
    }
    pipeline.wait(this.#terms.replicas, this.#terms.waitMs);
    try {
      this.#settle(batch, ((await pipeline.exec()) ?? []) as Results);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #settle(batch: readonly Waiting[], results: Results): void {
    const unconfirmed = this.#judge(results[batch.length]);
    for (const [at, waiting] of batch.entries()) {
      const [error, reply] = results[at] ?? [new Error("the connection was closed"), undefined];
      if (error === null) waiting.resolve({ reply, unconfirmed });
      else if (!this.#again(waiting, error.message)) waiting.reject(error);
    }
  }

  #judge([error, replicas]: Results[number] = [new Error("no answer"), 0]): string | undefined {
    const wanted = this.#terms.replicas;
    if (error !== null) return `nobody knows whether replicas have it (${errorMessage(error)})`;
    if (Number(replicas) >= wanted) return undefined;
    return `${replicas} of ${wanted} replicas had it after ${this.#terms.waitMs} ms`;
  }

  /** What Redis says that it did not do may be sent again. */
  #again(waiting: Waiting, message: string): boolean {
    if (++waiting.attempts > Limits.redisRedirections) return false;
    if (message.startsWith("NOSCRIPT")) waiting.command = "EVAL";
    else if (!this.#isCluster || !/^(MOVED|ASK|TRYAGAIN) /.test(message)) return false;
    else {
      const cluster = this.#client as unknown as Cluster;
      cluster.refreshSlotsCache(() => this.#add(waiting));
      return true;
    }
    this.#add(waiting);
    return true;
  }

  #digest(lua: string): string {
    let digest = this.#digests.get(lua);
    if (digest === undefined) {
      digest = createHash("sha1").update(lua).digest("hex");
      this.#digests.set(lua, digest);
    }
    return digest;
  }
}
