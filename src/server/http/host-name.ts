/** Host names as dyndns clients write them. */
import { domainToASCII } from "node:url";
import { labelOffsets, type Name, parentName, parseName, ROOT } from "../../wire/name.ts";

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const HOST = new RegExp(`^(?:\\*\\.)?(?:${LABEL}\\.)+${LABEL}$`, "i");

/**
 * A name with at least two labels, a final dot or not, any case, international names as they are written. `*` may
 * be its first label. `undefined` for anything else.
 */
export function parseHost(text: string): Name | undefined {
  const trimmed = text.trim().replace(/\.$/, "");
  const host = /[^\0-\x7f]/.test(trimmed) ? domainToASCII(trimmed) : trimmed;
  if (host.length > 253 || !HOST.test(host)) return undefined;
  return parseName(host, ROOT);
}

/** The deepest of our zones that the name is in. */
export function findOrigin(name: Name, hasZone: (origin: Name) => boolean): Name | undefined {
  let origin = name;
  for (let labels = labelOffsets(name).length; labels >= 0; labels--) {
    if (hasZone(origin)) return origin;
    if (labels > 0) origin = parentName(origin);
  }
  return undefined;
}
