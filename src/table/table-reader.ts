/** The zone table as a thread that answers queries reads it. */
import { ReaderEpoch } from "./epochs.ts";
import {
  copyOctets,
  Header,
  itemAt,
  NODE_SHAPE,
  OFFSETS_DIFFER,
  octetAt,
  QUESTION_POINTER,
  RECORD_HEADER,
  RRSET_LENGTH_BITS,
  RRSET_LENGTH_MASK,
  RRSET_RECORDS,
  RRSET_SIZE,
  RRSET_TYPE,
  rrsetsWord,
  rrsetWords,
  wordsOf,
  ZONE_APEX,
  ZONE_ORIGIN,
  ZONE_SIZE,
} from "./layout.ts";
import { LookupName } from "./lookup-name.ts";
import { countRRsets, findNode, findRRset, findWildcard, findZone } from "./node-search.ts";
import type { TableMemory } from "./table-memory.ts";

/** What the writer has marked on a node, so that no reader needs to work it out. */
export const NodeFlag = {
  /** The zone's origin. */
  apex: 1,
  /** A zone cut (RFC 9499): NS here, not the apex and not itself occluded. */
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
  /** NS here and not the apex, occluded or not: the writer's own, of which `cut` follows. */
  delegation: 128,
} as const;

/** SOA, the type whose RRset `zoneSoa` gives. */
const SOA = 6;
/** Octets from SERIAL, and from MINIMUM, to the end of SOA rdata (RFC 1035 §3.3.13). */
const SERIAL_FROM_END = 20;
const MINIMUM_FROM_END = 4;
/** The two bits that mark a compression pointer (RFC 1035 §4.1.4). */
const POINTER = 0xc0;

/**
 * Reads the zone table from any thread without locks and without allocation. Zones, nodes and RRsets are numbers
 * (positions in the table), 0 meaning none; they are valid only between `enter` and `leave`.
 */
export class TableReader {
  readonly #words: Int32Array;
  readonly #epoch: ReaderEpoch;
  readonly #target = new Uint8Array(256);

  /** `slot` is this thread's alone: 0 to `Limits.tableReaders` − 1. */
  constructor(memory: TableMemory, slot: number) {
    this.#words = memory.words;
    this.#epoch = new ReaderEpoch(memory.words, slot);
  }

  /** Announces that positions are about to be held; cheap, once per message or per batch. */
  enter(): void {
    this.#epoch.enter();
  }

  /** Announces that none is held any more. */
  leave(): void {
    this.#epoch.leave();
  }

