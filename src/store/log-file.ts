/**
 * The file of the commit log on a disk. It is written full of zeros before it is used, so that a write into it changes
 * no size and allots no block: flushing it is flushing these octets, which the file system's own journal has no part in.
 */
import { constants, write } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { COMMIT_LOG_LENGTH, type LogFile } from "./commit-log.ts";
import { placeOfFile } from "./file-in-place.ts";

/** Linux writes and flushes with one call then, which is one way to a thread and back instead of two. */
const FLUSH_FLAG = process.platform === "linux" ? constants.O_DSYNC : 0;
const CHUNK = 1024 * 1024;

/** For its owner alone, as what lies beside it. */
export async function openLogFile(path: string): Promise<LogFile> {
  await fill(path);
  const handle = await open(path, constants.O_RDWR | FLUSH_FLAG);
  const checkInPlace = placeOfFile(path);
  return {
    async read(position, length) {
      const octets = Buffer.alloc(length);
      const { bytesRead } = await handle.read(octets, 0, length, position);
      return octets.subarray(0, bytesRead);
    },
    async write(bytes, position) {
      for (let at = 0; at < bytes.length; ) {
        at += await writeAt(handle.fd, bytes.subarray(at), position + at);
      }
      if (FLUSH_FLAG === 0) await handle.datasync();
      checkInPlace();
    },
    close: () => handle.close(),
  };
}

/** By a callback, which is fewer promises for each commit than a `FileHandle` makes. */
function writeAt(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, position, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}

/** Writes what is missing of the file, and makes file and name durable. */
async function fill(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const { size } = await handle.stat();
    if (size >= COMMIT_LOG_LENGTH) return;
    const zeros = Buffer.alloc(CHUNK);
    for (let at = size; at < COMMIT_LOG_LENGTH; ) {
      const length = Math.min(CHUNK, COMMIT_LOG_LENGTH - at);
      at += (await handle.write(zeros, 0, length, at)).bytesWritten;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncDirectory(dirname(path));
}

async function syncDirectory(path: string): Promise<void> {
  const handle: FileHandle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
