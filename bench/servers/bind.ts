/** BIND with one worker, updates journaled as it does by default. */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerKind } from "../server.ts";

export const bind: ServerKind = {
  name: "BIND",
  program: "named",
  takesUpdates: true,
  keepsZones: false,
  configure(directory, port, zone) {
    copyFileSync(zone.file, join(directory, "bench.zone"));
    const lines = [
      "options {",
      `  directory "${directory}";`,
      `  listen-on port ${port} { 127.0.0.1; };`,
      "  listen-on-v6 { none; };",
      `  pid-file "${directory}/named.pid";`,
      `  session-keyfile "${directory}/session.key";`,
      `  managed-keys-directory "${directory}";`,
      "  recursion no;",
      "  dnssec-validation no;",
      "  notify no;",
      "};",
      "controls { };",
      `key "${zone.keyName}" { algorithm hmac-sha256; secret "${zone.secret}"; };`,
      `zone "${zone.origin}" {`,
      "  type primary;",
      '  file "bench.zone";',
      `  allow-update { key "${zone.keyName}"; };`,
      "};",
      "logging { category default { null; }; category update { null; }; category update-security { null; }; };",
      "",
    ];
    const file = join(directory, "named.conf");
    writeFileSync(file, lines.join("\n"));
    return { command: "named", args: ["-f", "-n", "1", "-c", file] };
  },
};
