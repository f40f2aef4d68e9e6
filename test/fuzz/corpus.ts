/**
 * The kept corpus: a folder for each target, a file for each input that once broke something or is worth asking for
 * ever. Octets are hex, with `#` comments; zone files are as they are.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { PROJECT_ROOT } from "../project-root.ts";

const CORPUS = join(PROJECT_ROOT, "test/fuzz/corpus");
const OCTETS_A_LINE = 32;

export interface CorpusEntry {
  readonly file: string;
  readonly input: Uint8Array;
}

export function readCorpus(target: string): CorpusEntry[] {
  const folder = join(CORPUS, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => ({ file, input: readInput(join(folder, file)) }));
}

export function readInput(path: string): Uint8Array {
  if (!path.endsWith(".hex")) return new Uint8Array(readFileSync(path));
  const text = readFileSync(path, "utf8").replace(/#.*$/gm, "");
  const input = fromHex(text);
  if (input === undefined) throw new Error(`${path}: the octets are not hex`);
  return input;
}

/** Keeps an input for ever; where it is now. */
export function keepInput(target: string, name: string, input: Uint8Array, why: string): string {
  const folder = join(CORPUS, target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.hex`);
  const lines: string[] = [];
  for (let at = 0; at < input.length; at += OCTETS_A_LINE) {
    lines.push(toHex(input.subarray(at, at + OCTETS_A_LINE)));
  }
  writeFileSync(path, `# ${why.split("\n")[0]}\n${lines.join("\n")}\n`);
  return path;
}
