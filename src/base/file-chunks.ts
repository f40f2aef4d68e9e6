/** A file as pieces of octets, read one at a time: a zone file of any size passes through little memory. */
import { closeSync, openSync, readSync } from "node:fs";

const CHUNK = 256 * 1024;

/** Throws what the file system throws, when the first piece is asked for. */
export function* fileChunks(path: string): Generator<Uint8Array, void, undefined> {
  const file = openSync(path, "r");
  try {
    for (;;) {
      const chunk = new Uint8Array(CHUNK);
      const length = readSync(file, chunk, 0, CHUNK, null);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}
