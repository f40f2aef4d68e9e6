/**
 * Wildcards made concrete. A UDP reply must leave from the address that was asked, and a plain datagram socket on the
 * wildcard cannot see which one that was; so each address of the machine gets a socket of its own.
 */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { SocketAddress } from "../base/socket-address.ts";

export interface BindAddress extends SocketAddress {
  /** Found on an interface rather than configured: it may vanish or not be ready, and then does without. */
  readonly isOptional: boolean;
}

export type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

export function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || /^[0:]+$/.test(address);
}

/** Each address once, `0.0.0.0` and `::` replaced by the addresses of their family that the machine has now. */
export function expandWildcards(
  listen: readonly SocketAddress[],
  interfaces: Interfaces = networkInterfaces(),
): readonly BindAddress[] {
  const found = new Map<string, BindAddress>();
  for (const { address, port } of listen.filter((each) => !isWildcard(each.address))) {
    found.set(`${address} ${port}`, { address, port, isOptional: false });
  }
  for (const { address, port } of listen.filter((each) => isWildcard(each.address))) {
    for (const local of localAddresses(interfaces, address.includes(":") ? "IPv6" : "IPv4")) {
      const key = `${local} ${port}`;
      if (!found.has(key)) found.set(key, { address: local, port, isOptional: true });
    }
  }
  return [...found.values()];
}

function localAddresses(interfaces: Interfaces, family: string): string[] {
  return Object.entries(interfaces).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter((each) => each.family === family)
      .map((each) => (isLinkLocal(each) ? `${each.address}%${name}` : each.address)),
  );
}

/** A link-local address means nothing without its interface (RFC 4007 §11). */
function isLinkLocal(info: NetworkInterfaceInfo): boolean {
  return info.family === "IPv6" && info.scopeid !== 0;
}
