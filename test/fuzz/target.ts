/** What a fuzz target is, and playing cases of it. */
import { Random } from "./random.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Inputs to begin with; the kept corpus is added to them. */
  readonly seeds: readonly Uint8Array[];
  /** A new input from the seeds. */
  mutate(random: Random, seeds: readonly Uint8Array[]): Uint8Array;
  /** Throws when the input makes something happen that must never happen. May depend on the input alone. */
  check(input: Uint8Array): void;
}

/** A case that failed: seed and index make its input again. */
export interface FuzzFailure {
  readonly target: string;
  readonly seed: number;
  readonly index: number;
  readonly input: Uint8Array;
  readonly error: unknown;
}

export interface FuzzRun {
  readonly seed: number;
  readonly first?: number;
  /** Called before each case with how many were played. */
  readonly isOver: (played: number) => boolean;
  readonly corpus?: readonly Uint8Array[];
}

export interface FuzzOutcome {
  readonly played: number;
  readonly failure: FuzzFailure | undefined;
}

/** Plays cases until the run is over or one fails. */
export function fuzz(target: FuzzTarget, run: FuzzRun): FuzzOutcome {
  const seeds = [...target.seeds, ...(run.corpus ?? [])];
  const first = run.first ?? 0;
  let played = 0;
  for (; !run.isOver(played); played++) {
    const index = first + played;
    const input = target.mutate(new Random(run.seed, index), seeds);
    try {
      target.check(input);
    } catch (error) {
      return { played, failure: { target: target.name, seed: run.seed, index, input, error } };
    }
  }
  return { played, failure: undefined };
}

/** What must hold of an input. Not `node:assert`, whose messages print whole buffers. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
