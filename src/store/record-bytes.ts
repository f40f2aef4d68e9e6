/**
 * Cursors over the octets of stored records: big-endian, exact, bounds-checked. What cannot be read is a
 * `store-format` error that names the record; it is never guessed at.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";

const HIGH = 0x1_0000_0000;

/** Says which record it is, for an error: only called when there is one. */
export type DescribeRecord = () => string;

export function unreadable(describe: DescribeRecord, problem: string): WindhoverError {
  return new WindhoverError(
    ErrorCode.storeFormat,
    `${describe()} cannot be read: ${problem}. It was left as it is; restore it from a backup`,
  );
}

export class RecordReader {
  readonly #bytes: Uint8Array;
  readonly #describe: DescribeRecord;
  #offset = 0;

  constructor(bytes: Uint8Array, describe: DescribeRecord) {
    this.#bytes = bytes;
    this.#describe = describe;
  }

  /** The first octet of every record: which layout follows. */
  format(known: number): void {
    const found = this.u8();
    if (found !== known) {
      this.fail(`it has format ${found}, and this version of Windhover reads format ${known}`);
    }
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u32(): number {
    const at = this.#take(4);
    const high = ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
    const low = ((this.#bytes[at + 2] as number) << 8) | (this.#bytes[at + 3] as number);
    return high * 0x1_0000 + low;
  }

  /** A whole number below 2^53 in eight octets. */
  u53(): number {
    const value = this.u32() * HIGH + this.u32();
    if (!Number.isSafeInteger(value)) this.fail("a number is out of range");
    return value;
  }

  /** A copy, so that the record's memory may go. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return copyBytes(this.#bytes, at, at + length);
  }

  text(length: number): string {
    const at = this.#take(length);
    try {
      return UTF8.decode(this.#bytes.subarray(at, at + length));
    } catch {
      return this.fail("a text is not UTF-8");
    }
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Nothing may follow: half-understood records are not understood. */
  end(): void {
    if (this.#offset !== this.#bytes.length) this.fail("octets follow its end");
  }

  fail(problem: string): never {
    throw unreadable(this.#describe, problem);
  }

  #take(length: number): number {
    const at = this.#offset;
    if (at + length > this.#bytes.length) this.fail("it ends early");
    this.#offset = at + length;
    return at;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes into a buffer of exactly the length that the caller counted. */
export class RecordWriter {
  readonly bytes: Buffer;
  #offset = 0;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length);
  }

  u8(value: number): void {
    this.#offset = this.bytes.writeUInt8(value, this.#offset);
  }

  u16(value: number): void {
    this.#offset = this.bytes.writeUInt16BE(value, this.#offset);
  }

  u32(value: number): void {
    this.#offset = this.bytes.writeUInt32BE(value, this.#offset);
  }

  u53(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, "a whole number below 2^53");
    this.u32(Math.floor(value / HIGH));
    this.u32(value % HIGH);
  }

  /** UTF-8, its length before it. */
  text(text: string): void {
    const length = Buffer.byteLength(text, "utf8");
    assert(length <= 0xffff, "a text is below 64 KiB");
    this.u16(length);
    this.#offset += this.bytes.write(text, this.#offset, "utf8");
  }

  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#offset);
    this.#offset += bytes.length;
  }

  /** The record, once every octet counted is written. */
  done(): Uint8Array {
    assert(this.#offset === this.bytes.length, "a record is as long as it was counted");
    return this.bytes;
  }
}
