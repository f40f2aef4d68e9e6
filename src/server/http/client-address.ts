/**
 * Whose address a request comes from. A proxy's word is taken only from proxies the operator named: from the
 * right of the header, past each trusted proxy, the first address that is not one of them is the client.
 */
import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP } from "node:net";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { peerAddress } from "./address.ts";

/** Only one is ever read: a proxy that writes the one passes on whatever its client put into the other. */
export type ForwardedHeader = "x-forwarded-for" | "forwarded";

export interface RequestOrigin {
  readonly remoteAddress: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Text without port or zone id, mapped addresses as IPv4; empty when the transport has no addresses. */
export type ClientAddress = (request: RequestOrigin) => string;

/** Throws `bad-config` naming a proxy that is neither an address nor a prefix. */
export function createClientAddress(
  trustedProxies: readonly string[],
  header: ForwardedHeader = "x-forwarded-for",
): ClientAddress {
  const proxies = new BlockList();
  for (const proxy of trustedProxies) trust(proxies, proxy);
  const isTrusted = (address: string) =>
    isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return ({ remoteAddress, headers }) => {
    let address = peerAddress(remoteAddress);
    for (const hop of forwardedHops(headers[header], header).reverse()) {
      if (!isTrusted(address)) break;
      const before = peerAddress(withoutPort(hop));
      if (before === "") break;
      address = before;
    }
    return address;
  };
}

function trust(proxies: BlockList, text: string): void {
  const [address = "", digits] = text.split("/");
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const length = digits === undefined ? bits : /^\d{1,3}$/.test(digits) ? Number(digits) : -1;
  if (family === 0 || length < 0 || length > bits) {
    const message = `trusted proxy "${text}" is neither an address nor a prefix such as 10.0.0.0/8`;
    throw new WindhoverError(ErrorCode.badConfig, message);
  }
  proxies.addSubnet(address, length, family === 6 ? "ipv6" : "ipv4");
}

/** Left to right: the client first, the last proxy's view of its peer last. */
function forwardedHops(value: string | string[] | undefined, header: ForwardedHeader): string[] {
  if (value === undefined) return [];
  const hops = (Array.isArray(value) ? value.join(",") : value).split(",");
  if (header === "x-forwarded-for") return hops.map((hop) => hop.trim());
  return hops.map((hop) => /(?:^|;)\s*for="?([^";]*)"?/i.exec(hop)?.[1]?.trim() ?? "");
}

/** `192.0.2.1:80`, `[2001:db8::1]:80` and `[2001:db8::1]` (RFC 7239 §6). */
function withoutPort(hop: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(hop);
  if (bracketed !== null) return bracketed[1] as string;
  return hop.replace(/^([\d.]+):\d+$/, "$1");
}
