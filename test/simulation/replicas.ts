/**
 * Replicas of the simulated store. Each has what the primary had some writes ago, and copies the rest by a step of its
 * own, unless its link is cut. WAIT counts those that have a write; a failover makes one of them the primary.
 */
import type { MemoryState } from "../../src/store/memory-store.ts";
import { cloneState } from "./clone-state.ts";
import type { World } from "./world.ts";

/** What WAIT asks for: how many replicas there are, and how many of them must have a write. */
export interface ReplicaTerms {
  readonly count: number;
  /** None: nobody waits. */
  readonly wanted: number;
}

export const NO_REPLICAS: ReplicaTerms = { count: 0, wanted: 0 };

interface Replica {
  state: MemoryState;
  /** The primary's writes that it has; -1 when it has those of another history, until it copied this one. */
  writes: number;
  isCut: boolean;
  isCopying: boolean;
}

/** What a failover costs. */
export interface Failover {
  readonly state: MemoryState;
  /** Writes are gone. */
  readonly isBehind: boolean;
  /** Some of them had been confirmed. */
  readonly isLoss: boolean;
}

export interface ReplicaParts {
  readonly world: World;
  readonly primary: () => MemoryState;
  /** As many replicas as are wanted have this state, or a later one. */
  readonly onConfirmed: (state: MemoryState) => void;
}

export class Replicas {
  readonly #parts: ReplicaParts;
  readonly #wanted: number;
  readonly #replicas: Replica[];
  /** Writes of the primary, and how many of them WAIT has said to be safe. */
  #writes = 0;
  #confirmed = 0;
  /** Chances in a thousand that WAIT does not wait any longer, at each look. */
  impatience = 200;

  constructor(parts: ReplicaParts, { count, wanted }: ReplicaTerms) {
    this.#parts = parts;
    this.#wanted = wanted;
    this.#replicas = Array.from({ length: count }, () => {
      return { state: cloneState(parts.primary()), writes: 0, isCut: false, isCopying: false };
    });
  }

  get areWanted(): boolean {
    return this.#wanted > 0;
  }

  /** The primary has changed. Returns what to wait for. */
  wrote(): number {
    this.#copySoon();
    return ++this.#writes;
  }

  /** What WAIT says of a write: why it may be lost, nothing when it is safe, or that one has to wait. */
  look(write: number): { readonly unconfirmed: string | undefined } | "waits" {
    const best = this.#best();
    const having = best.filter(({ writes }) => writes >= write).length;
    const last = best[this.#wanted - 1];
    if (having >= this.#wanted && last !== undefined) {
      this.#confirmed = Math.max(this.#confirmed, last.writes);
      this.#parts.onConfirmed(last.state);
      return { unconfirmed: undefined };
    }
    const coming = this.#replicas.filter(({ writes, isCut }) => writes >= write || !isCut).length;
    const isOver = this.#parts.world.random.below(1_000) < this.impatience;
    if (coming >= this.#wanted && !isOver) return "waits";
    return { unconfirmed: `${having} of ${this.#wanted} replicas had it` };
  }

  cutSome(): void {
    for (const replica of this.#replicas) replica.isCut ||= this.#parts.world.random.oneIn(2);
  }

  joinAll(): void {
    for (const replica of this.#replicas) replica.isCut = false;
    this.#copySoon();
  }

  /** The primary has another history: what replicas have is not of it. */
  startAgain(): void {
    for (const replica of this.#replicas) replica.writes = -1;
    this.#confirmed = 0;
    this.#copySoon();
  }

  /** One that follows the primary takes its place, which becomes a replica. `undefined` when there is none. */
  failOver(to: "best" | "any"): Failover | undefined {
    const candidates = this.#best().filter(({ writes }) => writes >= 0);
    if (candidates.length === 0) return undefined;
    const chosen = to === "best" ? (candidates[0] as Replica) : this.#pick(candidates);
    const { state, writes } = chosen;
    const isBehind = writes < this.#writes;
    const isLoss = writes < this.#confirmed;
    for (const replica of this.#replicas) if (replica.writes > writes) replica.writes = -1;
    Object.assign(chosen, { state: this.#parts.primary(), writes: -1, isCut: false });
    this.#writes = writes;
    this.#confirmed = Math.min(this.#confirmed, writes);
    this.#copySoon();
    return { state, isBehind, isLoss };
  }

  #pick(replicas: readonly Replica[]): Replica {
    return this.#parts.world.random.pick(replicas);
  }

  #best(): Replica[] {
    return this.#replicas.toSorted((a, b) => b.writes - a.writes);
  }

  /** Each replica at a time of its own. */
  #copySoon(): void {
    for (const [at, replica] of this.#replicas.entries()) {
      if (replica.isCut || replica.isCopying) continue;
      replica.isCopying = true;
      const run = () => {
        replica.isCopying = false;
        if (replica.isCut) return;
        replica.state = cloneState(this.#parts.primary());
        replica.writes = this.#writes;
      };
      this.#parts.world.later({ node: -1, label: `replica ${at} copies`, run });
    }
  }
}
