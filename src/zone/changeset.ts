/**
 * The difference between two versions of a zone, as IXFR says it (RFC 1995 §4): RRs removed, RRs added, the
 * SOA among both. A TTL change removes the RRset with the old TTL and adds it with the new one.
 */
import type { Name } from "../wire/name.ts";
import type { RRset } from "./rrset.ts";

export interface Changeset {
  readonly origin: Name;
  readonly fromSerial: number;
  readonly toSerial: number;
  /** RRs that end, by RRset: an RRset here may hold only some of the zone's RRs of that owner and rrtype. */
  readonly removed: readonly RRset[];
  readonly added: readonly RRset[];
}

/** An RRset as it is after a change; `undefined` when the change ended it. What tables and stores write. */
export interface RRsetChange {
  readonly owner: Name;
  readonly rrtype: number;
  readonly rrset: RRset | undefined;
}
