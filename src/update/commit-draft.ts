/**
 * Changes on their way into one commit. Each is judged when it is added and keeps its own verdict, journal entry and
 * serial step; a refused one leaves nothing behind; a later one sees what earlier ones did.
 *
 *     zone shown  ◄── draft under way ◄── draft of what waits meanwhile
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { JournalEntry, ZoneCommit, ZoneVersion } from "../store/store.ts";
import { versionAfter } from "../store/zone-version.ts";
import { Rcode } from "../wire/code-points.ts";
import { Overlay } from "../zone/overlay.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { type Change, type Judgement, judgeChange } from "./judge-change.ts";
import { refuse } from "./refusal.ts";
import type { Verdict } from "./update-request.ts";
import { takeRoom, type ZoneRoom } from "./zone-room.ts";

/** A change that threw: a fault of ours. It must not take the others with it. */
export type FaultListener = (change: Change, error: unknown) => void;

export interface DraftGround {
  /** The zone as the changes find it, at `version`. */
  readonly view: ZoneView;
  readonly version: ZoneVersion;
  /** What the zone may grow by. */
  readonly room: ZoneRoom;
}

export interface DraftParts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly onFault: FaultListener;
}

export class CommitDraft {
  /** The version that the zone must have for any of this to be true. */
  readonly expected: ZoneVersion;
  readonly #zone: Overlay;
  readonly #parts: DraftParts;
  readonly #verdicts: Verdict[] = [];
  readonly #entries: JournalEntry[] = [];
  #reached: ZoneVersion;
  /** What the zone may grow by before all of this, and after it. */
  #given: ZoneRoom;
  #room: ZoneRoom;
  #firstApplied: number | undefined;

  constructor({ view, version, room }: DraftGround, parts: DraftParts) {
    this.#zone = new Overlay(view);
    this.expected = version;
    this.#reached = version;
    this.#given = room;
    this.#room = room;
    this.#parts = parts;
  }

  /** One for each change, in order; true only once the commit has happened, if there is one. */
  get verdicts(): readonly Verdict[] {
    return this.#verdicts;
  }

  /** The verdicts, from the first on, that hold whether or not the commit happens. */
  get held(): readonly Verdict[] {
    return this.#verdicts.slice(0, this.#firstApplied);
  }

  /** What one more draft rests on while the commit of this one is under way. */
  get ground(): DraftGround {
    return { view: this.#zone, version: this.#reached, room: this.#room };
  }

  get changesNothing(): boolean {
    return this.#entries.length === 0;
  }

  /** Of a draft that changes something. */
  commit(): ZoneCommit {
    assert(!this.changesNothing, "a commit has entries");
    return {
      origin: this.#zone.origin,
      expected: this.expected,
      next: this.#reached,
      entries: this.#entries,
      changes: this.#zone.changes(),
    };
  }

  add(change: Change): void {
    const judgement = this.#judge(change);
    if (judgement.status === "changed") this.#take(judgement);
    else if (judgement.status === "refused") this.#verdicts.push(judgement);
    else this.#verdicts.push({ status: "unchanged", serial: this.#reached.serial });
  }

  #take({ zone, entry }: Extract<Judgement, { status: "changed" }>): void {
    const left = takeRoom(zone, this.#room);
    if ("status" in left) {
      this.#verdicts.push(left);
      return;
    }
    this.#room = left;
    this.#firstApplied ??= this.#verdicts.length;
    this.#zone.absorb(zone);
    this.#entries.push(entry);
    this.#reached = versionAfter(this.#reached, entry);
    const { serial, sequence } = this.#reached;
    this.#verdicts.push({ status: "applied", serial, sequence });
  }

  /** The draft this one rests on is shown by now: the zone there is the same, and `room` is counted anew. */
  rest({ view, room }: Pick<DraftGround, "view" | "room">): void {
    this.#zone.rest(view);
    const { rrsets, bytes } = this.#given;
    this.#room = {
      rrsets: room.rrsets - rrsets + this.#room.rrsets,
      bytes: room.bytes - bytes + this.#room.bytes,
    };
    this.#given = room;
  }

  #judge(change: Change): Judgement {
    const { clock, onFault } = this.#parts;
    try {
      return judgeChange(this.#zone, this.#reached, change, clock.nowMs());
    } catch (error) {
      onFault(change, error);
      return refuse(Rcode.servFail, "bad-operation", "internal error; the server's log says more");
    }
  }
}
