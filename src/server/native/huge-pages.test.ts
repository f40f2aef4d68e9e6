import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { preferHugePages } from "./huge-pages.ts";
import { loadLibc } from "./libc.ts";

const MIB = 2 ** 20;

/** Octets of this process that the kernel was asked to keep in huge pages. */
function advisedBytes(): number {
  let advised = 0;
  let size = 0;
  for (const line of readFileSync("/proc/self/smaps", "latin1").split("\n")) {
    const kilobytes = /^Size: +(\d+) kB/.exec(line)?.[1];
    if (kilobytes !== undefined) size = Number(kilobytes) * 1024;
    if (/^VmFlags:.* hg\b/.test(line)) advised += size;
  }
  return advised;
}

function hasHugePages(): boolean {
  try {
    return readFileSync("/sys/kernel/mm/transparent_hugepage/enabled", "latin1") !== "";
  } catch {
    return false;
  }
}

test.skipIf(!hasHugePages())("the whole huge pages of a buffer are asked for", async () => {
  const before = advisedBytes();
  const buffer = new SharedArrayBuffer(64 * MIB);
  await preferHugePages(buffer, "auto");
  const advised = advisedBytes() - before;
  expect(advised).toBeGreaterThanOrEqual(62 * MIB);
  expect(advised).toBeLessThanOrEqual(64 * MIB);
  expect(new Uint8Array(buffer)[buffer.byteLength - 1]).toBe(0);
});

test("nothing native is used where `dns.port` says dgram", async () => {
  const before = advisedBytes();
  await preferHugePages(new SharedArrayBuffer(64 * MIB), "dgram");
  expect(advisedBytes()).toBe(before);
});

test("a buffer that has none whole is left alone", async () => {
  const loaded = await loadLibc();
  if ("problem" in loaded) throw new Error(loaded.problem);
  expect(loaded.libc.preferHugePages(new SharedArrayBuffer(1 * MIB))).toBe(-1);
});
