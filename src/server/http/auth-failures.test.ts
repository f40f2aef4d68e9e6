import { describe, expect, test } from "vitest";
import { TestClock } from "../../../test/server/http-fixture.ts";
import { Limits } from "../../base/limits.ts";
import { AuthFailures } from "./auth-failures.ts";

function open() {
  const clock = new TestClock();
  const failures = new AuthFailures(clock);
  const fail = (address: string, times: number) => {
    for (let count = 0; count < times; count++) failures.count(address);
  };
  return { clock, failures, fail };
}

describe("wrong credentials", () => {
  test("one short of the limit blocks nobody; at the limit the address waits out its minute", () => {
    const { clock, failures, fail } = open();
    fail("192.0.2.1", Limits.authFailures - 1);
    expect(failures.isBlocked("192.0.2.1")).toBe(false);
    expect(failures.count("192.0.2.1")).toBe(true);
    expect(failures.isBlocked("192.0.2.1")).toBe(true);
    expect(failures.isBlocked("192.0.2.2")).toBe(false);
    clock.ms += 59_999;
    expect(failures.isBlocked("192.0.2.1")).toBe(true);
    clock.ms += 1;
    expect(failures.isBlocked("192.0.2.1")).toBe(false);
  });

  test("of one IPv6 customer are one count", () => {
    const { failures, fail } = open();
    fail("2001:db8:1:2::1", Limits.authFailures);
    expect(failures.isBlocked("2001:db8:1:2:ffff::9")).toBe(true);
    expect(failures.isBlocked("2001:db8:1:3::1")).toBe(false);
  });

  test("are forgotten after a success", () => {
    const { failures, fail } = open();
    fail("192.0.2.1", Limits.authFailures);
    failures.reset("192.0.2.1");
    expect(failures.isBlocked("192.0.2.1")).toBe(false);
  });

  test("fill a bounded table: past the limit the address idle longest is forgotten", () => {
    const { failures, fail } = open();
    fail("192.0.2.1", Limits.authFailures);
    for (let at = 0; at < Limits.authFailureAddresses - 1; at++)
      failures.count(`10.0.${at >> 8}.${at & 255}`);
    expect(failures.isBlocked("192.0.2.1")).toBe(true);
    failures.count("10.200.0.1");
    expect(failures.isBlocked("192.0.2.1")).toBe(false);
  });
});
