/**
 * The history of attempts: updates that were refused lately, by this server, in memory only. The same refusal again is
 * counted, not kept again, so that a client that insists does not push out the others.
 */
import { Limits } from "../base/limits.ts";
import { type Name, nameKey } from "../wire/name.ts";
import type { Intent } from "./judge-change.ts";
import type { Refusal } from "./refusal.ts";

export interface RefusedUpdate extends Omit<Refusal, "status"> {
  readonly origin: Name;
  readonly actor: string;
  readonly door: string;
  readonly address: string;
  readonly firstMs: number;
  readonly lastMs: number;
  /** How often it was refused in the same way. */
  readonly count: number;
}

export class RefusedUpdates {
  /** Oldest first. */
  readonly #refused = new Map<string, RefusedUpdate>();

  add({ origin, principal, door, address }: Intent, refusal: Refusal, timeMs: number): void {
    const { actor } = principal;
    const { rcode, reason, detail } = refusal;
    const key = [nameKey(origin), actor, door, address, rcode, detail].join("\n");
    const { firstMs = timeMs, count = 0 } = this.#refused.get(key) ?? {};
    this.#refused.delete(key);
    const who = { origin, actor, door, address };
    const times = { firstMs, lastMs: timeMs, count: count + 1 };
    this.#refused.set(key, { ...who, rcode, reason, detail, ...times });
    if (this.#refused.size <= Limits.refusedUpdates) return;
    const [oldest] = this.#refused.keys();
    this.#refused.delete(oldest as string);
  }

  /** Of one zone, the newest first. */
  list(origin: Name): readonly RefusedUpdate[] {
    const key = nameKey(origin);
    return [...this.#refused.values()].filter((each) => nameKey(each.origin) === key).reverse();
  }
}
