/**
 * Zone transfers out (AXFR, RFC 5936; IXFR, RFC 1995): which RRsets in which order, and the messages they are packed
 * into. Both are generators: only one message is in memory, however large the zone is.
 *
 *     AXFR        SOA, everything else, SOA
 *     IXFR        SOA, old SOA, RRs removed, SOA, RRs added, SOA
 *     up to date  SOA
 */
import { assert } from "../base/assert.ts";
import { expected } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Class, HEADER_LENGTH, HeaderFlag, Type } from "../wire/code-points.ts";
import { DNSSEC_OK, findOpt, OPT_LENGTH, OptOffset, writeEdns } from "../wire/edns.ts";
import { type ResourceRecord, writeRecord } from "../wire/message.ts";
import { countRecords, HeaderOffset, questionSectionEnd, u16At } from "../wire/message-walk.ts";
import { equalNames, type Name } from "../wire/name.ts";
import type { UnsignedMessage } from "../wire/tsig.ts";
import { MessageWriter, WriterFull } from "../wire/writer.ts";
import type { Changeset } from "../zone/changeset.ts";
import type { RRset } from "../zone/rrset.ts";
import type { ZoneView } from "../zone/zone-view.ts";

/** Whether the client may see the RRset of this owner and rrtype. */
export type Covers = (owner: Name, rrtype: number) => boolean;

/**
 * A whole zone, glue and occluded data included. With `covers` only what it says, and what no zone is without: the SOA
 * and the NS at the apex. Empty when the zone has no SOA.
 */
export function* fullTransfer(zone: ZoneView, covers?: Covers): Generator<RRset, void, undefined> {
  const { origin } = zone;
  const soa = zone.rrset(origin, Type.SOA);
  const nameServers = zone.rrset(origin, Type.NS);
  if (soa === undefined) return;
  yield soa;
  // An SOA in the second place would make an IXFR client take the answer for an incremental one (RFC 1995 §4).
  if (nameServers !== undefined) yield nameServers;
  for (const owner of zone.owners()) {
    const isApex = equalNames(owner, origin);
    for (const rrset of zone.rrsets(owner)) {
      const { rrtype } = rrset;
      if (isApex && (rrtype === Type.SOA || rrtype === Type.NS)) continue;
      if (covers === undefined || covers(owner, rrtype)) yield rrset;
    }
  }
  yield soa;
}

/** The difference between two versions (RFC 1995 §4); `undefined` when it does not lead from one SOA to another. */
export function incrementalTransfer({
  origin,
  removed,
  added,
}: Changeset): readonly RRset[] | undefined {
  const isSoa = ({ owner, rrtype }: RRset) => rrtype === Type.SOA && equalNames(owner, origin);
  const oldSoa = removed.find(isSoa);
  const soa = added.find(isSoa);
  if (oldSoa === undefined || soa === undefined) return undefined;
  const rest = (rrsets: readonly RRset[]) => rrsets.filter((rrset) => !isSoa(rrset));
  return [soa, oldSoa, ...rest(removed), soa, ...rest(added), soa];
}

/** How the messages of one transfer are written. */
export interface TransferEnvelope {
  /** The query, without its TSIG: `message[0, length)`, which the gate has let through. */
  readonly query: Uint8Array;
  readonly length: number;
  /** Octets of a message at most, all included. */
  readonly capacity: number;
  /** Octets that `finish` adds to a message at most, padding not counted: that takes what room there is. */
  readonly reserved: number;
  /** Whether every message is to be padded, and so has an OPT, not the first alone. */
  readonly isPadded: boolean;
  /** Adds what ends a message, options to its OPT and a TSIG, and returns its new length. */
  readonly finish: (unfinished: UnsignedMessage) => number;
}

/** The messages that carry these RRsets, each in the same buffer: it is the reader's until the next is asked for. */
export function* writeTransfer(
  rrsets: Iterable<RRset>,
  envelope: TransferEnvelope,
): Generator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(envelope.capacity);
  let message = new TransferMessage(buffer, envelope, true);
  for (const record of recordsOf(rrsets)) {
    if (message.add(record)) continue;
    yield message.finish();
    message = new TransferMessage(buffer, envelope, false);
    const isAdded = message.add(record);
    assert(isAdded, "an RR of a zone fits a message");
  }
  yield message.finish();
}

