/** Redis as a store under measurement, once for each way of syncing; none where it is not installed. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { findProgram } from "./server.ts";

const WAYS = ["everysec", "always"] as const;

let nextPort = 29_500 + (process.pid % 100) * 4;

export class RedisForBench {
  readonly label: string;
  readonly url: string;
  readonly #port: number;
  readonly #child: ChildProcess;

  private constructor(program: string, directory: string, appendfsync: string) {
    this.#port = nextPort++;
    this.label = `Redis ${appendfsync}`;
    this.url = `redis://127.0.0.1:${this.#port}`;
    mkdirSync(directory);
    const settings = ["--appendonly", "yes", "--appendfsync", appendfsync, "--save", ""];
    const listen = ["--bind", "127.0.0.1", "--port", String(this.#port), "--dir", directory];
    this.#child = spawn(program, [...listen, ...settings], { stdio: "ignore" });
  }

  static async startAll(directory: string): Promise<RedisForBench[]> {
    const program = findProgram("redis-server");
    if (program === undefined) return [];
    const started = WAYS.map(
      (way) => new RedisForBench(program, join(directory, `redis-${way}-${nextPort}`), way),
    );
    for (const each of started) await each.#listening();
    return started;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }

  async #listening(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const isUp = await new Promise<boolean>((resolve) => {
        const socket = createConnection(this.#port, "127.0.0.1");
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      });
      if (isUp) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`redis-server did not start on port ${this.#port}`);
  }
}
