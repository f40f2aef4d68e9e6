/** The part of a client's address that stands for one client: whole for IPv4, the /64 of a site for IPv6. */

/** A key for per-client bounds. Text that is no address is its own key. */
export function clientPrefix(address: string): string {
  const withoutScope = address.replace(/%.*$/, "");
  if (!withoutScope.includes(":")) return withoutScope;
  return `${ipv6Groups(withoutScope).slice(0, 4).join(":")}::/64`;
}

/** The eight groups of an IPv6 address as hexadecimal without leading zeros; an IPv4 tail counts as two. */
function ipv6Groups(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const left = groupsOf(head);
  if (tail === undefined) return left;
  const right = groupsOf(tail);
  const zeros = Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(zeros).fill("0"), ...right];
}

function groupsOf(text: string): string[] {
  if (text === "") return [];
  return text
    .split(":")
    .flatMap((group) => (group.includes(".") ? ["v4", "v4"] : [group.replace(/^0+(?=.)/, "")]));
}
