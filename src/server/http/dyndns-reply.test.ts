import { describe, expect, test } from "vitest";
import { Rcode } from "../../wire/code-points.ts";
import { hostsReply, requestReply, verdictCode } from "./dyndns-reply.ts";

const CODES = [
  "nohost",
  "notfqdn",
  "dnserr",
  "numhost",
  "abuse",
  "badagent",
  "!donator",
  "911",
  "badauth",
] as const;

describe("a failure", () => {
  test.each(CODES)("%s: a line of its own, and no 2xx in strict mode", (code) => {
    expect(requestReply(code, true)).toMatchObject({ body: `${code}\n` });
    expect(requestReply(code, true).status).toBeGreaterThanOrEqual(400);
    const status = code === "911" ? 503 : code === "badauth" ? 401 : 200;
    expect(requestReply(code, false)).toEqual({ status, body: `${code}\n` });
  });

  test("among several hosts decides the strict status, the first of them", () => {
    const outcomes = [
      { code: "good", addresses: ["192.0.2.1", "2001:db8::1"] },
      { code: "notfqdn", addresses: [] },
      { code: "nohost", addresses: ["192.0.2.1"] },
      { code: "nochg", addresses: ["192.0.2.1"] },
    ] as const;
    const body = "good 192.0.2.1,2001:db8::1\nnotfqdn\nnohost\nnochg 192.0.2.1\n";
    expect(hostsReply(outcomes, false)).toEqual({ status: 200, body });
    expect(hostsReply(outcomes, true)).toEqual({ status: 400, body });
  });
});

test.each([
  ["no-grant", "nohost"],
  ["no-such-zone", "nohost"],
  ["not-in-zone", "nohost"],
  ["prerequisite", "dnserr"],
  ["bad-operation", "dnserr"],
  ["limit", "dnserr"],
  ["queue-full", "911"],
  ["store-unavailable", "911"],
  ["shutting-down", "911"],
] as const)("%s is told as %s", (reason, code) => {
  const verdict = { status: "refused", rcode: Rcode.refused, reason, detail: "" } as const;
  expect(verdictCode(verdict)).toBe(code);
});
