/** STUB: interface fixed, bodies to be written by the table's author. */
import type { LookupName } from "./lookup-name.ts";

/** What the writer has marked on a node, so that no reader needs to work it out. */
export const NodeFlag = {
  /** The zone's origin. */
  apex: 1,
  /** NS here and not the apex: a zone cut (RFC 9499). */
  cut: 2,
  /** Below a zone cut or below a DNAME: data here is occluded (glue, or nothing at all). */
  occluded: 4,
  /** A DNAME RRset lives here. */
  dname: 8,
  /** A CNAME RRset lives here. */
  cname: 16,
  /** `*.` this name exists: a wildcard may synthesise below (RFC 4592). */
  wildcardChild: 32,
  /** At least one RRset; clear on an empty non-terminal. */
  data: 64,
} as const;

/**
 * Reads the zone table from any thread without locks and without allocation. Zones, nodes and RRsets are numbers
 * (positions in the table), 0 meaning none; they are valid only between `enter` and `leave`.
 */
export declare class TableReader {
  /** Announces that positions are about to be held; cheap, once per message or per batch. */
  enter(): void;
  /** Announces that none is held any more. */
  leave(): void;
  /** A name sized and seeded for this table. */
  newLookupName(): LookupName;

  /**
   * The deepest zone whose origin is the suffix at label `fromLabel` of `name` or an ancestor of it.
   * `fromLabel` 1 finds the parent side of a cut between two zones that are both here (DS, RFC 4035 §3.1.4.1).
   */
  findZone(name: LookupName, fromLabel: number): number;
  /** Octets of the zone's origin: `name.length - zoneOriginLength(zone)` is where the origin starts in `name`. */
  zoneOriginLength(zone: number): number;
  zoneOriginLabels(zone: number): number;
  zoneSerial(zone: number): number;
  /** SOA RRset at the apex. */
  zoneSoa(zone: number): number;
  /** TTL of a negative answer: min(SOA TTL, SOA MINIMUM) (RFC 2308 §5). */
  zoneNegativeTtl(zone: number): number;

  /** The node of the suffix of `name` that starts at label `label`, empty non-terminals included. */
  findNode(zone: number, name: LookupName, label: number): number;
  /** The node of `*.` and that suffix. */
  findWildcard(zone: number, name: LookupName, label: number): number;
  /** NodeFlag bits. */
  nodeFlags(node: number): number;
  /** RRsets at the node. */
  nodeRRsets(node: number): number;
  /** The i-th RRset of the node. */
  nodeRRset(node: number, index: number): number;
  findRRset(node: number, rrtype: number): number;

  rrsetType(rrset: number): number;
  rrsetTtl(rrset: number): number;
  /** RRs in it. */
  rrsetCount(rrset: number): number;
  /**
   * Writes all RRs of the RRset at `at`: owner as a compression pointer to `ownerOffset`, and names inside rdata that
   * end in the zone's origin compressed by a pointer to `originOffset` (where the origin stands in this message).
   * Types that must not be compressed (RFC 3597 §4) are copied whole. `ttl` < 0 means the RRset's own.
   * Returns the offset after the last octet, or 0 when it does not fit before `end` (nothing is written then
   * that matters).
   */
  writeRRset(
    rrset: number,
    response: Uint8Array,
    at: number,
    end: number,
    ownerOffset: number,
    originOffset: number,
    ttl: number,
  ): number;
  /**
   * The `index`-th RR's first rdata name (CNAME, DNAME, NS, PTR, MX, SRV, SVCB target…), uncompressed, read into
   * `target`. False for a type without names.
   */
  readTarget(zone: number, rrset: number, index: number, target: LookupName): boolean;
  /**
   * Where that name starts, in octets from the start of what `writeRRset` writes: `at +` this is where a later
   * RR's owner may point to (for glue). `ownerOffset` never changes it.
   */
  targetOffset(rrset: number, index: number): number;
}
