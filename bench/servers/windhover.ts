/** Windhover as it is installed: the built program, one UDP worker, metrics on. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ServerKind } from "../server.ts";

/** From dist-bench/bench/servers to the built program. */
const MAIN = resolve(import.meta.dirname, "../../../dist/cli/main.js");

export interface WindhoverOptions {
  /** What tells this one from others in the table. */
  readonly label?: string;
  /** As the configuration spells it; by default LMDB in the server's own directory. */
  readonly store?: string;
  readonly workers?: number;
}

export function windhover(options: WindhoverOptions = {}): ServerKind {
  const { label, store = "./data", workers = 1 } = options;
  return {
    name: label === undefined ? "Windhover" : `Windhover, ${label}`,
    program: process.execPath,
    takesUpdates: true,
    keepsZones: true,
    configure(directory, port, zone) {
      const httpPort = port + 1;
      const lines = [
        `dns: { listen: ["127.0.0.1:${port}"], workers: ${workers} }`,
        `http: { listen: "127.0.0.1:${httpPort}" }`,
        `store: "${store}"`,
        "log: { level: warn }",
        "zones:",
        `  - { origin: ${zone.origin}, file: "${zone.file}" }`,
        "keys:",
        `  - name: ${zone.keyName}`,
        "    algorithm: hmac-sha256",
        `    secret: ${zone.secret}`,
        `    grants: [{ allow: [update], zone: ${zone.origin} }]`,
        "users:",
        "  - name: bench",
        "    token: bench-token",
        `    grants: [{ allow: [update], zone: ${zone.origin} }]`,
        "",
      ];
      const file = join(directory, "windhover.yaml");
      writeFileSync(file, lines.join("\n"));
      const args = [MAIN, "serve", "--config", file];
      return { command: process.execPath, args, httpPort };
    },
  };
}
