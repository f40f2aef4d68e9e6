/**
 * LMDB's data file, looked at before LMDB maps it into memory: a tree that leads past the end of the file kills the
 * process that follows it (SIGBUS), without a word. Offsets are those of LMDB's `mdb.c`; numbers are
 * in the machine's order, and machines with another one than nearly all have go without.
 *
 *     file    page │ page │ …               the first two are meta pages: the newer one counts
 *     page    number u64 │ transaction u64 │ pad u16 │ flags u16 │ lower u16 │ upper u16 │ offset of each node u16 …
 *     meta    magic u32 │ version u32 │ … │ free list, main table │ last page u64 │ transaction u64 │ …
 *     table   page size u32 │ flags u16 │ … │ root u64
 *     node    low u16 │ high u16 │ flags u16 │ length of the key u16 │ key │ value
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { ErrorCode, WindhoverError } from "../base/errors.ts";

const HEADER = 24;
const Page = { number: 0, flags: 18, lower: 20, nodes: HEADER } as const;
const Meta = { magic: 24, version: 28, pageSize: 48, lastPage: 144, transaction: 152 } as const;
const META_LENGTH = 160;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
/** Where in a meta page the roots of the free list and of the main table stand. */
const ROOTS = [88, 136] as const;
const Node = { low: 0, high: 2, flags: 4, keyLength: 6, key: 8 } as const;
/** Where in a node's value the root of the table stands, or how many pages there are behind the number of the first. */
const TABLE_ROOT = 40;
const PAGE_COUNT = 16;
const BRANCH = 1;
const LEAF = 2;
const ELSEWHERE = 1;
const TABLE = 2;
/** The root of a table with nothing in it. */
const NOWHERE = 0xffff_ffff_ffff_ffffn;

/** Throws `store-format` for a file that is not LMDB's, or not the whole of one. An empty one is as good as none. */
export function checkDataFile(path: string): void {
  if (endianness() !== "LE") return;
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (size > 0) new DataFile(path, file, size).check();
  } finally {
    closeSync(file);
  }
}

class DataFile {
  readonly #path: string;
  readonly #file: number;
  readonly #size: number;

  constructor(path: string, file: number, size: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  /**
   * LMDB does not write pages at the end that became free in the transaction that took them: so a file may be short and
   * whole. Only of a short one it is looked where the tree leads, which is every page of it but those of large values.
   */
  check(): void {
    const first = this.#readMeta(0);
    const pageSize = first.readUInt32LE(Meta.pageSize);
    if (pageSize < 256 || pageSize > 65_536) throw this.#notOurs();
    const second = this.#readMeta(pageSize);
    const isFirst =
      first.readBigUInt64LE(Meta.transaction) > second.readBigUInt64LE(Meta.transaction);
    const meta = isFirst ? first : second;
    const pages = Math.floor(this.#size / pageSize);
    if (meta.readBigUInt64LE(Meta.lastPage) < pages) return;
    this.#follow(
      ROOTS.map((at) => meta.readBigUInt64LE(at)),
      pageSize,
    );
  }

  #readMeta(at: number): Buffer {
    const meta = this.#read(at, META_LENGTH);
    const isOurs =
      meta?.readUInt32LE(Meta.magic) === MAGIC && meta.readUInt32LE(Meta.version) === VERSION;
    if (meta === undefined || !isOurs) throw this.#notOurs();
    return meta;
  }

  #follow(roots: readonly bigint[], pageSize: number): void {
    const pages = Math.floor(this.#size / pageSize);
    const next = [...roots];
    // No tree has more pages than the file: one that leads in a circle ends here too.
    for (let seen = 0; next.length > 0; seen++) {
      const number = next.pop() as bigint;
      if (number === NOWHERE) continue;
      const page = number < pages ? this.#read(Number(number) * pageSize, pageSize) : undefined;
      if (page?.readBigUInt64LE(Page.number) !== number || seen > pages) throw this.#cutOff();
      if (!addChildren(page, pages, next)) throw this.#cutOff();
    }
  }

  #read(at: number, length: number): Buffer | undefined {
    const bytes = Buffer.alloc(length);
    return readSync(this.#file, bytes, 0, length, at) === length ? bytes : undefined;
  }

  #notOurs(): WindhoverError {
    return new WindhoverError(
      ErrorCode.storeFormat,
      `${this.#path} is damaged or not an LMDB file; restore it from a backup, or use another directory`,
    );
  }

  #cutOff(): WindhoverError {
    return new WindhoverError(
      ErrorCode.storeFormat,
      `${this.#path} is damaged: it ends after ${this.#size} octets, before what it leads to; restore it from a backup ` +
        "together with the commits.log beside it, or use another directory",
    );
  }
}

/** Adds the pages that this one leads to; false when it leads out of the file or cannot be read. */
function addChildren(page: Buffer, pages: number, next: bigint[]): boolean {
  const flags = page.readUInt16LE(Page.flags);
  const count = page.readUInt16LE(Page.lower) >> 1;
  if ((flags & (BRANCH | LEAF)) === 0) return false;
  for (let at = 0; at < count; at++) {
    const slot = Page.nodes + 2 * at;
    if (slot + 2 > page.length) return false;
    const node = page.subarray(HEADER + page.readUInt16LE(slot));
    if (node.length < Node.key) return false;
    if ((flags & BRANCH) !== 0) next.push(childOf(node));
    else if (!addValue(node, pages, next)) return false;
  }
  return true;
}

function childOf(node: Buffer): bigint {
  const low = node.readUInt16LE(Node.low);
  const high = node.readUInt16LE(Node.high);
  return BigInt(low + high * 0x1_0000 + node.readUInt16LE(Node.flags) * 0x1_0000_0000);
}

/** A value may be a table, or stand in pages of its own. */
function addValue(node: Buffer, pages: number, next: bigint[]): boolean {
  const flags = node.readUInt16LE(Node.flags);
  const value = node.subarray(Node.key + node.readUInt16LE(Node.keyLength));
  if ((flags & TABLE) !== 0) {
    if (value.length < TABLE_ROOT + 8) return false;
    next.push(value.readBigUInt64LE(TABLE_ROOT));
  }
  if ((flags & ELSEWHERE) !== 0) {
    if (value.length < PAGE_COUNT + 8) return false;
    const end = value.readBigUInt64LE(0) + value.readBigUInt64LE(PAGE_COUNT);
    if (end > pages) return false;
  }
  return true;
}