  /** A name sized and seeded for this table. */
  newLookupName(): LookupName {
    return new LookupName(this.#words[Header.hashSeed]!);
  }

  /**
   * The deepest zone whose origin is the suffix at label `fromLabel` of `name` or an ancestor of it.
   * `fromLabel` 1 finds the parent side of a cut between two zones that are both here (DS, RFC 4035 §3.1.4.1).
   */
  findZone(name: LookupName, fromLabel: number): number {
    return findZone(this.#words, name, fromLabel);
  }

  /** Octets of the zone's origin: `name.length - zoneOriginLength(zone)` is where the origin starts in `name`. */
  zoneOriginLength(zone: number): number {
    return this.#words[zone + ZONE_SIZE]! & 0xff;
  }

  zoneOriginLabels(zone: number): number {
    return (this.#words[zone + ZONE_SIZE]! >>> 8) & 0xff;
  }

  zoneSerial(zone: number): number {
    return this.#soaField(zone, SERIAL_FROM_END);
  }

  /** SOA RRset at the apex. */
  zoneSoa(zone: number): number {
    return findRRset(this.#words, this.#words[zone + ZONE_APEX]!, SOA);
  }

  /** TTL of a negative answer: min(SOA TTL, SOA MINIMUM) (RFC 2308 §5). */
  zoneNegativeTtl(zone: number): number {
    return Math.min(this.rrsetTtl(this.zoneSoa(zone)), this.#soaField(zone, MINIMUM_FROM_END));
  }

  /** The node of the suffix of `name` that starts at label `label`, empty non-terminals included. */
  findNode(zone: number, name: LookupName, label: number): number {
    return findNode(this.#words, zone, name, label);
  }

  /** The node of `*.` and that suffix. */
  findWildcard(zone: number, name: LookupName, label: number): number {
    return findWildcard(this.#words, zone, name, label);
  }

  /** NodeFlag bits. */
  nodeFlags(node: number): number {
    return this.#words[node + NODE_SHAPE]! & 0xff;
  }

  /** RRsets at the node. */
  nodeRRsets(node: number): number {
    return countRRsets(this.#words, node);
  }

  /** The i-th RRset of the node. */
  nodeRRset(node: number, index: number): number {
    const words = this.#words;
    let rrset = rrsetsWord(words, node);
    for (let skip = index; skip > 0; skip--) rrset += rrsetWords(words, rrset);
    return rrset;
  }

  findRRset(node: number, rrtype: number): number {
    return findRRset(this.#words, node, rrtype);
  }

  rrsetType(rrset: number): number {
    return this.#words[rrset + RRSET_TYPE]! & 0xffff;
  }

  rrsetTtl(rrset: number): number {
    return this.#field32(rrset, 6);
  }

  /** RRs in it. */
  rrsetCount(rrset: number): number {
    return this.#words[rrset + RRSET_TYPE]! >>> 16;
  }

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
  ): number {
    const words = this.#words;
    const size = words[rrset + RRSET_SIZE]!;
    const length = size & RRSET_LENGTH_MASK;
    const after = at + length;
    if (after > end) return 0;
    copyOctets(words, rrset + RRSET_RECORDS, length, response, at);
    if (size >>> RRSET_LENGTH_BITS !== 0) {
      fixPointers(words, rrset + RRSET_RECORDS + wordsOf(length), response, at, originOffset);
    }
    const owner = 0xc000 | ownerOffset;
    if (owner !== QUESTION_POINTER || ttl >= 0) patchRecords(response, at, after, owner, ttl);
    return after;
  }

  /**
   * The `index`-th RR's first rdata name (CNAME, DNAME, NS, PTR, MX, SRV, SVCB target…), uncompressed, read into
   * `target`. False for a type without names.
   */
  readTarget(zone: number, rrset: number, index: number, target: LookupName): boolean {
    const offset = this.targetOffset(rrset, index);
    if (offset === 0) return false;
    const words = this.#words;
    const name = this.#target;
    const records = rrset + RRSET_RECORDS;
    for (let at = 0; ; ) {
      const length = octetAt(words, records, offset + at);
      if (length >= POINTER) {
        copyOctets(words, zone + ZONE_ORIGIN, this.zoneOriginLength(zone), name, at);
        break;
      }
      name[at] = length;
      if (length === 0) break;
      for (const stop = at + length; at < stop; ) {
        at++;
        name[at] = octetAt(words, records, offset + at);
      }
      at++;
    }
    return target.read(name, 0, name.length) !== 0;
  }

  /**
   * Where that name starts, in octets from the start of what `writeRRset` writes: `at +` this is where a later
   * RR's owner may point to (for glue). `ownerOffset` never changes it. 0 for a type without names.
   */
  targetOffset(rrset: number, index: number): number {
    const words = this.#words;
    const size = words[rrset + RRSET_SIZE]!;
    if (size >>> RRSET_LENGTH_BITS === 0) return 0;
    const list = rrset + RRSET_RECORDS + wordsOf(size & RRSET_LENGTH_MASK);
    const records = rrset + RRSET_RECORDS;
    let offset = 0;
    for (let skip = index; skip > 0; skip--) {
      const high = octetAt(words, records, offset + 10);
      offset += RECORD_HEADER + (high << 8) + octetAt(words, records, offset + 11);
    }
    let first = itemAt(words, list, 1);
    if (first === OFFSETS_DIFFER) first = itemAt(words, list, 2 + itemAt(words, list, 0) + index);
    return offset + RECORD_HEADER + first;
  }

  /** 32 bits of the SOA, which every zone has, so many octets before its end. */
  #soaField(zone: number, fromEnd: number): number {
    const soa = this.zoneSoa(zone);
    const length = this.#words[soa + RRSET_SIZE]! & RRSET_LENGTH_MASK;
    return this.#field32(soa, length - fromEnd);
  }

  #field32(rrset: number, offset: number): number {
    const words = this.#words;
    const records = rrset + RRSET_RECORDS;
    return (
      ((octetAt(words, records, offset) << 24) |
        (octetAt(words, records, offset + 1) << 16) |
        (octetAt(words, records, offset + 2) << 8) |
        octetAt(words, records, offset + 3)) >>>
      0
    );
  }
}

/** Points every cut name of a written RRset to where the origin stands. */
function fixPointers(
  words: Int32Array,
  list: number,
  response: Uint8Array,
  at: number,
  originOffset: number,
): void {
  const fixups = itemAt(words, list, 0);
  for (let index = 2; index < fixups + 2; index++) {
    const pointer = at + itemAt(words, list, index);
    response[pointer] = POINTER | (originOffset >>> 8);
    response[pointer + 1] = originOffset;
  }
}

/** Gives every RR of a written RRset another owner pointer and, unless negative, another TTL. */
function patchRecords(
  response: Uint8Array,
  from: number,
  after: number,
  owner: number,
  ttl: number,
): void {
  for (let at = from; at < after; ) {
    response[at] = owner >>> 8;
    response[at + 1] = owner;
    if (ttl >= 0) {
      response[at + 6] = ttl >>> 24;
      response[at + 7] = ttl >>> 16;
      response[at + 8] = ttl >>> 8;
      response[at + 9] = ttl;
    }
    at += RECORD_HEADER + (response[at + 10]! << 8) + response[at + 11]!;
  }
}
