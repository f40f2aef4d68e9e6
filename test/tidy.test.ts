/**
 * The style that a formatter cannot see: layers, sizes, and the things that may stand only in one place. Reads the
 * sources as text.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCES = files(join(ROOT, "src"));
const PRODUCTION = SOURCES.filter((file) => !file.path.endsWith(".test.ts"));

/** What each folder may import, besides itself and the packages. Nothing imports upward. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wire: ["base"],
  zone: ["wire", "base"],
  table: ["zone", "wire", "base"],
  store: ["zone", "wire", "base"],
  identity: ["store", "wire", "base"],
  answer: ["table", "zone", "wire", "base"],
  update: ["table", "store", "identity", "zone", "wire", "base"],
  config: ["identity", "zone", "wire", "base"],
  server: ["answer", "update", "config", "identity", "table", "store", "zone", "wire", "base"],
  cli: ["server", "store", "config", "identity", "zone", "wire", "base"],
};

/** Files of `server/` that may know the configuration: the composition root alone. */
const CONFIG_READERS = ["src/server/start.ts", "src/server/first-run.ts"];

/** A file that is one table may be longer than a screenful of functions. */
const LINES = 400;
const TABLES = ["src/wire/rr-types.ts"];

interface Source {
  readonly path: string;
  readonly text: string;
  readonly code: string;
}

function files(directory: string): Source[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => {
      const full = join(entry.parentPath, entry.name);
      const text = readFileSync(full, "utf8");
      return { path: relative(ROOT, full), text, code: withoutComments(text) };
    });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function imports(source: Source): string[] {
  const pattern = /(?:from|import)\s+"(\.[^"]+)"/g;
  return [...source.code.matchAll(pattern)].map((match) =>
    relative(ROOT, resolve(ROOT, dirname(source.path), match[1] as string)),
  );
}

function layerOf(path: string): string {
  return path.split("/")[1] as string;
}

function offenders(found: (source: Source) => boolean): string[] {
  return PRODUCTION.filter(found).map((source) => source.path);
}

describe("layers", () => {
  test("nothing imports upward", () => {
    const wrong = PRODUCTION.flatMap((source) => {
      const layer = layerOf(source.path);
      const allowed = [layer, ...(LAYERS[layer] ?? [])];
      return imports(source)
        .filter((target) => !allowed.includes(layerOf(target)))
        .map((target) => `${source.path} → ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test("every folder of src has its place in the table", () => {
    const folders = new Set(SOURCES.map((source) => layerOf(source.path)));
    expect([...folders].filter((folder) => !(folder in LAYERS))).toEqual([]);
  });

  test("only the composition root reads the configuration", () => {
    const readers = PRODUCTION.filter((source) => layerOf(source.path) === "server")
      .filter((source) => imports(source).some((target) => layerOf(target) === "config"))
      .map((source) => source.path);
    expect(readers.filter((path) => !CONFIG_READERS.includes(path))).toEqual([]);
  });
});

describe("one place for each thing", () => {
  test("answering is synchronous", () => {
    const asynchronous = /\basync\b|\bawait\b|\bPromise\b/;
    expect(
      offenders((source) => layerOf(source.path) === "answer" && asynchronous.test(source.code)),
    ).toEqual([]);
  });

  test.each([
    ["the clock", /\bDate\.now\b|\bperformance\.now\b|new Date\(\)/, ["src/base/clock.ts"]],
    ["unseeded chance", /\bMath\.random\b/, []],
    ["the environment", /\bprocess\.env\b/, ["src/config/config.ts"]],
    ["Redis keys", /[`"]windhover:[^ ]/, ["src/store/redis/redis-keys.ts"]],
  ])("%s", (_, pattern, allowed) => {
    const found = offenders((source) => pattern.test(source.code));
    expect(found.filter((path) => !(allowed as string[]).includes(path))).toEqual([]);
  });

  test("event emitters stay in the server", () => {
    expect(
      offenders((source) => layerOf(source.path) !== "server" && /EventEmitter/.test(source.code)),
    ).toEqual([]);
  });
});

describe("habits", () => {
  test("every file begins by saying what it is for", () => {
    expect(offenders((source) => !/^(#!.*\n)?\s*\/\*\*/.test(source.text))).toEqual([]);
  });

  test("no leftovers", () => {
    const leftovers = new RegExp(["TO" + "DO", "FIX" + "ME", "X" + "XX", "ST" + "UB"].join("|"));
    expect(offenders((source) => leftovers.test(source.text))).toEqual([]);
  });

  test("files are named for their noun", () => {
    expect(
      offenders((source) => /(util|helper|common|misc|manager|handler)/i.test(source.path)),
    ).toEqual([]);
  });

  test(`no file is longer than ${LINES} lines`, () => {
    const long = PRODUCTION.filter((source) => source.text.split("\n").length > LINES + 1);
    expect(long.map((source) => source.path).filter((path) => !TABLES.includes(path))).toEqual([]);
  });
});
