/**
 * The native calls by musl's own library. There is no node for musl to be had here, but its library can be loaded beside
 * glibc: its wrappers of system calls do not depend on how a program was started. In a process of its own, as a call that
 * fails would write its error where glibc keeps something else; the self-test's calls succeed.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { skipWithout } from "../system/harness/program.ts";

const MUSL = { x64: "/lib/ld-musl-x86_64.so.1", arm64: "/lib/ld-musl-aarch64.so.1" }[
  process.arch as string
];
const built = (path: string) => new URL(`../../dist/server/native/${path}`, import.meta.url).href;

/** Koffi, except that the library of the process is musl's. */
const koffiOfMusl = () => {
  const koffi = pathToFileURL(createRequire(import.meta.url).resolve("koffi")).href;
  const source = `import koffi from ${JSON.stringify(koffi)};
    export default new Proxy(koffi, { get: (own, name) => name === "load" ? () => own.load(${JSON.stringify(MUSL)}) : own[name] });`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
};

test.skipIf(skipWithout("musl-gcc"))("a datagram goes there and back by musl's calls", () => {
  expect(existsSync(MUSL ?? "")).toBe(true);
  const program = `
    import { loadLibc } from ${JSON.stringify(built("libc.js"))};
    import { findNativeProblem } from ${JSON.stringify(built("self-test.js"))};
    const { libc, problem } = await loadLibc(process.argv[1]);
    libc?.trimHeap();
    console.log(problem ?? findNativeProblem(libc) ?? "works");
    process.reallyExit(0);`;
  const args = ["--input-type=module", "-e", program, koffiOfMusl()];
  const done = spawnSync(process.execPath, args, {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(`${done.stdout}${done.stderr}`).toBe("works\n");
});
