/** The built program as a test runs it: in a directory of its own, on ports of its own, with a real configuration file. */
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { PROJECT_ROOT } from "../../project-root.ts";
import { freePort } from "./ports.ts";
import { Daemon, type Outcome, run, runAsync, until } from "./program.ts";

/** The built program. */
export const MAIN = join(PROJECT_ROOT, "dist/cli/main.js");

export interface WindhoverOptions {
  /** Keys of windhover.yaml besides the listening addresses. */
  readonly config?: Record<string, unknown>;
  /** Keys of its `dns` section besides where it listens. */
  readonly dns?: Record<string, unknown>;
  /** Further files of the directory, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export class Windhover {
  readonly directory: string;
  readonly dnsPort: number;
  readonly httpPort: number;
  #daemon: Daemon | undefined;

  private constructor(directory: string, dnsPort: number, httpPort: number) {
    this.directory = directory;
    this.dnsPort = dnsPort;
    this.httpPort = httpPort;
  }

  static async start(options: WindhoverOptions = {}): Promise<Windhover> {
    const server = await Windhover.prepare(options);
    await server.launch();
    return server;
  }

  /** Writes directory and configuration without starting the program. */
  static async prepare(options: WindhoverOptions = {}): Promise<Windhover> {
    if (!existsSync(MAIN)) throw new Error("the program is not built: npm run build");
    const directory = mkdtempSync(join(tmpdir(), "windhover-system-"));
    const server = new Windhover(directory, await freePort(), await freePort());
    writeFileSync(server.configFile, server.configText(options));
    for (const [name, content] of Object.entries(options.files ?? {})) {
      writeFileSync(join(directory, name), content);
    }
    return server;
  }

  get configFile(): string {
    return join(this.directory, "windhover.yaml");
  }

  /** What windhover.yaml says with these keys besides the listening addresses. */
  configText({ config, dns }: WindhoverOptions): string {
    return stringify({
      dns: { listen: [`127.0.0.1:${this.dnsPort}`], ...dns },
      http: { listen: `127.0.0.1:${this.httpPort}`, ...(config?.http as object | undefined) },
      ...Object.fromEntries(Object.entries(config ?? {}).filter(([key]) => key !== "http")),
    });
  }

  get output(): string {
    return this.#daemon?.output ?? "";
  }

  get pid(): number {
    return this.#daemon?.child.pid as number;
  }

  get isRunning(): boolean {
    return this.#daemon?.isRunning ?? false;
  }

  /** Starts the program and waits until it says it is ready. */
  async launch(env: Record<string, string> = {}): Promise<void> {
    this.spawn(env);
    await until(`windhover to be ready; it said:\n${this.output}`, async () => {
      if (!this.isRunning) throw new Error(`windhover ended:\n${this.output}`);
      return this.isReady();
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
  }

  /** Starts the program without waiting. */
  spawn(env: Record<string, string> = {}): Daemon {
    this.#daemon = new Daemon(process.execPath, [MAIN, "serve"], { cwd: this.directory, env });
    return this.#daemon;
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(this.url("/readyz"))).status === 200;
    } catch {
      return false;
    }
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.httpPort}${path}`;
  }

  async stop(): Promise<number | null> {
    return (await this.#daemon?.end("SIGTERM")) ?? null;
  }

  async kill(): Promise<void> {
    await this.#daemon?.end("SIGKILL");
  }

  /** `windhover …` against this server. */
  cli(...args: string[]): Outcome {
    return run(process.execPath, [MAIN, ...args], { cwd: this.directory });
  }

  /** The same without stopping the test's own event loop. */
  cliAsync(...args: string[]): Promise<Outcome> {
    return runAsync(process.execPath, [MAIN, ...args], { cwd: this.directory });
  }

  /** `dig +short` against this server: the answer's lines. */
  dig(...args: string[]): string[] {
    const { stdout } = this.digFull("+short", ...args);
    return stdout.split("\n").filter((line) => line !== "");
  }

  digFull(...args: string[]): Outcome {
    return run("dig", ["@127.0.0.1", "-p", String(this.dnsPort), "+tries=1", "+time=5", ...args]);
  }

  /** Feeds nsupdate these lines after the server line. */
  nsupdate(lines: readonly string[], ...args: string[]): Outcome {
    const input = [`server 127.0.0.1 ${this.dnsPort}`, ...lines, "send", ""].join("\n");
    return run("nsupdate", args, { input });
  }
}
