import { expect, test } from "vitest";
import { hashSlot } from "./hash-slot.ts";

test.each([
  ["123456789", 0x31c3],
  ["", 0],
  ["foo", 12182],
  ["windhover:{foo}:version", 12182],
  ["{foo}{bar}", 12182],
  ["{}foo", hashSlot("{}foo")],
])("%j is in slot %i", (key, slot) => {
  expect(hashSlot(key)).toBe(slot);
});

test("empty braces are no tag", () => {
  expect(hashSlot("{}foo")).not.toBe(hashSlot("{}bar"));
});
