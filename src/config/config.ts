/**
 * Configuration as a frozen value: file, then environment, then defaults; checked whole before anything starts.
 * Only `server/start.ts` and `cli/` import it; everything below is handed the values it needs.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { TSchema } from "@sinclair/typebox";
import { Value, type ValueError } from "@sinclair/typebox/value";
import { LineCounter, parseDocument } from "yaml";
import { type AddressPrefix, parsePrefix } from "../base/address-octets.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import type { LogLevel } from "../base/log.ts";
import { parseSocketAddress, type SocketAddress } from "../base/socket-address.ts";
import type { KeyText } from "../identity/keyring.ts";
import { type Name, parseName } from "../wire/name.ts";
import { applyEnvironment } from "./environment.ts";
import { nearestKey } from "./nearest-key.ts";
import { ConfigText } from "./schema.ts";

export interface ZoneConfig {
  readonly origin: Name;
  /** Absolute path, resolved against the configuration file's directory. */
  readonly file: string | undefined;
  readonly notify: readonly SocketAddress[];
}

export interface RateLimitConfig {
  readonly perSecond: number;
  readonly slip: number;
  readonly exempt: readonly AddressPrefix[];
}

export interface TlsConfig {
  readonly listen: readonly SocketAddress[];
  /** Absolute paths. */
  readonly certificate: string;
  readonly key: string;
}

export interface Config {
  readonly dns: {
    readonly listen: readonly SocketAddress[];
    readonly port: "auto" | "native" | "dgram";
    /** 0 for one less than the processor's cores. */
    readonly workers: number;
    readonly version: string;
    readonly identity: string;
    readonly cookieSecret: Uint8Array | undefined;
    readonly rateLimit: RateLimitConfig | undefined;
    readonly tls: TlsConfig | undefined;
  };
  readonly http: {
    readonly listen: SocketAddress | undefined;
    readonly trustedProxies: readonly string[];
    readonly ttl: number;
    readonly metrics: boolean;
  };
  /** A directory as an absolute path, or a URL. */
  readonly store: string;
  /** Absolute path of the administrative socket. */
  readonly socket: string;
  readonly logLevel: LogLevel;
  readonly limits: { readonly zoneRRsets: number };
  readonly zones: readonly ZoneConfig[];
  readonly keys: readonly KeyText[];
  readonly users: ConfigText["users"];
  /** The file this came from, if any. */
  readonly file: string | undefined;
}

export interface ConfigSource {
  /** Path of the file; `undefined` for defaults and environment alone. */
  readonly file: string | undefined;
  /** The process's own when not given. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Relative paths without a file are taken from here. */
  readonly directory: string;
}

/** Throws `bad-config` with one line that names file, key, mistake and way out. */
export function loadConfig(source: ConfigSource): Config {
  const tree = source.file === undefined ? {} : readFile(source.file);
  const environment = source.environment ?? process.env;
  applyEnvironment(tree, { environment, isList: (path) => schemaAt(path)?.type === "array" });
  const text = checkShape(tree, source.file);
  return freeze(resolveConfig(text, source));
}

function readFile(file: string): Record<string, unknown> {
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    throw badConfig(file, `cannot be read: ${errorMessage(error)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    const summary = problem.message.split("\n")[0] ?? "";
    throw badConfig(`${file}:${line}:${col}`, summary.replace(/ at line .*$/, ""));
  }
  const tree: unknown = document.toJS();
  if (tree === null || tree === undefined) return {};
  if (typeof tree !== "object" || Array.isArray(tree)) {
    throw badConfig(file, "must be a mapping of keys such as `dns:` and `zones:`");
  }
  return tree as Record<string, unknown>;
}

function checkShape(tree: Record<string, unknown>, file: string | undefined): ConfigText {
  const filled = Value.Default(ConfigText, tree);
  if (Value.Check(ConfigText, filled)) return filled;
  const error = Value.Errors(ConfigText, filled).First();
  throw badConfig(file ?? "environment", error === undefined ? "is not valid" : explain(error));
}

/** One sentence for a schema error: the key as a person writes it, and what it should have been. */
function explain(error: ValueError): string {
  const key = error.path.slice(1).replaceAll("/", ".");
  if (error.message === "Unexpected property") {
    const parent = schemaAt(error.path.split("/").slice(1, -1));
    const word = error.path.split("/").at(-1) as string;
    const known = Object.keys((parent?.properties as object | undefined) ?? {});
    const nearest = nearestKey(word, known);
    const advice =
      nearest === undefined ? `known here: ${known.join(", ")}` : `did you mean \`${nearest}\`?`;
    return `unknown key \`${key}\`; ${advice}`;
  }
  return `\`${key}\`: ${error.message.toLowerCase()}, but it is ${JSON.stringify(error.value) ?? "missing"}`;
}

