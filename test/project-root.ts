/** The folder of package.json, whether a test runs from the sources or compiled. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

export const PROJECT_ROOT: string = findRoot(import.meta.dirname);

function findRoot(directory: string): string {
  if (existsSync(join(directory, "package.json"))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error("there is no package.json above this file");
  return findRoot(parent);
}
