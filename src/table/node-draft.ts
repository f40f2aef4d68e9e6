/** A node being built: put together outside the table, then stored as one block. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, type Name } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import { type RRset, rdataBytes } from "../zone/rrset.ts";
import type { PackCursor } from "../zone/rrset-pack.ts";
import {
  NODE_CHILDREN,
  NODE_HASH,
  NODE_NAME,
  NODE_SHAPE,
  RRSET_TYPE,
  rrsetWords,
  wordsOf,
} from "./layout.ts";
import type { LookupName } from "./lookup-name.ts";
import {
  createScratch,
  packedWords,
  rrsetWordsMax,
  type Scratch,
  writeBlock,
  writePackedBlock,
} from "./rrset-block.ts";
import { NodeFlag } from "./table-reader.ts";
import type { TableSpace } from "./table-space.ts";

/** Most nodes are smaller; the scratch memory grows for those that are not. */
const SCRATCH_WORDS = 4096;

/** One is used again and again. */
export class NodeDraft {
  #scratch: Scratch = createScratch(SCRATCH_WORDS);
  #end = 0;
  #nameLength = 0;
  /** NodeFlag bits that follow from the RRsets, and `apex`. */
  flags = 0;
  rrsets = 0;

  /** Begins the node of the suffix at `label`, of whose octets `nameLength` stand left of the origin. */
  begin(name: LookupName, label: number, nameLength: number): void {
    const { words, octets } = this.#scratch;
    const from = name.offsets[label]!;
    this.#end = NODE_NAME + wordsOf(nameLength);
    this.#nameLength = nameLength;
    this.flags = nameLength === 0 ? NodeFlag.apex : 0;
    this.rrsets = 0;
    words[NODE_HASH] = name.hashes[label]!;
    words[NODE_CHILDREN] = 0;
    if (nameLength > 0) words[this.#end - 1] = 0;
    for (let at = 0; at < nameLength; at++) octets[NODE_NAME * 4 + at] = name.bytes[from + at]!;
  }

  /** Takes over an RRset as it stands in the table. */
  keep(words: Int32Array, rrset: number): void {
    const length = rrsetWords(words, rrset);
    this.#ensure(length);
    const scratch = this.#scratch.words;
    for (let at = 0; at < length; at++) scratch[this.#end + at] = words[rrset + at]!;
    this.#end += length;
    this.#count(words[rrset + RRSET_TYPE]! & 0xffff);
  }

  /** Adds an RRset. Throws `limit` for one that no message could carry. */
  put(rrset: RRset, origin: Name): void {
    checkLimits(rrset);
    if (this.rrsets >= Limits.nameRRsets)
      throw excess(rrset, `more than ${Limits.nameRRsets} RRsets`);
    this.#ensure(rrsetWordsMax(rrset));
    this.#end = writeBlock(this.#scratch, this.#end, rrset, origin);
    this.#count(rrset.rrtype);
  }

  /** Adds a packed RRset of a type without names to a node that has none yet; within the limits of one RRset. */
  putPacked(rrset: PackCursor): void {
    this.#ensure(packedWords(rrset));
    this.#end = writePackedBlock(this.#scratch, this.#end, rrset);
    this.#count(rrset.rrtype);
  }

  /** Stores the node in a block of its own, not yet linked. Throws `table-full`. */
  store(space: TableSpace): number {
    const scratch = this.#scratch.words;
    scratch[NODE_SHAPE] = this.flags | (this.rrsets << 8) | (this.#nameLength << 16);
    const position = space.obtain(this.#end);
    const words = space.words;
    for (let at = 0; at < this.#end; at++) words[position + at] = scratch[at]!;
    return position;
  }

  #count(rrtype: number): void {
    this.rrsets += 1;
    this.flags |= NodeFlag.data;
    if (rrtype === Type.CNAME) this.flags |= NodeFlag.cname;
    else if (rrtype === Type.DNAME) this.flags |= NodeFlag.dname;
    else if (rrtype === Type.NS && this.#nameLength > 0) this.flags |= NodeFlag.delegation;
  }

  #ensure(words: number): void {
    const needed = this.#end + words;
    if (needed <= this.#scratch.words.length) return;
    const grown = createScratch(needed * 2);
    grown.words.set(this.#scratch.words);
    this.#scratch = grown;
  }
}

/** Throws `limit` for an RRset that no message could carry. */
export function checkLimits(rrset: RRset): void {
  if (rrset.rdatas.length > Limits.rrsetRecords) {
    throw excess(rrset, `more than ${Limits.rrsetRecords} RRs of one type`);
  }
  if (rdataBytes(rrset) > Limits.rrsetBytes) {
    throw excess(rrset, `more than ${Limits.rrsetBytes} octets of rdata of one type`);
  }
}

function excess(rrset: RRset, problem: string): WindhoverError {
  const what = `${formatName(rrset.owner)} ${typeName(rrset.rrtype)}`;
  return new WindhoverError(ErrorCode.limit, `${what}: ${problem} at one name; spread them out`);
}
