import { describe, expect, test } from "vitest";
import { changedServer, START_MS } from "../../test/update/history-server.ts";
import { at, ORIGIN, rrset, rrsetsText, soa } from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import type { JournalEntry, JournalRange } from "../store/store.ts";
import { Type } from "../wire/code-points.ts";
import type { RRset } from "../zone/rrset.ts";
import type { ZoneJournal } from "./journal-difference.ts";
import { searchJournal } from "./search-journal.ts";

describe("a search", () => {
  const found = async (search: object, made = changedServer()) => {
    const { engine } = await made;
    const { entries, next } = await engine.history.search(ORIGIN, { limit: 100, ...search });
    return { sequences: entries.map(({ entry }) => entry.sequence), entries, next };
  };

  test("has the newest first, as many as asked for, and says where to go on", async () => {
    expect(await found({})).toMatchObject({ sequences: [4, 3, 2, 1], next: undefined });
    expect(await found({ limit: 2 })).toMatchObject({ sequences: [4, 3], next: 3 });
    expect(await found({ limit: 2, before: 3 })).toMatchObject({ sequences: [2, 1] });
    expect(await found({ before: 99 })).toMatchObject({ sequences: [4, 3, 2, 1] });
    expect(await found({ before: 1 })).toMatchObject({ sequences: [], next: undefined });
  });

  test("shows of each entry what was searched for, without the step of the serial", async () => {
    const { entries } = await found({ owner: at("www") });
    expect(entries).toHaveLength(1);
    expect(rrsetsText(entries[0]?.matched.added ?? [])).toEqual([
      "www.dyn.example.com. 60 A 192.0.2.80",
    ]);
    expect(entries[0]?.matched.removed).toEqual([]);
    expect(entries[0]?.records).toBe(2);
    const all = await found({ limit: 1 });
    expect(all.entries[0]?.matched.removed).toHaveLength(1);
  });

  test.each([
    [{ owner: at("home") }, [3, 2, 1]],
    [{ owner: at("home"), rrtype: Type.AAAA }, [1]],
    [{ rrtype: Type.CNAME }, [4, 1]],
    [{ rrtype: Type.SOA }, [1]],
    [{ owner: at("nobody") }, []],
    [{ actor: "key:test" }, [4, 3, 2]],
    [{ actor: "test" }, [4, 3, 2]],
    [{ actor: "local" }, [1]],
    [{ actor: "key" }, []],
    [{ address: "198.51.100.7" }, [4, 3, 2]],
    [{ address: "198.51.100.8" }, []],
    [{ sinceMs: START_MS + 120_000 }, [4, 3]],
    [{ untilMs: START_MS + 120_000 }, [3, 2, 1]],
    [{ sinceMs: START_MS + 1, untilMs: START_MS + 60_000 }, [2]],
  ])("for %j", async (search, sequences) => {
    expect((await found(search)).sequences).toEqual(sequences);
  });
});

/** Entries made as they are read; each adds `added`, one a minute. */
function journal(count: number, added: readonly RRset[] = []) {
  const reads: JournalRange[] = [];
  const entry = (sequence: number): JournalEntry => ({
    origin: ORIGIN,
    fromSerial: sequence - 1,
    toSerial: sequence,
    removed: [soa(sequence - 1)],
    added: [soa(sequence), ...added],
    sequence,
    timeMs: sequence * 60_000,
    actor: "key:test",
    door: "rfc2136",
    address: "",
  });
  const made: ZoneJournal = {
    origin: ORIGIN,
    version: { serial: count, sequence: count },
    read: async ({ afterSequence, limit }) => {
      reads.push({ afterSequence, limit });
      const length = Math.min(limit, count - afterSequence);
      return Array.from({ length }, (_, n) => entry(afterSequence + n + 1));
    },
  };
  return { journal: made, reads };
}

describe("a search of a long journal", () => {
  test("by time ends where entries are older by more than clocks differ", async () => {
    const { journal: long, reads } = journal(1_000);
    const sinceMs = 999 * 60_000;
    const { entries, next } = await searchJournal(long, { limit: 100, sinceMs });
    expect(entries.map(({ entry }) => entry.sequence)).toEqual([1_000, 999]);
    expect(next).toBeUndefined();
    const minutes = Limits.historyClockMs / 60_000;
    expect(reads.at(-1)?.afterSequence).toBeGreaterThan(1_000 - minutes - 201);
  });

  test("ends an answer with the entry that reaches the bound of records", async () => {
    const half = Array.from({ length: Limits.historyRecords / 2 }, (_, n) =>
      rrset(`h${n}`, 60, "A", "192.0.2.1"),
    );
    const full = await searchJournal(journal(3, half).journal, { limit: 100 });
    expect(full.entries).toHaveLength(2);
    expect(full.next).toBe(2);
    const below = await searchJournal(journal(3, half.slice(1)).journal, { limit: 100 });
    expect(below.entries).toHaveLength(3);
    expect(below.next).toBeUndefined();
  });

  test("looks at as many entries as the bound and goes on from there", async () => {
    const { journal: long } = journal(Limits.historyScan + 1);
    const search = { limit: 1, actor: "nobody" };
    expect(await searchJournal(long, search)).toEqual({ entries: [], next: 2 });
    const rest = await searchJournal(long, { ...search, before: 2 });
    expect(rest).toEqual({ entries: [], next: undefined });
    const { journal: whole } = journal(Limits.historyScan);
    expect(await searchJournal(whole, search)).toEqual({ entries: [], next: undefined });
  });
});
