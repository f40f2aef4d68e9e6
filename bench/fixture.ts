/** What one part of the benchmark works with: a zone of so many names, servers on it, and where the figures go. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { firstAnswerMs } from "./first-answer.ts";
import type { Results } from "./results.ts";
import { type BenchZone, findProgram, RunningServer, type ServerKind } from "./server.ts";
import { ORIGIN, writeQuestionFile, writeZoneFile } from "./zone-source.ts";

export interface BenchSize {
  readonly directory: string;
  readonly names: number;
  readonly rounds: number;
  readonly seconds: number;
}

export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Those that are there; the others are named once. */
export function installed(kinds: readonly ServerKind[]): ServerKind[] {
  return kinds.filter((kind) => {
    const isThere = findProgram(kind.program) !== undefined || kind.program === process.execPath;
    if (!isThere) progress(`${kind.name} is not installed: left out`);
    return isThere;
  });
}

export async function started(kind: ServerKind, zone: BenchZone): Promise<RunningServer> {
  const server = new RunningServer(kind, zone);
  try {
    await firstAnswerMs(server, `ns1.${ORIGIN}`);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** The HTTP doors open after the DNS ones. */
export async function listening(server: RunningServer): Promise<void> {
  const url = `http://127.0.0.1:${server.httpPort}/healthz`;
  for (let tries = 0; tries < 400; tries++) {
    const isUp = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${url} does not answer: ${server.output}`);
}

export class Fixture {
  readonly names: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly results: Results;
  readonly directory: string;
  readonly zone: BenchZone;
  /** The same zone without hosts. */
  readonly empty: BenchZone;
  readonly questionFile: string;

  constructor({ directory, names, rounds, seconds }: BenchSize, results: Results) {
    this.names = names;
    this.rounds = rounds;
    this.seconds = seconds;
    this.results = results;
    this.directory = join(directory, String(names));
    mkdirSync(this.directory, { recursive: true });
    this.zone = {
      origin: ORIGIN,
      file: join(this.directory, "bench.zone"),
      keyName: "bench-key",
      secret: "YmVuY2htYXJrIGtleSBmb3IgbG9vcGJhY2sgb25seQ==",
    };
    this.empty = { ...this.zone, file: join(this.directory, "empty.zone") };
    this.questionFile = join(this.directory, "questions");
    progress(`writing a zone of ${this.size}`);
    writeZoneFile(this.zone.file, names);
    writeZoneFile(this.empty.file, 0);
    writeQuestionFile(this.questionFile, names);
  }

  /** "10,000 names" */
  get size(): string {
    return `${this.names.toLocaleString("en")} names`;
  }

  /**
   * One server after another in each round, so that a noisy minute hits all alike. What `warmUp` does makes no figure:
   * compilers, caches and clocks find their pace.
   */
  async interleaved(
    kinds: readonly ServerKind[],
    measure: (server: RunningServer, round: number) => Promise<void>,
    warmUp: (server: RunningServer) => Promise<unknown> = async () => {},
  ): Promise<void> {
    const servers: RunningServer[] = [];
    try {
      for (const kind of installed(kinds)) servers.push(await started(kind, this.zone));
      for (const server of servers) {
        progress(`warming up ${server.name}`);
        await warmUp(server);
      }
      for (let round = 1; round <= this.rounds; round++) {
        for (const server of servers) await measure(server, round);
      }
    } finally {
      for (const server of servers) await server.stop();
    }
  }
}
