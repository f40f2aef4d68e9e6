/** The commit log's file in memory, whose disk can fail, be slow, and be seen as a crash would leave it. */
import { COMMIT_LOG_LENGTH, type LogFile } from "../../src/store/commit-log.ts";

export class MemoryLogFile implements LogFile {
  readonly octets: Buffer;
  writes = 0;
  octetsRead = 0;
  isClosed = false;
  /** Writes fail after so many of their octets; `undefined` while the disk is well. */
  failAfter: number | undefined;
  /** Writes wait for it. */
  gate: Promise<unknown> | undefined;

  constructor(octets: Uint8Array = new Uint8Array(COMMIT_LOG_LENGTH)) {
    this.octets = Buffer.from(octets);
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    this.octetsRead += length;
    return this.octets.subarray(position, position + length);
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    await this.gate;
    this.writes++;
    this.octets.set(bytes.subarray(0, this.failAfter), position);
    if (this.failAfter !== undefined) throw new Error("EIO: i/o error, write");
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** What is on the disk now. */
  crashed(): MemoryLogFile {
    return new MemoryLogFile(this.octets);
  }
}
