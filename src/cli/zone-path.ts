/** Where the server's REST API has a zone, and what it is asked about it. */
import { formatName, type Name, parseName } from "../wire/name.ts";

export function zonePath(origin: string): string {
  return `/v1/zones/${encodeURIComponent(formatName(parseName(origin)))}`;
}

/** The path with those parameters that have a value. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join("&");
  return query === "" ? path : `${path}?${query}`;
}

/** The path for some zones, or for all, with other parameters. */
export function withZones(
  path: string,
  origins: readonly Name[] | undefined,
  parameters: Readonly<Record<string, string>>,
): string {
  const zones = (origins ?? []).map((origin) => `zone=${encodeURIComponent(formatName(origin))}`);
  const others = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return `${path}?${[...zones, ...others].join("&")}`;
}
