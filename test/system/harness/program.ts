/** Programs that a system test starts: found on the path, watched, and ended by their own process id. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const DIRECTORIES = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];

/** Full path of a command, or undefined. */
export function findProgram(command: string): string | undefined {
  for (const directory of DIRECTORIES) {
    const path = join(directory, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/**
 * Whether tests that need these commands may be skipped: true only where one is missing and CI does not insist.
 * In CI a missing one is an error, so that nothing is skipped unseen.
 */
export function skipWithout(...commands: string[]): boolean {
  const missing = commands.filter((command) => findProgram(command) === undefined);
  if (missing.length === 0) return false;
  if (process.env.CI === "true") throw new Error(`not installed: ${missing.join(", ")}`);
  console.warn(`skipped, because not installed: ${missing.join(", ")}`);
  return true;
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Outcome {
  const path = findProgram(command) ?? command;
  const done = spawnSync(path, args, {
    input: options.input ?? "",
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    encoding: "utf8",
    timeout: options.timeoutMs ?? 30_000,
  });
  if (done.error !== undefined) throw done.error;
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}

export interface RunOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly timeoutMs?: number;
}

/** The same without stopping the test's own event loop: for commands that call back into the test. */
export function runAsync(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(findProgram(command) ?? command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    timeout: options.timeoutMs ?? 30_000,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

/** A program that runs until told to end. Its output is kept for the message of a failing test. */
export class Daemon {
  readonly child: ChildProcess;
  #output = "";
  #ended: Promise<number | null>;

  constructor(command: string, args: readonly string[], options: RunOptions = {}) {
    this.child = spawn(findProgram(command) ?? command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.on("data", (chunk) => this.#keep(chunk));
    this.child.stderr?.on("data", (chunk) => this.#keep(chunk));
    this.#ended = new Promise((resolve) => {
      this.child.on("error", (error) => {
        this.#keep(error.message);
        resolve(-1);
      });
      this.child.on("exit", (status) => resolve(status));
    });
  }

  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Sends the signal and waits for the end. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.isRunning) this.child.kill(signal);
    const killer = setTimeout(() => this.child.kill("SIGKILL"), 20_000);
    const status = await this.#ended;
    clearTimeout(killer);
    return status;
  }

  /** Resolves with the exit status when the program ends by itself. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  #keep(chunk: unknown): void {
    this.#output = (this.#output + String(chunk)).slice(-200_000);
  }
}

/** Polls until `condition` holds or the bound is reached; then fails with what was waited for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  boundMs = 15_000,
): Promise<void> {
  const pauseMs = 25;
  for (let waited = 0; waited < boundMs; waited += pauseMs) {
    if (await condition()) return;
    await sleep(pauseMs);
  }
  throw new Error(`waited ${boundMs} ms in vain for: ${what}`);
}
