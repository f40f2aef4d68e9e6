/** The journal read as IXFR needs it: one difference from the serial a secondary has to the serial we serve. */
import type { JournalEntry, JournalRange, ZoneVersion } from "../store/store.ts";
import type { Name } from "../wire/name.ts";
import { type Changeset, ChangesetJoiner } from "../zone/changeset.ts";
import { isSerialAfter } from "../zone/serial.ts";

export type ReadJournal = (origin: Name, range: JournalRange) => Promise<readonly JournalEntry[]>;

/** Entries read at once: they are held together, and each may have as many RRs as an update. */
const PAGE = 100;
/** The creation of a zone is no step from one version to another. */
const CREATION = 1;

/**
 * What leads from `serial` to `version`, condensed. `undefined` when the journal does not reach back to that serial or
 * has a gap, and when the difference has more than `limit` RRs. Rejects when the store cannot be read.
 */
export async function differenceSince(
  readJournal: ReadJournal,
  origin: Name,
  range: { readonly serial: number; readonly version: ZoneVersion; readonly limit: number },
): Promise<Changeset | undefined> {
  const { serial, version, limit } = range;
  const before = await findSequence((each) => readJournal(origin, each), version, serial);
  if (before === undefined) return undefined;
  const joiner = new ChangesetJoiner();
  let reached: ZoneVersion = { serial, sequence: before };
  while (reached.sequence < version.sequence) {
    const page = Math.min(PAGE, version.sequence - reached.sequence);
    const entries = await readJournal(origin, { afterSequence: reached.sequence, limit: page });
    if (entries.length === 0) return undefined;
    for (const entry of entries) {
      if (!isNext(entry, reached)) return undefined;
      joiner.add(entry);
      reached = { serial: entry.toSerial, sequence: entry.sequence };
    }
    if (joiner.records > limit) return undefined;
  }
  return reached.serial === version.serial ? joiner.join() : undefined;
}

function isNext(entry: JournalEntry, { serial, sequence }: ZoneVersion): boolean {
  return entry.sequence === sequence + 1 && entry.fromSerial === serial;
}

/**
 * The sequence at which the zone came to have this serial. Serials grow with the sequence by one or more, so the
 * distance of the serials says how far back it lies at most, mostly exactly; else it is searched by halves.
 */
async function findSequence(
  read: (range: JournalRange) => Promise<readonly JournalEntry[]>,
  version: ZoneVersion,
  serial: number,
): Promise<number | undefined> {
  const distance = (version.serial - serial) >>> 0;
  let low = Math.max(CREATION, version.sequence - distance);
  let high = version.sequence - 1;
  let guess = low;
  while (low <= high) {
    const [entry] = await read({ afterSequence: guess, limit: 1 });
    if (entry?.fromSerial === serial && entry.sequence > CREATION) return entry.sequence - 1;
    if (entry === undefined || isSerialAfter(entry.fromSerial, serial)) high = guess - 1;
    else low = Math.max(guess + 1, entry.sequence);
    guess = Math.floor((low + high) / 2);
  }
  return undefined;
}
