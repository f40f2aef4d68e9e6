/**
 * Our sources as plain JavaScript, for the processes that a test starts and kills: Node 20 reads no TypeScript.
 * Compiled once per test file into a directory of its own.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Compiled {
  /** The script of this source: `path("test/store/committer.ts")`. */
  path(source: string): string;
  remove(): void;
}

/** Compiles these sources, given from the root of the repository, and all they import. */
export function compile(...sources: string[]): Compiled {
  const directory = mkdtempSync(join(tmpdir(), "windhover-compiled-"));
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  const project = join(directory, "tsconfig.json");
  writeFileSync(project, JSON.stringify(projectFor(directory, sources)));
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const { status, stdout } = spawnSync(tsc, ["-p", project], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the sources do not compile:\n${stdout}`);
  return {
    path: (source) => join(directory, "out", source.replace(/\.ts$/, ".js")),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function projectFor(directory: string, sources: readonly string[]): object {
  return {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      allowImportingTsExtensions: false,
      rootDir: ROOT,
      outDir: join(directory, "out"),
      typeRoots: [join(ROOT, "node_modules", "@types")],
    },
    include: [],
    files: sources.map((source) => join(ROOT, source)),
  };
}
