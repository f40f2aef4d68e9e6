/** The judge of what many nodes kept must itself see what is missing. */
import { describe, expect, test } from "vitest";
import { type Change, Ledger } from "./ledger.ts";

const ORIGIN = "dyn.example.com";
const HOST = `host.${ORIGIN}`;
const SENT_MS = 1_000_000;

const change = (way: Change["way"], address: string): Change => ({
  way,
  origin: ORIGIN,
  owner: HOST,
  address,
});
const zone = (...addresses: string[]) => new Map([[ORIGIN, new Map([[HOST, new Set(addresses)]])]]);

describe("an owner that is set", () => {
  const ledger = () => {
    const made = new Ledger();
    made.note(change("set", "10.0.0.1"), SENT_MS, true);
    made.note(change("set", "10.0.0.2"), SENT_MS + 1, false);
    made.note(change("set", "10.0.0.3"), SENT_MS + 2, true);
    return made;
  };

  test("has what was acknowledged last, or what was sent shortly before and may be late", () => {
    expect(ledger().judge(zone("10.0.0.3"))).toEqual([]);
    expect(ledger().judge(zone("10.0.0.2"))).toEqual([]);
    expect(ledger()).toMatchObject({ acknowledged: 2, unacknowledged: 1 });
  });

  test("is complained of when it has an older one, several, or none", () => {
    expect(ledger().judge(zone("10.0.0.1"))).toEqual([
      `${HOST}: has 10.0.0.1; 10.0.0.3 was acknowledged, 1 may have followed it`,
    ]);
    expect(ledger().judge(zone("10.0.0.2", "10.0.0.3"))).toHaveLength(1);
    expect(ledger().judge(new Map())[0]).toContain("has nothing");
  });

  test("is complained of when it has what was sent too long before to be late", () => {
    const late = new Ledger();
    late.note(change("set", "10.0.0.1"), SENT_MS, false);
    late.note(change("set", "10.0.0.2"), SENT_MS + 60_001, true);
    expect(late.judge(zone("10.0.0.1"))).toHaveLength(1);
  });

  test("may have nothing while nothing was acknowledged", () => {
    const unsure = new Ledger();
    unsure.note(change("set", "10.0.0.1"), SENT_MS, false);
    expect(unsure.judge(new Map())).toEqual([]);
    expect(unsure.judge(zone("10.0.0.1"))).toEqual([]);
    expect(unsure.judge(zone("10.0.0.9"))).toHaveLength(1);
  });
});

test("an owner that is added to has all that was acknowledged and nothing that nobody sent", () => {
  const ledger = new Ledger();
  ledger.note(change("add", "10.0.0.1"), SENT_MS, true);
  ledger.note(change("add", "10.0.0.2"), SENT_MS, true);
  ledger.note(change("add", "10.0.0.3"), SENT_MS, false);
  expect(ledger.judge(zone("10.0.0.1", "10.0.0.2"))).toEqual([]);
  expect(ledger.judge(zone("10.0.0.1", "10.0.0.2", "10.0.0.3"))).toEqual([]);
  expect(ledger.judge(zone("10.0.0.1", "10.0.0.9"))).toEqual([
    `${HOST}: lacks 10.0.0.2, which was acknowledged`,
    `${HOST}: has 10.0.0.9, which nobody sent`,
  ]);
});
