/**
 * The response being written, and the name being answered: the one object that the answering states share. It is
 * filled anew for each query; nothing in it is allocated after it is made.
 *
 * Where a name stands in the response decides what later owners may point to (RFC 1035 §4.1.4). The name being
 * answered is the qname at first, then the target of each alias. Its octets stand in at most two pieces, because a
 * CNAME synthesised from a DNAME ends in a pointer into the DNAME's rdata:
 *
 *     octet of the name     0 ........ headLength ............ its end
 *     stands in response    headOffset + octet | tailOffset + octet − headLength
 *
 * A target inside its own zone ends in a pointer to the origin, so the origin keeps the place it had. No alias is
 * followed from beyond the reach of a pointer, so the name being answered and its origin can always be pointed to.
 */
import { Limits } from "../base/limits.ts";
import type { LookupName } from "../table/lookup-name.ts";
import type { TableReader } from "../table/table-reader.ts";
import { POINTER_LIMIT, writeFarRRset } from "./far-owner.ts";

/** Sections an RRset is put into, in their order in the message. */
export const Section = { answer: 0, authority: 1, additional: 2 } as const;

/** Behind the labels that stand at `at`: their root label or pointer. */
function labelsEnd(response: Uint8Array, at: number): number {
  let end = at;
  for (;;) {
    const length = response[end] as number;
    if (length === 0 || length > Limits.labelLength) return end;
    end += length + 1;
  }
}

export class Draft {
  readonly reader: TableReader;
  /** The qname and the targets of the aliases followed, in order; `names[links]` is being answered. */
  readonly names: readonly LookupName[];
  links = 0;
  /**
   * The label of the qname from which on it decides the response: its zone's, its cut's, that of its wildcard's or
   * DNAME's parent or owner. Who invents names below it gets the same again and again.
   */
  decisiveLabel = 0;
  name: LookupName;
  qtype = 0;
  /** The zone that `name` is looked up in. */
  zone = 0;
  /** The label of `name` at which the origin of `zone` starts. */
  originLabel = 0;

  response: Uint8Array = new Uint8Array(0);
  at = 0;
  /** Whole RRsets end here at most; the OPT has its place behind it. */
  limit = 0;
  readonly counts: Uint16Array = new Uint16Array(3);
  isAuthoritative = true;
  isTruncated = false;
  isStream = false;

  headOffset = 0;
  headLength = 0;
  tailOffset = 0;
  originOffset = 0;

  /** The RRset last written, and where it starts. */
  rrset = 0;
  rrsetAt = 0;
  /** A name in rdata whose addresses are looked for. */
  readonly target: LookupName;

  /** The cut found by the lookup: its node and its label in `name`. */
  cut = 0;
  cutLabel = 0;

  constructor(reader: TableReader, qname: LookupName) {
    this.reader = reader;
    // One more than are followed: the target of the last alias.
    const targets = Array.from({ length: Limits.aliasChain + 1 }, () => reader.newLookupName());
    this.names = [qname, ...targets];
    this.name = qname;
    this.target = reader.newLookupName();
  }

  /** Starts a response whose question is in place up to `at`. */
  start(response: Uint8Array, at: number, limit: number, qtype: number): void {
    this.response = response;
    this.at = at;
    this.limit = limit;
    this.qtype = qtype;
    this.counts[0] = 0;
    this.counts[1] = 0;
    this.counts[2] = 0;
    this.isAuthoritative = true;
    this.isTruncated = false;
    this.links = 0;
    this.decisiveLabel = 0;
    this.rrset = 0;
    this.name = this.names[0] as LookupName;
    this.placeName(12, Limits.nameLength, 0);
  }

  /** The name being answered matters from `label` on only; past an alias the alias has decided already. */
  decide(label: number): void {
    if (this.links === 0) this.decisiveLabel = label;
  }

  /** Says where the octets of `name` stand. */
  placeName(headOffset: number, headLength: number, tailOffset: number): void {
    this.headOffset = headOffset;
    this.headLength = headLength;
    this.tailOffset = tailOffset;
  }

  /**
   * Says that `name`, which is the origin of the zone, stands where the origin does: an alias to it is only a pointer
   * there. False when its octets there are in more than two pieces.
   */
  placeAtOrigin(): boolean {
    const { response, originOffset } = this;
    const end = labelsEnd(response, originOffset);
    const isWhole = response[end] === 0;
    const tail = isWhole
      ? 0
      : (((response[end] as number) & 0x3f) << 8) | (response[end + 1] as number);
    if (!isWhole && response[labelsEnd(response, tail)] !== 0) return false;
    this.placeName(originOffset, isWhole ? Limits.nameLength : end - originOffset, tail);
    return true;
  }

  /** Goes to `zone`, which `name` is in. The origin's place stays when the zone does. */
  enterZone(zone: number): void {
    this.originLabel = this.name.labels - this.reader.zoneOriginLabels(zone);
    if (zone === this.zone && this.links > 0) return;
    this.zone = zone;
    this.originOffset = this.octetOffset(this.name.length - this.reader.zoneOriginLength(zone));
  }

  /** Where the suffix of `name` that starts at `label` stands in the response; the zone's origin or below. */
  labelOffset(label: number): number {
    if (label === this.originLabel) return this.originOffset;
    return this.octetOffset(this.name.offsets[label] as number);
  }

  private octetOffset(octet: number): number {
    if (octet < this.headLength) return this.headOffset + octet;
    return this.tailOffset + octet - this.headLength;
  }

  /**
   * Writes an RRset of the table, owned by the suffix of `owner` at `label`, which stands at `ownerOffset`. False when
   * it does not fit; then nothing has changed. `ttl` < 0 means the RRset's own.
   */
  write(
    section: number,
    rrset: number,
    owner: LookupName,
    label: number,
    ownerOffset: number,
    ttl: number,
  ): boolean {
    const end =
      ownerOffset < POINTER_LIMIT
        ? this.reader.writeRRset(
            rrset,
            this.response,
            this.at,
            this.limit,
            ownerOffset,
            this.originOffset,
            ttl,
          )
        : writeFarRRset(this, rrset, owner, label, ttl);
    if (end === 0) return false;
    this.rrset = rrset;
    this.rrsetAt = this.at;
    this.at = end;
    this.counts[section] = (this.counts[section] as number) + this.reader.rrsetCount(rrset);
    return true;
  }

  /** Writes an RRset owned by `name`. */
  writeAnswer(rrset: number): boolean {
    return this.write(Section.answer, rrset, this.name, 0, this.headOffset, -1);
  }
}
