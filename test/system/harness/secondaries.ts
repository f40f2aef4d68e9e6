/** NSD, Knot and BIND as secondaries of a server under test: one zone, over TSIG, told by NOTIFY. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Daemon, run, runAsync } from "./program.ts";

export interface SecondaryOptions {
  readonly zone: string;
  readonly port: number;
  readonly primaryPort: number;
  /** Name of an hmac-sha256 key and of the secondary. */
  readonly key: string;
  readonly secret: string;
  /** Whether NOTIFY counts only when it is signed with the key. */
  readonly demandsSignedNotify?: boolean;
}

interface Program {
  readonly command: string;
  readonly files: (options: SecondaryOptions, directory: string) => Record<string, string>;
  readonly args: (directory: string) => string[];
}

const NSD: Program = {
  command: "nsd",
  args: (directory) => ["-d", "-c", join(directory, "nsd.conf")],
  files: ({ zone, port, primaryPort, key, secret, demandsSignedNotify }, directory) => ({
    "nsd.conf": `
server:
  ip-address: 127.0.0.1@${port}
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${directory}"
  pidfile: "${directory}/nsd.pid"
  xfrdfile: "${directory}/xfrd.state"
  zonelistfile: "${directory}/zone.list"
  xfrdir: "${directory}"
  verbosity: 3
  xfrd-reload-timeout: 0
remote-control:
  control-enable: no
key:
  name: "${key}"
  algorithm: hmac-sha256
  secret: "${secret}"
zone:
  name: "${zone}"
  zonefile: "zone"
  request-xfr: 127.0.0.1@${primaryPort} ${key}
  allow-notify: 127.0.0.1 ${demandsSignedNotify ? key : "NOKEY"}
  provide-xfr: 127.0.0.1 NOKEY
`,
  }),
};

const KNOT: Program = {
  command: "knotd",
  args: (directory) => ["-c", join(directory, "knot.conf")],
  files: ({ zone, port, primaryPort, key, secret, demandsSignedNotify }, directory) => ({
    "knot.conf": `
server:
  listen: 127.0.0.1@${port}
  rundir: "${directory}"
database:
  storage: "${directory}"
log:
  - target: stderr
    any: info
key:
  - id: ${key}
    algorithm: hmac-sha256
    secret: ${secret}
remote:
  - id: primary
    address: 127.0.0.1@${primaryPort}
    key: ${key}
acl:
  - id: here
    address: 127.0.0.1
    action: [transfer${demandsSignedNotify ? "" : ", notify"}]
  - id: signed
    key: ${key}
    action: notify
zone:
  - domain: ${zone}
    storage: "${directory}"
    master: primary
    acl: [here, signed]
    zonefile-sync: -1
`,
  }),
};

const BIND: Program = {
  command: "named",
  args: (directory) => ["-g", "-c", join(directory, "named.conf")],
  files: ({ zone, port, primaryPort, key, secret, demandsSignedNotify }, directory) => ({
    "named.conf": `
options {
  directory "${directory}";
  pid-file "${directory}/named.pid";
  session-keyfile "${directory}/session.key";
  managed-keys-directory "${directory}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
  allow-transfer { 127.0.0.1; };
  allow-notify { ${demandsSignedNotify ? `key "${key}"` : "127.0.0.1"}; };
  notify no;
};
controls { };
key "${key}" { algorithm hmac-sha256; secret "${secret}"; };
zone "${zone}" {
  type secondary;
  primaries port ${primaryPort} { 127.0.0.1 key "${key}"; };
  file "zone.db";
  masterfile-format text;
};
`,
  }),
};

const PROGRAMS = { nsd: NSD, knot: KNOT, bind: BIND } as const;
export type SecondaryName = keyof typeof PROGRAMS;

export function secondaryCommand(name: SecondaryName): string {
  return PROGRAMS[name].command;
}

export class SecondaryServer {
  readonly name: SecondaryName;
  readonly port: number;
  readonly #daemon: Daemon;

  private constructor(name: SecondaryName, port: number, daemon: Daemon) {
    this.name = name;
    this.port = port;
    this.#daemon = daemon;
  }

  static start(name: SecondaryName, options: SecondaryOptions): SecondaryServer {
    const program = PROGRAMS[name];
    const directory = mkdtempSync(join(tmpdir(), `windhover-${name}-`));
    for (const [file, text] of Object.entries(program.files(options, directory))) {
      writeFileSync(join(directory, file), text);
    }
    const daemon = new Daemon(program.command, program.args(directory), { cwd: directory });
    return new SecondaryServer(name, options.port, daemon);
  }

  get output(): string {
    return this.#daemon.output;
  }

  serial(zone: string): number {
    return soaSerialAt(this.port, zone);
  }

  async stop(): Promise<void> {
    await this.#daemon.end("SIGTERM");
  }
}

/** The serial that a server answers with; NaN while it has none. */
export function soaSerialAt(port: number, zone: string): number {
  const { stdout } = run("dig", [...at(port), "+tries=1", "+time=2", "+short", zone, "SOA"]);
  return Number(stdout.split(" ")[2] ?? Number.NaN);
}

/** Every RR of a zone as a server transfers it, sorted, with blanks made one. Empty when it does not. */
export async function transferred(
  port: number,
  zone: string,
  ...args: readonly string[]
): Promise<string[]> {
  const { stdout } = await runAsync("dig", [
    ...at(port),
    "+noall",
    "+answer",
    ...args,
    zone,
    "AXFR",
  ]);
  const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
  return lines.map((line) => line.replaceAll(/\s+/g, " ")).sort();
}

function at(port: number): string[] {
  return ["@127.0.0.1", "-p", String(port)];
}