function schemaAt(path: readonly string[]): TSchema | undefined {
  let schema: TSchema | undefined = ConfigText;
  for (const key of path) {
    const properties = schema?.properties as Record<string, TSchema> | undefined;
    schema = properties?.[key] ?? (schema?.items as TSchema | undefined);
  }
  return schema;
}

function resolveConfig(text: ConfigText, source: ConfigSource): Config {
  const base = source.file === undefined ? source.directory : dirname(resolve(source.file));
  const where = source.file ?? "environment";
  const store = /^[a-z+]+:\/\//.test(text.store) ? text.store : resolve(base, text.store);
  const dataDirectory = store.includes("://") ? resolve(base, "data") : store;
  const address = (key: string, value: string) => readAddress(where, key, value);
  return {
    dns: {
      port: text.dns.port as Config["dns"]["port"],
      workers: text.dns.workers,
      version: text.dns.version,
      identity: text.dns.identity,
      listen: text.dns.listen.map((each, at) => address(`dns.listen[${at}]`, each)),
      cookieSecret: readSecret(text.dns.cookieSecret),
      rateLimit: readRateLimit(where, text.dns.rateLimit),
      tls: readTls(where, base, text.dns.tls),
    },
    http: {
      ...text.http,
      listen: text.http.listen === "" ? undefined : address("http.listen", text.http.listen),
    },
    store,
    socket:
      text.socket === "" ? resolve(dataDirectory, "windhover.sock") : resolve(base, text.socket),
    logLevel: text.log.level as LogLevel,
    limits: text.limits,
    zones: text.zones.map((zone, at) => ({
      origin: readOrigin(where, `zones[${at}].origin`, zone.origin),
      file: zone.file === undefined ? undefined : resolve(base, zone.file),
      notify: zone.notify.map((each, index) => address(`zones[${at}].notify[${index}]`, each)),
    })),
    keys: text.keys,
    users: text.users,
    file: source.file,
  };
}

function readAddress(where: string, key: string, value: string): SocketAddress {
  const parsed = parseSocketAddress(value);
  if (parsed !== undefined) return parsed;
  throw badConfig(
    where,
    `\`${key}\`: "${value}" is not an address with a port, such as 127.0.0.1:5300 or [::1]:5300`,
  );
}

function readSecret(hex: string): Uint8Array | undefined {
  return hex === "" ? undefined : new Uint8Array(Buffer.from(hex, "hex"));
}

function readRateLimit(
  where: string,
  { perSecond, slip, exempt }: ConfigText["dns"]["rateLimit"],
): RateLimitConfig | undefined {
  const prefixes = exempt.map((each, at) => readPrefix(where, `dns.rateLimit.exempt[${at}]`, each));
  return perSecond === 0 ? undefined : { perSecond, slip, exempt: prefixes };
}

function readPrefix(where: string, key: string, value: string): AddressPrefix {
  const parsed = parsePrefix(value);
  if (parsed !== undefined) return parsed;
  const problem = "is neither an address nor a prefix, such as 192.0.2.0/24 or 2001:db8::/32";
  throw badConfig(where, `\`${key}\`: "${value}" ${problem}`);
}

function readTls(
  where: string,
  base: string,
  { listen, certificate, key }: ConfigText["dns"]["tls"],
): TlsConfig | undefined {
  if (listen.length === 0) return undefined;
  for (const [name, path] of Object.entries({ certificate, key })) {
    if (path !== "") continue;
    throw badConfig(where, `\`dns.tls.${name}\` is missing: DNS over TLS needs a PEM file`);
  }
  return {
    listen: listen.map((each, at) => readAddress(where, `dns.tls.listen[${at}]`, each)),
    certificate: resolve(base, certificate),
    key: resolve(base, key),
  };
}

function readOrigin(where: string, key: string, value: string): Name {
  try {
    return parseName(value);
  } catch (error) {
    throw badConfig(where, `\`${key}\`: ${errorMessage(error)}`);
  }
}

function freeze<T>(value: T): T {
  if (
    typeof value === "object" &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    !Object.isFrozen(value)
  ) {
    Object.freeze(value);
    for (const each of Object.values(value)) freeze(each);
  }
  return value;
}

function badConfig(where: string, problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badConfig, `${where}: ${problem}`);
}
