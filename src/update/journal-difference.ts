/** The journal read as a difference: from a version that was, in one step, to the version that is. */
import type { JournalEntry, JournalRange, ZoneVersion } from "../store/store.ts";
import { isCreation } from "../store/zone-version.ts";
import type { Name } from "../wire/name.ts";
import { type Changeset, ChangesetJoiner } from "../zone/changeset.ts";
import type { RRset } from "../zone/rrset.ts";
import { isSerialAfter } from "../zone/serial.ts";
import { isStep } from "./shown-versions.ts";

export type ReadJournal = (origin: Name, range: JournalRange) => Promise<readonly JournalEntry[]>;

/** One zone's journal, up to the version that is published. */
export interface ZoneJournal {
  readonly origin: Name;
  readonly version: ZoneVersion;
  read(range: JournalRange): Promise<readonly JournalEntry[]>;
}

/** Entries read at once: they are held together, and each may have as many RRs as an update. */
export const JOURNAL_PAGE = 100;
/** Journals count from here. */
const FIRST = 1;

export interface DifferenceOptions {
  /** RRs that end or begin by all of them together, at most. */
  readonly limit: number;
  /** Only what is of these RRsets. */
  readonly covers?: (rrset: RRset) => boolean;
  /** Sees each entry that is read. */
  readonly onEntry?: (entry: JournalEntry) => void;
}

/**
 * What leads from one version to a later one, condensed. It may be read on as the zone goes on: only what is new is
 * read then.
 */
export class JournalDifference {
  readonly #journal: Pick<ZoneJournal, "origin" | "read">;
  readonly #from: ZoneVersion;
  readonly #options: DifferenceOptions;
  readonly #joiner = new ChangesetJoiner();
  #reached: ZoneVersion;

  constructor(
    journal: Pick<ZoneJournal, "origin" | "read">,
    from: ZoneVersion,
    options: DifferenceOptions,
  ) {
    this.#journal = journal;
    this.#from = from;
    this.#reached = from;
    this.#options = options;
  }

  /**
   * Reads on to `version`. "gap" when the journal does not lead there, "limit" when the difference is too large;
   * after either it is of no use. Rejects when the store cannot be read.
   */
  async advance(version: ZoneVersion): Promise<"reached" | "gap" | "limit"> {
    while (this.#reached.sequence < version.sequence) {
      const afterSequence = this.#reached.sequence;
      const limit = Math.min(JOURNAL_PAGE, version.sequence - afterSequence);
      const entries = await this.#journal.read({ afterSequence, limit });
      if (entries.length === 0 || !entries.every((entry) => this.#add(entry))) return "gap";
      if (this.#joiner.records > this.#options.limit) return "limit";
    }
    const { serial, sequence } = this.#reached;
    return serial === version.serial && sequence === version.sequence ? "reached" : "gap";
  }

  #add(entry: JournalEntry): boolean {
    if (!isStep(this.#reached, entry)) return false;
    const { covers, onEntry } = this.#options;
    onEntry?.(entry);
    this.#joiner.add(covers === undefined ? entry : coveredPart(entry, covers));
    this.#reached = { serial: entry.toSerial, sequence: entry.sequence };
    return true;
  }

  join(): Changeset {
    if (this.#reached !== this.#from) return this.#joiner.join();
    const { serial } = this.#from;
    const { origin } = this.#journal;
    return { origin, fromSerial: serial, toSerial: serial, removed: [], added: [] };
  }
}

function coveredPart(entry: Changeset, covers: (rrset: RRset) => boolean): Changeset {
  return { ...entry, removed: entry.removed.filter(covers), added: entry.added.filter(covers) };
}

/**
 * What leads from `serial` to `version`, condensed: as IXFR needs it, from the serial a secondary has to the serial we
 * serve. `undefined` when the journal does not reach back to that serial or has a gap, and when the difference has more
 * than `limit` RRs. Rejects when the store cannot be read.
 */
export async function differenceSince(
  readJournal: ReadJournal,
  origin: Name,
  range: { readonly serial: number; readonly version: ZoneVersion; readonly limit: number },
): Promise<Changeset | undefined> {
  const { serial, version, limit } = range;
  const journal = { origin, version, read: (each: JournalRange) => readJournal(origin, each) };
  const sequence = await findSequence(journal, serial);
  if (sequence === undefined) return undefined;
  const difference = new JournalDifference(journal, { serial, sequence }, { limit });
  return (await difference.advance(version)) === "reached" ? difference.join() : undefined;
}

/**
 * The sequence at which the zone came to have this serial, which it has no longer. Serials grow with the sequence by
 * one or more, so the distance of the serials says how far back it lies at most, mostly exactly; else it is searched
 * by halves.
 */
export async function findSequence(
  { read, version }: ZoneJournal,
  serial: number,
): Promise<number | undefined> {
  const distance = (version.serial - serial) >>> 0;
  let low = Math.max(FIRST, version.sequence - distance);
  let high = version.sequence - 1;
  let guess = low;
  while (low <= high) {
    const [entry] = await read({ afterSequence: guess, limit: 1 });
    if (entry?.fromSerial === serial && !isCreation(entry)) return entry.sequence - 1;
    if (entry === undefined || isSerialAfter(entry.fromSerial, serial)) high = guess - 1;
    else low = Math.max(guess + 1, entry.sequence);
    guess = Math.floor((low + high) / 2);
  }
  return undefined;
}

/** The entries from this sequence down to the oldest that is kept, or the making of the zone, newest first. */
export async function* entriesBack(
  { read }: Pick<ZoneJournal, "read">,
  sequence: number,
): AsyncGenerator<JournalEntry, void, undefined> {
  let newest = sequence;
  while (newest >= FIRST) {
    const afterSequence = Math.max(0, newest - JOURNAL_PAGE);
    const page = await read({ afterSequence, limit: newest - afterSequence });
    const entries = page.filter((entry) => entry.sequence <= newest);
    for (const entry of entries.toReversed()) {
      yield entry;
      if (isCreation(entry)) return;
    }
    if (entries.length < newest - afterSequence) return;
    newest = afterSequence;
  }
}

/** The entries from the oldest that is kept up to this sequence. */
export async function* entriesUpTo(
  { read }: Pick<ZoneJournal, "read">,
  sequence: number,
): AsyncGenerator<JournalEntry, void, undefined> {
  let afterSequence = 0;
  while (afterSequence < sequence) {
    const page = await read({ afterSequence, limit: JOURNAL_PAGE });
    yield* page.filter((entry) => entry.sequence <= sequence);
    afterSequence = page.at(-1)?.sequence ?? sequence;
  }
}
