/**
 * Cuts a byte stream into DNS messages (RFC 1035 §4.2.2: a two-byte length before each), wherever the stream's
 * chunks happen to end. Memory grows with the octets that arrived, not with the length that was announced.
 *
 *     chunks    ..|00 1d <29 octets> 00 2|a <42 oct|ets> ..
 *                  ─┬── ─────┬─────
 *                 length   message
 */
import { Limits } from "../base/limits.ts";

const PREFIX = 2;
const FIRST_CAPACITY = 512;
const EMPTY = new Uint8Array(0);

export class StreamFramer {
  /** Octets not yet given out lie from `#start` to `#end`. */
  #bytes: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;
  /** Whether `#bytes` is ours to write to; else it is a chunk as it came. */
  #isOwn = false;

  /** Takes the next octets of the stream; `chunk` must not change any more. Messages are never a `Buffer`. */
  push(chunk: Uint8Array): void {
    if (this.#start === this.#end) {
      this.#bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      this.#start = 0;
      this.#end = chunk.length;
      this.#isOwn = false;
    } else {
      this.#reserve(chunk.length);
      this.#bytes.set(chunk, this.#end);
      this.#end += chunk.length;
    }
  }

  /** The next whole message, possibly empty; `undefined` when more octets are needed. */
  next(): Uint8Array | undefined {
    const length = this.#announced();
    if (length === undefined || this.#end - this.#start - PREFIX < length) return undefined;
    const from = this.#start + PREFIX;
    this.#start = from + length;
    const message = this.#bytes.subarray(from, this.#start);
    if (this.#start === this.#end) this.#release();
    return message;
  }

  /** Whether a message has begun and is not given out yet. */
  get isPartial(): boolean {
    return this.#start !== this.#end;
  }

  #announced(): number | undefined {
    if (this.#end - this.#start < PREFIX) return undefined;
    return (this.#bytes[this.#start]! << 8) | this.#bytes[this.#start + 1]!;
  }

  /**
   * Room for `more` octets. Messages given out are views, so what lies before `#start` is never written again:
   * growing copies the rest to a new buffer.
   */
  #reserve(more: number): void {
    const held = this.#end - this.#start;
    if (this.#isOwn && this.#end + more <= this.#bytes.length) return;
    const whole = (this.#announced() ?? 0) + PREFIX;
    const doubled = Math.min(Math.max(FIRST_CAPACITY, held * 2), Math.max(whole, FIRST_CAPACITY));
    const grown = new Uint8Array(Math.max(held + more, doubled));
    grown.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = grown;
    this.#start = 0;
    this.#end = held;
    this.#isOwn = true;
  }

  #release(): void {
    this.#bytes = EMPTY;
    this.#start = 0;
    this.#end = 0;
    this.#isOwn = false;
  }
}

/** A message as it goes on the stream. */
export function frameMessage(message: Uint8Array): Uint8Array {
  if (message.length > Limits.messageLength)
    throw new RangeError("a DNS message has 65,535 octets at most");
  const framed = new Uint8Array(PREFIX + message.length);
  framed[0] = message.length >> 8;
  framed[1] = message.length & 0xff;
  framed.set(message, PREFIX);
  return framed;
}
