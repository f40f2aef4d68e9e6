import { beforeAll, describe, expect, test } from "vitest";
import { TestClock } from "../../test/server/http-fixture.ts";
import { Limits } from "../base/limits.ts";
import { createLogger } from "../base/log.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { Accounts } from "./accounts.ts";
import type { GrantText } from "./grant-text.ts";
import { hashPassword } from "./password.ts";

const GRANTS: GrantText[] = [{ allow: ["update"], name: "home.example.com.", types: ["A"] }];
let hash: string;

beforeAll(async () => {
  hash = await hashPassword("correct");
});

function open(store = new MemoryStore()) {
  const lines: string[] = [];
  const log = createLogger("debug", { write: (line) => void lines.push(line) });
  return { accounts: new Accounts({ store, clock: new TestClock(), log }), store, lines };
}

describe("users", () => {
  test("of the configuration are known by their password", async () => {
    const { accounts } = open();
    accounts.replaceConfigured([{ name: "alice", password: hash, grants: GRANTS }]);
    expect(await accounts.verifyBasic("alice", "correct")).toMatchObject({
      actor: "user:alice",
      isOperator: false,
    });
    expect(await accounts.verifyBasic("alice", "wrong")).toBeUndefined();
    expect(await accounts.verifyBasic("Alice", "correct")).toBeUndefined();
    expect(await accounts.verifyBasic("nobody", "correct")).toBeUndefined();
    expect(await accounts.verifyBasic("alice", "correct")).toMatchObject({ actor: "user:alice" });
  });

  test("of the store outlive the process; a new password replaces the old at once", async () => {
    const { accounts, store } = open();
    await accounts.putUser({ name: "carol", password: "first", grants: GRANTS });
    expect(await accounts.verifyBasic("carol", "first")).toMatchObject({ actor: "user:carol" });
    await accounts.putUser({ name: "carol", password: "second", grants: GRANTS });
    expect(await accounts.verifyBasic("carol", "first")).toBeUndefined();
    const next = open(store).accounts;
    await next.load();
    expect(await next.verifyBasic("carol", "second")).toMatchObject({ actor: "user:carol" });
    expect(next.listUsers()).toEqual([{ name: "carol", grants: GRANTS, source: "store" }]);
    expect(await next.removeUser("carol")).toBe(true);
    expect(await next.removeUser("carol")).toBe(false);
    expect(await next.verifyBasic("carol", "second")).toBeUndefined();
  });

  test("of the configuration win over the store and cannot be changed there", async () => {
    const { accounts, store } = open();
    await open(store).accounts.putUser({ name: "alice", password: "stored", grants: [] });
    accounts.replaceConfigured([{ name: "alice", password: hash, grants: GRANTS }]);
    await accounts.load();
    expect(await accounts.verifyBasic("alice", "correct")).toMatchObject({ actor: "user:alice" });
    expect(await accounts.verifyBasic("alice", "stored")).toBeUndefined();
    await expect(accounts.removeUser("alice")).rejects.toMatchObject({ code: "forbidden" });
  });

  test.each([
    [{ name: "x", grants: [] }, "needs either"],
    [{ name: "x", password: "$argon2id$", token: "t", grants: [] }, "needs either"],
    [{ name: "x", password: "hunter2", grants: [] }, "not an argon2id hash"],
  ])("%j cannot be one, and the message says why", (user, message) => {
    expect(() => open().accounts.replaceConfigured([user])).toThrow(message);
  });

  test("a plain token is a password; long enough it stands alone, unless two users share it", async () => {
    const { accounts } = open();
    const long = "x".repeat(Limits.tokenLength);
    const short = "x".repeat(Limits.tokenLength - 1);
    const users = [
      { name: "long", token: long, grants: [] },
      { name: "short", token: short, grants: [] },
    ];
    accounts.replaceConfigured(users);
    expect(await accounts.verifyBasic("short", short)).toMatchObject({ actor: "user:short" });
    expect(accounts.verifyToken(long)).toMatchObject({ actor: "user:long" });
    expect(accounts.verifyToken(short)).toBeUndefined();
    accounts.replaceConfigured([...users, { name: "twin", token: long, grants: [] }]);
    expect(accounts.verifyToken(long)).toBeUndefined();
    expect(await accounts.verifyBasic("twin", long)).toMatchObject({ actor: "user:twin" });
  });
});

