/**
 * Environment twins of configuration keys: `WINDHOVER_HTTP__LISTEN` is `http.listen`, `WINDHOVER_ZONES__0__ORIGIN`
 * is `zones[0].origin`. Words are joined by single underscores, levels by two. A value that is no text is read as
 * YAML, and a list may also be written with commas. The environment wins over the file.
 */
import { parse } from "yaml";

const PREFIX = "WINDHOVER_";
/** Not configuration: where the file is, and what the command line reads. */
const NOT_KEYS = new Set(["WINDHOVER_CONFIG"]);

type Tree = Record<string, unknown>;

export interface EnvironmentTwins {
  readonly environment: NodeJS.ProcessEnv;
  /** Whether the key at this path holds a list: a lone value is then a list of one. */
  readonly isList: (path: readonly string[]) => boolean;
  /** Whether the key at this path holds text, which is taken as it stands. */
  readonly isText: (path: readonly string[]) => boolean;
  /** The key below this path that is meant by a lone string in its place. */
  readonly shorthand: (path: readonly string[]) => string | undefined;
}

/** A variable of the environment and the key it is the twin of. */
export interface Twin {
  readonly variable: string;
  readonly path: readonly string[];
}

/** Writes the twins that the environment holds into `tree`, which is changed in place; answers with them. */
export function applyEnvironment(
  tree: Tree,
  { environment, isList, isText, shorthand }: EnvironmentTwins,
): readonly Twin[] {
  const twins: Twin[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || NOT_KEYS.has(variable) || value === undefined) continue;
    const path = variable.slice(PREFIX.length).split("__").map(camelCase);
    const short = value.startsWith("{") ? undefined : shorthand(path);
    if (short !== undefined) path.push(short);
    const read = isText(path) ? value : readValue(value);
    setPath(tree, path, isList(path) && !Array.isArray(read) ? [read] : read);
    twins.push({ variable, path });
  }
  return twins;
}

function camelCase(words: string): string {
  return words.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function readValue(text: string): unknown {
  if (text.includes(",") && !/^[[{"']/.test(text))
    return text.split(",").map((each) => each.trim());
  try {
    return parse(text);
  } catch {
    return text;
  }
}

function setPath(tree: Tree, path: readonly string[], value: unknown): void {
  let node = tree;
  path.slice(0, -1).forEach((key, depth) => {
    const isList = /^\d+$/.test(path[depth + 1] as string);
    if (typeof node[key] !== "object" || node[key] === null) node[key] = isList ? [] : {};
    node = node[key] as Tree;
  });
  node[path.at(-1) as string] = value;
}
