/** What a zone looks like to whoever reads it: the shared table, an overlay of pending changes, a list in a test. */
import type { Name } from "../wire/name.ts";
import type { RRset } from "./rrset.ts";

export interface ZoneView {
  readonly origin: Name;
  /** The RRset of exactly this owner and rrtype, occluded data included; no wildcards, no aliases. */
  rrset(owner: Name, rrtype: number): RRset | undefined;
  /** Every RRset of this owner; empty for a name without data, empty non-terminals among them. */
  rrsets(owner: Name): readonly RRset[];
  /** Every owner that has data, each once, in no promised order. */
  owners(): Iterable<Name>;
}
