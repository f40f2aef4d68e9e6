/**
 * More datagrams than one worker can answer: the kernel drops and we count, what gets through is answered rightly, and
 * TCP, HTTP and updates go on. The clients here have the patience that such clients have by default.
 */
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { loadLibc } from "../../src/server/native/libc.ts";
import { Opcode, Type } from "../../src/wire/code-points.ts";
import { makeQuery, writeMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { Daemon, runAsync, skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const TIMES = 10;
const PATIENCE_MS = 5_000;
const KEY = `hmac-sha256:key-sha256:${SECRET}`;

let server: Windhover | undefined;
let flood: Daemon | undefined;

afterEach(async () => {
  await flood?.end("SIGKILL");
  await server?.stop();
});

function message(opcode: number): string {
  const isUpdate = opcode === Opcode.update;
  const question = isUpdate
    ? { name: parseName(ORIGIN), qtype: Type.SOA }
    : { name: parseName(`home.${ORIGIN}`), qtype: Type.A };
  const bytes = new Uint8Array(512);
  const length = writeMessage({ ...makeQuery({ id: 1, ...question }), opcode }, bytes);
  return Buffer.from(bytes.subarray(0, length)).toString("hex");
}

function startFlood({ dnsPort }: Windhover, opcode: number): Daemon {
  const script = join(import.meta.dirname, "harness/flood.mjs");
  return new Daemon(process.execPath, [script, String(dnsPort), message(opcode)]);
}

/** A counter of /metrics. */
async function dropped(running: Windhover): Promise<number> {
  const text = await (await fetch(running.url("/metrics"))).text();
  return Number(/^windhover_dns_dropped_messages_total (\d+)/m.exec(text)?.[1]);
}

async function updateByHttp(running: Windhover, address: string): Promise<string> {
  const url = running.url(`/nic/update?hostname=home.${ORIGIN}&myip=${address}`);
  const authorization = `Basic ${Buffer.from("alice:alices-secret").toString("base64")}`;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return (await fetch(url, { headers: { authorization }, signal })).text();
}

async function dig(running: Windhover, ...args: string[]): Promise<string> {
  const port = String(running.dnsPort);
  return (await runAsync("dig", ["@127.0.0.1", "-p", port, "+short", ...args])).stdout.trim();
}

async function nsupdate(
  running: Windhover,
  line: string,
  ...args: string[]
): Promise<number | null> {
  const input = `server 127.0.0.1 ${running.dnsPort}\nzone ${ORIGIN}\n${line}\nsend\n`;
  return (await runAsync("nsupdate", ["-y", KEY, ...args], { input, timeoutMs: 90_000 })).status;
}

const isNative = "libc" in (await loadLibc());

describe.skipIf(skipWithout("dig", "nsupdate") || !isNative).each([
  ["native", "queries", Opcode.query],
  ["native", "updates without a signature", Opcode.update],
  ["dgram", "queries", Opcode.query],
  ["dgram", "updates without a signature", Opcode.update],
] as const)("%s port: a flood of %s", (port, _, opcode) => {
  test("is dropped and counted, and leaves TCP, HTTP and updates their share", async () => {
    const running = await Windhover.start({ ...EXAMPLE, dns: { port, workers: 1 } });
    server = running;
    const flooding = startFlood(running, opcode);
    flood = flooding;
    await until("more than can be answered", async () => (await dropped(running)) > 0);
    for (let time = 1; time <= TIMES; time++) {
      const address = `198.51.100.${time}`;
      expect(await updateByHttp(running, address)).toBe(`good ${address}\n`);
      expect(await dig(running, "+tcp", "+tries=1", `home.${ORIGIN}`, "A")).toBe(address);
    }
    const add = (host: string) => `update add ${host}.${ORIGIN} 60 A 192.0.2.1`;
    expect(await nsupdate(running, add("by-tcp"), "-v")).toBe(0);
    expect(await nsupdate(running, add("by-udp"), "-t", "80", "-u", "3", "-r", "20")).toBe(0);
    expect(flooding.isRunning).toBe(true);
    await flooding.end("SIGKILL");
    for (const host of ["by-tcp", "by-udp"]) {
      await until(
        "UDP to answer again",
        async () => (await dig(running, `${host}.${ORIGIN}`)) !== "",
      );
      expect(await dig(running, `${host}.${ORIGIN}`, "A")).toBe("192.0.2.1");
    }
  });
});
