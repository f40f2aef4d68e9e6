/** Which datagram port serves: the native one where a trial at start-up shows that it works, else `node:dgram`. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { type Libc, type LoadedLibc, loadLibc } from "./native/libc.ts";
import { findNativeProblem } from "./native/self-test.ts";

/** `auto`, or the one that must be. */
export type PortWish = "auto" | "native" | "dgram";

export type PortChoice =
  | { readonly kind: "native"; readonly libc: Libc; readonly reason: string }
  | { readonly kind: "dgram"; readonly reason: string };

/** Throws `bad-config` when the native port must be and cannot. */
export async function choosePort(
  wish: PortWish,
  load: () => Promise<LoadedLibc> = loadLibc,
): Promise<PortChoice> {
  if (wish === "dgram") return { kind: "dgram", reason: "`dns.port` says so" };
  const loaded = await load();
  const problem = "libc" in loaded ? findNativeProblem(loaded.libc) : loaded.problem;
  if (problem === undefined && "libc" in loaded) {
    return { kind: "native", libc: loaded.libc, reason: "its trial succeeded" };
  }
  if (wish === "native") {
    throw new WindhoverError(
      ErrorCode.badConfig,
      `\`dns.port\` is native, but the native port does not work here: ${problem}; set it to auto`,
    );
  }
  return { kind: "dgram", reason: `the native port does not work here: ${problem}` };
}
