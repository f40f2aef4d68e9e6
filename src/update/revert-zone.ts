/**
 * A way back as a change like any other: with its own journal entry, its own serial step, and all checks. It is
 * written against the zone of one version, and what it must read of the journal it reads before.
 */
import { assert } from "../base/assert.ts";
import { bytesKey } from "../base/bytes.ts";
import { errorMessage } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { JournalEntry, ZoneVersion } from "../store/store.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { formatName, type Name, nameKey } from "../wire/name.ts";
import { typeName } from "../wire/rr-types.ts";
import {
  applyChangeset,
  type Difference,
  diffNames,
  invertChangeset,
  withoutSerialStep,
} from "../zone/changeset.ts";
import { Overlay } from "../zone/overlay.ts";
import type { RRset } from "../zone/rrset.ts";
import { soaSerial, withSerial } from "../zone/soa.ts";
import { checkZone } from "./check-zone.ts";
import {
  type DifferenceOptions,
  JournalDifference,
  type ZoneJournal,
} from "./journal-difference.ts";
import type { Change, Intent } from "./judge-change.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { revertDoor } from "./revert-door.ts";
import { advanceDifference, journalDoesNotFit } from "./zone-history.ts";
import { timeText } from "./zone-point.ts";

export type Revert =
  /** The zone, or these names of it, as of a version. */
  | { readonly kind: "to"; readonly version: ZoneVersion; readonly owners?: readonly Name[] }
  /**
   * What one change did is undone, as long as no later one touched the same RRs; with force its RRsets become what
   * they were before it.
   */
  | { readonly kind: "change"; readonly entry: JournalEntry; readonly isForced: boolean };

export interface RevertDraft {
  /** `prepare` never rejects. */
  readonly change: Required<Change>;
  /** What it did, or with a dry run would do; of when it was written last. */
  readonly difference: () => Difference;
  /** Why the way back could not be read, when that was so. */
  readonly failure: () => unknown;
}

/** Later changes that are told of in one message. */
const TOLD = 5;

export function draftRevert(
  intent: Intent,
  journal: ZoneJournal,
  revert: Revert,
  isDryRun: boolean,
): RevertDraft {
  const way = revert.kind === "to" ? wayTo(revert) : wayBefore(revert);
  const read = new JournalDifference(journal, way.from, way);
  let difference: Difference = { removed: [], added: [] };
  let failure: unknown;
  const prepare = async (version: ZoneVersion) => {
    failure = undefined;
    try {
      await advanceDifference(read, intent.origin, version);
    } catch (error) {
      failure = error;
    }
  };
  const write = (zone: Overlay) => {
    if (failure !== undefined) return unavailable(failure);
    const target = isDryRun ? new Overlay(zone) : zone;
    const refused = writeBack(target, way, read) ?? checkZone(target);
    difference = differenceOf(target);
    return refused;
  };
  const change = { intent: { ...intent, door: revertDoor(intent.door, revert) }, prepare, write };
  return { change, difference: () => difference, failure: () => failure };
}

/** Which part of the journal leads back, and how it is gone. */
interface Way extends DifferenceOptions {
  readonly from: ZoneVersion;
  /** Why it cannot be gone. */
  readonly blocked?: () => Refusal | undefined;
  /** Goes it; false when the journal does not fit the zone. */
  readonly goBack: (past: Overlay, read: JournalDifference) => boolean;
}

const WHOLE_WAY = {
  limit: Limits.historyDifference,
  goBack: (past: Overlay, read: JournalDifference) =>
    applyChangeset(past, invertChangeset(read.join())),
};

function wayTo({ version, owners }: Extract<Revert, { kind: "to" }>): Way {
  if (owners === undefined) return { ...WHOLE_WAY, from: version };
  const keys = new Set(owners.map(nameKey));
  return { ...WHOLE_WAY, from: version, covers: ({ owner }) => keys.has(nameKey(owner)) };
}

