/** A zone as a plain map in memory: what was read from a file before it is anywhere else, and what tests compare. */
import { type Name, nameKey } from "../wire/name.ts";
import type { RRsetChange, WritableView } from "./changeset.ts";
import type { RRset } from "./rrset.ts";

export class ZoneMap implements WritableView {
  readonly origin: Name;
  readonly #names = new Map<string, RRset[]>();

  /** Takes each RRset once; a second one of the same owner and rrtype replaces the first. */
  constructor(origin: Name, rrsets: Iterable<RRset> = []) {
    this.origin = origin;
    for (const rrset of rrsets) this.set({ owner: rrset.owner, rrtype: rrset.rrtype, rrset });
  }

  rrset(owner: Name, rrtype: number): RRset | undefined {
    return this.#names.get(nameKey(owner))?.find((each) => each.rrtype === rrtype);
  }

  rrsets(owner: Name): readonly RRset[] {
    return this.#names.get(nameKey(owner)) ?? [];
  }

  *owners(): Iterable<Name> {
    for (const [first] of this.#names.values()) yield (first as RRset).owner;
  }

  set({ owner, rrtype, rrset }: RRsetChange): void {
    const key = nameKey(owner);
    const rrsets = (this.#names.get(key) ?? []).filter((each) => each.rrtype !== rrtype);
    if (rrset !== undefined) rrsets.push(rrset);
    if (rrsets.length === 0) this.#names.delete(key);
    else this.#names.set(key, rrsets);
  }
}
