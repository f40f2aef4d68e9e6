import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { basic, type HttpFixture, openHttpFixture } from "../../../test/server/http-fixture.ts";
import { Limits } from "../../base/limits.ts";
import { hashPassword } from "../../identity/password.ts";

let hash: string;
let fixture: HttpFixture | undefined;
beforeAll(async () => {
  hash = await hashPassword("correct");
});
afterEach(() => fixture?.close());

const HOME = "home.dyn.example.com";

async function open() {
  const opened = await openHttpFixture({ trustedProxies: ["127.0.0.1"] }, hash);
  fixture = opened;
  const get = (authorization: string, from: string, query = "") =>
    opened.app.inject({
      method: "GET",
      url: `/nic/update?hostname=${HOME}&myip=192.0.2.1${query}`,
      headers: { authorization, "x-forwarded-for": from },
    });
  return { ...opened, get };
}

describe("guessing", () => {
  test("is slowed by address: abuse at the limit, also for the right password, and not for others", async () => {
    const { get, clock } = await open();
    const wrong = (at: number) => get(basic("alice", `wrong${at}`), "203.0.113.1");
    for (let at = 0; at < Limits.authFailures; at++)
      expect((await wrong(at)).body).toBe("badauth\n");
    expect((await wrong(99)).body).toBe("abuse\n");
    const blocked = await get(basic("alice", "correct"), "203.0.113.1", "&strict=1");
    expect(blocked).toMatchObject({ statusCode: 429, body: "abuse\n" });
    expect((await get(basic("alice", "correct"), "203.0.113.2")).body).toBe("good 192.0.2.1\n");
    clock.ms += 60_000;
    expect((await get(basic("alice", "correct"), "203.0.113.1")).body).toBe("nochg 192.0.2.1\n");
  });

  test("by a neighbour does not lock a machine out", async () => {
    const { get, accounts } = await open();
    const { secret } = await accounts.addToken({ grants: [{ allow: ["update"], name: HOME }] });
    for (let at = 0; at <= Limits.authFailures; at++)
      await get(basic("alice", `wrong${at}`), "203.0.113.1");
    expect((await get(basic("none", secret), "203.0.113.1")).body).toMatch(/192\.0\.2\.1/);
    expect((await get("Bearer wrong", "203.0.113.1")).body).toBe("abuse\n");
  });

  test("begins anew after a success", async () => {
    const { get } = await open();
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < Limits.authFailures - 1; at++) {
        expect((await get(basic("alice", `wrong${round}-${at}`), "203.0.113.1")).body).toBe(
          "badauth\n",
        );
      }
      expect((await get(basic("alice", "correct"), "203.0.113.1")).statusCode).toBe(200);
    }
  });

  test("in a flood from many addresses: 911 and 503 past the queue, and health answers meanwhile", async () => {
    const { get, app } = await open();
    let done = 0;
    const flood = Array.from({ length: 200 }, async (_, at) => {
      const reply = await get(basic("alice", `wrong${at}`), `198.51.100.${at}`);
      done += 1;
      return reply;
    });
    const health = await app.inject({ method: "GET", url: "/healthz" });
    expect(health.statusCode).toBe(200);
    expect(done).toBeLessThan(200);
    const replies = await Promise.all(flood);
    const busy = replies.filter(({ statusCode }) => statusCode === 503);
    expect(busy).toHaveLength(200 - Limits.passwordChecks - Limits.passwordQueue);
    expect(new Set(busy.map(({ body }) => body))).toEqual(new Set(["911\n"]));
    expect(replies.filter(({ statusCode }) => statusCode === 401)).toHaveLength(200 - busy.length);
  });
});

test("every kind of outcome is counted", async () => {
  const { get, metrics } = await open();
  await get(basic("alice", "correct"), "203.0.113.1");
  await get(basic("alice", "wrong"), "203.0.113.1");
  await get("", "203.0.113.1");
  const text = await metrics.registry.metrics();
  for (const result of ["ok", "wrong", "missing"]) {
    expect(text).toContain(`windhover_http_authentications_total{result="${result}"} 1\n`);
  }
});