function wayBefore({ entry, isForced }: Extract<Revert, { kind: "change" }>): Way {
  const content = contentOf(entry);
  const rrsets = new Set([...content.removed, ...content.added].map(rrsetKey));
  const from = { serial: entry.fromSerial, sequence: entry.sequence - 1 };
  const covers = (rrset: RRset) => rrsets.has(rrsetKey(rrset));
  if (isForced) return { ...WHOLE_WAY, from, covers };
  const later = new LaterChanges(entry, content);
  return {
    ...WHOLE_WAY,
    from,
    covers,
    onEntry: (each) => later.see(each),
    blocked: () => later.refusal(),
    goBack: (past) => {
      setSerial(past, 0);
      return applyChangeset(past, { ...entry, removed: content.added, added: content.removed });
    },
  };
}

/** What a change did besides the step of the serial; where more of the SOA changed, its serial counts as 0. */
function contentOf(entry: JournalEntry): Difference {
  const { removed, added } = withoutSerialStep(entry);
  const plain = (rrset: RRset) => (rrset.rrtype === Type.SOA ? withSerial(rrset, 0) : rrset);
  return { removed: removed.map(plain), added: added.map(plain) };
}

/** Changes after one that touched RRs which it touched. */
class LaterChanges {
  readonly #entry: JournalEntry;
  readonly #content: Difference;
  readonly #records: ReadonlySet<string>;
  readonly #told: string[] = [];
  #count = 0;

  constructor(entry: JournalEntry, content: Difference) {
    this.#entry = entry;
    this.#content = content;
    this.#records = new Set(recordKeys(content));
  }

  see(each: JournalEntry): void {
    if (each.sequence === this.#entry.sequence) return;
    if (!recordKeys(contentOf(each)).some((key) => this.#records.has(key))) return;
    this.#count += 1;
    if (this.#told.length >= TOLD) return;
    this.#told.push(`#${each.sequence} (${timeText(each.timeMs)}, ${each.actor})`);
  }

  refusal(): Refusal | undefined {
    if (this.#count === 0) return undefined;
    const more = this.#count > TOLD ? ` and ${this.#count - TOLD} more` : "";
    const { sequence } = this.#entry;
    const names = rrsetNames(this.#content);
    const detail = `later changes touched the same records as #${sequence}: ${this.#told.join(", ")}${more}`;
    const advice = `with force ${names} will be as before #${sequence}`;
    return refuse(Rcode.refused, "prerequisite", `${detail}; undo those first, or ${advice}`);
  }
}

function rrsetKey({ owner, rrtype }: RRset): string {
  return `${rrtype}/${nameKey(owner)}`;
}

function recordKeys({ removed, added }: Difference): string[] {
  return [...removed, ...added].flatMap((rrset) =>
    rrset.rdatas.map((rdata) => `${rrsetKey(rrset)}/${bytesKey(rdata)}`),
  );
}

function rrsetNames({ removed, added }: Difference): string {
  const names = new Set(
    [...removed, ...added].map(({ owner, rrtype }) => `${formatName(owner)} ${typeName(rrtype)}`),
  );
  const told = [...names].slice(0, TOLD).join(", ");
  return names.size > TOLD ? `${told} and ${names.size - TOLD} more` : told;
}

/** Makes `zone` what the way back leads to, all but the serial: that one goes on. */
function writeBack(zone: Overlay, way: Way, read: JournalDifference): Refusal | undefined {
  const blocked = way.blocked?.();
  if (blocked !== undefined) return blocked;
  const past = new Overlay(zone);
  if (!way.goBack(past, read)) return unavailable(journalDoesNotFit(zone.origin));
  setSerial(past, serialOf(zone));
  for (const change of past.changes()) zone.set(change);
  return undefined;
}

function serialOf(zone: Overlay): number {
  return soaSerial(soaOf(zone));
}

function setSerial(zone: Overlay, serial: number): void {
  const rrset = withSerial(soaOf(zone), serial);
  zone.set({ owner: zone.origin, rrtype: Type.SOA, rrset });
}

function soaOf(zone: Overlay): RRset {
  const soa = zone.rrset(zone.origin, Type.SOA);
  assert(soa !== undefined, "a zone has an SOA");
  return soa;
}

function differenceOf(zone: Overlay): Difference {
  const difference: Difference = { removed: [], added: [] };
  for (const { before, after } of zone.touched()) diffNames(before, after, difference);
  return difference;
}

function unavailable(problem: unknown): Refusal {
  return refuse(Rcode.servFail, "store-unavailable", errorMessage(problem));
}
