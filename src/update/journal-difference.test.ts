import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { at, ORIGIN, rrset, rrsetsText, soa } from "../../test/update/zone-fixtures.ts";
import type { JournalEntry, JournalRange } from "../store/store.ts";
import { equalNames } from "../wire/name.ts";
import {
  differenceSince,
  entriesBack,
  entriesUpTo,
  JournalDifference,
} from "./journal-difference.ts";

/** A journal of a zone made at `serials[0]`, each later entry leading to the next serial and adding one address. */
function journal(serials: readonly number[]): JournalEntry[] {
  return serials.map((toSerial, index) => {
    const fromSerial = serials[Math.max(0, index - 1)] as number;
    const added = index === 0 ? [] : [soa(toSerial), rrset(`h${index}`, 60, "A", "192.0.2.1")];
    const removed = index === 0 ? [] : [soa(fromSerial)];
    const said = { timeMs: 0, actor: "key:test", door: "rfc2136", address: "" };
    return { origin: ORIGIN, fromSerial, toSerial, removed, added, sequence: index + 1, ...said };
  });
}

function difference(entries: readonly JournalEntry[], serial: number, limit = 1e6) {
  const last = entries.at(-1) as JournalEntry;
  const version = { serial: last.toSerial, sequence: last.sequence };
  let reads = 0;
  const read = (_: unknown, { afterSequence, limit: most }: JournalRange) => {
    reads += 1;
    return Promise.resolve(entries.filter((e) => e.sequence > afterSequence).slice(0, most));
  };
  const found = differenceSince(read, ORIGIN, { serial, version, limit });
  return found.then((changeset) => ({ changeset, reads }));
}

const steps = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => (from + index) >>> 0);

describe("the difference since a serial", () => {
  test("is all entries from there on, condensed", async () => {
    const { changeset } = await difference(journal([1, 2, 3, 4]), 2);
    expect(changeset).toMatchObject({ fromSerial: 2, toSerial: 4 });
    expect(rrsetsText(changeset?.removed ?? [])).toEqual(rrsetsText([soa(2)]));
    const come = [soa(4), rrset("h2", 60, "A", "192.0.2.1"), rrset("h3", 60, "A", "192.0.2.1")];
    expect(rrsetsText(changeset?.added ?? [])).toEqual(rrsetsText(come));
  });

  test("begins at the serial the zone was made with, without its creation", async () => {
    const { changeset } = await difference(journal([7, 8]), 7);
    expect(changeset).toMatchObject({ fromSerial: 7, toSerial: 8 });
    expect(changeset?.added).toHaveLength(2);
  });

  test("is not known of a zone that was only made", async () => {
    expect((await difference(journal([7]), 6)).changeset).toBeUndefined();
  });

  test("is found at once where serials grow one by one, in pages", async () => {
    const { changeset, reads } = await difference(journal(steps(1_000)), 501);
    expect(changeset?.fromSerial).toBe(501);
    expect(reads).toBe(1 + 5);
  });

  test("goes over the wrap of serials", async () => {
    const { changeset } = await difference(journal(steps(20, 2 ** 32 - 10)), 2 ** 32 - 5);
    expect(changeset).toMatchObject({ fromSerial: 2 ** 32 - 5, toSerial: 9 });
  });

  test("is found from every serial there was and from no other, however far serials jumped", async () => {
    const jumps = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.nat(2 ** 32 - 1), jumps, fc.nat(), async (first, increments, kept) => {
        const serials = [first];
        for (const by of increments) serials.push(((serials.at(-1) as number) + by) >>> 0);
        const all = journal(serials);
        const oldest = kept % all.length;
        for (const [index, serial] of serials.slice(0, -1).entries()) {
          const { changeset } = await difference(all.slice(oldest), serial);
          const isKept = index + 1 >= Math.max(oldest, 1);
          expect(changeset?.fromSerial).toBe(isKept ? serial : undefined);
          const between = (serial + 1) >>> 0;
          if (serials.includes(between)) continue;
          expect((await difference(all.slice(oldest), between)).changeset).toBeUndefined();
        }
      }),
      { numRuns: 50 },
    );
  });

  test("is not known across a gap, or when the journal ends early", async () => {
    const entries = journal(steps(10));
    const holed = entries.filter(({ sequence }) => sequence !== 6);
    expect((await difference(holed, 3)).changeset).toBeUndefined();
    expect((await difference(holed, 7)).changeset).toBeDefined();
    const other = entries.map((e) => (e.sequence === 6 ? { ...e, fromSerial: 77 } : e));
    expect((await difference(other, 3)).changeset).toBeUndefined();
    const last = { ...(entries.at(-1) as JournalEntry), toSerial: 99 };
    const read = (_: unknown, { afterSequence, limit }: JournalRange) =>
      Promise.resolve(entries.filter((e) => e.sequence > afterSequence).slice(0, limit));
    const version = { serial: last.toSerial, sequence: last.sequence };
    const range = { serial: 3, version, limit: 1e6 };
    expect(await differenceSince(read, ORIGIN, range)).toBeUndefined();
    const further = { serial: 9, version: { serial: 12, sequence: 12 }, limit: 1e6 };
    expect(await differenceSince(read, ORIGIN, further)).toBeUndefined();
  });

  test("may have `limit` RRs and not one more", async () => {
    const entries = journal(steps(4));
    expect((await difference(entries, 1, 5)).changeset).toBeDefined();
    expect((await difference(entries, 1, 4)).changeset).toBeUndefined();
  });

  test("leaves the entries of a version that is not published yet alone", async () => {
    const entries = journal(steps(6));
    const read = (_: unknown, { afterSequence, limit }: JournalRange) =>
      Promise.resolve(entries.filter((e) => e.sequence > afterSequence).slice(0, limit));
    const range = { serial: 2, version: { serial: 4, sequence: 4 }, limit: 1e6 };
    expect((await differenceSince(read, ORIGIN, range))?.toSerial).toBe(4);
  });
});

