import { describe, expect, test } from "vitest";
import { ORIGIN, rrset, soa } from "../../../test/update/zone-fixtures.ts";
import { Limits } from "../../base/limits.ts";
import type { JournalEntry } from "../../store/store.ts";
import {
  describePoint,
  differenceLines,
  historyEntry,
  journalLine,
  shownRecords,
} from "./history-entry.ts";

const ENTRY: JournalEntry = {
  origin: ORIGIN,
  fromSerial: 1,
  toSerial: 2,
  removed: [soa(1), rrset("home", 60, "A", "192.0.2.1")],
  added: [soa(2), rrset("home", 60, "A", "192.0.2.2", "192.0.2.3")],
  sequence: 7,
  timeMs: Date.UTC(2026, 0, 1),
  actor: "key:router",
  door: "rfc2136",
  address: "::1",
};
const MATCHED = { removed: [ENTRY.removed[1]!], added: [] };

/** RRsets of two RRs each. */
function pairs(count: number) {
  return Array.from({ length: count }, (_, n) => rrset(`h${n}`, 60, "A", "192.0.2.1", "192.0.2.2"));
}

describe("an entry", () => {
  test("shows what was searched for and counts the rest", () => {
    expect(historyEntry({ entry: ENTRY, matched: MATCHED, records: 3 })).toEqual({
      sequence: 7,
      fromSerial: 1,
      toSerial: 2,
      time: "2026-01-01T00:00:00.000Z",
      actor: "key:router",
      door: "rfc2136",
      address: "::1",
      removed: ["home.dyn.example.com. 60 IN A 192.0.2.1"],
      added: [],
      omitted: 2,
    });
  });

  test("that went back says where to, in history and in an exported journal", () => {
    const back = { ...ENTRY, door: "cli (revert of #4)" };
    const whole = { matched: MATCHED, records: 3 };
    expect(historyEntry({ entry: back, ...whole })).toMatchObject({
      door: "cli",
      revert: { change: 4 },
    });
    expect(historyEntry({ entry: ENTRY, ...whole })).not.toHaveProperty("revert");
    expect(JSON.parse(journalLine(back))).toMatchObject({ door: "cli", revert: { change: 4 } });
  });

  test("that made a zone without saying of what says so", () => {
    const made = { ...ENTRY, fromSerial: 2, removed: [], added: [] };
    const none = { removed: [], added: [] };
    const note = "made with more records than the journal keeps";
    expect(historyEntry({ entry: made, matched: none, records: 0 })).toMatchObject({ note });
    const told = { ...made, added: [soa(2)] };
    expect(historyEntry({ entry: told, matched: none, records: 1 })).not.toHaveProperty("note");
  });

  test("is a line of JSON, whole, in an exported journal", () => {
    const line = journalLine(ENTRY);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    const { removed, added } = JSON.parse(line);
    expect([removed.length, added.length]).toEqual([2, 3]);
  });

  test("shows as many records as the bound and not one more", () => {
    const half = Limits.historyEntryRecords / 4;
    const full = shownRecords({ removed: pairs(half), added: pairs(half) });
    expect([full.removed.length, full.added.length, full.omitted]).toEqual([2 * half, 2 * half, 0]);
    const more = shownRecords({ removed: pairs(half), added: [...pairs(half), soa(1)] });
    expect([more.added.length, more.omitted]).toEqual([2 * half, 1]);
    const cut = shownRecords({ removed: [soa(1), ...pairs(2 * half)], added: pairs(1) });
    expect([cut.removed.length, cut.added.length]).toEqual([Limits.historyEntryRecords, 0]);
    expect(cut.omitted).toBe(1 + 2);
  });
});

describe("a difference", () => {
  test("goes by owner and type, what ends before what begins", () => {
    const removed = [rrset("b", 60, "A", "192.0.2.1"), rrset("@", 60, "TXT", '"x"')];
    const added = [
      rrset("b", 60, "AAAA", "2001:db8::1"),
      rrset("a.b", 60, "A", "192.0.2.3"),
      rrset("b", 60, "A", "192.0.2.2"),
    ];
    const lines = [...differenceLines({ removed, added }, { removed: "- ", added: "+ " })];
    expect(lines).toEqual([
      '- dyn.example.com. 60 IN TXT "x"',
      "- b.dyn.example.com. 60 IN A 192.0.2.1",
      "+ b.dyn.example.com. 60 IN A 192.0.2.2",
      "+ b.dyn.example.com. 60 IN AAAA 2001:db8::1",
      "+ a.b.dyn.example.com. 60 IN A 192.0.2.3",
    ]);
  });
});

describe("a point", () => {
  test("has a time when that is known", () => {
    expect(describePoint({ serial: 1, sequence: 2, timeMs: 0 })).toHaveProperty("time");
    expect(describePoint({ serial: 1, sequence: 2, timeMs: undefined })).toEqual({
      serial: 1,
      sequence: 2,
    });
  });
});
