/**
 * The versions of a zone that the table has shown lately, so that where the store's history leaves ours can be found
 * when it does not lead on from what is shown.
 */
import { Limits } from "../base/limits.ts";
import type { JournalEntry, ZoneVersion } from "../store/store.ts";
import { isCreation, isSameVersion, versionAfter } from "../store/zone-version.ts";

export class ShownVersions {
  #versions: ZoneVersion[] = [];

  /** What is shown now; `undefined` while nothing is. */
  get newest(): ZoneVersion | undefined {
    return this.#versions.at(-1);
  }

  /** Oldest first. */
  get all(): readonly ZoneVersion[] {
    return this.#versions;
  }

  /** A step from the newest. */
  add(version: ZoneVersion): void {
    this.#versions.push(version);
    if (this.#versions.length < 2 * Limits.shownVersions) return;
    this.#versions.splice(0, Limits.shownVersions);
  }

  /** A version that nothing we know led to. */
  reset(version: ZoneVersion | undefined): void {
    this.#versions = version === undefined ? [] : [version];
  }
}

/** Whether these entries, all that there are between them, lead from one version to the other. */
export function leadsTo(
  from: ZoneVersion,
  entries: readonly JournalEntry[],
  to: ZoneVersion,
): boolean {
  let reached = from;
  for (const entry of entries) {
    if (!isStep(reached, entry)) return false;
    reached = versionAfter(reached, entry);
  }
  return isSameVersion(reached, to);
}

/** Whether the entry goes on from this version, as far as the numbers tell. */
export function isStep({ serial, sequence }: ZoneVersion, entry: JournalEntry): boolean {
  return entry.sequence === sequence + 1 && entry.fromSerial === serial && !isCreation(entry);
}

/**
 * The store's entries that we do not share, of those after the oldest shown version. Where the histories part before
 * that, only those count that are certainly not ours: what came after the zone was put into an empty store.
 */
export function entriesSinceFork(
  shown: readonly ZoneVersion[],
  entries: readonly JournalEntry[],
  stored: ZoneVersion,
): readonly JournalEntry[] {
  const after = (version: ZoneVersion) =>
    entries.filter((each) => each.sequence > version.sequence);
  for (const version of shown.toReversed()) {
    const since = after(version);
    if (version.sequence <= stored.sequence && leadsTo(version, since, stored)) return since;
  }
  return entries.slice(entries.findLastIndex(isCreation) + 1);
}
