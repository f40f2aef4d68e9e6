import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HttpFixture, openHttpFixture } from "../../../test/server/http-fixture.ts";
import { Limits } from "../../base/limits.ts";
import { parseName } from "../../wire/name.ts";
import { ReportLedger } from "./report-ledger.ts";

const HOST = "home.dyn.example.com";
let fixture: HttpFixture;
let token: { id: string; secret: string };

beforeEach(async () => {
  fixture = await openHttpFixture();
  const grants = [{ allow: ["update" as const], name: HOST, types: ["A", "AAAA"] }];
  token = await fixture.accounts.addToken({ host: HOST, grants });
});
afterEach(() => fixture.close());

async function report(body: object | string, secret = token.secret) {
  const response = await fixture.app.inject({
    method: "POST",
    url: "/report",
    headers:
      secret === "" ? {} : { authorization: `Bearer ${secret}`, "content-type": "text/plain" },
    payload: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.statusCode, body: response.json(), headers: response.headers };
}

/** The test clock's time, moved, as the node would write it. */
const at = (seconds: number) => new Date(fixture.clock.ms + seconds * 1_000).toISOString();
const say = (public_ip: string, timestamp: string | number, node_id = "home") =>
  report({ node_id, public_ip, timestamp });

describe("a report", () => {
  test("moves its host, in either family, and keeps the other", async () => {
    expect(await say("198.51.100.1", at(0))).toMatchObject({
      status: 200,
      body: { status: "good", host: HOST, ip: "198.51.100.1" },
    });
    expect(await say("2001:db8::1", at(1))).toMatchObject({
      status: 200,
      body: { status: "good" },
    });
    expect(await say("198.51.100.1", at(2))).toMatchObject({ body: { status: "nochg" } });
    expect(fixture.addresses("home")).toEqual(["198.51.100.1"]);
    expect(fixture.addresses("home", "AAAA")).toEqual(["2001:db8::1"]);
  });

  test("calls its node by label, by name or by the token's id", async () => {
    for (const node of ["home", "HOME", HOST, `${HOST}.`, token.id]) {
      expect((await say("198.51.100.1", at(0), node)).status).toBe(200);
    }
    for (const node of ["nas", "dyn", "", "home.dyn"]) {
      expect((await say("198.51.100.1", at(0), node)).status).toBe(node === "" ? 400 : 403);
    }
  });

  test("tells its time as RFC 3339 or as seconds", async () => {
    const seconds = fixture.clock.ms / 1_000;
    for (const time of [
      seconds,
      `${seconds}`,
      seconds + 0.25,
      at(1),
      at(2).replace("Z", "+00:00"),
    ]) {
      expect((await say("198.51.100.1", time)).status).toBe(200);
    }
    for (const time of ["yesterday", at(3).replace("Z", ""), "2026-13-01T00:00:00Z", ""]) {
      expect((await say("198.51.100.1", time)).status).toBe(400);
    }
  });
});

describe("is refused", () => {
  test("played back, and the later address stays", async () => {
    const old = { node_id: "home", public_ip: "198.51.100.1", timestamp: at(0) };
    expect((await report(old)).body).toMatchObject({ status: "good" });
    expect((await say("198.51.100.2", at(5))).body).toMatchObject({ status: "good" });
    expect(await report(old)).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await say("198.51.100.1", at(5))).toMatchObject({ status: 409 });
    expect((await say("198.51.100.2", at(5))).body).toMatchObject({ status: "nochg" });
    expect(fixture.addresses("home")).toEqual(["198.51.100.2"]);
  });

  test("played back after a restart", async () => {
    await say("198.51.100.1", at(0));
    await say("198.51.100.2", at(5));
    const { store, clock } = fixture;
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    const ledger = new ReportLedger({ store, clock, log });
    await ledger.load();
    const host = parseName(HOST);
    expect(ledger.accept(host, { timestampMs: clock.ms, ip: "198.51.100.1" })).toBe("older");
    expect(ledger.accept(host, { timestampMs: clock.ms + 6_000, ip: "198.51.100.3" })).toBe(
      "accepted",
    );
  });

  test("further off our time than the limit, not at it", async () => {
    const limit = Limits.reportClockMs / 1_000;
    expect((await say("198.51.100.1", at(-limit))).status).toBe(200);
    expect((await say("198.51.100.1", at(limit))).status).toBe(200);
    expect(await say("198.51.100.1", at(limit + 0.001))).toMatchObject({ status: 400 });
    expect(await say("198.51.100.1", at(-limit - 0.001))).toMatchObject({ status: 400 });
  });

  test("without a token, before its body is looked at", async () => {
    const reply = await report("not json", "");
    expect(reply).toMatchObject({ status: 401, body: { code: "bad-credential" } });
    expect(reply.headers["www-authenticate"]).toBe('Bearer realm="windhover"');
    expect((await report("not json", "wrong")).status).toBe(401);
  });

  test("by a token that stands for no host", async () => {
    const { secret } = await fixture.accounts.addToken({
      grants: [{ allow: ["update"], name: HOST }],
    });
    const body = { node_id: "home", public_ip: "198.51.100.1", timestamp: at(0) };
    expect(await report(body, secret)).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });

  test.each([
    ["no JSON", "node_id=home"],
    ["a list", "[]"],
    ["a field missing", '{"node_id":"home","public_ip":"198.51.100.1"}'],
    ["a number for an address", '{"node_id":"home","public_ip":1,"timestamp":1767225600}'],
    ["no address", '{"node_id":"home","public_ip":"home","timestamp":1767225600}'],
    ["null", "null"],
  ])("with %s, saying what is wrong and repeating nothing", async (_, body) => {
    const reply = await report(body);
    expect(reply).toMatchObject({ status: 400, body: { code: "bad-request" } });
    expect(reply.body.message).toMatch(/^(the body|`public_ip`)/);
  });

  test("while the store is down, and taken when it is back", async () => {
    fixture.store.isDown = true;
    expect(await say("198.51.100.9", at(0))).toMatchObject({ status: 503 });
    fixture.store.isDown = false;
    expect(await say("198.51.100.9", at(0))).toMatchObject({
      status: 200,
      body: { status: "good" },
    });
  });
});

