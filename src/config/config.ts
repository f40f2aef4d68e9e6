/**
 * Configuration as a frozen value: file, then environment, then defaults; checked whole before anything starts.
 * Only `server/start.ts` and `cli/` import it; everything below is handed the values it needs.
 */
import { dirname, resolve } from "node:path";
import type { TSchema } from "@sinclair/typebox";
import { Value, type ValueError } from "@sinclair/typebox/value";
import { type AddressPrefix, parsePrefix } from "../base/address-octets.ts";
import { errorMessage } from "../base/errors.ts";
import type { LogLevel } from "../base/log.ts";
import { parseSocketAddress, type SocketAddress } from "../base/socket-address.ts";
import { checkUser } from "../identity/accounts.ts";
import { checkKey, type KeyText } from "../identity/keyring.ts";
import { type Name, nameKey, parseName } from "../wire/name.ts";
import { nearestKey } from "./nearest-key.ts";
import { ConfigText } from "./schema.ts";
import { badConfig, formatKeyPath, type KeyPath, readSourceTree } from "./source-tree.ts";

export interface ZoneConfig {
  readonly origin: Name;
  /** Absolute path, resolved against the configuration file's directory. */
  readonly file: string | undefined;
  readonly notify: readonly NotifyConfig[];
}

export interface NotifyConfig extends SocketAddress {
  /** Of the TSIG key that signs. */
  readonly key: Name | undefined;
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
  readonly store: {
    /** A directory as an absolute path, or a URL. */
    readonly url: string;
    /** Empty for the default. */
    readonly prefix: string;
    readonly waitReplicas: number;
    readonly waitMs: number;
  };
  readonly history: {
    readonly entries: number;
    /** 0 for any age. */
    readonly days: number;
  };
  /** Absolute path of the administrative socket. */
  readonly socket: string;
  /** Whether the file is taken over when it changes. */
  readonly watch: boolean;
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
  /** An empty file is a mistake: one that was cut short must not pass for one that says nothing. */
  readonly isReload?: boolean;
}

/** Throws `bad-config` with one line that names file, line, key, mistake and way out. */
export function loadConfig(source: ConfigSource): Config {
  const environment = source.environment ?? process.env;
  const isList = (path: readonly string[]) => schemaAt(path)?.type === "array";
  const shorthand = (path: readonly string[]) => schemaAt(path)?.shorthand as string | undefined;
  const isText = (path: readonly string[]) => schemaAt(path)?.type === "string";
  const twins = { environment, isList, isText, shorthand };
  const { tree, place } = readSourceTree(source.file, twins);
  if (source.isReload === true && source.file !== undefined && Object.keys(tree).length === 0) {
    throw badConfig(source.file, "is empty; to run on defaults alone, restart without it");
  }
  const text = checkShape(tree, place);
  return freeze(resolveConfig(text, source, (path) => mistakeAt(place(path), path)));
}

/** Makes the error about one key; a word of its own says what is wrong with it. */
type MistakeAt = (path: KeyPath) => (problem: string) => Error;

function mistakeAt(place: string, path: KeyPath): (problem: string) => Error {
  return (problem) => badConfig(place, `\`${formatKeyPath(path)}\`: ${problem}`);
}

function checkShape(tree: Record<string, unknown>, place: (path: KeyPath) => string): ConfigText {
  const path = mappingForList(ConfigText, tree);
  if (path !== undefined) {
    throw badConfig(
      place(path),
      `\`${formatKeyPath(path)}\`: expected a list, but it is a mapping`,
    );
  }
  const filled = Value.Default(ConfigText, tree);
  if (Value.Check(ConfigText, filled)) return filled;
  const errors = [...Value.Errors(ConfigText, filled)];
  const error = errors.find(isUnknownKey) ?? (errors[0] as ValueError);
  throw badConfig(place(error.path.split("/").slice(1)), explain(error));
}

/** Told before anything else: a key that is missing is often there, mistyped. */
function isUnknownKey({ message }: ValueError): boolean {
  return message === "Unexpected property";
}

