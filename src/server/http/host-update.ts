/** One host's addresses as one update: A and AAAA change together or not at all. */
import type { Logger } from "../../base/log.ts";
import type { Principal } from "../../identity/principal.ts";
import type { UpdateEngine } from "../../update/update-engine.ts";
import type { Door, UpdateOperation, Verdict } from "../../update/update-request.ts";
import { Rcode, Type } from "../../wire/code-points.ts";
import { formatName, type Name } from "../../wire/name.ts";
import type { Address } from "./address.ts";
import type { WantedAddresses } from "./dyndns-addresses.ts";
import { findOrigin } from "./host-name.ts";

export interface HostUpdateParts {
  readonly engine: UpdateEngine;
  readonly hasZone: (origin: Name) => boolean;
  /** Of the records made, in seconds. */
  /** TTL in seconds of records made here, as it is now. */
  readonly ttl: () => number;
  readonly log: Logger;
}

export interface HostUpdate {
  readonly host: Name;
  readonly wanted: WantedAddresses;
  readonly principal: Principal;
  readonly door: Door;
  readonly address: string;
}

/** Resolves with the engine's verdict. The engine logs its own refusals; the one made here is logged here. */
export async function submitHostUpdate(
  parts: HostUpdateParts,
  update: HostUpdate,
): Promise<Verdict> {
  const origin = findOrigin(update.host, parts.hasZone);
  if (origin !== undefined) return parts.engine.submit(makeRequest(parts, update, origin));
  logNoZone(parts.log, update);
  return NO_SUCH_ZONE;
}

const NO_SUCH_ZONE: Extract<Verdict, { status: "refused" }> = {
  status: "refused",
  rcode: Rcode.notAuth,
  reason: "no-such-zone",
  detail: "the name is in none of our zones",
};

function makeRequest(parts: HostUpdateParts, update: HostUpdate, origin: Name) {
  const { host, wanted, principal, door, address } = update;
  const ttl = parts.ttl();
  const operations = [
    ...replaceAddresses(host, Type.A, wanted.A, ttl),
    ...replaceAddresses(host, Type.AAAA, wanted.AAAA, ttl),
  ];
  return { origin, principal, door, address, prerequisites: [], operations };
}

function replaceAddresses(
  owner: Name,
  rrtype: number,
  addresses: readonly Address[] | undefined,
  ttl: number,
): readonly UpdateOperation[] {
  if (addresses === undefined) return [];
  return [{ kind: "replace", owner, rrtype, ttl, rdatas: addresses.map(({ rdata }) => rdata) }];
}

function logNoZone(log: Logger, { host, principal, door, address }: HostUpdate): void {
  const { reason, detail } = NO_SUCH_ZONE;
  const fields = { door, actor: principal.actor, address, host: formatName(host), reason, detail };
  log.info(fields, "update refused");
}

/** In the order clients expect: IPv4 first. */
export function addressTexts({ A = [], AAAA = [] }: WantedAddresses): readonly string[] {
  return [...A, ...AAAA].map(({ text }) => text);
}
