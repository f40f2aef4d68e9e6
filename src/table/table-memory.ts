/** The memory that writer and readers share: made once in the main thread, attached to in each worker. */
import { randomBytes } from "node:crypto";
import { assert } from "../base/assert.ts";
import { ErrorCode, expected, WindhoverError } from "../base/errors.ts";
import { HEADER_WORDS, Header, LAYOUT_VERSION, MAGIC } from "./layout.ts";

export interface TableMemory {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
}

/** Zeroed memory from the system. Throws a RangeError when it has no more. */
type AllocateShared = (bytes: number) => SharedArrayBuffer;

const allocateShared: AllocateShared = (bytes) => new SharedArrayBuffer(bytes);

/** What 29 bits of blocks of 8 octets reach. */
const BYTES_MAX = 2 ** 32;
/** Below this not even an example zone has room. */
export const TABLE_BYTES_MIN = 64 * 1024;

/**
 * Reserves the table: by default all that a table can address, less where the system refuses. Untouched pages
 * cost nothing. Throws `table-full` when not even the least table can be had.
 */
export function createTableMemory(
  bytes: number = BYTES_MAX,
  allocate: AllocateShared = allocateShared,
): TableMemory {
  assert(bytes >= TABLE_BYTES_MIN && bytes <= BYTES_MAX, "a table has 64 KiB to 4 GiB");
  const buffer = reserve(bytes, allocate);
  const words = new Int32Array(buffer);
  assert(isLittleEndian(), "the table's layout needs a little-endian machine");
  words[Header.version] = LAYOUT_VERSION;
  words[Header.hashSeed] = randomBytes(4).readInt32LE();
  words[Header.epoch] = 1;
  Atomics.store(words, Header.magic, MAGIC);
  return { buffer, words };
}

/** The same table in another thread. */
export function attachTableMemory(buffer: SharedArrayBuffer): TableMemory {
  const words = new Int32Array(buffer);
  assert(words.length > HEADER_WORDS && words[Header.magic] === MAGIC, "this buffer is no table");
  assert(words[Header.version] === LAYOUT_VERSION, "this table has another layout");
  return { buffer, words };
}

function reserve(bytes: number, allocate: AllocateShared): SharedArrayBuffer {
  for (let size = bytes; size >= TABLE_BYTES_MIN; size /= 2) {
    try {
      return allocate(size - (size % 8));
    } catch (error) {
      expected(error, RangeError);
    }
  }
  throw new WindhoverError(
    ErrorCode.tableFull,
    "no memory for the zone table: allow the process more address space (ulimit -v)",
  );
}

function isLittleEndian(): boolean {
  return new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
}
