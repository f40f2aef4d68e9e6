/** Updates of one zone that wait for its next commit: bounded, and nobody but an operator can fill it alone. */
import { Limits } from "../base/limits.ts";
import type { Principal } from "../identity/principal.ts";
import { Rcode } from "../wire/code-points.ts";
import type { Change } from "./judge-change.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { Verdict } from "./update-request.ts";

export interface Waiting {
  readonly change: Change;
  readonly resolve: (verdict: Verdict) => void;
}

export class UpdateQueue {
  #waiting: Waiting[] = [];
  /** How many of them each actor has. */
  readonly #waitingOf = new Map<string, number>();

  get length(): number {
    return this.#waiting.length;
  }

  /** A refusal when there is no place for one more of this principal. */
  check({ actor, isOperator }: Principal): Refusal | undefined {
    if (this.#waiting.length >= Limits.updateQueue) {
      const detail = `${Limits.updateQueue} updates are waiting for this zone; try again later`;
      return refuse(Rcode.servFail, "queue-full", detail);
    }
    const own = this.#waitingOf.get(actor) ?? 0;
    if (isOperator || own < Limits.updateQueuePerPrincipal) return undefined;
    const detail = `${own} updates of ${actor} are waiting for this zone; wait for their answers`;
    return refuse(Rcode.servFail, "queue-full", detail);
  }

  put(waiting: Waiting): void {
    const { actor } = waiting.change.intent.principal;
    this.#waiting.push(waiting);
    this.#waitingOf.set(actor, (this.#waitingOf.get(actor) ?? 0) + 1);
  }

  /** The first of them, as many as one commit may have. */
  takeBatch(): readonly Waiting[] {
    const batch = this.#waiting;
    if (batch.length <= Limits.updateBatch) {
      this.#waiting = [];
      this.#waitingOf.clear();
      return batch;
    }
    const taken = batch.splice(0, Limits.updateBatch);
    for (const { change } of taken) {
      const { actor } = change.intent.principal;
      this.#waitingOf.set(actor, (this.#waitingOf.get(actor) as number) - 1);
    }
    return taken;
  }
}
