/** What the engine needs of the zone table; the table's writer has it all. */
import type { ZoneUsage } from "../table/table-writer.ts";
import type { ZoneSnapshot } from "../table/table-zone-view.ts";
import type { Name } from "../wire/name.ts";
import type { RRsetChange } from "../zone/changeset.ts";
import type { RRset } from "../zone/rrset.ts";
import type { RRsetPack } from "../zone/rrset-pack.ts";
import type { ZoneView } from "../zone/zone-view.ts";

export interface ZoneTable {
  /** Begins a zone, or a new version of one, that nobody sees before `publish`. */
  beginZone(origin: Name): ZoneTableLoader;
  publish(origin: Name, changes: readonly RRsetChange[]): void;
  dropZone(origin: Name): void;
  view(origin: Name): ZoneView | undefined;
  /** The zone as it is now, whatever is published later, until it is closed. */
  snapshot(origin: Name): ZoneSnapshot | undefined;
  /** What the zone takes now. */
  zoneUsage(origin: Name): ZoneUsage;
  /** Octets by which updates may let the table grow. */
  readonly bytesLeft: number;
}

export interface ZoneTableLoader {
  add(rrset: RRset): void;
  /** Adds all of them, and returns how many they are. */
  addPack(pack: RRsetPack): number;
  publish(): void;
  abort(): void;
}
