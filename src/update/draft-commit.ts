/**
 * A drained batch made into one commit. Each change keeps its own verdict, journal entry and serial step; a refused
 * one leaves nothing behind; a later one sees what earlier ones did.
 */
import type { JournalEntry, ZoneCommit, ZoneVersion } from "../store/store.ts";
import { versionAfter } from "../store/zone-version.ts";
import { Rcode } from "../wire/code-points.ts";
import { Overlay } from "../zone/overlay.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { type Change, type Judgement, judgeChange } from "./judge-change.ts";
import { refuse } from "./refusal.ts";
import type { Verdict } from "./update-request.ts";
import { takeRoom, type ZoneRoom } from "./zone-room.ts";

export interface Draft {
  /** One for each change, in order; true only once the commit has happened, if there is one. */
  readonly verdicts: readonly Verdict[];
  /** Verdicts before this one hold whether or not the commit happens. */
  readonly firstApplied: number;
  /** `undefined` when nothing changes. */
  readonly commit: ZoneCommit | undefined;
}

/** A change that threw: a fault of ours. It must not take the others with it. */
export type FaultListener = (change: Change, error: unknown) => void;

export interface DraftOptions {
  readonly timeMs: number;
  /** What the zone may grow by; without, it has no bound. */
  readonly room?: ZoneRoom;
  readonly onFault: FaultListener;
}

const BOUNDLESS: ZoneRoom = { rrsets: Infinity, bytes: Infinity };

export function draftCommit(
  view: ZoneView,
  version: ZoneVersion,
  changes: readonly Change[],
  { timeMs, room: roomBefore = BOUNDLESS, onFault }: DraftOptions,
): Draft {
  const zone = new Overlay(view);
  const verdicts: Verdict[] = [];
  const entries: JournalEntry[] = [];
  let firstApplied = changes.length;
  let reached = version;
  let room = roomBefore;
  for (const change of changes) {
    const judgement = judgeSafely(zone, reached, change, timeMs, onFault);
    if (judgement.status === "refused") verdicts.push(judgement);
    else if (judgement.status === "unchanged") {
      verdicts.push({ status: "unchanged", serial: reached.serial });
    } else {
      const left = takeRoom(judgement.zone, room);
      if ("status" in left) {
        verdicts.push(left);
        continue;
      }
      room = left;
      firstApplied = Math.min(firstApplied, verdicts.length);
      zone.absorb(judgement.zone);
      entries.push(judgement.entry);
      reached = versionAfter(reached, judgement.entry);
      verdicts.push({ status: "applied", serial: reached.serial, sequence: reached.sequence });
    }
  }
  if (entries.length === 0) return { verdicts, firstApplied, commit: undefined };
  const commit: ZoneCommit = {
    origin: zone.origin,
    expected: version,
    next: reached,
    entries,
    changes: zone.changes(),
  };
  return { verdicts, firstApplied, commit };
}

function judgeSafely(
  zone: Overlay,
  version: ZoneVersion,
  change: Change,
  timeMs: number,
  onFault: FaultListener,
): Judgement {
  try {
    return judgeChange(zone, version, change, timeMs);
  } catch (error) {
    onFault(change, error);
    return refuse(Rcode.servFail, "bad-operation", "internal error; the server's log says more");
  }
}
