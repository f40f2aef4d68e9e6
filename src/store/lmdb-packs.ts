/**
 * RRsets of a zone in LMDB. A zone is made in packs of a thousand RRsets or so, which never change; what a commit
 * changes stands beside them, RRset by RRset, and goes first. So a zone of a million names is made by hundreds of
 * writes and read back by hundreds of reads, and a commit writes what it changes and no more.
 *
 * In the `rrsets` table the value `ENDED` hides an RRset of a pack. A load finds those that hide nothing any more, and
 * takes them away.
 */

import { Limits } from "../base/limits.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import { findFlaw, isPacked, PackCursor, PackWriter, RRsetPack } from "../zone/rrset-pack.ts";
import type { LmdbTables, Table } from "./lmdb-environment.ts";
import {
  ENDED,
  ID_LENGTH,
  packKey,
  readPackValue,
  writePackValue,
  zonePrefix,
} from "./lmdb-keys.ts";
import { unreadable } from "./record-bytes.ts";
import { readRRsetKey, readRRsetValue } from "./rrset-record.ts";

/** A read transaction that keeps its view of the tables until it is done. */
export type Snapshot = ReturnType<Table["useReadTransaction"]>;

/** lmdb-js takes the options that it does not declare. */
interface BinaryTable {
  getBinaryFast(key: Uint8Array, options: { transaction: Snapshot }): Uint8Array | undefined;
}

/** What is written at once: a function that puts it. */
export type Put = () => void;

/** The writes that make the zone, each some megabytes. */
export async function* packWrites(
  { packs }: LmdbTables,
  id: number,
  origin: Name,
  rrsets: AsyncIterable<RRset> | Iterable<RRset>,
): AsyncGenerator<Put> {
  const banks = [new PackBank(), new PackBank()];
  let number = 0;
  let bank = banks[0] as PackBank;
  const put = (): Put => {
    const { values } = bank;
    const first = number - values.length;
    bank = banks[bank === banks[0] ? 1 : 0] as PackBank;
    bank.clear();
    return () => {
      for (const [at, value] of values.entries()) packs.put(packKey(id, first + at), value);
    };
  };
  for await (const pack of packsOf(origin, rrsets)) {
    bank.add(pack);
    number++;
    if (bank.length >= Limits.storeBatchBytes) yield put();
  }
  if (bank.length > 0) yield put();
}

/** Octets of one piece of a bank's memory. */
const SLAB_LENGTH = 256 * 1024;

/** Memory for the packs of one write, used again for the write after the next. */
class PackBank {
  values: Uint8Array[] = [];
  /** Octets of all packs. */
  length = 0;
  readonly #slabs: Uint8Array[] = [];
  #slab = 0;
  #used = 0;

  add({ bytes }: RRsetPack): void {
    const value = this.#room(bytes.length + 1);
    writePackValue(value, bytes);
    this.values.push(value);
    this.length += bytes.length;
  }

  clear(): void {
    this.values = [];
    this.length = 0;
    this.#slab = 0;
    this.#used = 0;
  }

  #room(length: number): Uint8Array {
    // Most zones have one pack.
    if (length > SLAB_LENGTH || this.values.length === 0) return new Uint8Array(length);
    if (this.#used + length > SLAB_LENGTH) {
      this.#slab++;
      this.#used = 0;
    }
    const slab = this.#slabs[this.#slab] ?? new Uint8Array(SLAB_LENGTH);
    this.#slabs[this.#slab] = slab;
    this.#used += length;
    return slab.subarray(this.#used - length, this.#used);
  }
}

async function* packsOf(
  origin: Name,
  rrsets: AsyncIterable<RRset> | Iterable<RRset>,
): AsyncGenerator<RRsetPack> {
  if (isPacked(rrsets)) return yield* rrsets.packs();
  const writer = new PackWriter(origin);
  for await (const rrset of rrsets) {
    writer.add(rrset);
    if (writer.isFull) yield writer.lend();
  }
  if (!writer.isEmpty) yield writer.lend();
}

/** One zone in one view of the tables, read once. */
export class LmdbZoneReader {
  readonly #tables: LmdbTables & { readonly place: string };
  readonly #id: number;
  readonly #origin: Name;
  readonly #transaction: Snapshot;
  readonly #changed = new ChangedRRsets((key) => this.#isChanged(key));
  #buffer = new Uint8Array(0);

  constructor(
    tables: LmdbTables & { readonly place: string },
    id: number,
    origin: Name,
    transaction: Snapshot,
  ) {
    this.#tables = tables;
    this.#id = id;
    this.#origin = origin;
    this.#transaction = transaction;
  }

  /** Every RRset once; a pack is good until the next is asked for. No cursor is open while the caller works, or forgets us. */
  *packs(): Generator<RRsetPack, void, undefined> {
    yield* this.#readChanged();
    yield* this.#readPacks();
  }

  /** After the last pack: keys in the `rrsets` table whose values hide nothing. */
  uselessKeys(): Uint8Array[] {
    return this.#changed.unseenEnds().map((key) => {
      const whole = new Uint8Array(ID_LENGTH + key.length);
      whole.set(zonePrefix(this.#id));
      whole.set(key, ID_LENGTH);
      return whole;
    });
  }

