/**
 * The LMDB directory as a thing to open and close: tables, the one owner, the schema version, and what its
 * errors mean. Nothing here knows zones.
 *
 * How lmdb-js is used, and why:
 *  - `overlappingSync: false`: a write's promise resolves after LMDB's own durable commit, data and then meta
 *    page flushed. With its default, promises resolve before the flush, and a failed flush resolves nothing.
 *    Those two flushes are why commits are acknowledged from a log (`logged-store.ts`).
 *  - `eventTurnBatching: false`: a transaction holds what was asked for, and no promise of its own that nobody
 *    could catch. Writes are still gathered: what is asked for during one commit is the next one's
 *    transaction, with one flush for all of it.
 *  - Writes are conditional blocks (`ifVersion`, `batch`), done by lmdb-js's thread. An error in one aborts the
 *    transaction of all, so a block is written whole or not at all.
 *  - The map grows by itself, so no map size is given.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { checkUnowned, claimDirectory, type DirectoryClaim } from "./directory-owner.ts";
import { checkWritable, placeOfFile } from "./file-in-place.ts";
import { checkDataFile } from "./lmdb-file.ts";
import { SCHEMA_KEY, SCHEMA_VERSION, SCHEMAS_TAKEN_OVER } from "./lmdb-keys.ts";

export type Table = Database<Uint8Array, Uint8Array>;

/** lmdb-js's mark for "whatever its version, the key must exist". */
const ANY_VERSION = 3.542694326329068e-103;

/** Octets free below which a failed write is told as a full disk: what LMDB may need for one large commit. */
const ALMOST_FULL = 16 * 1024 * 1024;

/** Snapshots that may be open at once; each is one load of a zone that has begun and not ended. */
const MAX_READERS = 1_024;

const BINARY = { encoding: "binary", keyEncoding: "binary" } as const;

export interface LmdbTables {
  readonly zones: Table;
  readonly versions: Table;
  readonly packs: Table;
  readonly rrsets: Table;
  readonly journal: Table;
  readonly leftovers: Table;
  readonly deleted: Table;
  readonly documents: Table;
}

export interface LmdbEnvironment extends LmdbTables {
  /** For messages: `store directory ./data`. */
  readonly place: string;
  /** Writes everything that `work` asks for in one durable transaction. */
  write(work: () => void): Promise<void>;
  /** As `write`, but only if the key exists then; false when it does not. */
  writeIfExists(table: Table, key: Uint8Array, work: () => void): Promise<boolean>;
  /** As `write`, but only if the key does not exist then; false when it does. */
  writeIfAbsent(table: Table, key: Uint8Array, work: () => void): Promise<boolean>;
  /**
   * Before LMDB is used at all, also to read: each use writes into the lock file where it is mapped, and a disk that
   * takes no writes any more kills the process for that (SIGBUS). Asked by a write that tells of it instead.
   */
  checkLock(): void;
  /** Throws when what was opened no longer lies there, or nothing may be written there any more. */
  checkUsable(): void;
  close(): Promise<void>;
}

/** Throws `store-unavailable` or `store-format`, saying what is wrong with the directory. */
export async function openEnvironment(directory: string): Promise<LmdbEnvironment> {
  checkDirectory(directory);
  const place = `store directory ${directory}`;
  let root: RootDatabase<Uint8Array, Uint8Array> | undefined;
  let claim: DirectoryClaim | undefined;
  try {
    // A file that somebody writes looks damaged now and then.
    await checkUnowned(directory);
    const data = join(directory, "data.mdb");
    if (existsSync(data)) checkDataFile(data);
    root = openRoot(directory);
    claim = await root.transactionSync(() => claimDirectory(directory));
    checkSchema(root, place);
    return makeEnvironment(root, directory, claim);
  } catch (error) {
    await Promise.allSettled([claim?.release()]);
    await Promise.allSettled([root?.close()]);
    throw storeError(place, error);
  }
}

/** Secrets lie in it, so what is made here is for its owner alone. */
function checkDirectory(directory: string): void {
  const place = `store directory ${directory}`;
  try {
    if (existsSync(directory) && !statSync(directory).isDirectory()) {
      throw unavailable(place, "it is a file; name a directory");
    }
    makeDirectory(directory);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw storeError(place, error);
  }
}

/** With its parents. (`recursive` of `node:fs` never returns where nothing can be made, as in /proc.) */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

function openRoot(directory: string): RootDatabase<Uint8Array, Uint8Array> {
  const isNew = !existsSync(join(directory, "data.mdb"));
  const root = open<Uint8Array, Uint8Array>(directory, {
    ...BINARY,
    noSubdir: false,
    overlappingSync: false,
    eventTurnBatching: false,
    maxDbs: 16,
    maxReaders: MAX_READERS,
  });
  if (isNew) chmodSync(join(directory, "data.mdb"), 0o600);
  return root;
}

