/**
 * What happens to the disk under the embedded store: full, read-only, taken away and back, removed. Queries are answered
 * as before, an update is durable or refused with the reason, readiness tells it, and nobody has to do anything after.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { COMMIT_LOG_LENGTH } from "../../src/store/commit-log.ts";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { run, skipWithout, until } from "./harness/program.ts";
import { makeErringDisk, makeMemoryDisk, type SmallDisk } from "./harness/small-disk.ts";
import {
  type Acknowledged,
  newAcknowledged,
  possibleAddresses,
  updateUntil,
} from "./harness/update-stream.ts";
import { Windhover } from "./harness/windhover.ts";

const HOME = `home.${ORIGIN}`;
const MIB = 1024 * 1024;

let directory: string;
let disk: SmallDisk | undefined;
let server: Windhover | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windhover-disk-"));
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
  disk?.remove();
  disk = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const UNMOUNTABLE = "only root may mount a small disk here";

function start(store: string): Promise<Windhover> {
  const socket = join(directory, "admin.sock");
  return Windhover.start({ ...EXAMPLE, config: { ...EXAMPLE.config, store, socket } });
}

function update(running: Windhover, address: string): string {
  const url = running.url(`/nic/update?hostname=${HOME}&myip=${address}`);
  return run("curl", ["-sS", "-w", "\n%{http_code}", "-u", "alice:alices-secret", url]).stdout;
}

const addHost = (running: Windhover, host: string) =>
  running.nsupdate(
    [`zone ${ORIGIN}`, `update add ${host}.${ORIGIN} 60 A 192.0.2.1`],
    "-y",
    `hmac-sha256:key-sha256:${SECRET}`,
  );

function serialOf(running: Windhover): number {
  return Number(running.dig(ORIGIN, "SOA")[0]?.split(" ")[2]);
}

async function reasons(running: Windhover): Promise<string> {
  const reply = await fetch(running.url("/readyz"));
  expect(reply.status).toBe(503);
  return ((await reply.json()) as { reasons: string[] }).reasons.join("\n");
}

async function isStoreUp(running: Windhover): Promise<boolean> {
  const metrics = await (await fetch(running.url("/metrics"))).text();
  return /^windhover_store_up 1$/m.test(metrics);
}

/** All that holds while the disk is broken, `reason` being what an operator reads. */
async function expectRefusal(running: Windhover, reason: RegExp): Promise<void> {
  const serial = serialOf(running);
  await until(`readiness to say ${reason}`, async () => !(await running.isReady()), 30_000);
  expect(await reasons(running)).toMatch(reason);
  expect(await isStoreUp(running)).toBe(false);
  const address = running.dig(HOME, "A");
  expect(address).toHaveLength(1);
  expect(update(running, "192.0.2.99")).toBe("911\n\n503");
  expect(addHost(running, "refused").stderr).toContain("SERVFAIL");
  expect(running.dig(HOME, "A")).toEqual(address);
  expect(running.dig(`refused.${ORIGIN}`, "A")).toEqual([]);
  expect(serialOf(running)).toBe(serial);
  expect(running.output).toContain("the store is down: queries go on, updates are refused");
  expect(running.output).toMatch(reason);
  expect((await fetch(running.url("/healthz"))).status).toBe(200);
}

/** Ready without anybody having sent an update, and then updates are taken. */
async function expectRecovery(running: Windhover, serial: number): Promise<void> {
  await until("readiness to come back by itself", () => running.isReady(), 30_000);
  expect(await isStoreUp(running)).toBe(true);
  expect(running.output).toContain("the store is back: updates are taken again");
  expect(update(running, "192.0.2.81")).toContain("good 192.0.2.81");
  expect(serialOf(running)).toBeGreaterThan(serial);
}

async function expectKeptAfterRestart(
  running: Windhover,
  acknowledged: Acknowledged,
): Promise<void> {
  const serial = serialOf(running);
  await running.kill();
  await running.launch();
  expect(serialOf(running)).toBe(serial);
  expect(running.dig(HOME, "A")).toEqual(["192.0.2.81"]);
  for (const host of acknowledged.last.keys()) {
    const found = running.dig(`${host}.alice.${ORIGIN}`, "A")[0];
    expect(possibleAddresses(acknowledged, host)).toContain(found);
  }
}

