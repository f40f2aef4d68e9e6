/** A generator of updates in a thread of its own, beside something that is timed: posts the updates per second. */
import { parentPort, workerData } from "node:worker_threads";
import type { BenchZone } from "./server.ts";
import { measureUpdates, type UpdateLoad } from "./update-load.ts";

export interface UpdatesAside {
  readonly port: number;
  readonly zone: BenchZone;
  readonly load: UpdateLoad;
}

const { port, zone, load } = workerData as UpdatesAside;
const { perSecond } = await measureUpdates({ port, cpuSeconds: () => 0 }, zone, load);
parentPort?.postMessage(perSecond);