describe("the users of the configuration", () => {
  test("are replaced as a whole, and stored ones come to light again", async () => {
    const { accounts } = open();
    await accounts.putUser({ name: "alice", password: "stored", grants: GRANTS });
    const token = "x".repeat(Limits.tokenLength);
    accounts.replaceConfigured([
      { name: "alice", password: hash, grants: GRANTS },
      { name: "bob", token, grants: [] },
    ]);
    expect(await accounts.verifyBasic("alice", "correct")).toMatchObject({ actor: "user:alice" });
    expect(accounts.listUsers()).toMatchObject([
      { name: "alice", source: "configuration" },
      { name: "bob", source: "configuration" },
    ]);
    accounts.replaceConfigured([]);
    expect(await accounts.verifyBasic("alice", "correct")).toBeUndefined();
    expect(await accounts.verifyBasic("alice", "stored")).toMatchObject({ actor: "user:alice" });
    expect(accounts.verifyToken(token)).toBeUndefined();
    expect(accounts.listUsers()).toMatchObject([{ name: "alice", source: "store" }]);
  });

  test("stay all as they were when one of the new cannot be", async () => {
    const { accounts } = open();
    accounts.replaceConfigured([{ name: "alice", token: "alices", grants: GRANTS }]);
    const next = [
      { name: "bob", token: "bobs", grants: [] },
      { name: "eve", password: "plain", grants: [] },
    ];
    expect(() => accounts.replaceConfigured(next)).toThrow("user eve has a password");
    expect(accounts.listUsers().map(({ name }) => name)).toEqual(["alice"]);
  });

  test("are those of before until the change is made", () => {
    const { accounts } = open();
    const change = accounts.prepareConfigured([{ name: "bob", token: "bobs", grants: [] }]);
    expect(accounts.hasUser("bob")).toBe(false);
    change();
    expect(accounts.hasUser("bob")).toBe(true);
  });
});

