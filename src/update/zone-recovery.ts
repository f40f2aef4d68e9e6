/** Takes back what a store has lost: shown first if wanted, then as one ordinary change, or given up. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import type { Change, Intent } from "./judge-change.ts";
import {
  joinParts,
  judgeRecovery,
  type LostPart,
  type LostRRset,
  type Recovery,
  writeRecovery,
} from "./lost-changes.ts";
import type { LostLedger } from "./lost-ledger.ts";
import type { Verdict } from "./update-request.ts";

/** What would become, or became, of each lost RRset. */
export interface RecoveryPlan {
  readonly rrsets: readonly (LostRRset & { readonly recovery: Recovery })[];
  /** RRsets past the bound, of which only the number is known. */
  readonly dropped: number;
}

export interface RecoveryParts {
  readonly lost: LostLedger;
  readonly view: (origin: Name) => ZoneView | undefined;
  readonly submit: (change: Change) => Promise<Verdict>;
}

export class ZoneRecovery {
  readonly #parts: RecoveryParts;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** What waits to be recovered, of all zones, as last seen. */
  waiting(): readonly LostPart[] {
    return this.#parts.lost.parts();
  }

  /** How many RRsets wait, of which zones; two nodes may have kept the same ones. */
  count(): { readonly rrsets: number; readonly zones: readonly string[] } {
    const parts = this.waiting();
    const rrsets = parts.reduce((sum, each) => sum + each.rrsets.length + each.dropped, 0);
    return { rrsets, zones: [...new Set(parts.map(({ origin }) => formatName(origin)))] };
  }

  /** What to do about it, for readiness. */
  warnings(): string[] {
    return this.count().zones.map(
      (zone) =>
        `${zone}: the store lost acknowledged changes; see \`windhover zone recover ${zone} --dry-run\``,
    );
  }

  /** Rejects when the store cannot be read, and for a zone that is not served. */
  async plan(origin: Name): Promise<RecoveryPlan> {
    await this.#parts.lost.read();
    return this.#planOf(origin, this.#parts.lost.parts(origin));
  }

  /** The parts are forgotten once their changes are durable, or are already so. */
  async recover(
    intent: Intent,
  ): Promise<{ readonly verdict: Verdict; readonly plan: RecoveryPlan }> {
    const { lost, submit } = this.#parts;
    const plan = await this.plan(intent.origin);
    const parts = lost.parts(intent.origin);
    const write: Change["write"] = (zone) => writeRecovery(zone, intent.principal, plan.rrsets);
    const verdict = await submit({ intent, write });
    if (verdict.status !== "refused") await lost.drop(parts);
    return { verdict, plan };
  }

  /** Gives up what waits for this zone, which need not be there any more. Returns of how many RRsets that was. */
  async discard({ origin, principal }: Intent): Promise<number> {
    if (!principal.isOperator) {
      const message = `${principal.actor} may not discard what was lost of ${formatName(origin)}`;
      throw new WindhoverError(ErrorCode.forbidden, message);
    }
    const { lost } = this.#parts;
    await lost.read();
    const parts = lost.parts(origin);
    await lost.drop(parts);
    return joinParts(parts).length;
  }

  #planOf(origin: Name, parts: readonly LostPart[]): RecoveryPlan {
    const view = this.#parts.view(origin);
    if (view === undefined) {
      throw new WindhoverError(ErrorCode.noSuchZone, `there is no zone ${formatName(origin)}`);
    }
    const rrsets = joinParts(parts).map((each) => ({
      ...each,
      recovery: judgeRecovery(view, each),
    }));
    return { rrsets, dropped: parts.reduce((sum, each) => sum + each.dropped, 0) };
  }
}
