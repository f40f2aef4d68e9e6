/** Writes a zone as a zone file: the SOA first, then every RRset in canonical order, one RR a line, absolute names. */
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { equalNames, formatName, labelOffsets, type Name } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { typeName } from "../wire/rr-types.ts";
import type { RRset } from "./rrset.ts";
import type { ZoneView } from "./zone-view.ts";

/** Owners longer than this do not push the columns of all others away. */
const OWNER_COLUMN = 40;
const TTL_COLUMN = 6;
const TYPE_COLUMN = 6;

/** The lines of the file, each with its newline; `parseZoneFile` gives the same zone back. */
export function* formatZone(zone: ZoneView): Generator<string, void, undefined> {
  const owners = sortedOwners(zone.owners());
  const column = ownerColumn(owners);
  yield `$ORIGIN ${formatName(zone.origin)}\n`;
  for (const owner of owners) {
    const isApex = equalNames(owner, zone.origin);
    for (const rrset of sortedRRsets(zone.rrsets(owner), isApex)) yield* formatRRset(rrset, column);
  }
}

/** The lines of one RRset, without the zone around it. */
export function* formatRRset(rrset: RRset, ownerColumn = 0): Generator<string, void, undefined> {
  const owner = formatName(rrset.owner).padEnd(ownerColumn);
  const ttl = String(rrset.ttl).padStart(TTL_COLUMN);
  const head = `${owner} ${ttl} IN ${typeName(rrset.rrtype).padEnd(TYPE_COLUMN)} `;
  for (const rdata of rrset.rdatas) yield `${head}${formatRdata(rrset.rrtype, rdata)}\n`;
}

/** The apex: SOA, NS, then by number; elsewhere by number. */
function sortedRRsets(rrsets: readonly RRset[], isApex: boolean): RRset[] {
  const rank = ({ rrtype }: RRset) =>
    isApex && rrtype === Type.SOA ? -2 : rrtype === Type.NS ? -1 : rrtype;
  return [...rrsets].sort((a, b) => rank(a) - rank(b));
}

/** Distinct owners in canonical order (RFC 4034 §6.1), by a key that compares octet by octet: a million names sort in a second or two. */
function sortedOwners(owners: Iterable<Name>): Name[] {
  const keyed = Array.from(owners, (owner) => ({ owner, key: orderKey(owner) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map((each) => each.owner);
}

/** Room for a key whose every octet takes two. */
const scratch = Buffer.alloc(2 * Limits.nameLength);

/**
 * A text that sorts as the name does in canonical order: the labels from the root down, each ended by 0; octets 0 and 1 inside a label become 1 1 and 1 2, so that no label
 * can hold an end and the order stays.
 */
export function orderKey(name: Name): string {
  let length = 0;
  const offsets = labelOffsets(name);
  for (let label = offsets.length - 1; label >= 0; label--) {
    const start = (offsets[label] as number) + 1;
    const end = start + (name[start - 1] as number);
    for (let at = start; at < end; at++) {
      const octet = name[at] as number;
      if (octet <= 1) scratch[length++] = 1;
      scratch[length++] = octet > 1 ? octet : octet + 1;
    }
    scratch[length++] = 0;
  }
  return scratch.toString("latin1", 0, length);
}

function ownerColumn(owners: readonly Name[]): number {
  let column = 0;
  for (const { length } of owners)
    if (length <= OWNER_COLUMN) column = Math.max(column, length - 1);
  return column;
}
