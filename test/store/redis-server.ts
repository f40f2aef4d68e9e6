/** A real redis-server of its own, in a directory of its own, to be stopped, killed and started again by a test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RedisServerOptions {
  /** PEM files: replicas, Sentinels, the bus of a Cluster and clients at `tlsPort` use TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly appendonly?: boolean;
  readonly appendfsync?: "always" | "everysec" | "no";
  readonly password?: string;
  /** Given as they stand to the command line: `["--maxmemory", "5mb"]`. */
  readonly extra?: readonly string[];
  /** Ports to choose from, first and last. */
  readonly ports?: readonly [number, number];
}

export interface RedisServer {
  readonly url: string;
  /** Without TLS, for the test itself. */
  readonly port: number;
  /** The same as `port` where there is no TLS. */
  readonly tlsPort: number;
  readonly directory: string;
  /** SIGTERM: saves and goes. */
  stop(): Promise<void>;
  /** SIGKILL: as a crash. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: alive but silent. */
  pause(): void;
  resume(): void;
  /** Starts it again on the same port and directory. */
  start(): Promise<void>;
  /** Stops it for good and removes its directory. */
  destroy(): Promise<void>;
}

const STEP_MS = 20;
const STEPS = 500;

/** Whether tests may use Redis here. In continuous integration it has to be there. */
export async function hasRedisServer(): Promise<boolean> {
  const child = spawn("redis-server", ["--version"], { stdio: "ignore" });
  const isThere = await new Promise<boolean>((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
  if (!isThere && process.env.CI === "true") {
    throw new Error("redis-server is not installed, and CI=true does not allow to skip its tests");
  }
  return isThere;
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = await freePort(options.ports);
  const [, last = 0] = options.ports ?? [];
  const tlsPort = options.tls === undefined ? port : await freePort([port + 1, last]);
  const directory = mkdtempSync(join(tmpdir(), "windhover-redis-"));
  const extra = [...(options.extra ?? []), ...tlsSettings(tlsPort, options)];
  const started = { ...options, extra };
  let child = await launch(port, directory, started);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  const login = options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`;
  return {
    url: `redis://${login}127.0.0.1:${port}/0`,
    port,
    tlsPort,
    directory,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    start: async () => {
      child = await launch(port, directory, started);
    },
    destroy: async () => {
      await end("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function tlsSettings(port: number, { tls, extra = [] }: RedisServerOptions): string[] {
  if (tls === undefined) return [];
  const { certificate, key } = tls;
  const files = ["--tls-cert-file", certificate, "--tls-key-file", key];
  const bus = extra.includes("--cluster-enabled") ? ["--tls-cluster", "yes"] : [];
  const trust = ["--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"];
  return ["--tls-port", String(port), ...files, ...trust, "--tls-replication", "yes", ...bus];
}

async function launch(
  port: number,
  directory: string,
  options: RedisServerOptions,
): Promise<ChildProcess> {
  const settings = [
    ["--port", String(port)],
    ["--bind", "127.0.0.1"],
    ["--dir", directory],
    ["--save", ""],
    ["--repl-diskless-sync-delay", "0"],
    ["--appendonly", options.appendonly === true ? "yes" : "no"],
    ["--appendfsync", options.appendfsync ?? "always"],
    ...(options.password === undefined ? [] : [["--requirepass", options.password]]),
    options.extra ?? [],
  ];
  const child = spawn("redis-server", settings.flat(), { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4_000);
  });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`redis-server ended at once:\n${output}`)));
  });
  failed.catch(() => {});
  await Promise.race([waitForPort(port), failed]);
  return child;
}

async function waitForPort(port: number): Promise<void> {
  for (let step = 0; step < STEPS; step++) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  throw new Error(`redis-server does not accept connections on port ${port}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export async function freePort(ports: readonly [number, number] | undefined): Promise<number> {
  const [first, last] = ports ?? [0, 0];
  for (let port = first; port <= last; port++) {
    const found = await tryPort(port);
    if (found !== undefined) return found;
  }
  throw new Error(`no free port from ${first} to ${last}`);
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