  *#readChanged(): Generator<RRsetPack, void, undefined> {
    const { rrsets } = this.#tables;
    const writer = new PackWriter(this.#origin);
    let start: Uint8Array = zonePrefix(this.#id);
    for (let count: number = Limits.loadBatch; count === Limits.loadBatch; ) {
      count = 0;
      for (const { key, value } of rrsets.getRange(this.#range(start, Limits.loadBatch))) {
        count++;
        start = key;
        const isEnded = value.length === 1 && value[0] === ENDED[0];
        this.#changed.add(key, isEnded);
        if (!isEnded) this.#add(writer, key, value);
      }
      if (!writer.isEmpty) yield writer.lend();
    }
  }

  #add(writer: PackWriter, key: Uint8Array, value: Uint8Array): void {
    const { place } = this.#tables;
    if (value[0] === PRESENT_FORMAT && writer.addRecord(key, ID_LENGTH, value, 1)) return;
    // The slow way says what is wrong.
    readRRsetValue(value, readRRsetKey(key, ID_LENGTH, this.#origin, place), place);
  }

  *#readPacks(): Generator<RRsetPack, void, undefined> {
    const { packs, place } = this.#tables;
    const origin = this.#origin;
    const options = { transaction: this.#transaction };
    for (let number = 0; ; number++) {
      const key = packKey(this.#id, number);
      const value = (packs as BinaryTable).getBinaryFast(key, options);
      if (value === undefined) return;
      const describe = () =>
        `${place}: the pack ${Buffer.from(key).toString("hex")} of ${formatName(origin)}`;
      const bytes = readPackValue(this.#copy(value), describe);
      const flaw = findFlaw(bytes, origin);
      if (flaw !== undefined) throw unreadable(describe, flaw);
      const pack = this.#changed.without(new RRsetPack(origin, bytes));
      if (pack !== undefined) yield pack;
    }
  }

  /** Fills in the zone's id. */
  #isChanged(key: Uint8Array): boolean {
    key.set(zonePrefix(this.#id));
    const rrsets = this.#tables.rrsets as BinaryTable;
    return rrsets.getBinaryFast(key, { transaction: this.#transaction }) !== undefined;
  }

  /** What lmdb-js lends until its next read, whoever asks for it; in one buffer, so that it leaves no garbage. */
  #copy(value: Uint8Array): Uint8Array {
    const { length } = value;
    if (length > this.#buffer.length) this.#buffer = new Uint8Array(2 * length);
    this.#buffer.set(new Uint8Array(value.buffer, value.byteOffset, length));
    return this.#buffer.subarray(0, length);
  }

  #range(start: Uint8Array, limit: number) {
    const end = zonePrefix(this.#id + 1);
    return { start, end, exclusiveStart: true, limit, transaction: this.#transaction };
  }
}

/** The format that a stored RRset begins with. */
const PRESENT_FORMAT = 1;

/** Bits of the filter: most RRsets of a pack that did not change are known by one look. */
const FILTER_BITS = 2 ** 23;

/** RRsets that stand beside the packs. Of a zone that lives long they are many, so their keys are not kept. */
class ChangedRRsets {
  /** Whether an RRset, its key behind room for the zone's id, stands beside the packs. */
  readonly #isChanged: (key: Uint8Array) => boolean;
  #filter: Uint8Array | undefined;
  /** Keys of those that ended and that no pack held so far. */
  readonly #ends = new Set<string>();

  constructor(isChanged: (key: Uint8Array) => boolean) {
    this.#isChanged = isChanged;
  }

  add(key: Uint8Array, isEnded: boolean): void {
    this.#filter ??= new Uint8Array(FILTER_BITS / 8);
    const bit = hash(key, ID_LENGTH, key.length);
    this.#filter[bit >>> 3] = (this.#filter[bit >>> 3] as number) | (1 << (bit & 7));
    if (isEnded) this.#ends.add(keyText(key, ID_LENGTH, key.length));
  }

  /** The pack without them; `undefined` when nothing is left. */
  without(pack: RRsetPack): RRsetPack | undefined {
    if (this.#filter === undefined) return pack;
    const writer = new PackWriter(pack.origin);
    const cursor = new PackCursor(pack);
    let from = 0;
    while (cursor.next()) {
      if (!this.#isOut(this.#filter, cursor)) continue;
      if (cursor.start > from) writer.addPacked(pack.bytes, from, cursor.start);
      from = cursor.end;
    }
    if (from === 0) return pack;
    if (from < pack.bytes.length) writer.addPacked(pack.bytes, from, pack.bytes.length);
    return writer.isEmpty ? undefined : writer.lend();
  }

  /** Keys of those that ended and that no pack held. */
  unseenEnds(): Uint8Array[] {
    return Array.from(this.#ends, (key) => Buffer.from(key, "latin1"));
  }

  #isOut(filter: Uint8Array, { bytes, owner, body }: PackCursor): boolean {
    const bit = hash(bytes, owner, body);
    if (((filter[bit >>> 3] as number) & (1 << (bit & 7))) === 0) return false;
    const key = new Uint8Array(ID_LENGTH + body - owner);
    key.set(bytes.subarray(owner, body), ID_LENGTH);
    if (!this.#isChanged(key)) return false;
    this.#ends.delete(keyText(bytes, owner, body));
    return true;
  }
}

/** A pack holds relative owner and rrtype as a key does, one behind the other. */
function keyText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", start, end);
}

/** A bit of the filter. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let hashed = 0;
  for (let at = start; at < end; at++) {
    hashed = Math.imul(hashed ^ (bytes[at] as number), 0x5bd1_e995);
    hashed ^= hashed >>> 15;
  }
  return hashed & (FILTER_BITS - 1);
}
