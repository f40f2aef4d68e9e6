import fc from "fast-check";
import { expect, test } from "vitest";
import { WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { canonicalName, parseName } from "../wire/name.ts";
import { makeRRset } from "../zone/rrset.ts";
import { readJournalRecord, writeJournalRecord } from "./journal-record.ts";
import type { JournalEntry } from "./store.ts";

const ORIGIN = parseName("dyn.example.com.");

const owner = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 4 })
  .map((labels) => labels.flatMap((label) => [label.length, ...label]))
  .map((octets) => canonicalName(Uint8Array.from([...octets, ...ORIGIN])));
const rdatas = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 });
const rrsets = fc.array(
  fc
    .tuple(owner, fc.nat(0xffff), fc.nat(Limits.ttl), rdatas)
    .map(([name, rrtype, ttl, list]) => makeRRset(name, rrtype, ttl, list)),
  { maxLength: 4 },
);
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const serial = fc.integer({ min: 0, max: 0xffff_ffff });
const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const entry: fc.Arbitrary<JournalEntry> = fc.record({
  origin: fc.constant(ORIGIN),
  sequence: whole,
  timeMs: whole,
  fromSerial: serial,
  toSerial: serial,
  actor: text,
  door: text,
  address: text,
  removed: rrsets,
  added: rrsets,
});

test("read after write is the same entry", () => {
  fc.assert(
    fc.property(entry, (each) => {
      const record = writeJournalRecord(each);
      expect(readJournalRecord(record, ORIGIN, each.sequence, "here")).toEqual(each);
    }),
  );
});

test("changed octets give an entry that is written the same again, or are refused", () => {
  const mutation = fc.record({ at: fc.nat(300), octet: fc.nat(255), cut: fc.nat(30) });
  fc.assert(
    fc.property(entry, mutation, (each, { at, octet, cut }) => {
      const whole = writeJournalRecord(each);
      const bytes = Uint8Array.from(whole.subarray(0, whole.length - cut));
      if (at < bytes.length) bytes[at] = octet;
      let read: JournalEntry;
      try {
        read = readJournalRecord(bytes, ORIGIN, each.sequence, "here");
      } catch (error) {
        expect(error).toBeInstanceOf(WindhoverError);
        expect(error).toMatchObject({ code: "store-format" });
        return;
      }
      expect(Buffer.compare(writeJournalRecord(read), bytes)).toBe(0);
    }),
    { numRuns: 2_000 },
  );
});

test("a record of another sequence is not that entry, and the error says which it was", () => {
  const [each] = fc.sample(entry, 1) as [JournalEntry];
  const record = writeJournalRecord({ ...each, sequence: 7 });
  const read = () => readJournalRecord(record, ORIGIN, 8, "Redis at redis://h:1/0");
  expect(read).toThrow("Redis at redis://h:1/0: entry 8 of the journal of dyn.example.com.");
});
