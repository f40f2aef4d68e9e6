/** Backups as files: compressed where the name ends in `.gz`, whole under their name or not there. */
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";

/** The octets of a backup. Throws `bad-backup` for what cannot be read or uncompressed. */
export async function* readBackupFile(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  const source = path.endsWith(".gz") ? file.compose(createGunzip()) : file;
  try {
    for await (const chunk of source) yield chunk as Uint8Array;
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    file.destroy();
  }
}

function unreadable(path: string, error: unknown): WindhoverError {
  const { code } = error as NodeJS.ErrnoException;
  const isDamaged = code?.startsWith("Z_") ?? false;
  const problem = isDamaged ? "it is cut off or damaged" : errorMessage(error);
  return new WindhoverError(ErrorCode.badBackup, `cannot read ${path}: ${problem}`);
}

/**
 * Writes under another name what `write` puts out, and gives it its name when all of it is on the disk. It may hold
 * secrets, so it is for its owner alone.
 */
export async function writeBackupFile<T>(
  path: string,
  write: (put: (chunk: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.${process.pid}.part`;
  const input = new PassThrough();
  try {
    const file = await open(temporary, "wx", 0o600);
    const output = file.createWriteStream({ flush: true });
    const written = path.endsWith(".gz")
      ? pipeline(input, createGzip(), output)
      : pipeline(input, output);
    written.catch(() => {});
    const put = async (chunk: Uint8Array) => {
      if (!input.write(chunk)) await Promise.race([once(input, "drain"), written]);
    };
    const outcome = await write(put);
    input.end();
    await written;
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return outcome;
  } catch (error) {
    input.destroy();
    await rm(temporary, { force: true });
    if (error instanceof WindhoverError) throw error;
    const message = `cannot write ${path}: ${errorMessage(error)}`;
    throw new WindhoverError(ErrorCode.badRequest, message, { cause: error });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
