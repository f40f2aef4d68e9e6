/**
 * What was written: the file and the environment as one tree of keys, and where a person finds each key again, so that
 * every mistake can be told with its line and column or its variable.
 */
import { readFileSync } from "node:fs";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { applyEnvironment, type EnvironmentTwins } from "./environment.ts";

/** From the root: names of keys, and positions in lists. */
export type KeyPath = readonly (string | number)[];

export interface SourceTree {
  readonly tree: Record<string, unknown>;
  /** The key of this path, or the nearest one around it: `FILE:LINE:COLUMN`, or a variable of the environment. */
  readonly place: (path: KeyPath) => string;
}

/** Throws `bad-config` for a file that cannot be read or is not YAML. */
export function readSourceTree(file: string | undefined, twins: EnvironmentTwins): SourceTree {
  const written = file === undefined ? noFile() : readFile(file);
  for (const [key, value] of Object.entries(written.tree)) {
    const short = typeof value === "string" ? twins.shorthand([key]) : undefined;
    if (short !== undefined) written.tree[key] = { [short]: value };
  }
  const variables = applyEnvironment(written.tree, twins);
  const variableAt = (path: KeyPath) =>
    variables.find((twin) => twin.path.every((key, at) => key === String(path[at])));
  const place = (path: KeyPath) => variableAt(path)?.variable ?? written.place(path);
  return { tree: written.tree, place };
}

/** `dns.listen[0]`, as a person writes it. */
export function formatKeyPath(path: KeyPath): string {
  return path
    .map((key, at) => (/^\d+$/.test(String(key)) ? `[${key}]` : at === 0 ? key : `.${key}`))
    .join("");
}

export function badConfig(where: string, problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badConfig, `${where}: ${problem}`);
}

function noFile(): SourceTree {
  return { tree: {}, place: () => "environment" };
}

function readFile(file: string): SourceTree {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problem = document.errors[0];
  if (problem !== undefined) {
    const summary = problem.message.split("\n")[0] ?? "";
    throw badConfig(at(problem.pos[0]), summary.replace(/ at line .*$/, ""));
  }
  const tree = readMapping(file, document);
  return { tree, place: (path) => at(offsetOf(document, path)) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw badConfig(file, `cannot be read: ${errorMessage(error)}`);
  }
}

function readMapping(file: string, document: Document): Record<string, unknown> {
  let tree: unknown;
  try {
    tree = document.toJS();
  } catch (error) {
    throw badConfig(file, errorMessage(error));
  }
  if (tree === null || tree === undefined) return {};
  if (typeof tree !== "object" || Array.isArray(tree)) {
    throw badConfig(file, "must be a mapping of keys such as `dns:` and `zones:`");
  }
  return tree as Record<string, unknown>;
}

/** Where the key of this path begins, or the deepest one on the way to it. */
function offsetOf(document: Document, path: KeyPath): number {
  let offset = 0;
  let node: unknown = document.contents;
  for (const key of path) {
    const child = childOf(isAlias(node) ? node.resolve(document) : node, String(key));
    if (child === undefined) break;
    offset = child.offset;
    node = child.value;
  }
  return offset;
}

function childOf(node: unknown, key: string) {
  if (isMap(node)) {
    const pair = node.items.find((each) => isScalar(each.key) && String(each.key.value) === key);
    if (isScalar(pair?.key)) return { offset: pair.key.range?.[0] ?? 0, value: pair.value };
  } else if (isSeq(node)) {
    const item = node.items[Number(key)];
    const range = (item as { range?: readonly number[] | null } | undefined)?.range;
    if (item !== undefined) return { offset: range?.[0] ?? 0, value: item };
  }
  return undefined;
}