test(`the last report of ${Limits.reportNodes} nodes is remembered, of one more not`, async () => {
  const ledger = new ReportLedger({ store: fixture.store, clock: fixture.clock, log: nobody });
  const host = (at: number) => parseName(`n${at}.example.com`);
  const now = { timestampMs: fixture.clock.ms, ip: "192.0.2.1" };
  const old = { timestampMs: fixture.clock.ms - 1, ip: "192.0.2.1" };
  for (let node = 0; node < Limits.reportNodes; node++) ledger.accept(host(node), now);
  expect(ledger.accept(host(0), old)).toBe("older");
  ledger.accept(host(-1 >>> 0), now);
  expect(ledger.accept(host(1), old)).toBe("older");
  expect(ledger.accept(host(0), old)).toBe("accepted");
});

test("a report taken while our clock was ahead holds up none after it was set right", () => {
  const { store, clock } = fixture;
  const ledger = new ReportLedger({ store, clock, log: nobody });
  const host = parseName(HOST);
  const rightMs = clock.ms;
  clock.ms += Limits.reportClockMs + 1_000;
  expect(ledger.accept(host, { timestampMs: clock.ms, ip: "192.0.2.1" })).toBe("accepted");
  clock.ms = rightMs + 1_000;
  expect(ledger.accept(host, { timestampMs: clock.ms, ip: "192.0.2.2" })).toBe("older");
  clock.ms = rightMs + 999;
  expect(ledger.accept(host, { timestampMs: clock.ms, ip: "192.0.2.2" })).toBe("accepted");
});

const nobody = { debug() {}, info() {}, warn() {}, error() {}, child: () => nobody };
