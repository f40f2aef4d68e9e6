/** The periodic look that makes lost hints harmless: what a follower has beside what the store has. */
import { nameKey } from "../wire/name.ts";
import type { StoredZone, ZoneFollower } from "./store.ts";
import { isSameVersion } from "./zone-version.ts";

/** Calls back for every zone that the follower has otherwise than the store, does not have, or has alone. */
export function compareFollower(follower: ZoneFollower, zones: readonly StoredZone[]): void {
  const stored = new Set<string>();
  for (const zone of zones) {
    stored.add(nameKey(zone.origin));
    const version = follower.version(zone.origin);
    if (version === undefined || !isSameVersion(version, zone)) follower.changed(zone.origin);
  }
  for (const origin of follower.origins()) {
    if (!stored.has(nameKey(origin))) follower.changed(origin);
  }
}
