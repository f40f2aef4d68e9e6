/** Zones, names, principals and requests, spelled short, for the tests of the update path. */
import type { Grant, Principal } from "../../src/identity/principal.ts";
import type {
  Door,
  Prerequisite,
  UpdateOperation,
  UpdateRequest,
} from "../../src/update/update-request.ts";
import { Type } from "../../src/wire/code-points.ts";
import { formatName, type Name, parseName } from "../../src/wire/name.ts";
import { formatRdata, parseRdata } from "../../src/wire/rdata.ts";
import { parseType, typeName } from "../../src/wire/rr-types.ts";
import { makeRRset, type RRset } from "../../src/zone/rrset.ts";
import type { ZoneView } from "../../src/zone/zone-view.ts";

export const ORIGIN = parseName("dyn.example.com");

/** `home` below the origin, `@` for the origin, `other.org.` as it stands. */
export function at(text: string): Name {
  return parseName(text, ORIGIN);
}

export function rrtype(text: string): number {
  const parsed = parseType(text);
  if (parsed === undefined) throw new Error(`no such type: ${text}`);
  return parsed;
}

export function rdata(type: string, text: string): Uint8Array {
  const tokens = text
    .split(" ")
    .map((each) => ({ text: each.replaceAll('"', ""), quoted: each.startsWith('"') }));
  return parseRdata(rrtype(type), tokens, ORIGIN);
}

/** `rrset("home", 60, "A", "192.0.2.1", "192.0.2.2")`. */
export function rrset(owner: string, ttl: number, type: string, ...texts: string[]): RRset {
  return makeRRset(
    at(owner),
    rrtype(type),
    ttl,
    texts.map((text) => rdata(type, text)),
  );
}

export function soa(serial: number, ttl = 3600): RRset {
  return rrset("@", ttl, "SOA", `ns1 hostmaster ${serial} 3600 600 86400 300`);
}

/** Apex, a host with both families, an alias, a delegation with glue, a wildcard and a text. */
export function exampleZone(serial = 1): RRset[] {
  return [
    soa(serial),
    rrset("@", 3600, "NS", "ns1", "ns2"),
    rrset("ns1", 3600, "A", "192.0.2.53"),
    rrset("home", 60, "A", "192.0.2.1", "192.0.2.2"),
    rrset("home", 60, "AAAA", "2001:db8::1"),
    rrset("alias", 300, "CNAME", "home"),
    rrset("sub", 3600, "NS", "ns.sub"),
    rrset("ns.sub", 3600, "A", "192.0.2.54"),
    rrset("*.wild", 300, "TXT", '"any"'),
    rrset("a.deep", 300, "TXT", '"below"'),
  ];
}

export function principal(...grants: Partial<Grant>[]): Principal {
  const full = grants.map((grant) => ({ allow: ["update" as const], ...grant }));
  return { actor: "key:test", grants: full, isOperator: false };
}

export const OPERATOR: Principal = { actor: "local", grants: [], isOperator: true };
export const ZONE_OWNER: Principal = principal({ zone: ORIGIN });

export function request(
  operations: readonly UpdateOperation[],
  more: {
    prerequisites?: readonly Prerequisite[];
    principal?: Principal;
    door?: Door;
    origin?: Name;
  } = {},
): UpdateRequest {
  return {
    origin: more.origin ?? ORIGIN,
    principal: more.principal ?? ZONE_OWNER,
    door: more.door ?? "rfc2136",
    address: "198.51.100.7",
    prerequisites: more.prerequisites ?? [],
    operations,
  };
}

export function add(owner: string, ttl: number, type: string, text: string): UpdateOperation {
  return {
    kind: "add",
    owner: at(owner),
    rrtype: rrtype(type),
    ttl,
    rdata: rdata(type, text),
  };
}

export function deleteRR(owner: string, type: string, text: string): UpdateOperation {
  return { kind: "delete-rr", owner: at(owner), rrtype: rrtype(type), rdata: rdata(type, text) };
}

export function deleteRRset(owner: string, type: string): UpdateOperation {
  return { kind: "delete-rrset", owner: at(owner), rrtype: rrtype(type) };
}

export function deleteName(owner: string): UpdateOperation {
  return { kind: "delete-name", owner: at(owner) };
}

export function replace(
  owner: string,
  ttl: number,
  type: string,
  ...texts: string[]
): UpdateOperation {
  const rdatas = texts.map((text) => rdata(type, text));
  return { kind: "replace", owner: at(owner), rrtype: rrtype(type), ttl, rdatas };
}

/** Every RR of the zone as a line, sorted; the SOA too. */
export function zoneText(view: ZoneView): string[] {
  const lines: string[] = [];
  for (const owner of view.owners()) {
    for (const each of view.rrsets(owner)) lines.push(...rrsetText(each));
  }
  return lines.sort();
}

/** As `zoneText`, without the SOA: what the change itself did. */
export function contentText(view: ZoneView): string[] {
  return zoneText(view).filter((line) => !line.includes(" SOA "));
}

export function rrsetText({ owner, ttl, rrtype: type, rdatas }: RRset): string[] {
  return rdatas.map(
    (each) => `${formatName(owner)} ${ttl} ${typeName(type)} ${formatRdata(type, each)}`,
  );
}

export function rrsetsText(rrsets: readonly RRset[]): string[] {
  return rrsets.flatMap(rrsetText).sort();
}

export const SOA_TYPE: number = Type.SOA;
