/**
 * Huge pages under the zone table. A lookup touches three places of it that have nothing to do with each other: among
 * a million names each is also a miss of the address translation's cache when pages have 4 KiB.
 */
import type { PortWish } from "../choose-port.ts";
import { loadLibc } from "./libc.ts";

/** Before the buffer is filled. Where the kernel or the operator will not have it nothing happens. */
export async function preferHugePages(buffer: SharedArrayBuffer, wish: PortWish): Promise<void> {
  if (wish === "dgram") return;
  const loaded = await loadLibc();
  if ("libc" in loaded) loaded.libc.preferHugePages(buffer);
}
