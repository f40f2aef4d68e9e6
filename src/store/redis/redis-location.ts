/** Reads `redis://user:password@host:port/database`, and says it again without the password. */
import { ErrorCode, WindhoverError } from "../../base/errors.ts";

export interface RedisLocation {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly isTls: boolean;
  /** For messages and logs: everything but the password. */
  readonly shown: string;
}

const DEFAULT_PORT = 6379;

/** Throws `bad-config` saying what is wrong with it. */
export function parseRedisLocation(text: string): RedisLocation {
  const url = parseUrl(text);
  const database = url.pathname.replace(/^\//, "");
  if (!/^\d{0,5}$/.test(database)) {
    throw badLocation(`"${database}" is not the number of a database, as in redis://host:6379/0`);
  }
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  const isTls = url.protocol === "rediss:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "") throw badLocation("it names no host, as in redis://host:6379/0");
  return {
    host,
    port,
    database: Number(database),
    username: decode(url.username),
    password: decode(url.password),
    isTls,
    shown: `${url.protocol}//${url.hostname}:${port}/${Number(database)}`,
  };
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw badLocation("it is not a URL of the form redis://user:password@host:6379/0");
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw badLocation(`${url.protocol} is not supported; use redis:// or rediss:// (TLS)`);
  }
  if (url.search !== "" || url.hash !== "") {
    throw badLocation(`"${url.search}${url.hash}" is not understood; leave it out`);
  }
  return url;
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
