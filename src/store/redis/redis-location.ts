/**
 * Reads where Redis is, and says it again without the passwords:
 *
 *     redis://user:password@host:6379/0                            one server
 *     redis+sentinel://user:password@h1:26379,h2:26379/mymaster/0  the primary that these Sentinels name
 *     redis+cluster://user:password@h1:6379,h2:6379                a Cluster, found by any of these nodes
 *
 * With `rediss` in place of `redis` every connection is TLS. Sentinels that ask for a password of their own get
 * `?sentinelUsername=…&sentinelPassword=…`.
 */
import { ErrorCode, WindhoverError } from "../../base/errors.ts";

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

export interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export interface RedisLocation extends Login {
  readonly kind: "single" | "sentinel" | "cluster";
  /** The server, the Sentinels, or nodes of the Cluster to begin with; one at least. */
  readonly hosts: readonly [RedisHost, ...RedisHost[]];
  /** What the Sentinels call their primary; empty otherwise. */
  readonly service: string;
  readonly database: number;
  readonly sentinelLogin: Login;
  readonly isTls: boolean;
  /** For messages and logs: everything but the passwords. */
  readonly shown: string;
}

const DEFAULT_PORT = { single: 6379, sentinel: 26379, cluster: 6379 };

const EXAMPLE = {
  single: "redis://host:6379/0",
  sentinel: "redis+sentinel://host1:26379,host2:26379/mymaster/0",
  cluster: "redis+cluster://host1:6379,host2:6379",
};

const SCHEME = /^(rediss?)(?:\+(sentinel|cluster))?$/;

export function isRedisScheme(scheme: string): boolean {
  return SCHEME.test(scheme);
}

/** Throws `bad-config` saying what is wrong with it. */
export function parseRedisLocation(text: string): RedisLocation {
  const parts = /^([a-z+]+):\/\/(?:([^@/]*)@)?([^/?#@]*)(\/[^?#]*)?(.*)$/i.exec(text);
  const scheme = parts?.[1]?.toLowerCase() ?? "";
  const match = SCHEME.exec(scheme);
  if (parts === null || match === null) {
    throw badLocation(`it is not of the form ${Object.values(EXAMPLE).join(", or ")}`);
  }
  const kind = (match[2] ?? "single") as RedisLocation["kind"];
  const [, , login = "", hostList = "", path = "", rest = ""] = parts;
  const hosts = hostList.split(",").map((each) => parseHost(each, kind));
  if (hosts.length > 1 && kind === "single") {
    throw badLocation("it names several hosts; redis+sentinel:// and redis+cluster:// may");
  }
  const { service, database } = parsePath(path.slice(1), kind);
  const shownHosts = hosts.map(({ host, port }) => `${bracketed(host)}:${port}`).join(",");
  const shownPath = [service, kind === "cluster" ? "" : String(database)].filter(Boolean);
  return {
    kind,
    hosts: hosts as [RedisHost, ...RedisHost[]],
    service,
    database,
    ...parseLogin(login),
    sentinelLogin: parseOptions(rest, kind),
    isTls: match[1] === "rediss",
    shown: `${scheme}://${[shownHosts, ...shownPath].join("/")}`,
  };
}

function parseHost(text: string, kind: RedisLocation["kind"]): RedisHost {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? DEFAULT_PORT[kind] : Number(match[3]);
  if (host !== undefined && port > 0 && port <= 0xffff) return { host, port };
  throw badLocation(`"${text}" is not a host with a port, as in ${EXAMPLE[kind]}`);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function parsePath(path: string, kind: RedisLocation["kind"]) {
  const [first = "", ...others] = path.replace(/\/$/, "").split("/");
  const [service, database = ""] = kind === "sentinel" ? [decode(first), ...others] : ["", first];
  if (kind === "sentinel" && (service === undefined || others.length > 1)) {
    throw badLocation(`it does not name the Sentinels' primary, as in ${EXAMPLE.sentinel}`);
  }
  if (!/^\d{0,5}$/.test(database) || (kind === "single" && others.length > 0)) {
    throw badLocation(`"${path}" is not the number of a database, as in ${EXAMPLE[kind]}`);
  }
  if (kind === "cluster" && Number(database) !== 0) {
    throw badLocation("a Cluster has database 0 alone; leave it out");
  }
  return { service: service ?? "", database: Number(database) };
}

function parseLogin(text: string): Login {
  const [username = "", ...password] = text.split(":");
  return { username: decode(username), password: decode(password.join(":")) };
}

function parseOptions(text: string, kind: RedisLocation["kind"]): Login {
  const options = new URLSearchParams(text.replace(/^\?/, ""));
  const username = options.get("sentinelUsername") ?? undefined;
  const password = options.get("sentinelPassword") ?? undefined;
  const known = kind === "sentinel" ? ["sentinelUsername", "sentinelPassword"] : [];
  const unknown = [...options.keys()].find((key) => !known.includes(key));
  if (unknown === undefined && !text.startsWith("#")) return { username, password };
  throw badLocation(`"${unknown ?? text}" after it is not understood; leave it out`);
}

function decode(text: string): string | undefined {
  if (text === "") return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw badLocation("its user or password has a % that is not an escape; write %25");
  }
}

function badLocation(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badConfig, `bad Redis location: ${problem}`);
}