/** The one message that carries these RRsets; `undefined` when they do not fit it. */
export function writeWholeTransfer(
  rrsets: Iterable<RRset>,
  envelope: TransferEnvelope,
): Uint8Array | undefined {
  const message = new TransferMessage(new Uint8Array(envelope.capacity), envelope, true);
  for (const record of recordsOf(rrsets)) if (!message.add(record)) return undefined;
  return message.finish().slice();
}

function* recordsOf(rrsets: Iterable<RRset>): Generator<ResourceRecord, void, undefined> {
  for (const { owner, rrtype, ttl, rdatas } of rrsets) {
    for (const rdata of rdatas) yield { owner, rrtype, class: Class.in, ttl, rdata };
  }
}

/**
 * One message being filled. The first repeats the question and, if the client has EDNS, an OPT; the others may have one
 * (RFC 5936 §2.2.5).
 */
class TransferMessage {
  readonly #buffer: Uint8Array;
  readonly #envelope: TransferEnvelope;
  readonly #writer: MessageWriter;
  /** Where the query's OPT stands, if this message answers it; else 0. */
  readonly #opt: number;
  #answers = 0;

  constructor(buffer: Uint8Array, envelope: TransferEnvelope, isFirst: boolean) {
    const { query, length, capacity, reserved, isPadded } = envelope;
    const questionEnd = questionSectionEnd(query, length);
    this.#buffer = buffer;
    this.#envelope = envelope;
    const hasOpt = isFirst || isPadded;
    this.#opt = hasOpt ? findOpt(query, questionEnd, length, countRecords(query)) : 0;
    const end = capacity - reserved - (this.#opt > 0 ? OPT_LENGTH : 0);
    this.#writer = new MessageWriter(buffer, 0, end);
    this.#writeHead(query, isFirst ? questionEnd : HEADER_LENGTH);
  }

  #writeHead(query: Uint8Array, end: number): void {
    const writer = this.#writer;
    const rd = u16At(query, HeaderOffset.flags) & HeaderFlag.rd;
    writer.u16(u16At(query, HeaderOffset.id));
    writer.u16(HeaderFlag.qr | HeaderFlag.aa | rd);
    writer.u16(end > HEADER_LENGTH ? 1 : 0);
    writer.u16(0);
    writer.u16(0);
    writer.u16(0);
    // The gate lets only uncompressed questions through, so the octets mean the same in the answer.
    writer.bytes(query.subarray(HEADER_LENGTH, end));
  }

  /** False when the message is full enough without this RR. */
  add(record: ResourceRecord): boolean {
    const writer = this.#writer;
    const mark = writer.mark();
    if (mark >= Limits.transferMessage && this.#answers > 0) return false;
    try {
      writeRecord(writer, record);
    } catch (error) {
      expected(error, WriterFull);
      writer.rollback(mark);
      return false;
    }
    this.#answers += 1;
    return true;
  }

  finish(): Uint8Array {
    const writer = this.#writer;
    writer.patchU16(HeaderOffset.answers, this.#answers);
    let length = writer.offset;
    if (this.#opt > 0) length = this.#appendOpt(length);
    const { finish, capacity } = this.#envelope;
    return this.#buffer.subarray(0, finish({ message: this.#buffer, length, capacity }));
  }

  #appendOpt(length: number): number {
    const writer = new MessageWriter(this.#buffer, length);
    writeEdns(writer, {
      udpPayload: Limits.ednsPayload,
      extendedRcode: 0,
      version: 0,
      isDnssecOk: (u16At(this.#envelope.query, this.#opt + OptOffset.flags) & DNSSEC_OK) !== 0,
      options: [],
    });
    writer.patchU16(HeaderOffset.additionals, 1);
    return writer.offset;
  }
}
