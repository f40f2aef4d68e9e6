/**
 * Commits in a file of their own, durable with one flush of blocks that are there already. LMDB, whose tree needs two
 * flushes of blocks here and there, gets them later and many at once (`logged-store.ts`).
 *
 *     file    half │ half
 *     half    frame │ frame │ … │ what an earlier use left
 *     frame   magic u32 │ CRC-32 of what follows u32 │ length of the payload u32 │ life 8 octets │ number u64 │ payload
 *             and nothing up to the next page
 *
 * A frame begins on a page of its own: no octet that was acknowledged is ever written again, whatever a failing disk
 * makes of the page at hand. What counts are the frames of one life, that is one opening of the file, whose numbers
 * follow one another from the beginning of a half; what comes behind was never acknowledged, or is of an earlier use.
 */
import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { assert } from "../base/assert.ts";
import { Limits } from "../base/limits.ts";

/** Whatever keeps the octets. Only one call is under way at a time. */
export interface LogFile {
  /** Octets from `position`; fewer at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Durable when it resolves; when it rejects nobody knows. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

const MAGIC = 0x57684c67;
const Header = { magic: 0, crc: 4, length: 8, life: 12, number: 20, size: 28 } as const;
const PAGE = 4_096;

/** Octets of the file. */
export const COMMIT_LOG_LENGTH = 2 * Limits.commitLogHalf;

interface Frame {
  readonly life: string;
  readonly number: number;
  readonly payload: Buffer;
}

/** The payloads that count, oldest first. */
export async function readCommitLog(file: LogFile): Promise<readonly Uint8Array[]> {
  const { frames } = await readHalves(file);
  return frames.map(({ payload }) => payload);
}

/** Empties the log, of which nothing is needed any more. */
export async function beginCommitLog(file: LogFile): Promise<CommitLog> {
  const { older } = await readHalves(file);
  const log = new CommitLog(file, older);
  await log.clear();
  return log;
}

async function readHalves(file: LogFile) {
  const first = await readHalf(file, 0);
  const second = await readHalf(file, 1);
  const older = (first[0]?.number ?? 0) <= (second[0]?.number ?? 0) ? 0 : 1;
  return { older, frames: older === 0 ? [...first, ...second] : [...second, ...first] };
}

/** After an orderly end a half begins with nothing, and the rest of it is not looked at. */
async function readHalf(file: LogFile, half: number): Promise<readonly Frame[]> {
  const start = half * Limits.commitLogHalf;
  const head = await file.read(start, Header.size);
  if (head.every((octet) => octet === 0)) return [];
  const octets = Buffer.from(await file.read(start, Limits.commitLogHalf));
  const frames: Frame[] = [];
  for (let at = 0; ; ) {
    const frame = readFrame(octets, at);
    const last = frames.at(-1);
    if (frame === undefined) return frames;
    if (last !== undefined && (frame.life !== last.life || frame.number !== last.number + 1)) {
      return frames;
    }
    frames.push(frame);
    at += wholePages(Header.size + frame.payload.length);
  }
}

function readFrame(octets: Buffer, at: number): Frame | undefined {
  if (at + Header.size > octets.length) return undefined;
  if (octets.readUInt32BE(at + Header.magic) !== MAGIC) return undefined;
  const end = at + Header.size + octets.readUInt32BE(at + Header.length);
  if (end > octets.length) return undefined;
  const sum = crc32(octets.subarray(at + Header.length, end));
  if (sum !== octets.readUInt32BE(at + Header.crc)) return undefined;
  return {
    life: octets.toString("latin1", at + Header.life, at + Header.number),
    number: Number(octets.readBigUInt64BE(at + Header.number)),
    payload: octets.subarray(at + Header.size, end),
  };
}

function wholePages(length: number): number {
  return Math.ceil(length / PAGE) * PAGE;
}

/** The writing side: who opened it has put what counted where it belongs (`beginCommitLog`). */
export class CommitLog {
  readonly #file: LogFile;
  readonly #life = randomBytes(Header.number - Header.life);
  #frame = Buffer.alloc(PAGE);
  #number = 0n;
  #half: number;
  /** Where the next frame begins in its half. */
  #end = 0;
  /** A frame was begun whose end nobody knows: what came behind it would be lost. */
  #isTorn = false;

  /** It begins in `half`, the older one. */
  constructor(file: LogFile, half = 0) {
    this.#file = file;
    this.#half = half;
  }

  /** Octets that the next payload may have at most. */
  get room(): number {
    return Math.max(Limits.commitLogHalf - this.#end - Header.size, 0);
  }

  /** Whether this half holds more than it has room for. */
  get isHalfFull(): boolean {
    return this.#end > Limits.commitLogHalf / 2;
  }

  /** Durable when it resolves. After a rejection nothing may be appended before `clear`. One at a time. */
  async append(parts: readonly Uint8Array[]): Promise<void> {
    assert(!this.#isTorn, "a log that failed is cleared before it goes on");
    const length = this.#fill(parts);
    const position = this.#half * Limits.commitLogHalf + this.#end;
    this.#end += wholePages(length);
    this.#isTorn = true;
    await this.#file.write(this.#frame.subarray(0, length), position);
    this.#isTorn = false;
  }

  #fill(parts: readonly Uint8Array[]): number {
    let length: number = Header.size;
    for (const part of parts) length += part.length;
    assert(length <= Limits.commitLogHalf - this.#end, "a frame fits its half");
    if (length > this.#frame.length) this.#frame = Buffer.alloc(wholePages(length));
    const frame = this.#frame;
    frame.writeUInt32BE(MAGIC, Header.magic);
    frame.writeUInt32BE(length - Header.size, Header.length);
    frame.set(this.#life, Header.life);
    frame.writeBigUInt64BE(++this.#number, Header.number);
    let at: number = Header.size;
    for (const part of parts) {
      frame.set(part, at);
      at += part.length;
    }
    frame.writeUInt32BE(crc32(frame.subarray(Header.length, length)), Header.crc);
    return length;
  }

  /** Goes on in the other half, of which nothing is needed any more. */
  turn(): void {
    this.#half = 1 - this.#half;
    this.#end = 0;
  }

  /** Forgets every frame, the older ones first, durably: what is older leads nowhere without the newer ones. */
  async clear(): Promise<void> {
    const nothing = new Uint8Array(Header.size);
    const older = this.#end === 0 ? this.#half : 1 - this.#half;
    await this.#file.write(nothing, older * Limits.commitLogHalf);
    await this.#file.write(nothing, (1 - older) * Limits.commitLogHalf);
    this.#end = 0;
    this.#isTorn = false;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
