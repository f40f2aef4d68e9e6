import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Fastify from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listenOnSocket } from "./admin-socket.ts";

let directory: string;
let path: string;
let app: ReturnType<typeof Fastify>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windhover-admin-"));
  path = join(directory, "windhover.sock");
  app = Fastify();
});

afterEach(async () => {
  await app.close();
  rmSync(directory, { recursive: true, force: true });
});

test("the socket is its owner's alone, in a directory that is made for it", async () => {
  const deep = join(directory, "made", "windhover.sock");
  await listenOnSocket(app, deep);
  expect(statSync(deep).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, "made")).mode & 0o777).toBe(0o700);
});

test("the socket of a living server is left to it", async () => {
  const other = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => other.listen(path, resolve));
  await expect(listenOnSocket(app, path)).rejects.toThrow("another server listens there; stop it");
  expect(statSync(path).isSocket()).toBe(true);
  await new Promise((resolve) => other.close(resolve));
});

test("what is no socket is not removed", async () => {
  writeFileSync(path, "zones: []");
  chmodSync(path, 0o644);
  await expect(listenOnSocket(app, path)).rejects.toMatchObject({
    code: "listen",
    message: expect.stringContaining("no socket; set `socket` to another path"),
  });
  expect(readFileSync(path, "utf8")).toBe("zones: []");
});
