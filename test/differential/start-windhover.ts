/** Starts the built program with the zones of a round. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { Windhover } from "../system/harness/windhover.ts";
import { CHAOS_IDENTITY, CHAOS_VERSION, type Server } from "./peer.ts";
import type { GeneratedZone } from "./zone-generator.ts";

export async function startWindhover(zones: readonly GeneratedZone[]): Promise<Server> {
  const files = Object.fromEntries(zones.map(({ origin, text }) => [`${origin}zone`, text]));
  const windhover = await Windhover.prepare({ files });
  const config = {
    dns: {
      listen: [`127.0.0.1:${windhover.dnsPort}`],
      version: CHAOS_VERSION,
      identity: CHAOS_IDENTITY,
      rateLimit: { perSecond: 0 },
    },
    http: { listen: `127.0.0.1:${windhover.httpPort}` },
    log: { level: "error" },
    zones: zones.map(({ origin }) => ({ origin, file: `${origin}zone` })),
  };
  writeFileSync(join(windhover.directory, "windhover.yaml"), stringify(config));
  await windhover.launch();
  return {
    name: "Windhover",
    port: windhover.dnsPort,
    get isRunning() {
      return windhover.isRunning;
    },
    get output() {
      return windhover.output;
    },
    async stop() {
      await windhover.stop();
      rmSync(windhover.directory, { recursive: true, force: true });
    },
  };
}
