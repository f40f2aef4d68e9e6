/** Negative answers: the SOA of the zone that has no such data, so that the denial can be cached (RFC 2308 §3). */
import { type Draft, Section } from "./draft.ts";

/** The TTL is the lower of the SOA's own and its MINIMUM field (RFC 2308 §5). */
export function writeDenial(draft: Draft): void {
  const { reader, zone, name, originLabel, originOffset } = draft;
  const ttl = reader.zoneNegativeTtl(zone);
  const soa = reader.zoneSoa(zone);
  if (!draft.write(Section.authority, soa, name, originLabel, originOffset, ttl)) {
    draft.isTruncated = true;
  }
}
