import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { returnMemory } from "./return-memory.ts";

const MIB = 2 ** 20;
const PIECE = 32 * 1024;

/** Octets of this process that lie in memory. */
function residentBytes(): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
  return Number(kilobytes) * 1024;
}

/** So much garbage in small pieces, a small one of each thousand kept. */
function makeGarbage(octets: number): Uint8Array[] {
  const kept: Uint8Array[] = [];
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < octets / PIECE; at++) {
    pieces.push(new Uint8Array(PIECE).fill(1));
    if (at % 1_000 === 999) kept.push(new Uint8Array(200).fill(1));
  }
  return kept;
}

test.skipIf(process.platform !== "linux")("garbage goes back to the system", async () => {
  await returnMemory("auto");
  const before = residentBytes();
  const kept = makeGarbage(256 * MIB);
  await returnMemory("auto");
  expect(residentBytes() - before).toBeLessThan(128 * MIB);
  expect(kept).toHaveLength(8);
});

test("nothing native is used where `dns.port` says dgram", async () => {
  await expect(returnMemory("dgram")).resolves.toBeUndefined();
});