describe("tokens", () => {
  test("are shown once, kept as a hash, listed without it, and gone when revoked", async () => {
    const { accounts, store } = open();
    const { id, secret } = await accounts.addToken({
      label: "router",
      host: "home.example.com",
      grants: GRANTS,
    });
    expect(accounts.verifyToken(secret)).toMatchObject({ actor: `token:${id}`, isOperator: false });
    expect(accounts.verifyToken(`${secret.slice(0, -1)}-`)).toBeUndefined();
    const [document] = await store.readDocuments("token");
    expect(document?.json).not.toContain(secret.slice(9));
    expect(accounts.listTokens()).toEqual([
      {
        id,
        label: "router",
        host: "home.example.com.",
        grants: GRANTS,
        created: "2026-01-01T00:00:00.000Z",
      },
    ]);
    const next = open(store).accounts;
    await next.load();
    expect(next.verifyToken(secret)).toMatchObject({ actor: `token:${id}` });
    expect(await next.revokeToken(id)).toBe(true);
    expect(next.verifyToken(secret)).toBeUndefined();
    expect(await next.revokeToken(id)).toBe(false);
  });

  test("with a grant that cannot be read are not made", async () => {
    const { accounts, store } = open();
    await expect(accounts.addToken({ grants: [{ allow: ["update"] }] })).rejects.toThrow("neither");
    expect(await store.readDocuments("token")).toEqual([]);
  });

  test("one that cannot be read is reported by its id, not used and not touched", async () => {
    const { accounts, store, lines } = open();
    const { secret } = await accounts.addToken({ grants: GRANTS });
    await store.writeDocument("token", "deadbeef", '{"version":9}');
    await store.writeDocument("user", "mallory", "not json");
    await accounts.load();
    expect(accounts.verifyToken(secret)).toBeDefined();
    expect(lines.filter((line) => line.includes('"id":"deadbeef"'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('"id":"mallory"'))).toHaveLength(1);
    expect(await store.readDocuments("user")).toEqual([{ id: "mallory", json: "not json" }]);
  });
});

describe("a flood of wrong passwords", () => {
  test("is put off past the queue, and machines and known passwords go on", async () => {
    const { accounts } = open();
    accounts.replaceConfigured([{ name: "alice", password: hash, grants: GRANTS }]);
    const { secret } = await accounts.addToken({ grants: GRANTS });
    expect(await accounts.verifyBasic("alice", "correct")).toMatchObject({ actor: "user:alice" });
    const flood = Array.from({ length: 200 }, (_, at) =>
      accounts.verifyBasic(at % 2 ? "alice" : "nobody", `wrong${at}`),
    );
    let answered = 0;
    const ended = Promise.all(flood.map((each) => each.finally(() => answered++)));
    expect(await accounts.verifyBasic("none", secret)).toMatchObject({
      actor: expect.stringMatching(/^token:/),
    });
    expect(await accounts.verifyBasic("alice", "correct")).toMatchObject({ actor: "user:alice" });
    const admitted = Limits.passwordChecks + Limits.passwordQueue;
    expect(answered).toBeLessThanOrEqual(200 - admitted + 2);
    const outcomes = await ended;
    expect(outcomes.filter((outcome) => outcome === "busy")).toHaveLength(200 - admitted);
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(admitted);
  });

  test("does not come of a reload that leaves the passwords as they are", async () => {
    const { accounts } = open();
    const alice = { name: "alice", password: hash, grants: GRANTS };
    accounts.replaceConfigured([alice]);
    await accounts.verifyBasic("alice", "correct");
    accounts.replaceConfigured([
      { ...alice, grants: [] },
      { name: "bob", token: "t", grants: [] },
    ]);
    const admitted = Limits.passwordChecks + Limits.passwordQueue;
    const flood = Array.from({ length: admitted }, (_, at) =>
      accounts.verifyBasic("alice", `wrong${at}`),
    );
    const late = () => accounts.verifyBasic("alice", "correct");
    expect(await late()).toMatchObject({ grants: [] });
    accounts.replaceConfigured([]);
    accounts.replaceConfigured([alice]);
    expect(await late()).toBe("busy");
    await Promise.all(flood);
    expect(await late()).toMatchObject({ actor: "user:alice" });
  });

  test("leaves the event loop to others: it turns many times while one check runs", async () => {
    const { accounts } = open();
    accounts.replaceConfigured([{ name: "alice", password: hash, grants: GRANTS }]);
    let isRunning = true;
    const check = accounts.verifyBasic("alice", "wrong").finally(() => {
      isRunning = false;
    });
    let turns = 0;
    while (isRunning) {
      await new Promise((resolve) => setImmediate(resolve));
      turns += 1;
    }
    await check;
    expect(turns).toBeGreaterThan(10);
  });

  test("of the same password is one check", async () => {
    const { accounts } = open();
    accounts.replaceConfigured([{ name: "alice", password: hash, grants: GRANTS }]);
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () => accounts.verifyBasic("alice", "wrong")),
    );
    expect(new Set(outcomes)).toEqual(new Set([undefined]));
  });

  test("where nobody has a password costs nothing: a stranger is told at once", async () => {
    const { accounts } = open();
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, at) => accounts.verifyBasic("x", `${at}`)),
    );
    expect(new Set(outcomes)).toEqual(new Set([undefined]));
  });
});
