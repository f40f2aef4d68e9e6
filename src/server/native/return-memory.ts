/**
 * Gives back to the system what reading a big zone took. Nothing is left to do then, so the collector would not run of
 * itself for hours; and the C library keeps freed memory between blocks in use for later: of a zone file of a million
 * names 100 MB and more.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { PortWish } from "../choose-port.ts";
import { loadLibc } from "./libc.ts";

/** Some tens of milliseconds. Without the native library, and with a C library other than glibc, less is given back. */
export async function returnMemory(wish: PortWish): Promise<void> {
  collectGarbage();
  // What the first finds is freed by a thread of its own; the second waits until that is done.
  collectGarbage();
  if (wish === "dgram") return;
  const loaded = await loadLibc();
  if ("libc" in loaded) loaded.libc.trimHeap();
}

let collector: (() => void) | undefined;

/** All of it, at once. */
export function collectGarbage(): void {
  collector ??= garbageCollector();
  collector();
}

/** Only a context that is made under the flag has the function. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  return collect;
}
