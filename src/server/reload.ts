/**
 * Takes over a changed configuration while the server runs, whole or not at all: it is read and checked, every part
 * makes ready what it needs of it, and only when all have done so are all changed in one turn of the event loop. What
 * only a restart can change stays as it is, and that is said, as Knot does it: refusing the rest for it would leave a
 * removed key at work.
 *
 *     load ─► compare ─► prepare, part by part ─► make what is durable ─► swap all ─► told
 *       └─────────┴──────────────┴─────────────────────────┴─► an error: everything stays as it was
 */
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

/** What a reload changes, in words for people. */
export interface ReloadOutcome {
  readonly changed: readonly string[];
  /** Keys that keep their value until the server is restarted. */
  readonly needsRestart: readonly string[];
  readonly notes: readonly string[];
}

/** One part's side of a reload, ready. */
export interface Change {
  /** What is durable, and so is never undone: may still fail, when the store does. */
  readonly make?: () => Promise<void>;
  /** Cannot fail. What it promises is waited for, when all parts are changed already. */
  readonly swap: () => void | Promise<void>;
}

/** Throws when the part could not work by this configuration; changes nothing. */
export type Prepare<C> = (next: C) => Change | Promise<Change>;

/** Who wants it: it is told in the log. */
export type ReloadTrigger = "signal" | "file" | "command";

export interface ReloaderParts<C> {
  readonly started: C;
  /** Reads the configuration anew. Throws what is wrong with it. */
  readonly load: () => C;
  readonly compare: (configs: {
    readonly started: C;
    readonly current: C;
    readonly next: C;
  }) => ReloadOutcome;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Reloader<C> {
  readonly #parts: ReloaderParts<C>;
  readonly #prepares: Prepare<C>[] = [];
  #current: C;
  /** Reloads come one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #problem = "";
  #takenOverMs: number;
  /** What needs a restart, as it was told last. */
  #waiting = "";

  constructor(parts: ReloaderParts<C>) {
    this.#parts = parts;
    this.#current = parts.started;
    this.#takenOverMs = parts.clock.nowMs();
  }

  /** A part that takes settings while it runs. Parts are prepared and changed in the order in which they come here. */
  add(prepare: Prepare<C>): void {
    this.#prepares.push(prepare);
  }

  /** Why the configuration was not taken over last; empty when it was. */
  get problem(): string {
    return this.#problem;
  }

  /** When the server came to the configuration it runs by. */
  get takenOverMs(): number {
    return this.#takenOverMs;
  }

  /** Takes the configuration over. Rejects, and changes nothing, when it cannot be. */
  reload(trigger: ReloadTrigger): Promise<ReloadOutcome> {
    return this.#enqueue(async () => {
      const wasBad = this.#problem !== "";
      try {
        const outcome = await this.#takeOver();
        if (wasBad || !this.#isKnown(outcome, trigger)) this.#tell(outcome, trigger);
        return outcome;
      } catch (error) {
        this.#tellProblem(errorMessage(error), trigger);
        throw error;
      }
    });
  }

  /** What a reload would do now. Rejects when it would not succeed. */
  check(): Promise<ReloadOutcome> {
    return this.#enqueue(async () => {
      const { next, outcome } = this.#load();
      await this.#prepare(next);
      return outcome;
    });
  }

  /** Lets a reload under way finish and refuses others. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) {
      const message = "the server is shutting down";
      return Promise.reject(new WindhoverError(ErrorCode.shuttingDown, message));
    }
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #takeOver(): Promise<ReloadOutcome> {
    const { next, outcome } = this.#load();
    const changes = await this.#prepare(next);
    for (const { make } of changes) await make?.();
    const settling = changes.map(({ swap }) => swap());
    this.#current = next;
    this.#problem = "";
    this.#takenOverMs = this.#parts.clock.nowMs();
    await Promise.all(settling);
    return outcome;
  }

  #load(): { readonly next: C; readonly outcome: ReloadOutcome } {
    const { started, load, compare } = this.#parts;
    const next = load();
    return { next, outcome: compare({ started, current: this.#current, next }) };
  }

  async #prepare(next: C): Promise<readonly Change[]> {
    const changes: Change[] = [];
    for (const prepare of this.#prepares) changes.push(await prepare(next));
    return changes;
  }

  /** A file that a command or a signal has had taken over is seen to have changed a moment later. */
  #isKnown({ changed, needsRestart }: ReloadOutcome, trigger: ReloadTrigger): boolean {
    return trigger === "file" && changed.length === 0 && needsRestart.join(", ") === this.#waiting;
  }

  #tell({ changed, needsRestart, notes }: ReloadOutcome, trigger: ReloadTrigger): void {
    const { log } = this.#parts;
    const waiting = needsRestart.join(", ");
    this.#waiting = waiting;
    if (changed.length === 0) log.info({ trigger }, "the configuration was read: nothing changed");
    else log.info({ trigger, changed }, "the configuration was taken over");
    for (const note of notes) log.info({}, note);
    if (waiting !== "") log.warn({}, `needs a restart, and stays as it is until then: ${waiting}`);
  }

  /** A file that stays bad is told once, however often it is saved; whoever asks is told each time. */
  #tellProblem(problem: string, trigger: ReloadTrigger): void {
    const isKnown = trigger === "file" && problem === this.#problem;
    this.#problem = problem;
    if (isKnown) return;
    const message = "the configuration was not taken over; everything stays as it was";
    this.#parts.log.error({ trigger, problem }, message);
  }
}
