/** NSD as the server of a parent zone, on port 53 of an address of its own: resolvers follow delegations to nothing else. */
import { createSocket } from "node:dgram";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Daemon } from "./program.ts";

export function startNsd(address: string, origin: string, zone: string): Daemon {
  const directory = mkdtempSync(join(tmpdir(), "windhover-nsd-"));
  writeFileSync(join(directory, "parent.zone"), zone);
  mkdirSync(join(directory, "xfr"));
  const config = [
    "server:",
    `  ip-address: ${address}@53`,
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
    `  name: ${origin}`,
    "  zonefile: parent.zone",
    "",
  ].join("\n");
  writeFileSync(join(directory, "nsd.conf"), config);
  return new Daemon("nsd", ["-d", "-c", join(directory, "nsd.conf")]);
}

/** Whether port 53 of a loopback address can be bound; in CI it must be. */
export async function mayBindPort53(address: string): Promise<boolean> {
  const socket = createSocket("udp4");
  const allowed = await new Promise<boolean>((resolve) => {
    socket.once("error", () => resolve(false));
    socket.bind(53, address, () => resolve(true));
  });
  socket.close();
  if (!allowed && process.env.CI === "true") throw new Error(`cannot bind ${address}:53`);
  if (!allowed) console.warn("skipped, because port 53 of a loopback address cannot be bound");
  return allowed;
}
