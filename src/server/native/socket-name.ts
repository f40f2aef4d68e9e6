/** Socket names (`sockaddr_in`, `sockaddr_in6`) between octets and text, link-local ones with their interface. */
import { ADDRESS_LENGTH, readAddress } from "../../base/address-octets.ts";
import { formatIpv4, formatIpv6 } from "../../wire/fields/address.ts";
import { SOCKADDR4_LENGTH, SOCKADDR6_LENGTH, SockAddr, Sys } from "./libc.ts";

/** Room for either kind. */
export const SOCKET_NAME_LENGTH = 32;

export function familyOf(address: string): number {
  return address.includes(":") ? Sys.inet6 : Sys.inet;
}

export function socketNameLength(family: number): number {
  return family === Sys.inet6 ? SOCKADDR6_LENGTH : SOCKADDR4_LENGTH;
}

const octets = new Uint8Array(ADDRESS_LENGTH);

/** Writes a name; false when the text is no address of this family. Interface 0 is none. */
export function writeSocketName(
  name: Uint8Array,
  family: number,
  { address, port }: { readonly address: string; readonly port: number },
  interfaceIndex: number,
): boolean {
  name.fill(0, 0, SOCKET_NAME_LENGTH);
  name[SockAddr.family] = family;
  name[SockAddr.port] = port >> 8;
  name[SockAddr.port + 1] = port;
  const length = readAddress(address, octets, 0);
  if (length !== (family === Sys.inet6 ? ADDRESS_LENGTH : 4)) return false;
  const at = family === Sys.inet6 ? SockAddr.address6 : SockAddr.address4;
  for (let octet = 0; octet < length; octet++) name[at + octet] = octets[octet] as number;
  if (family === Sys.inet6) {
    name[SockAddr.scope6] = interfaceIndex;
    name[SockAddr.scope6 + 1] = interfaceIndex >> 8;
    name[SockAddr.scope6 + 2] = interfaceIndex >> 16;
  }
  return true;
}

export function portAt(names: Uint8Array, at: number): number {
  return ((names[at + SockAddr.port] as number) << 8) | (names[at + SockAddr.port + 1] as number);
}

/** fe80::/10 */
export function isLinkLocal(octets: Uint8Array, at: number): boolean {
  return octets[at] === 0xfe && ((octets[at + 1] as number) & 0xc0) === 0x80;
}

/** The address of the name at `at`; a link-local one says its interface by number (RFC 4007 §11.2). */
export function formatNameAddress(names: Uint8Array, at: number, family: number): string {
  if (family === Sys.inet) return formatIpv4(names, at + SockAddr.address4);
  const text = formatIpv6(names, at + SockAddr.address6);
  if (!isLinkLocal(names, at + SockAddr.address6)) return text;
  const scope = at + SockAddr.scope6;
  const index =
    (names[scope] as number) |
    ((names[scope + 1] as number) << 8) |
    ((names[scope + 2] as number) << 16);
  return index === 0 ? text : `${text}%${index}`;
}

/** What stands behind `%`, or nothing. */
export function scopeOf(address: string): string {
  const at = address.indexOf("%");
  return at < 0 ? "" : address.slice(at + 1);
}
