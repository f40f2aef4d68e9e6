/** Which of our zones answers for a name: the qname, or the target of an alias. */
import type { LookupName } from "../table/lookup-name.ts";
import type { TableReader } from "../table/table-reader.ts";
import { Type } from "../wire/code-points.ts";

/** The zone that answers for `name`; 0 when none of ours does. */
export function chooseZone(reader: TableReader, name: LookupName, qtype: number): number {
  const zone = reader.findZone(name, 0);
  if (zone === 0 || qtype !== Type.DS || name.labels === 0) return zone;
  if (reader.zoneOriginLabels(zone) !== name.labels) return zone;
  // RFC 4035 §3.1.4.1: the DS RRset of a zone stands in its parent, if we have that too.
  const parent = reader.findZone(name, 1);
  return parent === 0 ? zone : parent;
}
