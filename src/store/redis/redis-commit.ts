/** What the commit script is given (`commit-script.ts`). */
import { writeJournalRecord } from "../journal-record.ts";
import { type JournalRetention, mostExpired } from "../journal-retention.ts";
import { writeRRsetKey, writeRRsetValue } from "../rrset-record.ts";
import type { JournalEntry, ZoneCommit } from "../store.ts";
import { formatVersion, JOURNAL_FIELD, journalId, type ZoneKeys } from "./redis-keys.ts";
import type { ScriptArgument } from "./redis-scripts.ts";

export interface CommitTerms {
  readonly keys: ZoneKeys;
  readonly retention: JournalRetention;
  readonly channel: string;
  readonly hint: string;
}

export function commitArguments(commit: ZoneCommit, terms: CommitTerms): ScriptArgument[] {
  const { origin, expected, next, entries, changes } = commit;
  const args: ScriptArgument[] = [
    formatVersion(expected),
    formatVersion(next),
    terms.retention.entries,
    terms.keys.before,
    terms.channel,
    terms.hint,
    JOURNAL_FIELD,
    oldestKept(entries, terms.retention),
    mostExpired(entries.length),
    entries.length,
  ];
  for (const entry of entries) args.push(journalId(entry.sequence), writeJournalRecord(entry));
  const ended = changes.filter(({ rrset }) => rrset === undefined);
  args.push(ended.length);
  for (const { owner, rrtype } of ended) args.push(writeRRsetKey(owner, rrtype, origin));
  for (const { owner, rrtype, rrset } of changes) {
    if (rrset === undefined) continue;
    args.push(writeRRsetKey(owner, rrtype, origin), writeRRsetValue(rrset));
  }
  return args;
}

/** Journal entries written before this go; 0 for none. */
function oldestKept(entries: readonly JournalEntry[], { ageMs }: JournalRetention): number {
  return Math.max(0, (entries.at(-1)?.timeMs as number) - ageMs);
}
