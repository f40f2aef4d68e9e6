/** An address and a port as one value: `192.0.2.1:53`, `[2001:db8::1]:53`. */
import { isIP, isIPv4, isIPv6, SocketAddress as NetAddress } from "node:net";

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** `undefined` when the text is not an IP address with a port; a bare port means 127.0.0.1 is not assumed. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text.trim());
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { address: bracketed, port } : undefined;
  const address = plain === "localhost" ? "127.0.0.1" : (plain as string);
  return isIPv4(address) ? { address, port } : undefined;
}

export function formatSocketAddress({ address, port }: SocketAddress): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether two texts mean the same address, whatever their spelling; scopes of link-local ones are not compared. */
export function isSameAddress(a: string, b: string): boolean {
  return a === b || (isIPv6(a) && isIPv6(b) && canonical(a) === canonical(b));
}

function canonical(address: string): string {
  return new NetAddress({ address, family: "ipv6" }).address;
}
