import { expect, test } from "vitest";
import { DeferredCount } from "./deferred-count.ts";

test("both threads see what either counts", () => {
  const worker = new DeferredCount();
  const main = new DeferredCount(worker.memory);
  worker.add();
  worker.add();
  expect(main.waiting).toBe(2);
  main.settle();
  expect(worker.waiting).toBe(1);
});
