import { expect, test } from "vitest";
import { parseRedisLocation } from "./redis-location.ts";

test("a URL says host, port, database, user, password and TLS; defaults fill the rest", () => {
  expect(parseRedisLocation("redis://h")).toMatchObject({
    host: "h",
    port: 6379,
    database: 0,
    username: undefined,
    password: undefined,
    isTls: false,
  });
  expect(parseRedisLocation("rediss://me:p%40ss@[2001:db8::1]:7000/3")).toMatchObject({
    host: "2001:db8::1",
    port: 7000,
    database: 3,
    username: "me",
    password: "p@ss",
    isTls: true,
  });
});

test("the password is in no message", () => {
  const { shown } = parseRedisLocation("redis://me:secret@h:1/2");
  expect(shown).toBe("redis://h:1/2");
  expect(() => parseRedisLocation("redis://me:secret@h:1/two")).toThrow(/^(?!.*secret)/);
  expect(() => parseRedisLocation("redis://me:sec%ret@h")).toThrow(/%25/);
});
