/**
 * A zone as it would be after changes that are not written anywhere yet. Reads fall through to the base; a name
 * that is changed keeps its RRsets before and after, so that what changed is known without comparing zones.
 * Overlays stack: one for a batch over the table, one for each update over the batch.
 */
import { type Name, nameKey } from "../wire/name.ts";
import type { RRsetChange } from "./changeset.ts";
import { equalRRsets, findType, type RRset, rdataBytes } from "./rrset.ts";
import type { ZoneView } from "./zone-view.ts";

/** A name that was written to: its RRsets in the base and now. */
export interface TouchedName {
  readonly owner: Name;
  readonly before: readonly RRset[];
  readonly after: readonly RRset[];
}

export class Overlay implements ZoneView {
  readonly origin: Name;
  #base: ZoneView;
  readonly #names = new Map<string, TouchedName>();

  constructor(base: ZoneView) {
    this.origin = base.origin;
    this.#base = base;
  }

  rrset(owner: Name, rrtype: number): RRset | undefined {
    const touched = this.#touchedName(owner);
    return touched === undefined
      ? this.#base.rrset(owner, rrtype)
      : findType(touched.after, rrtype);
  }

  rrsets(owner: Name): readonly RRset[] {
    return this.#touchedName(owner)?.after ?? this.#base.rrsets(owner);
  }

  *owners(): Iterable<Name> {
    for (const owner of this.#base.owners()) {
      if (!this.#names.has(nameKey(owner))) yield owner;
    }
    for (const { owner, after } of this.#names.values()) if (after.length > 0) yield owner;
  }

  /** Puts the RRset in place of the one of its owner and rrtype, or ends that one. */
  set(change: RRsetChange): void {
    const key = nameKey(change.owner);
    const known = this.#names.get(key);
    const before = known?.before ?? this.#base.rrsets(change.owner);
    const present = known?.after ?? before;
    const after = present.filter((each) => each.rrtype !== change.rrtype);
    if (change.rrset !== undefined) after.push(change.rrset);
    this.#names.set(key, { owner: change.owner, before, after });
  }

  /** Takes over all that `above`, an overlay whose base is this one, has changed. */
  absorb(above: Overlay): void {
    for (const [key, touched] of above.#names) {
      const before = this.#names.get(key)?.before ?? touched.before;
      this.#names.set(key, { owner: touched.owner, before, after: touched.after });
    }
  }

  /** Reads fall through to another view of the same zone, which shows every name that is not changed here alike. */
  rest(base: ZoneView): void {
    this.#base = base;
  }

  /** Names that were written to, even if they are as before. */
  touched(): Iterable<TouchedName> {
    return this.#names.values();
  }

  /** Every RRset that is not as in the base, each once. */
  changes(): RRsetChange[] {
    const changes: RRsetChange[] = [];
    for (const { owner, before, after } of this.#names.values()) {
      for (const { rrtype } of before) {
        if (findType(after, rrtype) === undefined) {
          changes.push({ owner, rrtype, rrset: undefined });
        }
      }
      for (const rrset of after) {
        const old = findType(before, rrset.rrtype);
        if (old === rrset || (old !== undefined && equalRRsets(old, rrset))) continue;
        changes.push({ owner, rrtype: rrset.rrtype, rrset });
      }
    }
    return changes;
  }

  /** Whether anything is not as in the base. */
  isChanged(): boolean {
    for (const { before, after } of this.#names.values()) {
      if (before.length !== after.length) return true;
      for (const rrset of after) {
        const old = findType(before, rrset.rrtype);
        if (old !== rrset && (old === undefined || !equalRRsets(old, rrset))) return true;
      }
    }
    return false;
  }

  /** RRsets, and octets of rdata, more than in the base; negative for less. */
  growth(): { rrsets: number; bytes: number } {
    const growth = { rrsets: 0, bytes: 0 };
    for (const { before, after } of this.#names.values()) {
      growth.rrsets += after.length - before.length;
      for (const each of after) growth.bytes += rdataBytes(each);
      for (const each of before) growth.bytes -= rdataBytes(each);
    }
    return growth;
  }

  #touchedName(owner: Name): TouchedName | undefined {
    return this.#names.size === 0 ? undefined : this.#names.get(nameKey(owner));
  }
}
