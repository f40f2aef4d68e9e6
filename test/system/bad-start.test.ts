/** What cannot work says so in one clear line and a non-zero exit, before anything is answered. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXAMPLE, ORIGIN } from "./harness/example.ts";
import { freePort } from "./harness/ports.ts";
import { Windhover, type WindhoverOptions } from "./harness/windhover.ts";

async function failedStart(options: WindhoverOptions, prepare?: (server: Windhover) => void) {
  const server = await Windhover.prepare(options);
  prepare?.(server);
  const status = await server.spawn().ended();
  const complaint = server.output.split("\n").filter((line) => line.startsWith("windhover: "));
  return { status, complaint };
}

describe("a start that cannot work", () => {
  test("an unknown configuration key names the nearest right one", async () => {
    const { status, complaint } = await failedStart({ config: { zonse: [] } });
    expect(status).toBe(1);
    expect(complaint).toEqual([expect.stringContaining("did you mean `zones`?")]);
  });

  test("a zone file with a mistake names file, line and column", async () => {
    const zone = `@ 60 IN SOA ns1 host 1 2 3 4 5\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.999\n`;
    const { status, complaint } = await failedStart({
      config: { zones: [{ origin: ORIGIN, file: "bad.zone" }] },
      files: { "bad.zone": zone },
    });
    expect(status).toBe(1);
    expect(complaint).toEqual([expect.stringMatching(/bad\.zone:3:\d+: .*192\.0\.2\.999/)]);
  });

  test("a port in use is named", async () => {
    const port = await freePort();
    const blocker = createServer().listen(port, "127.0.0.1");
    const { status, complaint } = await failedStart({
      ...EXAMPLE,
      config: { ...EXAMPLE.config, dns: { listen: [`127.0.0.1:${port}`] } },
    });
    blocker.close();
    expect(status).toBe(1);
    expect(complaint).toEqual([
      expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port}.*another program listens`)),
    ]);
  });

  test("a Redis that is not there is named", async () => {
    const port = await freePort();
    const store = `redis://127.0.0.1:${port}`;
    const { status, complaint } = await failedStart({ config: { ...EXAMPLE.config, store } });
    expect(status).toBe(1);
    expect(complaint).toEqual([expect.stringContaining(`127.0.0.1:${port}`)]);
  });

  test("a data directory that is a file is named", async () => {
    const { status, complaint } = await failedStart(
      { config: { ...EXAMPLE.config, store: "./taken" }, files: EXAMPLE.files },
      (server) => writeFileSync(join(server.directory, "taken"), "not a directory"),
    );
    expect(status).toBe(1);
    expect(complaint).toEqual([expect.stringContaining("taken")]);
  });

  test.skipIf(process.getuid?.() === 0)("an unreadable data directory is named", async () => {
    const { status, complaint } = await failedStart(EXAMPLE, (server) => {
      mkdirSync(join(server.directory, "data"));
      chmodSync(join(server.directory, "data"), 0o000);
    });
    expect(status).toBe(1);
    expect(complaint).toEqual([expect.stringContaining("data")]);
  });

  test("a second server on the same data directory is told who has it", async () => {
    const first = await Windhover.start(EXAMPLE);
    const store = join(first.directory, "data");
    const { status, complaint } = await failedStart({ config: { ...EXAMPLE.config, store } });
    expect(status).toBe(1);
    expect(complaint).toEqual([expect.stringMatching(new RegExp(`in use.*${first.pid}`))]);
    await first.stop();
  });
});
