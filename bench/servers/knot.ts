/** Knot DNS with one UDP and one TCP worker, updates journaled as it does by default. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerKind } from "../server.ts";

export const knot: ServerKind = {
  name: "Knot",
  program: "knotd",
  takesUpdates: true,
  keepsZones: false,
  configure(directory, port, zone) {
    mkdirSync(join(directory, "db"));
    copyFileSync(zone.file, join(directory, "bench.zone"));
    const lines = [
      "server:",
      `  rundir: "${directory}"`,
      `  listen: 127.0.0.1@${port}`,
      "  udp-workers: 1",
      "  tcp-workers: 1",
      "  background-workers: 1",
      "log:",
      "  - target: stderr",
      "    any: warning",
      "database:",
      `  storage: "${directory}/db"`,
      "key:",
      `  - id: ${zone.keyName}`,
      "    algorithm: hmac-sha256",
      `    secret: ${zone.secret}`,
      "acl:",
      "  - id: update",
      `    key: ${zone.keyName}`,
      "    action: update",
      "zone:",
      `  - domain: ${zone.origin}`,
      `    storage: "${directory}"`,
      "    file: bench.zone",
      "    acl: update",
      "    zonefile-sync: -1",
      "",
    ];
    writeFileSync(join(directory, "knot.conf"), lines.join("\n"));
    return { command: "knotd", args: ["-c", join(directory, "knot.conf")] };
  },
};
