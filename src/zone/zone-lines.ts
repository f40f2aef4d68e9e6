/** Cuts octets that come in pieces into lines, without ever holding more than a piece and a line. */
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** A cursor: after `next`, the line is `bytes` from `start` to `end`, without its newline. */
export class ZoneLines {
  readonly file: string;
  readonly #chunks: Iterator<Uint8Array>;
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Counts from 1. */
  line = 0;
  #next = 0;

  constructor(file: string, chunks: Iterable<Uint8Array>) {
    this.file = file;
    this.#chunks = chunks[Symbol.iterator]();
  }

  /** Moves to the next line; false when there is none. Throws `bad-zone-file` for one that is too long. */
  next(): boolean {
    let newline = findNewline(this.bytes, this.#next);
    if (newline < 0) newline = this.#fill();
    if (newline < 0) return false;
    this.start = this.#next;
    this.end = newline;
    this.#next = newline + 1;
    if (this.end - this.start > Limits.zoneFileLine) throw this.#tooLong();
    this.line += 1;
    if (this.line === 1) this.#skipByteOrderMark();
    return true;
  }

  /** Lets go of where the octets come from, before their end. */
  close(): void {
    this.#chunks.return?.();
  }

  /** Adds chunks until a newline is there; the last line may have none. Its position, or −1 past the last line. */
  #fill(): number {
    const parts: Uint8Array[] = [this.bytes.subarray(this.#next)];
    let length = this.bytes.length - this.#next;
    for (;;) {
      const chunk = this.#nextChunk();
      if (chunk !== undefined) parts.push(chunk);
      const newline = chunk === undefined ? 0 : findNewline(chunk, 0);
      if (chunk === undefined || newline >= 0) {
        this.bytes =
          parts.length === 2 && length === 0 ? (parts[1] as Buffer) : Buffer.concat(parts);
        this.#next = 0;
        if (chunk !== undefined) return length + newline;
        return length === 0 ? -1 : length;
      }
      length += chunk.length;
      if (length > Limits.zoneFileLine) throw this.#tooLong();
    }
  }

  #nextChunk(): Buffer | undefined {
    try {
      const { value, done } = this.#chunks.next();
      return done === true ? undefined : asBuffer(value);
    } catch (error) {
      if (error instanceof WindhoverError) throw error;
      const problem = `cannot read ${this.file}: ${errorMessage(error)}`;
      throw new WindhoverError(ErrorCode.badZoneFile, problem, { cause: error });
    }
  }

  #skipByteOrderMark(): void {
    if (BYTE_ORDER_MARK.every((octet, at) => this.bytes[this.start + at] === octet))
      this.start += 3;
  }

  #tooLong(): WindhoverError {
    const where = `${this.file}:${this.line + 1}:1`;
    const problem = `a line of more than ${Limits.zoneFileLine} octets; cut it with parentheses`;
    return new WindhoverError(ErrorCode.badZoneFile, `${where}: ${problem}`);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** By hand, because most lines are short and a call into native code costs more than the search. */
function findNewline(bytes: Uint8Array, from: number): number {
  const near = Math.min(bytes.length, from + 128);
  for (let at = from; at < near; at++) if (bytes[at] === NEWLINE) return at;
  return near === bytes.length ? -1 : bytes.indexOf(NEWLINE, near);
}
