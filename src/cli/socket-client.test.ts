import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isNoServer, SocketClient } from "./socket-client.ts";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windhover-client-"));
  path = join(directory, "windhover.sock");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function problem(): Promise<unknown> {
  const client = new SocketClient(path);
  return client.json({ method: "GET", path: "/v1/zones" }).catch((error: unknown) => error);
}

test("no server runs where there is no socket", async () => {
  expect(isNoServer(await problem())).toBe(true);
});

test("one that hangs up runs: nobody may write into its store beside it", async () => {
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const error = await problem();
  expect(error).toMatchObject({ code: "listen" });
  expect(isNoServer(error)).toBe(false);
  await new Promise((resolve) => server.close(resolve));
});
