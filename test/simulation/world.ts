/**
 * A world in one process in which nothing happens by itself: every step that would wait for the network, a disk or a
 * timer waits here, and the seed says which is next. Time passes only by steps. The same seed is the same world.
 */
import { Random, seedOf } from "../fuzz/random.ts";

export interface Step {
  /** The node that waits for it; -1 for what belongs to none. */
  readonly node: number;
  /** What happens, for the trace and for what a crash cuts. */
  readonly label: string;
  readonly run: () => void;
}

/** Lines of the trace that are kept for a failure. */
const TRACE = 400;

export class World {
  readonly random: Random;
  /** Real time, the same for all; nodes may have clocks of their own. */
  nowMs = 1_700_000_000_000;
  steps = 0;
  readonly trace: string[] = [];
  #pending: Step[] = [];
  #failure: Error | undefined;
  #digest = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Differs when anything happened otherwise. */
  get digest(): string {
    return this.#digest.toString(16).padStart(8, "0");
  }

  get pending(): readonly Step[] {
    return this.#pending;
  }

  /** Something waits to happen. */
  later(step: Step): void {
    this.#pending.push(step);
  }

  /** A promise of what `run` gives when its step is chosen. */
  step<T>(node: number, label: string, run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const attempt = () => {
        try {
          resolve(run());
        } catch (error) {
          reject(error);
        }
      };
      this.later({ node, label, run: attempt });
    });
  }

  /** What waits for a node, or is on its way from it, ends with it; `survives` says what does not. */
  forget(node: number, survives: (step: Step) => boolean): readonly Step[] {
    const dropped = this.#pending.filter((step) => step.node === node && !survives(step));
    this.#pending = this.#pending.filter((step) => !dropped.includes(step));
    return dropped;
  }

  /** Lets one waiting step happen, and all that follows from it without waiting. False when none waits. */
  async turn(): Promise<boolean> {
    const { length } = this.#pending;
    if (length === 0) return false;
    // Mostly the one that waited longest, so that things get on; else any.
    const at =
      this.random.below(3) > 0 ? this.random.below(Math.min(length, 3)) : this.random.below(length);
    const [step] = this.#pending.splice(at, 1) as [Step];
    this.note(`${step.node < 0 ? "" : `node ${step.node}: `}${step.label}`);
    step.run();
    await this.settle();
    return true;
  }

  /** Lets everything happen that waits for nobody. */
  async settle(): Promise<void> {
    this.steps++;
    this.nowMs += this.random.below(20);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }

  note(line: string): void {
    this.#digest = (Math.imul(this.#digest, 31) + seedOf(Buffer.from(line))) >>> 0;
    this.trace.push(`${this.steps} ${line}`);
    if (this.trace.length > 2 * TRACE) this.trace.splice(0, TRACE);
  }

  /** An invariant does not hold. Thrown where nobody can catch it. */
  fail(message: string): void {
    this.note(`FAILS: ${message}`);
    this.#failure ??= new Error(message);
  }

  check(condition: boolean, message: () => string): void {
    if (!condition) this.fail(message());
  }
}
