/**
 * What a store has lost of a zone: changes that were acknowledged and shown, and that the store does not have any
 * more, because it failed over to a copy that lagged or was restored from an old snapshot. A node that still shows
 * them writes them down before it shows what the store has, so that an operator can have them back.
 */
import { Limits } from "../base/limits.ts";
import type { Principal } from "../identity/principal.ts";
import type { JournalEntry, ZoneVersion } from "../store/store.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { formatName, type Name, nameKey } from "../wire/name.ts";
import { applyChangeset, invertChangeset } from "../zone/changeset.ts";
import type { Overlay } from "../zone/overlay.ts";
import { equalRRsets, type RRset } from "../zone/rrset.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** One RRset that is not as it was acknowledged. */
export interface LostRRset {
  readonly owner: Name;
  readonly rrtype: number;
  /** As it was shown; `undefined` when its end was acknowledged. */
  readonly shown: RRset | undefined;
  /** As the store has it. */
  readonly stored: RRset | undefined;
  /** The store has a change of it that is newer than its loss: that one stays. */
  readonly isChangedSince: boolean;
}

/** What one node showed and the store had lost. */
export interface LostPart {
  readonly origin: Name;
  /** What the node showed, and what the store had instead. */
  readonly shown: ZoneVersion;
  readonly stored: ZoneVersion;
  readonly timeMs: number;
  /** Marks of the versions that led to what was shown: who showed one of them knew less. */
  readonly marks: readonly number[];
  readonly rrsets: readonly LostRRset[];
  /** RRsets past the bound, which were not kept. */
  readonly dropped: number;
}

export type Different = Omit<LostRRset, "isChangedSince">;

/** The store's zone beside the shown one, read once. The SOA is no difference: its serial goes its own way. */
export class ZoneComparison {
  readonly #view: ZoneView;
  readonly #different: Different[] = [];
  readonly #stored = new Set<string>();
  /** RRsets past the bound. */
  dropped = 0;

  constructor(view: ZoneView) {
    this.#view = view;
  }

  add(batch: Iterable<RRset>): void {
    for (const stored of batch) {
      const { owner, rrtype } = stored;
      this.#stored.add(rrsetKey(stored));
      const shown = this.#view.rrset(owner, rrtype);
      if (!isSame(shown, stored)) this.#differ({ owner, rrtype, shown, stored });
    }
  }

  /** After the last batch: with what only is shown. */
  finish(): readonly Different[] {
    for (const owner of this.#view.owners()) {
      for (const shown of this.#view.rrsets(owner)) {
        if (this.#stored.has(rrsetKey(shown))) continue;
        this.#differ({ owner, rrtype: shown.rrtype, shown, stored: undefined });
      }
    }
    return this.#different;
  }

  #differ(different: Different): void {
    if (different.rrtype === Type.SOA) return;
    if (this.#different.length < Limits.lostRRsets) this.#different.push(different);
    else this.dropped++;
  }
}

/**
 * What of the differences is lost: all but what only the store's own newer entries made. `since` are those, which the
 * node does not share.
 */
export function withoutNewer(
  origin: Name,
  rrsets: readonly Different[],
  since: readonly JournalEntry[],
): LostRRset[] {
  const changed = new Set<string>();
  for (const { removed, added } of since) {
    for (const each of [...removed, ...added]) changed.add(rrsetKey(each));
  }
  const before = new ZoneMap(origin);
  for (const { owner, rrtype, stored } of rrsets) before.set({ owner, rrtype, rrset: stored });
  for (const entry of since.toReversed()) undo(before, entry, new Set(rrsets.map(rrsetKey)));
  return rrsets
    .map((each) => ({ ...each, isChangedSince: changed.has(rrsetKey(each)) }))
    .filter(
      (each) => !each.isChangedSince || !isSame(before.rrset(each.owner, each.rrtype), each.shown),
    );
}

/** Takes the entry back in those RRsets of the zone that are named; where it does not fit, they stay. */
function undo(zone: ZoneMap, entry: JournalEntry, keys: ReadonlySet<string>): void {
  const isNamed = (rrset: RRset) => keys.has(rrsetKey(rrset));
  const { removed, added } = invertChangeset(entry);
  const inverse = { removed: removed.filter(isNamed), added: added.filter(isNamed) };
  applyChangeset(zone, { ...entry, ...inverse });
}

/**
 * The parts of a zone as one: per RRset what was shown last. A part whose node was behind another one on the same
 * way has nothing to add.
 */
export function joinParts(parts: readonly LostPart[]): LostRRset[] {
  const passed = new Set(parts.flatMap(({ marks }) => marks));
  const leading = parts.filter(({ shown }) => !passed.has(shown.mark ?? 0));
  const joined = new Map<string, LostRRset>();
  for (const { rrsets } of leading.toSorted((a, b) => a.shown.sequence - b.shown.sequence)) {
    for (const each of rrsets) joined.set(rrsetKey(each), each);
  }
  return [...joined.values()];
}

/** What becomes of a lost RRset now. */
export type Recovery = "recovered" | "changed-since" | "as-acknowledged";

/** Writes into the zone what was lost and not changed again since. Policy: only an operator may. */
export function writeRecovery(
  zone: Overlay,
  principal: Principal,
  lost: readonly LostRRset[],
): Refusal | undefined {
  if (!principal.isOperator) {
    const detail = `${principal.actor} may not recover zone ${formatName(zone.origin)}`;
    return refuse(Rcode.refused, "no-grant", detail);
  }
  for (const each of lost) {
    if (judgeRecovery(zone, each) !== "recovered") continue;
    zone.set({ owner: each.owner, rrtype: each.rrtype, rrset: each.shown });
  }
  return undefined;
}

export function judgeRecovery(zone: ZoneView, lost: LostRRset): Recovery {
  const present = zone.rrset(lost.owner, lost.rrtype);
  if (isSame(present, lost.shown)) return "as-acknowledged";
  return lost.isChangedSince || !isSame(present, lost.stored) ? "changed-since" : "recovered";
}

function isSame(a: RRset | undefined, b: RRset | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && equalRRsets(a, b));
}

export function rrsetKey({ owner, rrtype }: { owner: Name; rrtype: number }): string {
  return `${rrtype}/${nameKey(owner)}`;
}
