/**
 * Request targets as routers really send them: `//nic/update`, `/\/nic/update` (UniFi), `/nic/update/`, or with
 * scheme and host in front (RFC 9112 §3.2.2). Not read with `new URL`, which takes `//nic` for a host.
 */

/** The target that routes: one slash where there were several, none at the end, the query untouched. */
export function normalizeTarget(target: string): string {
  const local = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i, "").replace(/#.*$/s, "");
  const queryAt = local.indexOf("?");
  const path = queryAt < 0 ? local : local.slice(0, queryAt);
  const slashed = `/${path}`.replaceAll("\\", "/").replace(/\/{2,}/g, "/");
  const plain = slashed.length > 1 && slashed.endsWith("/") ? slashed.slice(0, -1) : slashed;
  return queryAt < 0 ? plain : plain + local.slice(queryAt);
}

export function targetPath(target: string): string {
  const queryAt = target.indexOf("?");
  return queryAt < 0 ? target : target.slice(0, queryAt);
}

export function targetQuery(target: string): string {
  const queryAt = target.indexOf("?");
  return queryAt < 0 ? "" : target.slice(queryAt + 1);
}
