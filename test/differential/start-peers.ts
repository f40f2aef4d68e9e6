/** Starts the peers with the zones of a round: as they are installed, but quiet, unlimited and with our CH texts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../system/harness/ports.ts";
import { Daemon, run, until } from "../system/harness/program.ts";
import type { PeerName, Server } from "./peer.ts";
import { CHAOS_IDENTITY, CHAOS_VERSION } from "./peer.ts";
import type { GeneratedZone } from "./zone-generator.ts";

interface PeerKind {
  readonly command: string;
  readonly args: readonly string[];
  readonly configurationFile: string;
  configuration(directory: string, port: number, zones: readonly GeneratedZone[]): string[];
}

const KINDS: Readonly<Record<PeerName, PeerKind>> = {
  NSD: {
    command: "nsd",
    args: ["-d", "-c", "nsd.conf"],
    configurationFile: "nsd.conf",
    configuration: configureNsd,
  },
  Knot: {
    command: "knotd",
    args: ["-c", "knot.conf"],
    configurationFile: "knot.conf",
    configuration: configureKnot,
  },
  BIND: {
    command: "named",
    args: ["-g", "-n", "1", "-c", "named.conf"],
    configurationFile: "named.conf",
    configuration: configureBind,
  },
};

export async function startPeer(name: PeerName, all: readonly GeneratedZone[]): Promise<Server> {
  const kind = KINDS[name];
  const zones = all.filter((zone) => !zone.refusedBy.includes(name));
  const directory = mkdtempSync(join(tmpdir(), `windhover-differential-${name}-`));
  for (const each of ["db", "xfr"]) mkdirSync(join(directory, each));
  for (const zone of zones) writeFileSync(join(directory, zoneFile(zone)), zone.text);
  const port = await freePort();
  const lines = kind.configuration(directory, port, zones);
  writeFileSync(join(directory, kind.configurationFile), [...lines, ""].join("\n"));
  const daemon = new Daemon(kind.command, kind.args, { cwd: directory });
  const server: Server = {
    name,
    port,
    get isRunning() {
      return daemon.isRunning;
    },
    get output() {
      return daemon.output;
    },
    async stop() {
      await daemon.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await untilServed(server, zones);
  return server;
}

/** Waits until every zone is served: a peer that cannot load one would be compared with nothing. */
export async function untilServed(server: Server, zones: readonly GeneratedZone[]): Promise<void> {
  for (const { origin } of zones) {
    await until(`${server.name} to serve ${origin}`, () => {
      if (!server.isRunning) throw new Error(`${server.name} ended`);
      return servesZone(server, origin);
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${server.output.slice(-4_000)}`);
    });
  }
}

function servesZone(server: Server, origin: string): boolean {
  const args = ["@127.0.0.1", "-p", String(server.port), "+norec", "+tries=1", "+time=1"];
  return run("dig", [...args, origin, "SOA"]).stdout.includes("ANSWER: 1,");
}

function zoneFile({ origin }: GeneratedZone): string {
  return `${origin}zone`;
}

function configureNsd(directory: string, port: number, zones: readonly GeneratedZone[]): string[] {
  return [
    "server:",
    `  ip-address: 127.0.0.1@${port}`,
    "  server-count: 1",
    '  username: ""',
    '  chroot: ""',
    `  zonesdir: "${directory}"`,
    '  database: ""',
    `  pidfile: "${directory}/nsd.pid"`,
    `  xfrdfile: "${directory}/xfrd.state"`,
    `  zonelistfile: "${directory}/zone.list"`,
    `  xfrdir: "${directory}/xfr"`,
    "  rrl-ratelimit: 0",
    "  rrl-whitelist-ratelimit: 0",
    `  version: "${CHAOS_VERSION}"`,
    `  identity: "${CHAOS_IDENTITY}"`,
    "remote-control:",
    "  control-enable: no",
    ...zones.flatMap((zone) => [
      "zone:",
      `  name: ${zone.origin}`,
      `  zonefile: "${zoneFile(zone)}"`,
    ]),
  ];
}

function configureKnot(directory: string, port: number, zones: readonly GeneratedZone[]): string[] {
  return [
    "server:",
    `  rundir: "${directory}"`,
    `  listen: 127.0.0.1@${port}`,
    "  udp-workers: 1",
    "  tcp-workers: 1",
    "  background-workers: 1",
    `  version: "${CHAOS_VERSION}"`,
    `  identity: "${CHAOS_IDENTITY}"`,
    "log:",
    "  - target: stderr",
    "    any: warning",
    "database:",
    `  storage: "${directory}/db"`,
    "template:",
    "  - id: default",
    `    storage: "${directory}"`,
    "    semantic-checks: soft",
    "    zonefile-sync: -1",
    "    journal-content: none",
    "zone:",
    ...zones.flatMap((zone) => [`  - domain: ${zone.origin}`, `    file: "${zoneFile(zone)}"`]),
  ];
}

function configureBind(directory: string, port: number, zones: readonly GeneratedZone[]): string[] {
  return [
    "options {",
    `  directory "${directory}"; pid-file "${directory}/named.pid";`,
    `  session-keyfile "${directory}/session.key"; managed-keys-directory "${directory}";`,
    `  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };`,
    "  recursion no; dnssec-validation no; notify no; empty-zones-enable no;",
    "  check-names primary ignore; check-mx ignore; check-mx-cname ignore; check-srv-cname ignore;",
    "  check-integrity no; check-sibling no; check-wildcard no; check-dup-records ignore;",
    "  check-spf ignore; zero-no-soa-ttl no; max-records-per-type 0; max-types-per-name 0;",
    "  answer-cookie no; minimal-responses no; rrset-order { order none; }; tcp-clients 1000;",
    `  version "${CHAOS_VERSION}"; server-id "${CHAOS_IDENTITY}"; hostname "${CHAOS_IDENTITY}";`,
    "};",
    "controls { };",
    "logging { category queries { null; }; category query-errors { null; };",
    "  category client { null; }; category lame-servers { null; }; category security { null; }; };",
    ...zones.map((zone) => `zone "${zone.origin}" { type primary; file "${zoneFile(zone)}"; };`),
  ];
}
