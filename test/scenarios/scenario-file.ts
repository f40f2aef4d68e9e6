/** Reads scenario files into blocks; what the blocks mean is for the tests that run them. See README.md here. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ScenarioBlock {
  readonly keyword: string;
  /** What stands behind the keyword, split at white space. */
  readonly words: readonly string[];
  /** The indented lines that follow, less two spaces each. */
  readonly body: readonly string[];
  readonly line: number;
}

export interface ScenarioCase {
  readonly title: string;
  /** From a `query`, `packet` or `update` to the block before the next `test`. */
  readonly blocks: readonly ScenarioBlock[];
}

export interface Scenario {
  readonly file: string;
  readonly title: string;
  /** Blocks before the first `test`: zones and server settings. */
  readonly setup: readonly ScenarioBlock[];
  readonly cases: readonly ScenarioCase[];
}

const KEYWORDS = ["title", "server", "zone", "test", "query", "packet", "update", "expect"];

export function readScenarios(directory: string): readonly Scenario[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => parseScenario(name, readFileSync(join(directory, name), "utf8")));
}

export function parseScenario(file: string, text: string): Scenario {
  const blocks = parseBlocks(file, text);
  const firstTest = blocks.findIndex((block) => block.keyword === "test");
  if (firstTest < 0) throw new Error(`${file}: a scenario has at least one "test"`);
  const setup = blocks.slice(0, firstTest);
  const cases: { title: string; blocks: ScenarioBlock[] }[] = [];
  for (const block of blocks.slice(firstTest)) {
    if (block.keyword === "test") cases.push({ title: block.words.join(" "), blocks: [] });
    else cases.at(-1)?.blocks.push(block);
  }
  const empty = cases.find((each) => !each.blocks.some((block) => block.keyword === "expect"));
  if (empty !== undefined) throw new Error(`${file}: "${empty.title}" expects nothing`);
  const title = setup.find((block) => block.keyword === "title")?.words.join(" ") ?? file;
  return { file, title, setup, cases };
}

function parseBlocks(file: string, text: string): ScenarioBlock[] {
  const blocks: (ScenarioBlock & { body: string[] })[] = [];
  text.split("\n").forEach((line, at) => {
    if (line.trim() === "" || line.startsWith(";")) return;
    if (line.startsWith("  ")) {
      const block = blocks.at(-1);
      if (block === undefined) throw new Error(`${file}:${at + 1}: a body without a block`);
      block.body.push(line.slice(2));
      return;
    }
    const [keyword = "", ...words] = line.trim().split(/\s+/);
    if (!KEYWORDS.includes(keyword)) throw new Error(`${file}:${at + 1}: no keyword: ${keyword}`);
    blocks.push({ keyword, words, body: [], line: at + 1 });
  });
  return blocks;
}
