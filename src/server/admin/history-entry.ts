/** A journal entry as people and programs read it. */
import type { JournalEntry } from "../../store/store.ts";
import { formatName } from "../../wire/name.ts";
import { formatRdata } from "../../wire/rdata.ts";
import { typeName } from "../../wire/rr-types.ts";
import type { RRset } from "../../zone/rrset.ts";

export function historyEntry(entry: JournalEntry) {
  const { sequence, fromSerial, toSerial, actor, door, address } = entry;
  return {
    sequence,
    fromSerial,
    toSerial,
    time: new Date(entry.timeMs).toISOString(),
    actor,
    door,
    address,
    removed: entry.removed.flatMap(formatRecords),
    added: entry.added.flatMap(formatRecords),
  };
}

function formatRecords({ owner, ttl, rrtype, rdatas }: RRset): string[] {
  const head = `${formatName(owner)} ${ttl} IN ${typeName(rrtype)}`;
  return rdatas.map((rdata) => `${head} ${formatRdata(rrtype, rdata)}`);
}
