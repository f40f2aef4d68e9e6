import { expect, test } from "vitest";
import { createReplyGate } from "./reply-gate.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what is answered in one turn leaves at its end, in order, and the next turn has a gate of its own", async () => {
  const left: string[] = [];
  const gate = createReplyGate();
  const answer = (name: string) => gate(undefined, undefined, undefined, () => left.push(name));
  answer("first");
  await Promise.resolve();
  answer("second");
  expect(left).toEqual([]);
  await turn();
  expect(left).toEqual(["first", "second"]);
  answer("third");
  await turn();
  expect(left).toEqual(["first", "second", "third"]);
});

test("a reply that brings about another does not wait for it", async () => {
  const left: string[] = [];
  const gate = createReplyGate();
  gate(undefined, undefined, undefined, () => {
    left.push("first");
    gate(undefined, undefined, undefined, () => left.push("second"));
  });
  await turn();
  expect(left).toEqual(["first"]);
  await turn();
  expect(left).toEqual(["first", "second"]);
});
