/** A process of ours that a test starts, listens to and kills. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface Child {
  readonly pid: number;
  /** Every line it has printed. */
  readonly lines: readonly string[];
  /** Resolves when a line matches, rejects when the process ends before. */
  line(matches: (line: string, count: number) => boolean): Promise<string>;
  /** SIGKILL, and everything it printed before has been read. */
  kill(): Promise<void>;
}

export function startChild(
  script: string,
  args: readonly string[],
  identity: { uid?: number; gid?: number } = {},
  environment: Readonly<Record<string, string>> = {},
): Child {
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const child: ChildProcess = spawn(process.execPath, [script, ...args], {
    stdio: [...stdio],
    env: { ...process.env, ...environment },
    ...identity,
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let hasEnded = false;
  if (child.stdout === null || child.pid === undefined) throw new Error("it was not started");
  const reader = createInterface({ input: child.stdout });
  const closed = once(reader, "close");
  reader.on("line", (line) => {
    lines.push(line);
    for (const check of waiting) check();
  });
  reader.on("close", () => {
    hasEnded = true;
    for (const check of waiting) check();
  });
  const line = (matches: (line: string, count: number) => boolean) =>
    new Promise<string>((resolve, reject) => {
      let seen = 0;
      const check = () => {
        for (; seen < lines.length; seen++) {
          if (!matches(lines[seen] as string, seen + 1)) continue;
          waiting.delete(check);
          resolve(lines[seen] as string);
          return;
        }
        if (hasEnded) reject(new Error(`it ended after: ${lines.slice(-3).join(" / ")}`));
      };
      waiting.add(check);
      check();
    });
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    await closed;
  };
  return { pid: child.pid, lines, line, kill };
}
