/**
 * What a new configuration changes in a server that runs with another: what it takes over, what must wait for a
 * restart, and what has no effect where one might expect one. Values are never told: there are secrets among them.
 */
import { formatName, nameKey } from "../wire/name.ts";
import type { Config, ZoneConfig } from "./config.ts";

export interface ConfigChanges {
  /** Taken over: keys as the file spells them, and what became of zones, keys and users. */
  readonly changed: readonly string[];
  /** Keys that differ from those the server was started with and that only a restart changes. */
  readonly needsRestart: readonly string[];
  readonly notes: readonly string[];
}

export interface ComparedConfigs {
  readonly started: Config;
  /** The one taken over last; `started` before any other. */
  readonly current: Config;
  readonly next: Config;
}

/** What a running server can change; every other key, and any that comes to the schema, needs a restart. */
const LIVE = [
  "dns.version",
  "dns.identity",
  "dns.cookieSecret",
  "dns.rateLimit",
  "dns.tls.certificate",
  "dns.tls.key",
  "http.ttl",
  "http.trustedProxies",
  "http.metrics",
  "log.level",
  "limits",
  "history",
];

export function compareConfigs({ started, current, next }: ComparedConfigs): ConfigChanges {
  const hasTls = started.dns.tls !== undefined && next.dns.tls !== undefined;
  const taken = differentKeys(current, next).filter(
    (key) => isLive(key) && (hasTls || !isTls(key)),
  );
  return {
    changed: [
      ...taken,
      ...listChanges("zone", byOrigin(current), byOrigin(next), describeZoneChange),
      ...listChanges("key", byName(current.keys), byName(next.keys), () => "changed"),
      ...listChanges("user", byName(current.users), byName(next.users), () => "changed"),
    ],
    needsRestart: differentKeys(started, next).filter(
      (key) => !isLive(key) && (hasTls || !isTls(key) || key === "dns.tls.listen"),
    ),
    notes: zoneNotes(byOrigin(current), byOrigin(next)),
  };
}

function isLive(key: string): boolean {
  return LIVE.some((live) => key === live || key.startsWith(`${live}.`));
}

function isTls(key: string): boolean {
  return key.startsWith("dns.tls.");
}

function differentKeys(before: Config, after: Config): string[] {
  const [old, now] = [settings(before), settings(after)];
  const keys = new Set([...old.keys(), ...now.keys()]);
  return [...keys].filter((key) => old.get(key) !== now.get(key));
}

/** Every key that holds one value, spelled as in the file, with its value as text. */
function settings({ zones, keys, users, file, logLevel, ...rest }: Config): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string, value: unknown): void => {
    if (value === undefined) return;
    if (typeof value !== "object" || value === null || isWhole(value)) {
      found.set(path, JSON.stringify(value));
      return;
    }
    for (const [key, each] of Object.entries(value))
      visit(path === "" ? key : `${path}.${key}`, each);
  };
  visit("", { ...rest, log: { level: logLevel } });
  return found;
}

/** Lists, octets and addresses are values of one key. */
function isWhole(value: object): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value) || "address" in value;
}

function byName<T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> {
  return new Map(list.map((each) => [each.name, each]));
}

function byOrigin({ zones }: Config): ReadonlyMap<string, ZoneConfig> {
  return new Map(zones.map((zone) => [formatName(zone.origin), zone]));
}

function listChanges<T>(
  kind: string,
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  describe: (before: T, after: T) => string,
): string[] {
  const changes: string[] = [];
  for (const [name, value] of after) {
    const old = before.get(name);
    if (old === undefined) changes.push(`${kind} ${name} added`);
    else if (textOf(old) !== textOf(value)) changes.push(`${kind} ${name} ${describe(old, value)}`);
  }
  for (const name of before.keys())
    if (!after.has(name)) changes.push(`${kind} ${name} removed from the file`);
  return changes;
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array ? nameKey(each as ZoneConfig["origin"]) : each,
  );
}

function describeZoneChange(before: ZoneConfig, after: ZoneConfig): string {
  return textOf(before.notify) === textOf(after.notify) ? "changed its file" : "changed its notify";
}

/** Where the file says something of a zone that the store decides. */
function zoneNotes(
  before: ReadonlyMap<string, ZoneConfig>,
  after: ReadonlyMap<string, ZoneConfig>,
): string[] {
  const notes: string[] = [];
  for (const [zone, { file }] of before) {
    const now = after.get(zone);
    if (now === undefined) {
      notes.push(
        `zone ${zone} stays in the store and is served: \`windhover zone delete\` ends it`,
      );
    } else if (now.file !== file && now.file !== undefined) {
      notes.push(
        `zone ${zone} is in the store, so its file is not read: \`windhover zone import\` does`,
      );
    }
  }
  return notes;
}
