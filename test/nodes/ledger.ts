/** What clients sent and what was acknowledged: by it, at the end, a zone's content is judged. */

/** An update sets the only address of an owner, or adds one to those it has. */
export interface Change {
  readonly way: "set" | "add";
  readonly origin: string;
  readonly owner: string;
  /** No two changes of an owner have the same. */
  readonly address: string;
}

/** Updates whose end nobody told may still happen so long after they were sent. */
const LATE_MS = 60_000;

interface Attempt {
  readonly address: string;
  readonly sentMs: number;
}

interface Owner {
  readonly way: Change["way"];
  readonly origin: string;
  /** The last one for "set". */
  readonly acknowledged: Map<string, Attempt>;
  readonly unknown: Map<string, Attempt>;
}

export class Ledger {
  readonly #owners = new Map<string, Owner>();
  #acknowledged = 0;
  #unacknowledged = 0;

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Refused, or without an answer: each may have happened or not. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  note(change: Change, sentMs: number, isAcknowledged: boolean): void {
    const { acknowledged, unknown } = this.#owner(change);
    const attempt = { address: change.address, sentMs };
    if (!isAcknowledged) {
      this.#unacknowledged++;
      unknown.set(change.address, attempt);
      return;
    }
    this.#acknowledged++;
    if (change.way === "set") acknowledged.clear();
    acknowledged.set(change.address, attempt);
  }

  /** What is missing, and what is there that nobody sent, in words; `zones`: origin → owner → addresses. */
  judge(zones: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>): string[] {
    const complaints: string[] = [];
    for (const [name, owner] of this.#owners) {
      const found = zones.get(owner.origin)?.get(name) ?? new Set<string>();
      const wrong = owner.way === "set" ? judgeSet(owner, found) : judgeAdded(owner, found);
      complaints.push(...wrong.map((text) => `${name}: ${text}`));
    }
    return complaints;
  }

  #owner({ owner, origin, way }: Change): Owner {
    let found = this.#owners.get(owner);
    if (found === undefined) {
      found = { way, origin, acknowledged: new Map(), unknown: new Map() };
      this.#owners.set(owner, found);
    }
    return found;
  }
}

/** One address: what was acknowledged last, or what may have come after it. */
function judgeSet({ acknowledged, unknown }: Owner, found: ReadonlySet<string>): string[] {
  const [last] = acknowledged.values();
  const since = (last?.sentMs ?? 0) - LATE_MS;
  const late = [...unknown.values()].filter(({ sentMs }) => sentMs >= since);
  const possible = [...acknowledged.values(), ...late].map(({ address }) => address);
  if (found.size === 0 && last === undefined) return [];
  const [address] = found;
  if (found.size === 1 && possible.includes(address as string)) return [];
  const has = [...found].join(", ") || "nothing";
  return [`has ${has}; ${last?.address} was acknowledged, ${late.length} may have followed it`];
}

function judgeAdded({ acknowledged, unknown }: Owner, found: ReadonlySet<string>): string[] {
  const missing = [...acknowledged.keys()].filter((address) => !found.has(address));
  const foreign = [...found].filter(
    (address) => !acknowledged.has(address) && !unknown.has(address),
  );
  return [
    ...missing.map((address) => `lacks ${address}, which was acknowledged`),
    ...foreign.map((address) => `has ${address}, which nobody sent`),
  ];
}
