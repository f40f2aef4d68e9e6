/**
 * What stands in the log and is not done in the store below, in two halves as the log has them: what was logged in the
 * one is done below while the other takes what comes, and a half is written again only after all it holds is done.
 *
 *     add ─► current half                half of the log in which frames are written
 *            other half ─► inner.commit  many as one, side by side for all zones
 */
import type { Name } from "../wire/name.ts";
import type { CommitLog } from "./commit-log.ts";
import { addCommit, commitNext } from "./redo-commits.ts";
import { isOfZone, type SetAside } from "./set-aside.ts";
import type { WrittenCommit, WrittenStore } from "./written-commit.ts";

/** Milliseconds that a commit may wait in the log for others, with which it is done at once below. */
const APPLY_MS = 200;

/** Commits in one half of the log that are not done below, by zone, and the frame that is being written into it. */
interface Half {
  readonly zones: Map<string, WrittenCommit[]>;
  writing: Promise<void> | undefined;
}

export interface LoggedCommitsOptions {
  readonly inner: WrittenStore;
  readonly log: CommitLog;
  /** Takes zones that cannot be done below. */
  readonly aside: SetAside;
  /** Names the log in errors. */
  readonly place: string;
  /** The store below takes nothing now: it is to be tried again (`settle`) before anything new is accepted. */
  readonly failed: () => void;
  readonly zoneSetAside: (origin: Name) => void;
}

export class LoggedCommits {
  readonly #parts: LoggedCommitsOptions;
  #current: Half = { zones: new Map(), writing: undefined };
  #other: Half = { zones: new Map(), writing: undefined };
  #applying: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LoggedCommitsOptions) {
    this.#parts = parts;
  }

  /** Takes the commits of a frame when it is written; the half that it is written into is not given up meanwhile. */
  async add(commits: readonly WrittenCommit[], writing: Promise<void>): Promise<void> {
    const half = this.#current;
    half.writing = writing.catch(() => {});
    try {
      await writing;
    } finally {
      half.writing = undefined;
    }
    for (const commit of commits) addCommit(half.zones, commit);
  }

  applySoon(): void {
    const now = () => void this.apply().catch(() => {});
    if (this.#parts.log.isHalfFull && this.#applying === undefined) now();
    else this.#timer ??= setTimeout(now, APPLY_MS).unref();
  }

  /** Does what one half of the log holds: the other one's, when something of it is left, or else the current one's. */
  apply(): Promise<void> {
    this.stop();
    this.#applying ??= this.#applyHalf()
      .catch((error: unknown) => {
        this.#parts.failed();
        throw error;
      })
      .finally(() => {
        this.#applying = undefined;
      });
    return this.#applying;
  }

  /** All that was acknowledged is done below, or set aside. */
  async settle(): Promise<void> {
    await this.#applying;
    if (this.#other.zones.size > 0) await this.apply();
    if (this.#current.zones.size > 0) await this.apply();
  }

  /** Nothing is applied soon any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #applyHalf(): Promise<void> {
    if (this.#other.zones.size === 0) {
      [this.#current, this.#other] = [this.#other, this.#current];
      this.#parts.log.turn();
    }
    const half = this.#other;
    for (;;) {
      if (half.zones.size > 0) await this.#applyRound(half);
      else if (half.writing !== undefined) await half.writing;
      else return;
    }
  }

  /** One commit of each zone, side by side, so that they share a flush. */
  async #applyRound({ zones }: Half): Promise<void> {
    const { aside, inner, place } = this.#parts;
    const round = [...zones].map(async ([key, commits]) => {
      try {
        aside.check((commits[0] as WrittenCommit).origin);
        commits.splice(0, await commitNext(inner, commits, place));
      } catch (error) {
        await this.#setAside(commits, error);
      }
      if (commits.length === 0) zones.delete(key);
    });
    const outcomes = await Promise.allSettled(round);
    const failed = outcomes.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #setAside(commits: WrittenCommit[], error: unknown): Promise<void> {
    if (!isOfZone(error)) throw error;
    const taken = [...commits];
    await this.#parts.aside.add(taken, error);
    commits.splice(0, taken.length);
    this.#parts.zoneSetAside((taken[0] as WrittenCommit).origin);
  }
}
