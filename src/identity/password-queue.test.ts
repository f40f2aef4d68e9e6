import { describe, expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { PasswordQueue } from "./password-queue.ts";

/** A check that ends when the test says so. */
function gate() {
  let open: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, closed };
}

describe("password checks", () => {
  test("run a few at once and in the order they came", async () => {
    const queue = new PasswordQueue();
    const { open, closed } = gate();
    const begun: number[] = [];
    const checks = Array.from({ length: Limits.passwordChecks + 3 }, (_, at) =>
      queue.run(async () => {
        begun.push(at);
        await closed;
        return at;
      }),
    );
    await Promise.resolve();
    expect(begun).toHaveLength(Limits.passwordChecks);
    open();
    expect(await Promise.all(checks)).toEqual([0, 1, 2, 3, 4]);
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  test("wait up to the limit; one more is told busy at once and never runs", async () => {
    const queue = new PasswordQueue();
    const { open, closed } = gate();
    const room = Limits.passwordChecks + Limits.passwordQueue;
    const admitted = Array.from({ length: room }, () => queue.run(() => closed.then(() => "ran")));
    expect(await queue.run(() => Promise.reject(new Error("ran past the limit")))).toBe("busy");
    open();
    expect(new Set(await Promise.all(admitted))).toEqual(new Set(["ran"]));
    expect(await queue.run(async () => "room again")).toBe("room again");
  });

  test("that fail give their place back", async () => {
    const queue = new PasswordQueue();
    for (let count = 0; count < Limits.passwordChecks + Limits.passwordQueue + 1; count++) {
      await expect(queue.run(() => Promise.reject(new Error("no memory")))).rejects.toThrow(
        "no memory",
      );
    }
    expect(await queue.run(async () => true)).toBe(true);
  });
});
