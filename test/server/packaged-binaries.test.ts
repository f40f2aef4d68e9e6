/**
 * The binaries that packages bring, in this Node.js: npm compiles one that does not load anew, where there is a compiler,
 * so a machine for development hides that others have none. Argon2 0.45's ask for Node-API 10, which ends a Node.js 20 that
 * loads them by a signal.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const LIBC = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
const isGlibc = LIBC.header?.glibcVersionRuntime !== undefined;

test("argon2's loads without having been compiled", () => {
  const root = dirname(createRequire(import.meta.url).resolve("argon2/package.json"));
  const directory = join(root, "prebuilds", `${process.platform}-${process.arch}`);
  const mine = readdirSync(directory).filter((name) => name.includes("glibc") === isGlibc);
  expect(mine).not.toEqual([]);
  for (const name of mine) {
    const program = "const it = { exports: {} }; process.dlopen(it, process.argv[1]);";
    const done = spawnSync(process.execPath, ["-e", program, join(directory, name)]);
    expect({ name, status: done.status, signal: done.signal }).toEqual({
      name,
      status: 0,
      signal: null,
    });
  }
});
