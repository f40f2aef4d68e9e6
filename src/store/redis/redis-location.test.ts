import { expect, test } from "vitest";
import { parseRedisLocation } from "./redis-location.ts";

test("a URL says host, port, database, user, password and TLS; defaults fill the rest", () => {
  expect(parseRedisLocation("redis://h")).toMatchObject({
    kind: "single",
    hosts: [{ host: "h", port: 6379 }],
    database: 0,
    username: undefined,
    password: undefined,
    isTls: false,
  });
  expect(parseRedisLocation("rediss://me:p%40s:s@[2001:db8::1]:7000/3")).toMatchObject({
    hosts: [{ host: "2001:db8::1", port: 7000 }],
    database: 3,
    username: "me",
    password: "p@s:s",
    isTls: true,
  });
  expect(parseRedisLocation("redis://:secret@h").password).toBe("secret");
});

test("Sentinels are listed before the name of their primary", () => {
  const url = "redis+sentinel://me:pass@h1,h2:26380,[::1]:5/my%20master/2";
  expect(parseRedisLocation(`${url}?sentinelUsername=s&sentinelPassword=p%26`)).toEqual({
    kind: "sentinel",
    hosts: [
      { host: "h1", port: 26379 },
      { host: "h2", port: 26380 },
      { host: "::1", port: 5 },
    ],
    service: "my master",
    database: 2,
    username: "me",
    password: "pass",
    sentinelLogin: { username: "s", password: "p&" },
    isTls: false,
    shown: "redis+sentinel://h1:26379,h2:26380,[::1]:5/my master/2",
  });
  expect(parseRedisLocation("rediss+sentinel://h/m")).toMatchObject({ database: 0, isTls: true });
});

test("a Cluster is found by any of its nodes", () => {
  for (const url of ["redis+cluster://h1,h2:7001", "redis+cluster://h1,h2:7001/0"]) {
    expect(parseRedisLocation(url)).toMatchObject({
      kind: "cluster",
      hosts: [
        { host: "h1", port: 6379 },
        { host: "h2", port: 7001 },
      ],
      shown: "redis+cluster://h1:6379,h2:7001",
    });
  }
});

test.each([
  "redis://",
  "redis://h:0",
  "redis://h:65536",
  "redis://h:x",
  "redis://h/x",
  "redis://h/1/2",
  "redis://h1,h2",
  "redis://h?a=b",
  "redis://h#x",
  "redis://h:1/0?sentinelPassword=x",
  "redis+sentinel://h",
  "redis+sentinel://h/0/1/2",
  "redis+sentinel://h/m/x",
  "redis+cluster://h/1",
  "redis+cluster://h,/0",
  "redis+other://h",
])("%s is refused with what would be right", (url) => {
  expect(() => parseRedisLocation(url)).toThrow(/^bad Redis location: .*(redis|leave it out)/);
});

test("the password is in no message", () => {
  const { shown } = parseRedisLocation("redis://me:secret@h:1/2");
  expect(shown).toBe("redis://h:1/2");
  expect(() => parseRedisLocation("redis://me:secret@h:1/two")).toThrow(/^(?!.*secret)/);
  expect(() => parseRedisLocation("redis://me:sec%ret@h")).toThrow(/%25/);
  const sentinel = "redis+sentinel://me:secret@h/m/0?sentinelPassword=hidden";
  expect(parseRedisLocation(sentinel).shown).toBe("redis+sentinel://h:26379/m/0");
  expect(() => parseRedisLocation(`${sentinel}&x=secret`)).toThrow(/^(?!.*(secret|hidden))/);
});
