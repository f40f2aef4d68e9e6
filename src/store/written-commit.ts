/** A commit in the octets that stores keep of it: written once, for the log and for what lies below it. */
import type { Name } from "../wire/name.ts";
import { writeJournalRecord } from "./journal-record.ts";
import { writeRRsetKey, writeRRsetValue } from "./rrset-record.ts";
import type { CommitOutcome, Store, ZoneCommit, ZoneVersion } from "./store.ts";

export interface WrittenCommit {
  readonly origin: Name;
  readonly expected: ZoneVersion;
  readonly next: ZoneVersion;
  /** Records of its entries; the first one's sequence is the next after `expected`. */
  readonly journal: readonly Uint8Array[];
  readonly rrsets: readonly WrittenRRset[];
}

export interface WrittenRRset {
  readonly key: Uint8Array;
  /** `undefined` when the RRset ends. */
  readonly value: Uint8Array | undefined;
}

/** A store that takes commits as they are written, too. */
export interface WrittenStore extends Store {
  commitWritten(commit: WrittenCommit): Promise<CommitOutcome>;
}

export function writeCommit({
  origin,
  expected,
  next,
  entries,
  changes,
}: ZoneCommit): WrittenCommit {
  const rrsets = changes.map(({ owner, rrtype, rrset }) => ({
    key: writeRRsetKey(owner, rrtype, origin),
    value: rrset && writeRRsetValue(rrset),
  }));
  return { origin, expected, next, journal: entries.map(writeJournalRecord), rrsets };
}