/** The journal that a search or a way back reads. */
function zoneJournal(entries: readonly JournalEntry[]) {
  const reads: JournalRange[] = [];
  const read = async (range: JournalRange) => {
    reads.push(range);
    const kept = entries.filter(({ sequence }) => sequence > range.afterSequence);
    return kept.slice(0, range.limit);
  };
  return { origin: ORIGIN, read, reads };
}

const versionAt = (entries: readonly JournalEntry[], sequence: number) => {
  const { toSerial } = entries[sequence - 1] as JournalEntry;
  return { serial: toSerial, sequence };
};

describe("a difference that goes on", () => {
  test("reads only what is new", async () => {
    const entries = journal(steps(200));
    const { origin, read, reads } = zoneJournal(entries);
    const from = versionAt(entries, 2);
    const going = new JournalDifference({ origin, read }, from, { limit: 1e6 });
    expect(await going.advance(versionAt(entries, 150))).toBe("reached");
    expect(going.join()).toMatchObject({ fromSerial: 2, toSerial: 150 });
    reads.length = 0;
    expect(await going.advance(versionAt(entries, 200))).toBe("reached");
    expect(reads).toEqual([{ afterSequence: 150, limit: 50 }]);
    expect(going.join().added).toHaveLength(1 + 198);
  });

  test("from a version to itself is none", async () => {
    const entries = journal(steps(3));
    const none = new JournalDifference(zoneJournal(entries), versionAt(entries, 3), { limit: 0 });
    expect(await none.advance(versionAt(entries, 3))).toBe("reached");
    expect(none.join()).toEqual({
      origin: ORIGIN,
      fromSerial: 3,
      toSerial: 3,
      removed: [],
      added: [],
    });
  });

  test("does not lead back, nor to another version of the same sequence", async () => {
    const entries = journal(steps(3));
    const going = new JournalDifference(zoneJournal(entries), versionAt(entries, 2), { limit: 9 });
    expect(await going.advance({ serial: 9, sequence: 2 })).toBe("gap");
    expect(await going.advance({ serial: 1, sequence: 1 })).toBe("gap");
  });

  test("may be of some RRsets only, and shows each entry", async () => {
    const entries = journal(steps(9));
    const seen: number[] = [];
    const some = new JournalDifference(zoneJournal(entries), versionAt(entries, 1), {
      limit: 2,
      covers: ({ owner }) => ["h3", "h7"].some((name) => equalNames(owner, at(name))),
      onEntry: ({ sequence }) => seen.push(sequence),
    });
    expect(await some.advance(versionAt(entries, 9))).toBe("reached");
    expect(some.join().added).toHaveLength(2);
    expect(some.join().removed).toEqual([]);
    expect(seen).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("entries in order", () => {
  const sequences = async (entries: AsyncIterable<JournalEntry>) => {
    const found: number[] = [];
    for await (const { sequence } of entries) found.push(sequence);
    return found;
  };
  const numbers = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => from + n);

  test("go back to the making of the zone, or to the oldest that is kept", async () => {
    const entries = journal(steps(250));
    expect(await sequences(entriesBack(zoneJournal(entries), 240))).toEqual(
      numbers(1, 240).reverse(),
    );
    const kept = entries.slice(77);
    expect(await sequences(entriesBack(zoneJournal(kept), 250))).toEqual(
      numbers(78, 250).reverse(),
    );
    expect(await sequences(entriesBack(zoneJournal(kept), 77))).toEqual([]);
    expect(await sequences(entriesBack(zoneJournal(kept), 0))).toEqual([]);
  });

  test("do not go back behind the making of a zone that was there before", async () => {
    const entries = journal(steps(9));
    const again = { ...(entries[4] as JournalEntry), fromSerial: 5 };
    const made = entries.with(4, again);
    expect(await sequences(entriesBack(zoneJournal(made), 9))).toEqual([9, 8, 7, 6, 5]);
  });

  test("go forward from the oldest that is kept", async () => {
    const entries = journal(steps(250)).slice(77);
    expect(await sequences(entriesUpTo(zoneJournal(entries), 240))).toEqual(numbers(78, 240));
    expect(await sequences(entriesUpTo(zoneJournal(entries), 999))).toEqual(numbers(78, 250));
  });
});
