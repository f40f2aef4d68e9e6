/** A zone file that is to be served: all that is wrong with it at once, or a zone and its warnings. */
import { describe, expect, test } from "vitest";
import { ErrorCode } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { parseName } from "../wire/name.ts";
import { readCheckedZone, readCheckedZoneInTurns } from "./checked-zone.ts";

const ORIGIN = parseName("example.com.");
const APEX = "@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n";

function read(text: string) {
  const warnings: string[] = [];
  const source = { chunks: [Buffer.from(text)], file: "zone", origin: ORIGIN, defaultTtl: 60 };
  const zone = readCheckedZone(source, ({ message }) => warnings.push(message));
  return { zone, warnings };
}

describe("a zone file", () => {
  test("with nothing wrong is a zone", () => {
    const { zone, warnings } = read(APEX);
    expect(zone.recordCount).toBe(3);
    expect(warnings).toEqual([]);
  });

  test("with warnings is a zone, and they are told", () => {
    const { zone, warnings } = read(`${APEX}@ MX 10 mail\nns 5 A 192.0.2.54`);
    expect(zone.recordCount).toBe(5);
    expect(warnings).toEqual([
      expect.stringContaining("TTL 5"),
      "example.com. has MX mail.example.com., which has no A or AAAA in the zone",
    ]);
  });

  test("is the same zone, with the same warnings, when others get their turn meanwhile", async () => {
    const hosts = Array.from({ length: 25_000 }, (_, at) => `h${at} MX 1 x${at}\n`).join("");
    const text = `${APEX}${hosts}`;
    const warnings: string[] = [];
    let pauses = 0;
    const source = { chunks: [Buffer.from(text)], file: "zone", origin: ORIGIN, defaultTtl: 60 };
    const zone = await readCheckedZoneInTurns(
      source,
      ({ message }) => warnings.push(message),
      async () => pauses++,
    );
    expect(pauses).toBeGreaterThan(4 * Math.floor(25_000 / Limits.zoneSlice));
    expect({ zone: [...zone], warnings }).toEqual({
      zone: [...read(text).zone],
      warnings: read(text).warnings,
    });
    const broken = { ...source, chunks: [Buffer.from("a")] };
    const outcome = readCheckedZoneInTurns(
      broken,
      () => {},
      async () => {},
    );
    await expect(outcome).rejects.toThrow("zone:1:");
  });

  test.each([
    ["less than a slice", Limits.zoneSlice - 1, 0],
    ["a slice", Limits.zoneSlice, 4],
    ["one more", Limits.zoneSlice + 1, 4],
    ["two and a record", 2 * Limits.zoneSlice + 1, 8],
  ])("of %s is gone through four times, with pauses", async (_, size, expected) => {
    const hosts = Array.from({ length: size - 3 }, (_each, at) => `h${at >> 1} TXT ${at}\n`).join(
      "",
    );
    let pauses = 0;
    const source = {
      chunks: [Buffer.from(APEX + hosts)],
      file: "zone",
      origin: ORIGIN,
      defaultTtl: 60,
    };
    const pause = async () => pauses++;
    const zone = await readCheckedZoneInTurns(source, () => {}, pause);
    expect(zone.recordCount).toBe(size);
    expect(pauses).toBe(expected);
  });

  test("that cannot be read is refused at the line", () => {
    expect(() => read(`${APEX}a A nowhere`)).toThrow(
      expect.objectContaining({
        code: ErrorCode.badZoneFile,
        message: expect.stringMatching(/^zone:4:5: /),
      }),
    );
  });

  test("with errors is refused with all of them", () => {
    const expected = {
      code: ErrorCode.badZone,
      message:
        "zone: zone example.com. cannot be served: " +
        "example.com. has no SOA: a zone needs one at its origin; " +
        "example.com. has no NS: a zone needs at least one at its origin",
    };
    expect(() => read("ns A 192.0.2.53")).toThrow(expect.objectContaining(expected));
  });

  test.each([
    [5, /a4\.example\.com\. has a CNAME [^;]*; remove one or the other$/],
    [6, /a4\.example\.com\. has a CNAME [^;]*; remove one or the other; and 1 more$/],
    [9, /; and 4 more$/],
  ])("with %i errors names five and counts the rest", (count, message) => {
    const aliases = Array.from({ length: count }, (_, at) => `a${at} CNAME b.\na${at} TXT x\n`);
    expect(() => read(APEX + aliases.join(""))).toThrow(message);
  });
});
