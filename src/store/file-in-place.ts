/**
 * Whether an open file is still the one at its path. A file that was removed, or whose disk was taken away, can be
 * written for as long as it is open: what is acknowledged then is gone with the process.
 */
import { accessSync, constants, statSync } from "node:fs";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";

/** Of the file that is there now: what comes back throws `store-unavailable` when another one is, or none. */
export function placeOfFile(path: string): () => void {
  const { dev, ino } = statSync(path);
  return () => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) {
      throw unavailable(`${path} was removed while it was open; put it back where it was`);
    }
    if (found.dev !== dev || found.ino !== ino) {
      throw unavailable(`${path} is another file than the one that is open; put that one back`);
    }
  };
}

/** Throws `store-unavailable` when nothing may be written there, as on a disk that has become read-only. */
export function checkWritable(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw unavailable(`${path} can no longer be written: ${errorMessage(error)}`);
  }
}

function unavailable(message: string): WindhoverError {
  return new WindhoverError(ErrorCode.storeUnavailable, message);
}
