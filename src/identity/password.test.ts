import { describe, expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { decoyHash, hashPassword, isPasswordHash, verifyPassword } from "./password.ts";

describe("a password", () => {
  test("matches its own argon2id hash and no other", async () => {
    const hash = await hashPassword("correct horse:battery staple");
    expect(hash).toMatch(/^\$argon2id\$v=19\$/);
    expect(await verifyPassword(hash, "correct horse:battery staple")).toBe(true);
    expect(await verifyPassword(hash, "correct horse")).toBe(false);
    expect(await verifyPassword(hash, "")).toBe(false);
  });

  test("of another program's parameters is accepted", async () => {
    const hash =
      "$argon2id$v=19$m=256,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$d29yZHMgdGhhdCBhcmUgbm90IGEgaGFzaCBhdCBhbGw";
    expect(isPasswordHash(hash)).toBe(true);
    expect(await verifyPassword(hash, "anything")).toBe(false);
  });
});

const withCost = (memory: number, passes: number, lanes: number) =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$c29tZXNhbHRzb21lc2FsdA$${"A".repeat(43)}`;

describe("a stored hash", () => {
  test.each([
    ["memory at the limit", withCost(Limits.passwordMemoryKib, 1, 1), true],
    ["memory past the limit", withCost(Limits.passwordMemoryKib + 1, 1, 1), false],
    ["passes at the limit", withCost(64, Limits.passwordPasses, 1), true],
    ["passes past the limit", withCost(64, Limits.passwordPasses + 1, 1), false],
    ["less memory than lanes need", withCost(8, 1, 2), false],
    ["argon2i", withCost(64, 1, 1).replace("argon2id", "argon2i"), false],
    [
      "its parameters in another order",
      withCost(64, 1, 1).replace("m=64,t=1,p=1", "m=64,p=1,t=1"),
      true,
    ],
    ["a parameter missing", withCost(64, 1, 1).replace("t=1", "p=1"), false],
    ["a plain password", "hunter2", false],
    ["nothing", "", false],
  ])("%s", (_, hash, accepted) => {
    expect(isPasswordHash(hash)).toBe(accepted);
  });

  test("that is malformed matches no password and throws nothing", async () => {
    expect(await verifyPassword("$argon2id$v=19$m=64,t=1,p=1$x$y", "secret")).toBe(false);
  });
});

test("a decoy costs what its model costs and matches nothing", async () => {
  const model = await hashPassword("secret");
  const decoy = decoyHash(model);
  expect(decoy.split("$").slice(0, 4)).toEqual(model.split("$").slice(0, 4));
  expect(isPasswordHash(decoy)).toBe(true);
  expect(await verifyPassword(decoy, "secret")).toBe(false);
});
