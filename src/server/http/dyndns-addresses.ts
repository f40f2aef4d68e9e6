/**
 * Which addresses a dyndns2 request wants a host to have. An absent or empty parameter keeps what is there; a
 * value that cannot be read is refused and never replaced by the caller's address.
 */
import { Limits } from "../../base/limits.ts";
import { Type } from "../../wire/code-points.ts";
import {
  type Address,
  isUnspecified,
  isZeroAfter,
  parseAddress,
  parseAddressPrefix,
} from "./address.ts";
import type { RequestParameters } from "./request-parameters.ts";

/** What the host's address RRsets shall be: empty ends one, `undefined` keeps it as it is. */
export interface WantedAddresses {
  readonly A?: readonly Address[];
  readonly AAAA?: readonly Address[];
}

/** Why no addresses came of the parameters, as dyndns2 says it. */
export type AddressRefusal = "dnserr" | "!donator";

type Family = "A" | "AAAA";
/** Which families a parameter may speak of: the value decides for `myip`, the name for the others. */
const SCOPES = {
  any: ["myip", "ip", "address", "dnsto"],
  A: ["myipv4", "ipv4", "ip4"],
  AAAA: ["myipv6", "ipv6", "myip6", "ip6", "myip2"],
} as const;
type Scope = keyof typeof SCOPES;

interface Wish {
  readonly A: Address[] | undefined;
  readonly AAAA: Address[] | undefined;
  /** Something was said that names no address: `no`, `preserve`, `auto` of the other family. */
  readonly isExplicit: boolean;
  readonly hasPrefix: boolean;
}

/** `source` is the caller's address: for `auto`, and when nothing at all is said. */
export function readAddresses(
  parameters: RequestParameters,
  source: string,
): WantedAddresses | AddressRefusal {
  if (parameters.isOn("offline")) return { A: [], AAAA: [] };
  const general = readScope(parameters, "any", source);
  const only4 = readScope(parameters, "A", source);
  const only6 = readScope(parameters, "AAAA", source);
  if (general === undefined || only4 === undefined || only6 === undefined) return "dnserr";
  const wanted = wantedAddresses(only4.A ?? general.A, only6.AAAA ?? general.AAAA);
  if (wanted.A !== undefined || wanted.AAAA !== undefined) return wanted;
  const wishes = [general, only4, only6];
  if (wishes.some(({ hasPrefix }) => hasPrefix)) return "!donator";
  if (wishes.some(({ isExplicit }) => isExplicit)) return "dnserr";
  return sourceAddress(source) ?? "dnserr";
}

/** Just the one family of one address. */
export function onlyAddress(address: Address): WantedAddresses {
  return address.rrtype === Type.A ? { A: [address] } : { AAAA: [address] };
}

function sourceAddress(source: string): WantedAddresses | undefined {
  const address = parseAddress(source);
  return address === undefined ? undefined : onlyAddress(address);
}

function wantedAddresses(a: Address[] | undefined, aaaa: Address[] | undefined): WantedAddresses {
  return { ...(a === undefined ? {} : { A: a }), ...(aaaa === undefined ? {} : { AAAA: aaaa }) };
}

/** `undefined` when a value is no address or there are too many. */
function readScope(parameters: RequestParameters, scope: Scope, source: string): Wish | undefined {
  const members = parameters
    .all(...SCOPES[scope])
    .flatMap((value) => value.split(","))
    .map((member) => member.trim())
    .filter((member) => member !== "");
  let wish: Wish = { A: undefined, AAAA: undefined, isExplicit: false, hasPrefix: false };
  for (const member of members) {
    const next = addMember(wish, member, scope, source);
    if (next === undefined) return undefined;
    wish = next;
  }
  const isTooMany = [wish.A, wish.AAAA].some((all) => (all?.length ?? 0) > Limits.dyndnsAddresses);
  return isTooMany ? undefined : wish;
}

function addMember(wish: Wish, member: string, scope: Scope, source: string): Wish | undefined {
  switch (member.toLowerCase()) {
    case "no":
    case "preserve":
      return { ...wish, isExplicit: true };
    case "auto": {
      const address = parseAddress(source);
      const isWanted = address !== undefined && isInScope(address, scope);
      return isWanted ? addAddress(wish, address) : { ...wish, isExplicit: true };
    }
    case "-":
      return {
        ...wish,
        ...(scope === "AAAA" ? {} : { A: wish.A ?? [] }),
        ...(scope === "A" ? {} : { AAAA: wish.AAAA ?? [] }),
      };
    default:
      return addLiteral(wish, member, scope);
  }
}

/** `2001:db8:1::/64` is a prefix and no host's address; `2001:db8:1::5/64` is the address with its prefix. */
function addLiteral(wish: Wish, member: string, scope: Scope): Wish | undefined {
  const parsed = parseAddressPrefix(member);
  if (parsed === undefined || !isInScope(parsed.address, scope)) return undefined;
  const { address, length } = parsed;
  if (isUnspecified(address)) return undefined;
  if (length < address.rdata.length * 8 && isZeroAfter(address.rdata, length)) {
    return { ...wish, hasPrefix: true };
  }
  return addAddress(wish, address);
}

function addAddress(wish: Wish, address: Address): Wish {
  const family: Family = address.rrtype === Type.A ? "A" : "AAAA";
  return { ...wish, [family]: [...(wish[family] ?? []), address] };
}

function isInScope(address: Address, scope: Scope): boolean {
  return scope === "any" || (scope === "A") === (address.rrtype === Type.A);
}
