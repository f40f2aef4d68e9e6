/** BIND as a primary that takes dynamic updates: what clients hear from it is what they should hear from us. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Daemon } from "./program.ts";

export interface NamedOptions {
  readonly address: string;
  readonly port: number;
  /** Origin → zone file. */
  readonly zones: Readonly<Record<string, string>>;
  /** Origins of the zones that nobody may change. */
  readonly locked?: readonly string[];
  readonly keys: readonly {
    readonly name: string;
    readonly algorithm: string;
    readonly secret: string;
  }[];
}

export function startNamed(options: NamedOptions): Daemon {
  const directory = mkdtempSync(join(tmpdir(), "windhover-named-"));
  const allowed = options.keys.map(({ name }) => `key "${name}";`).join(" ");
  const zone = (origin: string) => {
    const changers = options.locked?.includes(origin) === true ? "none;" : allowed;
    return `zone "${origin}" { type primary; file "${origin}.zone"; allow-update { ${changers} }; };`;
  };
  const config = [
    `options { directory "${directory}"; recursion no; notify no; dnssec-validation no;`,
    `  listen-on port ${options.port} { ${options.address}; }; listen-on-v6 { none; };`,
    "  pid-file none; session-keyfile none; };",
    "controls { };",
    ...options.keys.map(
      ({ name, algorithm, secret }) =>
        `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };`,
    ),
    ...Object.keys(options.zones).map(zone),
    "",
  ];
  for (const [origin, text] of Object.entries(options.zones)) {
    writeFileSync(join(directory, `${origin}.zone`), text);
  }
  writeFileSync(join(directory, "named.conf"), config.join("\n"));
  return new Daemon("named", ["-g", "-c", join(directory, "named.conf")]);
}
