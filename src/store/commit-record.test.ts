import { expect, test } from "vitest";
import { address, end, host, makeCommit, put, soa, text } from "../../test/store/zone-samples.ts";
import { concatBytes } from "../base/bytes.ts";
import { ErrorCode } from "../base/errors.ts";
import { parseName } from "../wire/name.ts";
import { readLogRecords, writeCommitRecord, writeDoneRecord } from "./commit-record.ts";
import { type WrittenCommit, writeCommit } from "./written-commit.ts";

const ORIGIN = parseName("dyn.example.com.");
const PLACE = "commits.log";

function written(...args: Parameters<typeof makeCommit>): WrittenCommit {
  return writeCommit(makeCommit(...args));
}

/** As they are read: without the buffers that they were written into. */
function plain({ journal, rrsets, ...commit }: WrittenCommit): WrittenCommit {
  const bytes = (each: Uint8Array) => new Uint8Array(each);
  const copies = rrsets.map(({ key, value }) => ({
    key: bytes(key),
    value: value && bytes(value),
  }));
  return { ...commit, journal: journal.map(bytes), rrsets: copies };
}

const sample: WrittenCommit = written(
  ORIGIN,
  { serial: 7, sequence: 3, mark: 5 },
  [
    put(soa(ORIGIN, 9)),
    put(address(host("www", ORIGIN), 1)),
    end(address(host("old", ORIGIN), 1)),
    put(text(host("long", ORIGIN), new Uint8Array(50_000).fill(3))),
  ],
  2,
);

test("commits and deletions come back as they were, one behind the other", () => {
  const root = written(parseName("."), { serial: 0xffff_ffff, sequence: 2 ** 52 }, []);
  const payload = concatBytes([
    writeCommitRecord(sample),
    writeDoneRecord(ORIGIN),
    writeCommitRecord(root),
  ]);
  expect(readLogRecords(payload, PLACE)).toEqual([
    { kind: "commit", commit: plain(sample) },
    { kind: "done", origin: ORIGIN },
    { kind: "commit", commit: plain(root) },
  ]);
  expect(readLogRecords(new Uint8Array(0), PLACE)).toEqual([]);
});

test("what cannot be read is told, never guessed at", () => {
  const format = { code: ErrorCode.storeFormat };
  const unknown = writeDoneRecord(ORIGIN).slice();
  unknown[4] = 3;
  expect(() => readLogRecords(unknown, PLACE)).toThrow(expect.objectContaining(format));
  expect(() => readLogRecords(unknown, PLACE)).toThrow("of kind 3");
  const nameless = writeDoneRecord(ORIGIN).slice();
  nameless[nameless.length - 1] = 1;
  expect(() => readLogRecords(nameless, PLACE)).toThrow("it is not a name");
  const short = { ...sample, next: { ...sample.next, sequence: 9 } };
  expect(() => readLogRecords(writeCommitRecord(short), PLACE)).toThrow("its entries do not fit");
  const whole = writeCommitRecord(sample);
  for (const length of [1, 3, 4, 30, whole.length - 1]) {
    expect(() => readLogRecords(whole.subarray(0, length), PLACE)).toThrow("ends early");
  }
});
