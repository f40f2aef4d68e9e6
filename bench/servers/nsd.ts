/** NSD with one server process, without rate limiting. Takes no updates. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerKind } from "../server.ts";

export const nsd: ServerKind = {
  name: "NSD",
  program: "nsd",
  takesUpdates: false,
  keepsZones: false,
  configure(directory, port, zone) {
    mkdirSync(join(directory, "xfr"));
    const lines = [
      "server:",
      `  ip-address: 127.0.0.1@${port}`,
      "  server-count: 1",
      // Debian's build limits answers to 200 a second for each client network.
      "  rrl-ratelimit: 0",
      '  username: ""',
      '  chroot: ""',
      `  zonesdir: "${directory}"`,
      '  database: ""',
      `  pidfile: "${directory}/nsd.pid"`,
      `  xfrdfile: "${directory}/xfrd.state"`,
      `  zonelistfile: "${directory}/zone.list"`,
      `  xfrdir: "${directory}/xfr"`,
      "remote-control:",
      "  control-enable: no",
      "zone:",
      `  name: ${zone.origin}`,
      `  zonefile: "${zone.file}"`,
      "",
    ];
    writeFileSync(join(directory, "nsd.conf"), lines.join("\n"));
    return { command: "nsd", args: ["-d", "-c", join(directory, "nsd.conf")] };
  },
};
