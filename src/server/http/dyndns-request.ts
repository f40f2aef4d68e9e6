/** The hosts a dyndns2 request names, and whether it wants failures told by the status too. */
import type { IncomingHttpHeaders } from "node:http";
import type { Principal } from "../../identity/principal.ts";
import { equalNames, formatName, isWildcard, type Name } from "../../wire/name.ts";
import { findOrigin, parseHost } from "./host-name.ts";
import type { RequestParameters } from "./request-parameters.ts";

/** The host list as sent, member by member; empty when the request names none. */
export function readHosts(parameters: RequestParameters): readonly string[] {
  return hostValues(parameters)
    .flatMap((value) => value.split(","))
    .map((member) => member.trim())
    .filter((member) => member !== "");
}

function hostValues(parameters: RequestParameters): readonly string[] {
  const hostId = parameters.all("host_id");
  const hostname = parameters.all("hostname");
  if (hostname.length > 0 && !(hostId.length > 0 && /^yes$/i.test(hostname[0] as string))) {
    return hostname;
  }
  const whole = parameters.all("host_id", "domains");
  if (whole.length > 0) return whole;
  const host = parameters.first("host")?.trim();
  const domain = parameters.first("domain")?.trim();
  if (host !== undefined && domain !== undefined) return [joinHost(host, domain)];
  const named = parameters.all("domain", "host", "zone", "h[]", "id");
  if (named.length > 0) return named;
  return parameters.bareName?.includes(".") ? [parameters.bareName] : [];
}

/** `home` or `@` and a domain, or a host that is whole already. */
function joinHost(host: string, domain: string): string {
  const zone = domain.replace(/\.$/, "").toLowerCase();
  const label = host.replace(/\.$/, "").toLowerCase();
  if (label === "@" || label === zone) return zone;
  return label.endsWith(`.${zone}`) ? label : `${label}.${zone}`;
}

/**
 * The host of a request that names none: the user name when it is a name in one of our zones, else the only host
 * the credential stands for.
 */
export function impliedHost(
  user: string,
  principal: Principal,
  hasZone: (origin: Name) => boolean,
): string | undefined {
  const named = parseHost(user);
  if (named !== undefined && findOrigin(named, hasZone) !== undefined) return user;
  const only = principal.host ?? onlyHost(principal);
  return only === undefined ? undefined : formatName(only);
}

function onlyHost({ grants }: Principal): Name | undefined {
  const updates = grants.filter(({ allow }) => allow.includes("update"));
  const [first] = updates;
  const name = first?.name;
  if (name === undefined || isWildcard(name)) return undefined;
  const isOnly = updates.every((grant) => grant.name !== undefined && equalNames(grant.name, name));
  return isOnly ? name : undefined;
}

/** Agents known to take any 2xx for success and not to read the body. */
const STATUS_READERS = ["opnsense-dyndns", "go-http-client"];

export function isStrict(parameters: RequestParameters, headers: IncomingHttpHeaders): boolean {
  const agent = headers["user-agent"]?.toLowerCase() ?? "";
  return parameters.isOn("strict") || STATUS_READERS.some((prefix) => agent.startsWith(prefix));
}
