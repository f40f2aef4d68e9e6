/** A backup read to its end without a store: whether all of it is there, as it was written, and fit to be served. */
import { checkBeginning } from "../check-commit.ts";
import type { StoredZone } from "../store.ts";
import { BackupItems, type ZoneEnd } from "./backup-items.ts";

export interface BackedUpZone extends StoredZone, ZoneEnd {}

export interface BackupSummary {
  readonly made: string;
  readonly credentials: boolean;
  readonly zones: readonly BackedUpZone[];
  /** Zones that were not there any more, of which it tells where they stood. */
  readonly deleted: number;
  readonly documents: number;
}

/**
 * Throws `bad-backup` saying what is wrong with it, and what is wrong with a zone that may not be served. Without
 * `isDeep` zones are not put together, so that little memory is needed.
 */
export async function verifyBackup(
  chunks: AsyncIterable<Uint8Array>,
  isDeep = true,
): Promise<BackupSummary> {
  const items = new BackupItems(chunks);
  const zones: BackedUpZone[] = [];
  let head = { made: "", credentials: false };
  let deleted = 0;
  let documents = 0;
  for (let item = await items.next(); item !== undefined; item = await items.next()) {
    if (item.kind === "head") head = { made: item.made, credentials: item.credentials };
    else if (item.kind === "zone") zones.push(await verifyZone(items, item.zone, isDeep));
    else if (item.kind === "deleted") deleted++;
    else if (item.kind === "document") documents++;
  }
  return { ...head, zones, deleted, documents };
}

async function verifyZone(
  items: BackupItems,
  zone: StoredZone,
  isDeep: boolean,
): Promise<BackedUpZone> {
  try {
    if (isDeep) await items.contents(zone);
    else await items.skipRecords();
    const { journal } = checkBeginning({ ...zone, journal: items.journal(zone) });
    for await (const _ of journal);
  } catch (error) {
    if ((await items.endZone())?.leftOut === undefined) throw error;
  }
  return { ...zone, ...((await items.endZone()) as ZoneEnd) };
}
