/** A name server under measurement: started as a real process with one zone, watched from outside, ended by its pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { cpuSeconds, memoryBytes } from "./process-tree.ts";

/** The zone every server is given, and the key that may change it. */
export interface BenchZone {
  readonly origin: string;
  readonly file: string;
  readonly keyName: string;
  /** Base64, for hmac-sha256. */
  readonly secret: string;
}

/** How to start one kind of server. */
export interface ServerKind {
  readonly name: string;
  /** The command that must be installed. */
  readonly program: string;
  readonly takesUpdates: boolean;
  /** It is started from its own store, not from the zone file, the second time. */
  readonly keepsZones: boolean;
  /** Writes what the server needs into `directory` and says what to run. */
  configure(directory: string, port: number, zone: BenchZone): Launch;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** Port of the HTTP doors, where there are some. */
  readonly httpPort?: number;
}

const DIRECTORIES = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];

export function findProgram(command: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, command)).find((path) => existsSync(path));
}

let nextPort = 25_000 + (process.pid % 400) * 10;

export class RunningServer {
  readonly name: string;
  readonly port: number;
  readonly httpPort: number | undefined;
  readonly directory: string;
  readonly startedMs: number;
  readonly #child: ChildProcess;
  #output = "";

  /** `directory`: where one of this kind was before, to start with what it left there. */
  constructor(kind: ServerKind, zone: BenchZone, directory?: string) {
    this.name = kind.name;
    this.port = nextPort++;
    nextPort++;
    this.directory = directory ?? mkdtempSync(join(dirname(zone.file), "server-"));
    const launch = kind.configure(this.directory, this.port, zone);
    this.httpPort = launch.httpPort;
    this.startedMs = performance.now();
    this.#child = spawn(findProgram(launch.command) ?? launch.command, launch.args, {
      cwd: this.directory,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (chunk) => {
        this.#output = (this.#output + String(chunk)).slice(-4_000);
      });
    }
  }

  /** What it last said, for the message of a failed start. */
  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** User and system time so far, over all its processes and threads. */
  cpuSeconds(): number {
    return cpuSeconds(this.#child.pid as number);
  }

  /** Proportional memory of all its processes. */
  memoryBytes(): number {
    return memoryBytes(this.#child.pid as number);
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(killer);
  }
}