/** Where a mapping stands for a list: filling in defaults would make an empty list of it, and no mistake. */
function mappingForList(schema: TSchema, value: unknown): KeyPath | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (schema.type === "array" && !Array.isArray(value)) return [];
  for (const [key, each] of Object.entries(value)) {
    const properties = schema.properties as Record<string, TSchema> | undefined;
    const child = properties?.[key] ?? (schema.items as TSchema | undefined);
    const path = child === undefined ? undefined : mappingForList(child, each);
    if (path !== undefined) return [key, ...path];
  }
  return undefined;
}

/** One sentence for a schema error: the key as a person writes it, and what it should have been. */
function explain(error: ValueError): string {
  const path = error.path.split("/").slice(1);
  const key = formatKeyPath(path);
  if (isUnknownKey(error)) {
    const parent = schemaAt(path.slice(0, -1));
    const word = path.at(-1) as string;
    const known = Object.keys((parent?.properties as object | undefined) ?? {});
    const nearest = nearestKey(word, known);
    const advice =
      nearest === undefined ? `known here: ${known.join(", ")}` : `did you mean \`${nearest}\`?`;
    return `unknown key \`${key}\`; ${advice}`;
  }
  if (error.value === undefined) return `\`${key}\` is missing`;
  return `\`${key}\`: ${error.message.toLowerCase()}, but it is ${describe(path, error.value)}`;
}

/** Keys whose values are told to nobody, and so neither are lists and mappings, which may hold them. */
const SECRET_KEYS = ["secret", "password", "token", "cookieSecret"];

function describe(path: readonly string[], value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  return SECRET_KEYS.includes(path.at(-1) ?? "") ? "something else" : JSON.stringify(value);
}

function schemaAt(path: readonly string[]): TSchema | undefined {
  let schema: TSchema | undefined = ConfigText;
  for (const key of path) {
    const properties = schema?.properties as Record<string, TSchema> | undefined;
    schema = properties?.[key] ?? (schema?.items as TSchema | undefined);
  }
  return schema;
}

function resolveConfig(text: ConfigText, source: ConfigSource, mistake: MistakeAt): Config {
  const base = source.file === undefined ? source.directory : dirname(resolve(source.file));
  const isUrl = text.store.url.includes("://");
  const url = isUrl ? text.store.url : resolve(base, text.store.url);
  const dataDirectory = isUrl ? resolve(base, "data") : url;
  checkIdentities(text, mistake);
  return {
    dns: {
      port: text.dns.port as Config["dns"]["port"],
      workers: text.dns.workers,
      version: readShort(text.dns.version, mistake(["dns", "version"])),
      identity: readShort(text.dns.identity, mistake(["dns", "identity"])),
      listen: readAddresses(text.dns.listen, ["dns", "listen"], mistake),
      cookieSecret: readSecret(text.dns.cookieSecret),
      rateLimit: readRateLimit(text.dns.rateLimit, mistake),
      tls: readTls(text.dns.tls, base, mistake),
    },
    http: {
      ...text.http,
      trustedProxies: text.http.trustedProxies.map((each, at) => {
        readPrefix(each, mistake(["http", "trustedProxies", at]));
        return each;
      }),
      listen:
        text.http.listen === ""
          ? undefined
          : readAddress(text.http.listen, mistake(["http", "listen"])),
    },
    store: { ...text.store, url },
    history: text.history,
    socket:
      text.socket === "" ? resolve(dataDirectory, "windhover.sock") : resolve(base, text.socket),
    watch: text.watch,
    logLevel: text.log.level as LogLevel,
    limits: text.limits,
    zones: readZones(text.zones, base, mistake),
    keys: text.keys,
    users: text.users,
    file: source.file,
  };
}

function readZones(texts: ConfigText["zones"], base: string, mistake: MistakeAt): ZoneConfig[] {
  const zones = texts.map(({ origin, file, notify }, at) => ({
    origin: readOrigin(origin, mistake(["zones", at, "origin"])),
    file: file === undefined ? undefined : resolve(base, file),
    notify: notify.map((target, nth) => readNotify(target, ["zones", at, "notify", nth], mistake)),
  }));
  refuseTwins(
    zones.map(({ origin }) => nameKey(origin)),
    (at) => mistake(["zones", at, "origin"]),
  );
  return zones;
}

