import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isAnswered } from "./living-socket.ts";

/** Holds one connection that it has not taken, and says when it listens. */
const LISTENER = `require("node:net").createServer().listen(
  { path: process.argv[1], backlog: 1 }, () => console.log("listening"))`;

let directory: string;
let path: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windhover-living-"));
  path = join(directory, "s.sock");
  child = undefined;
});

afterEach(async () => {
  await killed();
  rmSync(directory, { recursive: true, force: true });
});

async function listener(): Promise<ChildProcess> {
  child = spawn(process.execPath, ["-e", LISTENER, path], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout as NodeJS.EventEmitter, "data");
  return child;
}

async function killed(): Promise<void> {
  if (child === undefined || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

function connected(): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const connection = createConnection(path, () => resolve(connection));
    connection.once("error", () => resolve(undefined));
  });
}

test("where there is nothing nobody answers", async () => {
  expect(await isAnswered(path)).toBe(false);
});

test("a living process answers, and what it leaves when it is killed does not", async () => {
  await listener();
  expect(await isAnswered(path)).toBe(true);
  await killed();
  expect(await isAnswered(path)).toBe(false);
});

test("a process too busy to take one more connection is somebody", async () => {
  (await listener()).kill("SIGSTOP");
  const waiting: (Socket | undefined)[] = [];
  do waiting.push(await connected());
  while (waiting.at(-1) !== undefined && waiting.length < 20);
  expect(waiting.at(-1)).toBeUndefined();
  expect(await isAnswered(path)).toBe(true);
  for (const each of waiting) each?.destroy();
});
