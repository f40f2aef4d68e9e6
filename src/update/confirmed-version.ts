/**
 * What may be acknowledged where a change must be in several places before it counts (`Store.confirm`). A commit says
 * how it fared; what another node committed, and what a commit left open, is asked for before anybody is told that
 * nothing needed to be changed: that answer is an acknowledgement too.
 */
import { errorMessage } from "../base/errors.ts";
import type { Store, ZoneVersion } from "../store/store.ts";
import { isSameVersion } from "../store/zone-version.ts";
import { Rcode } from "../wire/code-points.ts";
import type { Name } from "../wire/name.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { Verdict } from "./update-request.ts";

export class ConfirmedVersion {
  readonly #origin: Name;
  readonly #store: Store;
  #version: ZoneVersion | undefined;

  constructor(origin: Name, store: Store) {
    this.#origin = origin;
    this.#store = store;
  }

  /** Whether what is true of this version may be told at once. */
  covers(version: ZoneVersion): boolean {
    if (this.#store.confirm === undefined) return true;
    return this.#version !== undefined && isSameVersion(this.#version, version);
  }

  /** What may be told of verdicts that rest on this version alone, where the store cannot be asked. */
  unasked(version: ZoneVersion, verdicts: readonly Verdict[]): Verdict[] {
    const doubt = this.covers(version) ? undefined : notReplicated("the store cannot be asked");
    return inDoubt(verdicts, doubt);
  }

  /** How a commit that led to this version fared; a refusal for everything that rests on it, if it is in doubt. */
  take(version: ZoneVersion, unconfirmed: string | undefined): Refusal | undefined {
    if (unconfirmed === undefined) this.#version = version;
    return unconfirmed === undefined ? undefined : notReplicated(unconfirmed);
  }

  /** Asks the store about the version that is shown, where that is not known. It may have lost it in a failover. */
  async ask(version: ZoneVersion): Promise<Refusal | undefined> {
    if (this.covers(version)) return undefined;
    try {
      const unconfirmed = await this.#store.confirm?.(this.#origin);
      const found = await this.#store.findZone(this.#origin);
      const isThere = found !== undefined && isSameVersion(found, version);
      return this.take(version, isThere ? unconfirmed : "the store stands elsewhere");
    } catch (error) {
      return notReplicated(errorMessage(error));
    }
  }
}

/** What was refused stays so; everything else is in doubt. */
export function inDoubt(verdicts: readonly Verdict[], doubt: Refusal | undefined): Verdict[] {
  return verdicts.map((each) => (each.status === "refused" ? each : (doubt ?? each)));
}

function notReplicated(problem: string): Refusal {
  const detail = `it is stored and shown, but a failover may lose it: ${problem}; send it again`;
  return refuse(Rcode.servFail, "not-replicated", detail);
}
