import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ORIGIN, rrset, soa } from "../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../base/errors.ts";
import type { JournalEntry, JournalRange } from "../store/store.ts";
import type { ZoneJournal } from "./journal-difference.ts";
import { findPoint, isLabelName, parsePoint, parseTime, timeText } from "./zone-point.ts";

const NOW = Date.UTC(2026, 2, 1, 14);
const HOUR = 3_600_000;

describe("a point as text", () => {
  test.each([
    ["now", { kind: "now" }],
    ["#7", { kind: "sequence", sequence: 7 }],
    ["@7", { kind: "sequence", sequence: 7 }],
    ["0", { kind: "serial", serial: 0 }],
    ["4294967295", { kind: "serial", serial: 0xffff_ffff }],
    ["2026022801", { kind: "serial", serial: 2026022801 }],
    ["2h", { kind: "time", timeMs: NOW - 2 * HOUR }],
    ["1d12h", { kind: "time", timeMs: NOW - 36 * HOUR }],
    ["0s", { kind: "time", timeMs: NOW }],
    ["2026-02-28", { kind: "time", timeMs: Date.UTC(2026, 1, 28) }],
    ["before-migration", { kind: "label", label: "before-migration" }],
    ["w", { kind: "label", label: "w" }],
  ])("%s is one", (text, point) => {
    expect(parsePoint(text, NOW)).toEqual(point);
  });

  test.each(["", "#", "#x", "4294967296", "-1", "2y", "2026-02-30", "yester day", "Now", "ä"])(
    "%j is none, and is told what is",
    (text) => {
      expect(() => parsePoint(text, NOW)).toThrow(
        expect.objectContaining({
          code: ErrorCode.badRequest,
          message: expect.stringContaining("#SEQUENCE"),
        }),
      );
    },
  );

  test("whatever it is, it is a point or told not to be one", () => {
    const pieces = fc.constantFrom(
      "2026-",
      "01",
      "-31",
      "T",
      "24:",
      ":60",
      "Z",
      "+99:99",
      "1w",
      "#",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map((each) => each.join("")),
    );
    fc.assert(
      fc.property(text, (each) => {
        try {
          expect(parsePoint(each, NOW)).toHaveProperty("kind");
        } catch (error) {
          expect(error).toMatchObject({ code: ErrorCode.badRequest });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("a time to come is none", () => {
    expect(parsePoint("2026-03-01T14:00Z", NOW)).toMatchObject({ timeMs: NOW });
    expect(() => parsePoint("2026-03-01T14:00:00.001Z", NOW)).toThrow("lies in the future");
  });

  test("labels have 63 characters and not one more", () => {
    expect(isLabelName("a".repeat(63))).toBe(true);
    expect(isLabelName("a".repeat(64))).toBe(false);
  });
});

describe("a time as text", () => {
  test.each([
    ["2026-03-01T13:59:58.250Z", Date.UTC(2026, 2, 1, 13, 59, 58, 250)],
    ["2026-03-01t13:59:58z", Date.UTC(2026, 2, 1, 13, 59, 58)],
    ["2026-03-01T15:30:00+01:30", NOW],
    ["2026-03-01 14:00", NOW],
    ["2026-03-01", Date.UTC(2026, 2, 1)],
    ["2024-02-29", Date.UTC(2024, 1, 29)],
  ])("%s is read", (text, timeMs) => {
    expect(parseTime(text, NOW)).toBe(timeMs);
  });

  test.each(["3600", "2026-13-01", "2026-02-29", "2026-03-01T25:00", "2026-03-01Z", "soon"])(
    "%s is not",
    (text) => {
      expect(parseTime(text, NOW)).toBeUndefined();
    },
  );

  test("is written as it is read", () => {
    expect(parseTime(timeText(NOW + 1), 0)).toBe(NOW + 1);
  });
});

/** Serials 10, 12, 14 …, an hour apart from midnight on; the entries from `oldest` on are kept. */
function journal(count: number, oldest = 1, times: readonly number[] = []): ZoneJournal {
  const entries = Array.from({ length: count }, (_, index): JournalEntry => {
    const toSerial = 10 + 2 * index;
    const fromSerial = index === 0 ? toSerial : toSerial - 2;
    const said = { actor: "key:test", door: "rfc2136", address: "" };
    const timeMs = times[index] ?? index * HOUR;
    const removed = [soa(fromSerial)];
    const added = [soa(toSerial), rrset(`h${index}`, 60, "A", "192.0.2.1")];
    return {
      origin: ORIGIN,
      fromSerial,
      toSerial,
      removed,
      added,
      sequence: index + 1,
      timeMs,
      ...said,
    };
  }).filter(({ sequence }) => sequence >= oldest);
  return {
    origin: ORIGIN,
    version: { serial: 8 + 2 * count, sequence: count },
    read: async ({ afterSequence, limit }: JournalRange) =>
      entries.filter(({ sequence }) => sequence > afterSequence).slice(0, limit),
  };
}

describe("a point in the journal", () => {
  const third = { serial: 14, sequence: 3, timeMs: 2 * HOUR };

  test("is found by sequence, serial and time alike", async () => {
    const five = journal(5);
    expect(await findPoint(five, { kind: "sequence", sequence: 3 })).toEqual(third);
    expect(await findPoint(five, { kind: "serial", serial: 14 })).toEqual(third);
    expect(await findPoint(five, { kind: "time", timeMs: 2 * HOUR })).toEqual(third);
    expect(await findPoint(five, { kind: "time", timeMs: 3 * HOUR - 1 })).toEqual(third);
    const now = { serial: 18, sequence: 5, timeMs: 4 * HOUR };
    expect(await findPoint(five, { kind: "now" })).toEqual(now);
    expect(await findPoint(five, { kind: "serial", serial: 18 })).toEqual(now);
    expect(await findPoint(five, { kind: "time", timeMs: 9 * HOUR })).toEqual(now);
  });

  test("is found in a journal of many pages", async () => {
    const long = journal(1_000);
    for (const sequence of [1, 2, 500, 999, 1_000]) {
      const timeMs = (sequence - 1) * HOUR;
      const found = { serial: 8 + 2 * sequence, sequence, timeMs };
      expect(await findPoint(long, { kind: "time", timeMs })).toEqual(found);
      expect(await findPoint(long, { kind: "serial", serial: found.serial })).toEqual(found);
    }
  });

  test("may be the one before the oldest change that is kept, whose time is not known", async () => {
    const found = { serial: 14, sequence: 3, timeMs: undefined };
    expect(await findPoint(journal(5, 4), { kind: "sequence", sequence: 3 })).toEqual(found);
    expect(await findPoint(journal(5, 4), { kind: "serial", serial: 14 })).toEqual(found);
  });

  test("is the present even when no journal is kept at all", async () => {
    const found = { serial: 18, sequence: 5, timeMs: undefined };
    expect(await findPoint(journal(5, 6), { kind: "now" })).toEqual(found);
  });

  test("is after the newest change that says such a time, where clocks differ", async () => {
    const late = [0, 4 * HOUR, HOUR, 2 * HOUR, 3 * HOUR];
    const found = { serial: 14, sequence: 3, timeMs: HOUR };
    const point = { kind: "time", timeMs: HOUR } as const;
    expect(await findPoint(journal(5, 1, late), point)).toEqual(found);
  });

  test.each([
    [{ kind: "sequence", sequence: 6 }, "there is no change #6 yet: the zone stands at #5"],
    [{ kind: "sequence", sequence: 2 }, "kept from serial 14 (#3) on; its oldest change is of"],
    [{ kind: "sequence", sequence: 0 }, "change #0 is not in the history"],
    [{ kind: "serial", serial: 19 }, "serial 19 is not reached yet: the zone stands at 18"],
    [{ kind: "serial", serial: 15 }, "serial 15 is not in the history"],
    [{ kind: "serial", serial: 12 }, "kept from serial 14 (#3) on"],
    [{ kind: "time", timeMs: 2 * HOUR }, "1970-01-01T02:00:00.000Z is not in the history"],
  ] as const)("%j is not there, and what is there is told", async (point, message) => {
    await expect(findPoint(journal(5, 4), point)).rejects.toMatchObject({
      code: ErrorCode.noSuchPoint,
      message: expect.stringContaining(message),
    });
  });

  test("before the zone was made there is none", async () => {
    await expect(findPoint(journal(5), { kind: "time", timeMs: -1 })).rejects.toThrow(
      "dyn.example.com. begins with serial 10 (#1) of 1970-01-01T00:00:00.000Z",
    );
    await expect(findPoint(journal(5, 6), { kind: "time", timeMs: 0 })).rejects.toThrow(
      "no history of dyn.example.com. is kept",
    );
  });
});
