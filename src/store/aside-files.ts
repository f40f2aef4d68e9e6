/**
 * What a zone's acknowledged commits are kept in while its store cannot take them: a file for each zone, beside the
 * commit log, whole or not there at all.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { formatName, type Name } from "../wire/name.ts";

export interface AsideFile {
  /** For errors, and for the operator. */
  readonly place: string;
  readonly payload: Uint8Array;
}

export interface AsideFiles {
  readAll(): Promise<readonly AsideFile[]>;
  /** In place of what was kept of the zone; durable when it resolves. */
  write(origin: Name, payload: Uint8Array): Promise<void>;
  remove(origin: Name): Promise<void>;
  place(origin: Name): string;
}

const PREFIX = "aside-";
const SUFFIX = ".log";
/** Octets of a zone's name in that of its file; file systems take 255 in all. */
const READABLE = 100;

export function openAsideFiles(directory: string): AsideFiles {
  const place = (origin: Name) => join(directory, fileName(origin));
  return {
    place,
    async readAll() {
      const names = (await readdir(directory)).filter(isAside).sort();
      const read = names.map(async (name) => {
        const path = join(directory, name);
        return { place: path, payload: await readFile(path) };
      });
      return Promise.all(read);
    },
    async write(origin, payload) {
      const path = place(origin);
      const whole = `${path}.new`;
      await writeDurably(whole, payload);
      await rename(whole, path);
      await syncDirectory(directory);
    },
    async remove(origin) {
      await rm(place(origin), { force: true });
      await syncDirectory(directory);
    },
  };
}

/** What can be read of the zone's name, and a digest of it, as names may have any octets and be longer than files may. */
function fileName(origin: Name): string {
  const readable = formatName(origin).replace(/[^a-z0-9_.-]/g, "_");
  const digest = createHash("sha256").update(origin).digest("hex").slice(0, 16);
  return `${PREFIX}${readable.slice(0, READABLE)}${digest}${SUFFIX}`;
}

function isAside(name: string): boolean {
  return name.startsWith(PREFIX) && name.endsWith(SUFFIX);
}

async function writeDurably(path: string, payload: Uint8Array): Promise<void> {
  const handle = await open(path, "w", 0o600);
  try {
    await handle.writeFile(payload);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
