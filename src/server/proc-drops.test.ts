import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { loadLibc } from "./native/libc.ts";
import { closeNativeSockets, openNativeSockets } from "./native/native-socket.ts";
import { ProcDrops } from "./proc-drops.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function directoryWith(file: string, lines: readonly (readonly [string, number])[]): string {
  const directory = mkdtempSync(join(tmpdir(), "windhover-proc-"));
  stops.push(() => rmSync(directory, { recursive: true }));
  write(directory, file, lines);
  return directory;
}

function write(directory: string, file: string, lines: readonly (readonly [string, number])[]) {
  const head = "   sl  local_address rem_address   st tx_queue rx_queue … ref pointer drops";
  const rows = lines.map(([local, drops], at) => `  ${at}: ${local} 0:0 07 0 2 0000 ${drops}   `);
  writeFileSync(join(directory, file), [head, ...rows, ""].join("\n"));
}

test("counts what our addresses dropped since the last look, and nobody else's", async () => {
  const ours = "0100007F:14B4";
  const directory = directoryWith("udp", [
    [ours, 7],
    ["0100007F:14B5", 100],
  ]);
  const drops = new ProcDrops([{ address: "127.0.0.1", port: 5_300 }], directory);
  expect(await drops.count()).toBe(7);
  expect(await drops.count()).toBe(0);
  write(directory, "udp", [[ours, 10]]);
  expect(await drops.count()).toBe(3);
  write(directory, "udp", [[ours, 2]]);
  expect(await drops.count()).toBe(2);
});

test("spells IPv6 addresses as the kernel does", async () => {
  const directory = directoryWith("udp6", [["B80D0120000000000000000001000000:0035", 4]]);
  const drops = new ProcDrops([{ address: "2001:db8::1", port: 53 }], directory);
  expect(await drops.count()).toBe(4);
});

test("without /proc it counts none", async () => {
  const drops = new ProcDrops([{ address: "127.0.0.1", port: 53 }], "/nowhere");
  expect(await drops.count()).toBe(0);
});

const loaded = await loadLibc();

test.skipIf("problem" in loaded)("agrees with the kernel of this machine", async () => {
  if ("problem" in loaded) return;
  const { libc } = loaded;
  // Nobody reads from it.
  const [[socket] = []] = openNativeSockets(libc, [{ address: "127.0.0.1", port: 0 }], 1);
  if (socket === undefined) throw new Error("nothing bound");
  stops.push(() => closeNativeSockets(libc, [socket]));
  const drops = new ProcDrops([socket]);
  const client = createSocket("udp4");
  stops.push(() => client.close());
  const large = new Uint8Array(60_000);
  let dropped = 0;
  for (let sent = 0; dropped === 0 && sent < 10_000; sent++) {
    await new Promise((resolve) => client.send(large, socket.port, "127.0.0.1", resolve));
    dropped = await drops.count();
  }
  expect(dropped).toBeGreaterThan(0);
  expect(await drops.count()).toBe(0);
});
