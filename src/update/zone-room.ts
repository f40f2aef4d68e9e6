/**
 * What a zone may still grow by, so that no credential fills it or the table: judged before the commit, because what
 * is durable must be shown. Who makes a zone smaller is never refused for it.
 */

import { Limits } from "../base/limits.ts";
import { Rcode } from "../wire/code-points.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { Overlay } from "../zone/overlay.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { ZoneTable } from "./zone-table.ts";

export interface ZoneRoom {
  readonly rrsets: number;
  /** Octets of rdata, as `rdataBytes` counts them. */
  readonly bytes: number;
}

/** What is left of `zoneRRsets` and of the table. */
export function roomOf(table: ZoneTable, origin: Name, zoneRRsets: number): ZoneRoom {
  const { rrsets, bytes } = table.zoneUsage(origin);
  return {
    rrsets: zoneRRsets - rrsets,
    bytes: Math.min(Limits.zoneBytes - bytes, table.bytesLeft),
  };
}

/** What is left of the room after the changes in `zone`; or that there is not enough. */
export function takeRoom(zone: Overlay, room: ZoneRoom): ZoneRoom | Refusal {
  const growth = zone.growth();
  const origin = formatName(zone.origin);
  if (growth.rrsets > 0 && growth.rrsets > room.rrsets) {
    return full(`zone ${origin} has no room for ${growth.rrsets} more RRsets: delete some first`);
  }
  if (growth.bytes > 0 && growth.bytes > room.bytes) {
    return full(`there is no room for ${growth.bytes} more octets in zone ${origin}`);
  }
  return { rrsets: room.rrsets - growth.rrsets, bytes: room.bytes - growth.bytes };
}

function full(detail: string): Refusal {
  return refuse(Rcode.refused, "limit", detail);
}