/** A bare address is one without a key. */
function readNotify(
  target: ConfigText["zones"][number]["notify"][number],
  path: KeyPath,
  mistake: MistakeAt,
): NotifyConfig {
  if (typeof target === "string") {
    return { ...readAddress(target, mistake(path)), key: undefined };
  }
  const { address, key } = target;
  return {
    ...readAddress(address, mistake([...path, "address"])),
    key: key === undefined ? undefined : readOrigin(key, mistake([...path, "key"])),
  };
}

/** What a key or a user is made of is said here already, where its line is known. */
function checkIdentities({ keys, users }: ConfigText, mistake: MistakeAt): void {
  for (const [at, key] of keys.entries()) attempt(() => checkKey(key), mistake(["keys", at]));
  for (const [at, user] of users.entries()) attempt(() => checkUser(user), mistake(["users", at]));
  refuseTwins(
    keys.map(({ name }) => nameKey(parseName(name))),
    (at) => mistake(["keys", at, "name"]),
  );
  refuseTwins(
    users.map(({ name }) => name),
    (at) => mistake(["users", at, "name"]),
  );
}

/** Of two under one name, nobody could say which is meant. */
function refuseTwins(
  names: readonly string[],
  mistake: (at: number) => (problem: string) => Error,
): void {
  const seen = new Set<string>();
  names.forEach((name, at) => {
    if (seen.has(name)) throw mistake(at)("there is one of this name above");
    seen.add(name);
  });
}

function attempt<T>(read: () => T, mistake: (problem: string) => Error): T {
  try {
    return read();
  } catch (error) {
    throw mistake(errorMessage(error));
  }
}

function readAddresses(
  values: readonly string[],
  path: KeyPath,
  mistake: MistakeAt,
): SocketAddress[] {
  return values.map((value, at) => readAddress(value, mistake([...path, at])));
}

function readAddress(value: string, mistake: (problem: string) => Error): SocketAddress {
  const parsed = parseSocketAddress(value);
  if (parsed !== undefined) return parsed;
  throw mistake(`"${value}" is not an address with a port, such as 127.0.0.1:5300 or [::1]:5300`);
}

/** A character-string that fits beside any question has so many octets. */
const SHORT_TEXT = 128;

function readShort(text: string, mistake: (problem: string) => Error): string {
  const octets = Buffer.byteLength(text);
  if (octets <= SHORT_TEXT) return text;
  throw mistake(`has ${octets} octets in UTF-8, and ${SHORT_TEXT} are the most`);
}

function readSecret(hex: string): Uint8Array | undefined {
  return hex === "" ? undefined : new Uint8Array(Buffer.from(hex, "hex"));
}

function readRateLimit(
  { perSecond, slip, exempt }: ConfigText["dns"]["rateLimit"],
  mistake: MistakeAt,
): RateLimitConfig | undefined {
  const prefixes = exempt.map((each, at) =>
    readPrefix(each, mistake(["dns", "rateLimit", "exempt", at])),
  );
  return perSecond === 0 ? undefined : { perSecond, slip, exempt: prefixes };
}

function readPrefix(value: string, mistake: (problem: string) => Error): AddressPrefix {
  const parsed = parsePrefix(value);
  if (parsed !== undefined) return parsed;
  throw mistake(
    `"${value}" is neither an address nor a prefix, such as 192.0.2.0/24 or 2001:db8::/32`,
  );
}

function readTls(
  { listen, certificate, key }: ConfigText["dns"]["tls"],
  base: string,
  mistake: MistakeAt,
): TlsConfig | undefined {
  if (listen.length === 0) return undefined;
  for (const [name, path] of Object.entries({ certificate, key })) {
    if (path === "")
      throw mistake(["dns", "tls", name])("is missing: DNS over TLS needs a PEM file");
  }
  return {
    listen: readAddresses(listen, ["dns", "tls", "listen"], mistake),
    certificate: resolve(base, certificate),
    key: resolve(base, key),
  };
}

function readOrigin(value: string, mistake: (problem: string) => Error): Name {
  return attempt(() => parseName(value), mistake);
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
