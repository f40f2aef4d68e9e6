/** Load by dnsperf: one thread, so that with one worker each has a core of its own on a two-core machine. */
import { spawn } from "node:child_process";
import { findProgram, type RunningServer } from "./server.ts";

export interface QueryRun {
  readonly answered: number;
  readonly lost: number;
  readonly perSecond: number;
  /** Microseconds of the server's CPU, user and system, for each answered query. */
  readonly cpuMicroseconds: number;
}

export interface QueryLoad {
  readonly questionFile: string;
  readonly seconds: number;
  readonly edns: boolean;
}

export async function measureQueries(server: RunningServer, load: QueryLoad): Promise<QueryRun> {
  const args = ["-s", "127.0.0.1", "-p", String(server.port), "-d", load.questionFile];
  args.push("-T", "1", "-c", "1", "-q", "200", "-l", String(load.seconds));
  if (load.edns) args.push("-e");
  const before = server.cpuSeconds();
  const output = await outputOf("dnsperf", args);
  const cpu = server.cpuSeconds() - before;
  const answered = numberIn(output, /Queries completed:\s+(\d+)/);
  return {
    answered,
    lost: numberIn(output, /Queries lost:\s+(\d+)/),
    perSecond: numberIn(output, /Queries per second:\s+([\d.]+)/),
    cpuMicroseconds: (cpu * 1e6) / answered,
  };
}

function numberIn(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1];
  if (found === undefined) throw new Error(`dnsperf said nothing like ${pattern}:\n${output}`);
  return Number(found);
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  const path = findProgram(command);
  if (path === undefined) throw new Error(`${command} is not installed: apt-get install dnsperf`);
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += String(chunk);
    });
    child.stderr.on("data", (chunk) => {
      output += String(chunk);
    });
    child.on("error", reject);
    child.on("close", () => resolve(output));
  });
}
