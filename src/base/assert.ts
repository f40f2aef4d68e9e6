/**
 * Programmer errors only: a condition that no input can make false. Stays on in production, because a
 * server that goes on with a broken invariant loses data.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Marks the branch that a closed union makes impossible. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unexpected value ${String(value)}`);
}
