/** Load by dnsperf: one thread, so that with one worker each has a core of its own on a two-core machine. */
import { spawn } from "node:child_process";
import { type BenchZone, findProgram, type RunningServer } from "./server.ts";

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
  /** Sockets; the kernel spreads them over workers. */
  readonly clients?: number;
}

/** Queries that wait for an answer at most. */
const OUTSTANDING = 200;

export async function measureQueries(server: RunningServer, load: QueryLoad): Promise<QueryRun> {
  const clients = String(load.clients ?? 1);
  const args = ["-d", load.questionFile, "-c", clients, "-q", String(OUTSTANDING)];
  if (load.edns) args.push("-e");
  const before = server.cpuSeconds();
  const output = await dnsperf(server, load.seconds, args);
  const cpu = server.cpuSeconds() - before;
  const answered = numberIn(output, /Queries completed:\s+(\d+)/);
  return {
    answered,
    lost: numberIn(output, /Queries lost:\s+(\d+)/),
    perSecond: numberIn(output, /Queries per second:\s+([\d.]+)/),
    cpuMicroseconds: (cpu * 1e6) / answered,
  };
}

export interface LatencyRun {
  readonly perSecond: number;
  readonly lost: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

export interface LatencyLoad {
  readonly questionFile: string;
  readonly seconds: number;
  /** Far below what a server can do, so that what is measured is waiting for it, not for the queue before it. */
  readonly perSecond: number;
}

export async function measureLatency(
  server: RunningServer,
  load: LatencyLoad,
): Promise<LatencyRun> {
  const args = ["-d", load.questionFile, "-c", "1", "-Q", String(load.perSecond), "-v"];
  const output = await dnsperf(server, load.seconds, args);
  const latencies = [...output.matchAll(/^> [A-Z]+ .* (\d+\.\d+)$/gm)].map((line) =>
    Number(line[1]),
  );
  latencies.sort((a, b) => a - b);
  const percentileMs = (part: number) =>
    (latencies[Math.floor(latencies.length * part)] as number) * 1_000;
  return {
    perSecond: numberIn(output, /Queries per second:\s+([\d.]+)/),
    lost: numberIn(output, /Queries lost:\s+(\d+)/),
    medianMs: percentileMs(0.5),
    p99Ms: percentileMs(0.99),
  };
}

export interface UpdateFileLoad {
  /** In dnsperf's form, with more updates than can be sent. */
  readonly file: string;
  readonly inFlight: number;
  readonly seconds: number;
}

/** Updates a second that were answered NOERROR. */
export async function measureUpdatesByDnsperf(
  server: RunningServer,
  zone: BenchZone,
  { file, inFlight, seconds }: UpdateFileLoad,
): Promise<number> {
  const key = `hmac-sha256:${zone.keyName}:${zone.secret}`;
  const args = ["-u", "-y", key, "-d", file, "-n", "1", "-c", "1", "-q", String(inFlight)];
  const output = await dnsperf(server, seconds, args);
  const acknowledged = numberIn(output, /NOERROR (\d+)/);
  return acknowledged / numberIn(output, /Run time \(s\):\s+([\d.]+)/);
}

function dnsperf(server: RunningServer, seconds: number, args: readonly string[]): Promise<string> {
  const where = ["-s", "127.0.0.1", "-p", String(server.port), "-T", "1", "-l", String(seconds)];
  return outputOf("dnsperf", [...where, ...args]);
}

function numberIn(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1];
  if (found === undefined) {
    throw new Error(`dnsperf said nothing like ${pattern}:\n${output.slice(-2_000)}`);
  }
  return Number(found);
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  const path = findProgram(command);
  if (path === undefined) throw new Error(`${command} is not installed: apt-get install dnsperf`);
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"] });
    const pieces: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => pieces.push(String(chunk)));
    }
    child.on("error", reject);
    child.on("close", () => resolve(pieces.join("")));
  });
}
