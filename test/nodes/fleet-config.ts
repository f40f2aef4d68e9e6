/** Zones, key and user of the nodes that many clients update. */

/** In a Cluster of three primaries each lies on another: slots 1447, 5549 and 13157. */
export const ORIGINS = ["a.example.com", "h.example.com", "c.example.com"] as const;

export const KEY = {
  name: "clients",
  algorithm: "hmac-sha256",
  secret: "c2VjcmV0IG9mIGZpZnR5IGNsaWVudHMgYXQgb25jZS4uLi4=",
} as const;

export const USER = { name: "routers", token: "a-token-of-many-routers" } as const;

/** Never changed: asked for all the time. */
export const FIXED = { label: "fixed", address: "192.0.2.1" } as const;

const zoneFile = (origin: string) => `$ORIGIN ${origin}.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A 127.0.0.1
${FIXED.label} IN A ${FIXED.address}
`;

const grants = ORIGINS.map((zone) => ({ allow: ["update"], zone }));

/** What each node's configuration says besides where it listens. */
export function fleetConfig(url: string, waitReplicas: number) {
  return {
    config: {
      store: { url, waitReplicas, waitMs: 1_000 },
      log: { level: "warn" },
      zones: ORIGINS.map((origin) => ({ origin, file: `${origin}.zone` })),
      keys: [{ ...KEY, grants }],
      users: [{ ...USER, grants }],
    },
    files: Object.fromEntries(ORIGINS.map((origin) => [`${origin}.zone`, zoneFile(origin)])),
  };
}