function checkSchema(root: RootDatabase<Uint8Array, Uint8Array>, place: string): void {
  const meta = root.openDB<Uint8Array, Uint8Array>("meta", BINARY);
  const found = meta.get(SCHEMA_KEY);
  if (found === undefined) {
    meta.putSync(SCHEMA_KEY, Buffer.from(SCHEMA_VERSION, "utf8"));
    return;
  }
  const version = Buffer.from(found).toString("utf8");
  if (version === SCHEMA_VERSION) return;
  if (SCHEMAS_TAKEN_OVER.includes(version)) {
    meta.putSync(SCHEMA_KEY, Buffer.from(SCHEMA_VERSION, "utf8"));
    return;
  }
  throw new WindhoverError(
    ErrorCode.storeFormat,
    `${place} has schema version ${version}, and this version of Windhover reads ${SCHEMA_VERSION} and older ones; ` +
      "use the version of Windhover that wrote it, or one that is newer",
  );
}

function makeEnvironment(
  root: RootDatabase<Uint8Array, Uint8Array>,
  directory: string,
  claim: DirectoryClaim,
): LmdbEnvironment {
  const place = `store directory ${directory}`;
  const checkInPlace = placeOfFile(join(directory, "data.mdb"));
  const table = (name: string): Table => root.openDB<Uint8Array, Uint8Array>(name, BINARY);
  const settle = (begin: () => Promise<boolean>) => {
    checkInPlace();
    return settleWrite(begin(), directory);
  };
  const folder = openSync(directory, constants.O_RDONLY);
  return {
    place,
    checkUsable: () => {
      checkInPlace();
      checkWritable(directory);
    },
    zones: table("zones"),
    versions: table("versions"),
    packs: table("packs"),
    rrsets: table("rrsets"),
    journal: table("journal"),
    leftovers: table("leftovers"),
    deleted: table("deleted"),
    documents: table("documents"),
    write: async (work) => {
      await settle(() => root.batch(work));
    },
    writeIfExists: async (condition, key, work) =>
      settle(() => condition.ifVersion(key, ANY_VERSION, work)),
    writeIfAbsent: async (condition, key, work) => settle(() => condition.ifNoExists(key, work)),
    checkLock() {
      try {
        const { atime, mtime } = fstatSync(folder);
        futimesSync(folder, atime, mtime);
      } catch (error) {
        throw storeError(place, error);
      }
    },
    close: async () => {
      // A write that failed was told to who asked for it.
      await Promise.resolve(root.committed).catch(() => {});
      try {
        await claim.release();
      } finally {
        await root.close();
        closeSync(folder);
      }
    },
  };
}

/** lmdb-js rejects with an error that carries the promise of the reason. */
async function settleWrite(written: Promise<boolean>, directory: string): Promise<boolean> {
  try {
    return await written;
  } catch (error) {
    const reason = (error as { commitError?: Promise<unknown> }).commitError;
    const cause = await reason?.catch((each: unknown) => each);
    throw storeError(`store directory ${directory}${freeSpace(directory)}`, cause ?? error);
  }
}

/** LMDB calls a write that did not fit an input/output error, so the message says what room there is. */
function freeSpace(directory: string): string {
  try {
    const { bavail, bsize } = statfsSync(directory);
    const free = bavail * bsize;
    return free < ALMOST_FULL ? ` (the disk is full: ${Math.floor(free / 1024)} KiB are free)` : "";
  } catch {
    return "";
  }
}

/** Whether LMDB itself failed: its errors carry its own number or the system's. */
export function isLmdbError(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "number";
}

/** What a user can do about an error of the file system or of LMDB. */
export function storeError(place: string, error: unknown): WindhoverError {
  if (error instanceof WindhoverError) return error;
  const { code } = error as { code?: unknown };
  const message = errorMessage(error);
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EEXIST") {
    return unavailable(
      place,
      "it cannot be made; check that every part of its path is a directory",
    );
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || /permission/i.test(message)) {
    return unavailable(place, `no permission to read and write it (${message})`, error);
  }
  if (/MDB_INVALID|MDB_VERSION_MISMATCH|MDB_CORRUPTED|MDB_PAGE_NOTFOUND/.test(message)) {
    const text = `${place}: data.mdb is damaged or not of this program (${message}); restore a backup`;
    return new WindhoverError(ErrorCode.storeFormat, text, { cause: error });
  }
  return unavailable(place, message, error);
}

function unavailable(place: string, problem: string, cause?: unknown): WindhoverError {
  return new WindhoverError(ErrorCode.storeUnavailable, `${place}: ${problem}`, { cause });
}
