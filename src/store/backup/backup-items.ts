/** The items of a backup, one after the other, and what is made of those of one zone. */
import { setImmediate as othersTurn } from "node:timers/promises";
import type { WindhoverError } from "../../base/errors.ts";
import { Type } from "../../wire/code-points.ts";
import { formatName } from "../../wire/name.ts";
import { checkInSlices } from "../../zone/checked-zone.ts";
import { soaSerial } from "../../zone/soa.ts";
import { ZoneContents } from "../../zone/zone-contents.ts";
import type { JournalEntry, StoredZone } from "../store.ts";
import { badBackup } from "./backup-lines.ts";
import { addRecords } from "./backup-records.ts";
import { type BackupItem, readBackup } from "./read-backup.ts";

/** How a zone ended; `leftOut` says why it is not in the backup after all. */
export interface ZoneEnd {
  readonly records: number;
  readonly changes: number;
  readonly leftOut?: string;
}

export class BackupItems {
  readonly #items: AsyncGenerator<BackupItem, void, undefined>;
  /** Taken too early. */
  #waiting: BackupItem | undefined;
  /** Of the zone that began last, when it has ended. */
  #end: ZoneEnd | undefined;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#items = readBackup(chunks);
  }

  /** `undefined` past the end. */
  async next(): Promise<BackupItem | undefined> {
    const item = this.#waiting ?? (await this.#items.next()).value ?? undefined;
    this.#waiting = undefined;
    if (item?.kind === "zone") this.#end = undefined;
    if (item?.kind === "zone-end") this.#end = item;
    if (item?.kind === "left-out") this.#end = { records: 0, changes: 0, leftOut: item.problem };
    return item;
  }

  /** After a `zone` item: its records, checked as those of a zone that is to be served. Throws what is wrong with them. */
  async contents(zone: StoredZone): Promise<ZoneContents> {
    const contents = new ZoneContents(zone.origin);
    let item = await this.next();
    for (; item?.kind === "records"; item = await this.next()) addRecords(contents, item.lines);
    if (item?.kind === "left-out") throw leftOut(zone, item.problem);
    this.#waiting = item;
    // What a zone file would be warned about is in the store already.
    for (const _ of checkInSlices(contents, "the backup", () => {})) await othersTurn();
    checkSerial(zone, contents);
    return contents;
  }

  /** Goes past the records of a zone. */
  async skipRecords(): Promise<void> {
    let item = await this.next();
    while (item?.kind === "records") item = await this.next();
    this.#waiting = item;
  }

  /** After the records: the changes, of which the last leads to the zone. At their end the zone is proven. */
  async *journal(zone: StoredZone): AsyncGenerator<JournalEntry, void, undefined> {
    for (;;) {
      const item = await this.next();
      if (item?.kind === "change") yield item.entry;
      else if (item?.kind === "left-out") throw leftOut(zone, item.problem);
      else return;
    }
  }

  /** Goes to the end of the zone, whatever was read of it. `undefined` where the backup ends before. */
  async endZone(): Promise<ZoneEnd | undefined> {
    while (this.#end === undefined && (await this.next()) !== undefined);
    return this.#end;
  }

  /** Lets go of where the octets come from, before their end. */
  async close(): Promise<void> {
    await this.#items.return();
  }
}

function checkSerial({ origin, serial }: StoredZone, contents: ZoneContents): void {
  const soa = contents.rrset(origin, Type.SOA);
  const has = soa && soaSerial(soa);
  if (has === serial) return;
  throw badBackup(`the zone ${formatName(origin)} says serial ${serial} and its SOA ${has}`);
}

function leftOut({ origin }: StoredZone, problem: string): WindhoverError {
  return badBackup(`the zone ${formatName(origin)} is not in the backup: ${problem}`);
}