/** Clients update until one is refused. */
async function updateUntilRefused(running: Windhover, begin: () => void): Promise<Acknowledged> {
  const acknowledged = newAcknowledged();
  let isOver = false;
  const clients = Array.from({ length: 4 }, (_, client) =>
    updateUntil(running, client, acknowledged, () => isOver),
  );
  await until("updates to flow", () => acknowledged.count >= 100, 60_000);
  begin();
  await until("updates to be refused", () => acknowledged.refused.length > 0, 60_000);
  isOver = true;
  await Promise.all(clients);
  expect(new Set(acknowledged.refused)).toEqual(new Set(["911"]));
  return acknowledged;
}

describe.skipIf(skipWithout("dig", "nsupdate", "curl"))("the disk under LMDB", () => {
  test("is full: updates are refused until there is room, and what was acknowledged is kept", async (context) => {
    disk = makeMemoryDisk(directory, COMMIT_LOG_LENGTH + 3 * MIB);
    if (disk === undefined) return context.skip(UNMOUNTABLE);
    server = await start(join(disk.path, "data"));
    const ballast = join(disk.path, "ballast");
    const running = server;
    const acknowledged = await updateUntilRefused(running, () => {
      run("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4096", "count=100000"]);
    });
    await expectRefusal(running, /the disk is full: \d+ KiB are free/);
    const serial = serialOf(running);
    rmSync(ballast);
    await expectRecovery(running, serial);
    await expectKeptAfterRestart(running, acknowledged);
  });

  test("is full and the server is killed: what was acknowledged is there when there is room again", async (context) => {
    disk = makeMemoryDisk(directory, COMMIT_LOG_LENGTH + 3 * MIB);
    if (disk === undefined) return context.skip(UNMOUNTABLE);
    server = await start(join(disk.path, "data"));
    const ballast = join(disk.path, "ballast");
    const running = server;
    const acknowledged = await updateUntilRefused(running, () => {
      run("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4096", "count=100000"]);
    });
    const serial = serialOf(running);
    await running.kill();
    await running.spawn().ended();
    expect(running.output).toContain("the disk is full");
    rmSync(ballast);
    await running.launch();
    expect(serialOf(running)).toBeGreaterThanOrEqual(serial);
    expect(update(running, "192.0.2.81")).toContain("good 192.0.2.81");
    await expectKeptAfterRestart(running, acknowledged);
  });

  test("is taken away and comes back: updates are refused meanwhile, by the probe too", async (context) => {
    disk = makeMemoryDisk(directory, COMMIT_LOG_LENGTH + 16 * MIB);
    if (disk === undefined) return context.skip(UNMOUNTABLE);
    server = await start(join(disk.path, "data"));
    const { detach } = disk;
    const acknowledged = await updateUntilRefused(server, detach);
    await expectRefusal(server, /was removed while it was open; put it back where it was/);
    const serial = serialOf(server);
    disk.attach();
    await expectRecovery(server, serial);
    await expectKeptAfterRestart(server, acknowledged);
  });

  test("loses the directory: nothing is acknowledged any more, and the zone can still be exported", async () => {
    const data = join(directory, "data");
    server = await start(data);
    const { stdout: before } = server.cli("zone", "export", ORIGIN);
    rmSync(data, { recursive: true });
    await expectRefusal(server, /was removed while it was open/);
    const { status, stdout } = server.cli("zone", "export", ORIGIN);
    expect(status).toBe(0);
    expect(stdout).toBe(before);
  });

  test("becomes read-only: updates are refused, queries go on, and a mended disk has all", async (context) => {
    const erring = makeErringDisk(directory, 64 * MIB);
    if (erring === undefined) return context.skip(UNMOUNTABLE);
    disk = erring;
    const running = await start(join(erring.path, "data"));
    server = running;
    const acknowledged = await updateUntilRefused(running, erring.fail);
    await expectRefusal(running, /read-only file system/i);
    // As often as it is asked: what cannot be written may kill who maps it.
    for (let at = 0; at < 20; at++) running.cli("zone", "history", ORIGIN);
    await expectRefusal(running, /read-only file system/i);
    const serial = serialOf(running);
    await running.stop();
    await running.spawn().ended();
    expect(running.output).toMatch(/read-only file system/i);
    erring.detach();
    erring.attach();
    await running.launch();
    expect(serialOf(running)).toBeGreaterThanOrEqual(serial);
    expect(update(running, "192.0.2.81")).toContain("good 192.0.2.81");
    await expectKeptAfterRestart(running, acknowledged);
  });
});
