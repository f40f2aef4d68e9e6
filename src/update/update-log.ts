/**
 * One line for every change and for every refused one, saying who, from where, and what came of it and why. An
 * update that changes nothing is neither, and leaves no line.
 */
import type { Logger } from "../base/log.ts";
import type { JournalEntry } from "../store/store.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { formatName } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import type { RRset } from "../zone/rrset.ts";
import type { Intent } from "./judge-change.ts";
import type { Refusal } from "./refusal.ts";

/** RRsets named in a line; the counts tell of the rest. */
const NAMED = 3;

export function logApplied(log: Logger, entry: JournalEntry): void {
  if (log.isLevelEnabled?.("info") === false) return;
  log.info(entryFields(entry), "update applied");
}

/** Another server's change, or one of ours of which nobody knew whether it was stored. */
export function logFollowed(log: Logger, entry: JournalEntry): void {
  log.info(entryFields(entry), "update followed from the store");
}

function entryFields(entry: JournalEntry) {
  const removed = withoutSoa(entry.removed);
  const added = withoutSoa(entry.added);
  return {
    zone: formatName(entry.origin),
    serial: entry.toSerial,
    actor: entry.actor,
    door: entry.door,
    address: entry.address,
    removed: countRRs(removed),
    added: countRRs(added),
    rrsets: nameRRsets(removed, added),
  };
}

/** A refusal that is our own fault (SERVFAIL) is a warning; the rest are the sender's affair. */
export function logRefused(log: Logger, intent: Intent, refusal: Refusal): void {
  const { reason, detail, rcode } = refusal;
  const { origin, principal, door, address } = intent;
  const zone = formatName(origin);
  const fields = { zone, actor: principal.actor, door, address, reason, detail, rcode };
  if (rcode === Rcode.servFail) log.warn(fields, "update refused");
  else log.info(fields, "update refused");
}

function withoutSoa(rrsets: readonly RRset[]): readonly RRset[] {
  return rrsets.filter(({ rrtype }) => rrtype !== Type.SOA);
}

function countRRs(rrsets: readonly RRset[]): number {
  let count = 0;
  for (const { rdatas } of rrsets) count += rdatas.length;
  return count;
}

function nameRRsets(removed: readonly RRset[], added: readonly RRset[]): string {
  const names = new Set<string>();
  for (const rrsets of [removed, added]) {
    for (const { owner, rrtype } of rrsets) {
      if (names.size > NAMED) break;
      names.add(`${formatName(owner)} ${typeName(rrtype)}`);
    }
  }
  const shown = [...names].slice(0, NAMED).join(", ");
  return names.size > NAMED ? `${shown}, …` : shown;
}

/** With its stack: what threw is for who mends the program. */
export function errorText(error: unknown): string {
  return String(error instanceof Error ? error.stack : error);
}
