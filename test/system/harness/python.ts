/** Debian's own Python: the one that sees the modules Debian installs, whatever python3 comes first on the path. */
import { existsSync } from "node:fs";
import { run } from "./program.ts";

export const PYTHON = "/usr/bin/python3";

/** As `skipWithout`, for modules of Python. */
export function skipWithoutModule(module: string): boolean {
  if (existsSync(PYTHON) && run(PYTHON, ["-c", `import ${module}`]).status === 0) return false;
  if (process.env.CI === "true") throw new Error(`not installed: ${module} for ${PYTHON}`);
  console.warn(`skipped, because not installed: ${module} for ${PYTHON}`);
  return true;
}
