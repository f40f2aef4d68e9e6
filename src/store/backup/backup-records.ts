/** Records of a backup back from their lines. */
import type { Name } from "../../wire/name.ts";
import { makeRRset, type RRset } from "../../zone/rrset.ts";
import type { ZoneContents } from "../../zone/zone-contents.ts";
import { parseZoneFile, ZoneFileReader } from "../../zone/zone-file.ts";

/** How messages name where a record stands. */
const PLACE = "the backup";

/** Adds the records of whole lines. Throws `bad-zone-file`. */
export function addRecords(zone: ZoneContents, lines: Uint8Array): void {
  const reader = new ZoneFileReader({ chunks: [lines], file: PLACE, origin: zone.origin });
  while (reader.next()) zone.add(reader);
}

/** RRsets whose records stand together, in their order. Throws `bad-zone-file`. */
export function readRRsets(origin: Name, lines: string): readonly RRset[] {
  if (lines === "") return [];
  const source = { chunks: [Buffer.from(lines, "latin1")], file: PLACE, origin };
  const rrsets: RRset[] = [];
  let rdatas: Uint8Array[] = [];
  let first: { owner: Name; rrtype: number; ttl: number } | undefined;
  const end = () => {
    if (first !== undefined) rrsets.push(makeRRset(first.owner, first.rrtype, first.ttl, rdatas));
  };
  for (const { owner, rrtype, ttl, rdata } of parseZoneFile(source)) {
    const isSame =
      first?.rrtype === rrtype && first.ttl === ttl && Buffer.compare(first.owner, owner) === 0;
    if (isSame) rdatas.push(rdata);
    else {
      end();
      first = { owner, rrtype, ttl };
      rdatas = [rdata];
    }
  }
  end();
  return rrsets;
}
