import { expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { PasswordCache } from "./password-cache.ts";

test("a remembered password is known for its own hash only", () => {
  const cache = new PasswordCache();
  cache.add(cache.entry("hash-1", "secret"));
  expect(cache.has(cache.entry("hash-1", "secret"))).toBe(true);
  expect(cache.has(cache.entry("hash-2", "secret"))).toBe(false);
  expect(cache.has(cache.entry("hash-1", "Secret"))).toBe(false);
});

test("at the limit all are kept; one past it the one unused longest goes", () => {
  const cache = new PasswordCache();
  const entries = Array.from({ length: Limits.passwordCache }, (_, at) =>
    cache.entry("hash", `${at}`),
  );
  for (const entry of entries) cache.add(entry);
  expect(entries.every((entry) => cache.has(entry))).toBe(true);
  expect(cache.has(entries[0] as string)).toBe(true);
  cache.add(cache.entry("hash", "one more"));
  expect(cache.has(entries[0] as string)).toBe(true);
  expect(cache.has(entries[1] as string)).toBe(false);
});

test("nothing of the password stands in an entry, and another process makes another one", () => {
  const entry = new PasswordCache().entry("hash", "hunter2");
  expect(entry).not.toContain("hunter2");
  expect(new PasswordCache().entry("hash", "hunter2")).not.toBe(entry);
});
