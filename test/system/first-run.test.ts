/** `windhover serve` with nothing configured: an example zone, a host, a token, and three commands that work as printed. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "./harness/ports.ts";
import { Daemon, run, skipWithout, until } from "./harness/program.ts";

const MAIN = resolve(import.meta.dirname, "../../dist/cli/main.js");

describe.skipIf(skipWithout("dig", "curl", "nsupdate"))("first run", () => {
  const directory = mkdtempSync(join(tmpdir(), "windhover-first-"));
  let daemon: Daemon;
  let printed: string[];

  beforeAll(async () => {
    daemon = new Daemon(process.execPath, [MAIN, "serve"], {
      cwd: directory,
      env: {
        WINDHOVER_DNS__LISTEN: `127.0.0.1:${await freePort()}`,
        WINDHOVER_HTTP__LISTEN: `127.0.0.1:${await freePort()}`,
      },
    });
    await until("the printed commands", () => /^ +nsupdate|^ +printf/m.test(daemon.output));
    printed = daemon.output
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => /^(dig|curl|printf|nsupdate) /.test(line));
  });
  afterAll(async () => {
    await daemon?.end();
  });

  const command = (word: RegExp) => printed.find((line) => word.test(line)) as string;
  const shell = (line: string) => run("sh", ["-c", line], { cwd: directory });

  test("the dig line shows the host", () => {
    expect(shell(command(/^dig/)).stdout).toMatch(/\d+\.\d+\.\d+\.\d+/);
  });

  test("the curl line changes the host, and dig shows it", () => {
    expect(shell(command(/^curl/)).stdout).toMatch(/^good /);
    const address = /myip=([0-9.]+)/.exec(command(/^curl/))?.[1];
    expect(shell(command(/^dig/)).stdout).toContain(address);
  });

  test("the nsupdate line changes it again", () => {
    const line = command(/nsupdate/);
    expect(shell(line)).toMatchObject({ status: 0, stderr: "" });
    const address = / A ([0-9.]+)/.exec(line)?.[1];
    expect(shell(command(/^dig/)).stdout).toContain(address);
  });
});
