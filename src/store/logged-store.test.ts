import { describe, expect, test } from "vitest";
import { MemoryAsideFiles } from "../../test/store/memory-aside-files.ts";
import { MemoryLogFile } from "../../test/store/memory-log-file.ts";
import {
  address,
  collect,
  creation,
  host,
  makeCommit,
  put,
  soa,
  text,
} from "../../test/store/zone-samples.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { equalNames, formatName, type Name, parseName } from "../wire/name.ts";
import { writeCommitRecord } from "./commit-record.ts";
import { readJournalRecord } from "./journal-record.ts";
import { type LoggedStore, openLoggedStore } from "./logged-store.ts";
import { createMemoryState, MemoryStore } from "./memory-store.ts";
import { readRRsetKey, readRRsetValue } from "./rrset-record.ts";
import type { CommitOutcome, Store, ZoneCommit, ZoneVersion } from "./store.ts";
import { type WrittenCommit, type WrittenStore, writeCommit } from "./written-commit.ts";

const ORIGIN = parseName("dyn.example.com.");
const OTHER = parseName("example.net.");
const FIRST: ZoneVersion = { serial: 1, sequence: 1 };

/** The store below: it can fail, and tells how often it was written. */
class Below extends MemoryStore implements WrittenStore {
  problem: Error | undefined;
  unreadable: Name | undefined;
  commits: WrittenCommit[] = [];

  async commitWritten(commit: WrittenCommit): Promise<CommitOutcome> {
    if (this.unreadable !== undefined && equalNames(commit.origin, this.unreadable)) {
      throw new WindhoverError(ErrorCode.storeFormat, "its version is missing");
    }
    if (this.problem !== undefined) throw this.problem;
    this.commits.push(commit);
    return this.commit(readWritten(commit));
  }
}

function readWritten({ origin, expected, next, journal, rrsets }: WrittenCommit): ZoneCommit {
  const entries = journal.map((record, at) =>
    readJournalRecord(record, origin, expected.sequence + 1 + at, "test"),
  );
  const changes = rrsets.map(({ key, value }) => {
    const name = readRRsetKey(key, 0, origin, "test");
    return { ...name, rrset: value && readRRsetValue(value, name, "test") };
  });
  return { origin, expected, next, entries, changes };
}

interface Subject {
  readonly store: LoggedStore;
  readonly below: Below;
  readonly file: MemoryLogFile;
  readonly aside: MemoryAsideFiles;
}

async function open(
  file = new MemoryLogFile(),
  below = new Below(),
  aside = new MemoryAsideFiles(),
): Promise<Subject> {
  const store = await openLoggedStore(below, file, aside, "commits.log");
  return { store, below, file, aside };
}

async function withZone(...origins: Name[]): Promise<Subject> {
  const subject = await open();
  await makeZones(subject.store, ...origins);
  return subject;
}

async function makeZones(store: Store, ...origins: Name[]): Promise<void> {
  for (const origin of origins) await store.createZone(creation(origin), [soa(origin, 1)]);
}

/** Steps the zone from one version to a later one, host by host. */
async function step(store: Store, from: ZoneVersion, count: number, origin = ORIGIN) {
  let expected = from;
  for (let at = 0; at < count; at++) {
    const owner = host(`h${expected.sequence}`, origin);
    const commit = makeCommit(origin, expected, [put(address(owner, at))]);
    expect(await store.commit(commit)).toEqual({ status: "committed" });
    expected = commit.next;
  }
  return expected;
}

async function sizeOf(store: Store, origin = ORIGIN): Promise<number> {
  return (await collect(await store.loadZone(origin))).size;
}

test("what was acknowledged is there after a crash, though the store below knew nothing of it", async () => {
  const { store, below, file } = await withZone(ORIGIN, OTHER);
  const last = await step(store, FIRST, 20);
  const other = await step(store, FIRST, 3, OTHER);
  expect(below.commits).toEqual([]);
  const fresh = new Below();
  await makeZones(fresh, ORIGIN, OTHER);
  const again = await open(file.crashed(), fresh);
  expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...last });
  expect(await again.store.findZone(OTHER)).toEqual({ origin: OTHER, ...other });
  expect(await sizeOf(again.store)).toBe(21);
  const journal = await again.store.readJournal(ORIGIN, { afterSequence: 0, limit: 100 });
  expect(journal.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 21 }, (_, at) => at + 1),
  );
});

test("what was done before the crash is not done again, and the rest is", async () => {
  const { store, file, below } = await withZone(ORIGIN);
  const half = await step(store, FIRST, 5);
  await store.findZone(ORIGIN);
  const last = await step(store, half, 5);
  const again = await open(file.crashed(), below);
  expect(below.commits.map(({ next }) => next.sequence)).toEqual([half.sequence, last.sequence]);
  expect(await sizeOf(again.store)).toBe(11);
  const third = await open(again.file.crashed(), below);
  expect(await third.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...last });
  expect(below.commits).toHaveLength(2);
});

test("everything else sees what was acknowledged", async () => {
  const { store } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  expect(await store.listZones()).toEqual([{ origin: ORIGIN, ...second }]);
  const third = await step(store, second, 1);
  expect(await sizeOf(store)).toBe(3);
  await step(store, third, 1);
  expect(await store.readJournal(ORIGIN, { afterSequence: 3, limit: 9 })).toHaveLength(1);
});

test("commits that wait share a frame, and those close in time are one below", async () => {
  const { store, below, file } = await withZone(ORIGIN, OTHER);
  const frames = file.writes;
  await Promise.all([step(store, FIRST, 1), step(store, FIRST, 1, OTHER)]);
  expect(file.writes - frames).toBeLessThanOrEqual(2);
  await step(store, await step(store, { serial: 2, sequence: 2 }, 10), 10);
  await store.listZones();
  expect(below.commits.map(({ journal }) => journal.length).sort()).toEqual([1, 21]);
});

test("a commit against another version is a conflict that says what there is", async () => {
  const { store } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  const late = makeCommit(ORIGIN, FIRST, []);
  expect(await store.commit(late)).toEqual({ status: "conflict", actual: second });
  const nowhere = makeCommit(OTHER, FIRST, []);
  expect(await store.commit(nowhere)).toEqual({ status: "conflict", actual: undefined });
});

test("of commits that race for a version one wins", async () => {
  const { store } = await withZone(ORIGIN);
  const racing = Array.from({ length: 5 }, () => store.commit(makeCommit(ORIGIN, FIRST, [])));
  const outcomes = (await Promise.all(racing)).map(({ status }) => status).sort();
  expect(outcomes).toEqual(["committed", "conflict", "conflict", "conflict", "conflict"]);
});

test("a zone that was deleted takes its changes with it, also for the next of its name", async () => {
  const { store, file } = await withZone(ORIGIN, OTHER);
  await step(store, FIRST, 4);
  const kept = await step(store, FIRST, 2, OTHER);
  expect(await store.deleteZone(ORIGIN)).toBe(true);
  expect(await store.deleteZone(ORIGIN)).toBe(false);
  expect(await store.commit(makeCommit(ORIGIN, FIRST, []))).toMatchObject({ status: "conflict" });
  const anew = { serial: 1, sequence: 6 };
  const make = (to: Store) => to.createZone({ ...creation(ORIGIN), sequence: 6 }, [soa(ORIGIN, 1)]);
  await make(store);
  const fresh = new Below();
  await makeZones(fresh, OTHER);
  await make(fresh);
  const again = await open(file.crashed(), fresh);
  expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...anew });
  expect(await again.store.findZone(OTHER)).toEqual({ origin: OTHER, ...kept });
  await step(store, anew, 1);
});

test("a commit that comes while its zone is deleted waits and finds no zone; one before it is done", async () => {
  const { store } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  const before = store.commit(makeCommit(ORIGIN, second, []));
  const deleted = store.deleteZone(ORIGIN);
  const after = store.commit(makeCommit(ORIGIN, { serial: 3, sequence: 3 }, []));
  expect(await before).toEqual({ status: "committed" });
  expect(await deleted).toBe(true);
  expect(await after).toEqual({ status: "conflict", actual: undefined });
});

test(`a commit of ${Limits.loggedCommit} octets is logged; a larger one goes past the log`, async () => {
  const { store, below, file } = await withZone(ORIGIN);
  const parts = Array.from({ length: 13 }, (_, at) =>
    put(text(host(`h${at}`, ORIGIN), new Uint8Array(60_000))),
  );
  const commitOf = (from: ZoneVersion, octets: number) => {
    const withRest = (length: number) =>
      makeCommit(ORIGIN, from, [...parts, put(text(host("rest", ORIGIN), new Uint8Array(length)))]);
    return withRest(octets - writeCommitRecord(writeCommit(withRest(0))).length);
  };
  const fits = commitOf(FIRST, Limits.loggedCommit);
  expect(writeCommitRecord(writeCommit(fits))).toHaveLength(Limits.loggedCommit);
  expect(await store.commit(fits)).toEqual({ status: "committed" });
  expect(below.commits).toEqual([]);
  const larger = commitOf(fits.next, Limits.loggedCommit + 1);
  expect(writeCommitRecord(writeCommit(larger))).toHaveLength(Limits.loggedCommit + 1);
  const writes = file.writes;
  expect(await store.commit(larger)).toEqual({ status: "committed" });
  expect(below.commits.map(({ next }) => next)).toEqual([fits.next, larger.next]);
  expect(file.writes - writes).toBe(1);
  await step(store, larger.next, 1);
});

test("the log goes round and round, and nothing is lost on the way", async () => {
  const { store, file } = await withZone(ORIGIN);
  let expected = FIRST;
  let frames = 0;
  const blob = new Uint8Array(55_000);
  for (let at = 0; at < 60; at++) {
    const changes = Array.from({ length: 10 }, (_, part) =>
      put(text(host(`h${at}-${part}`, ORIGIN), blob)),
    );
    const commit = makeCommit(ORIGIN, expected, changes);
    expect(await store.commit(commit)).toEqual({ status: "committed" });
    expected = commit.next;
    frames++;
  }
  expect(frames * 10 * blob.length).toBeGreaterThan(3 * Limits.commitLogHalf);
  const crashed = file.crashed();
  expect(await sizeOf(store)).toBe(601);
  const below = new Below();
  await expect(open(crashed, below)).rejects.toThrow("is not there");
  expect(await store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...expected });
});

test("a disk that fails refuses the commit, and what it refused is not there later", async () => {
  const { store, file, below } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  file.failAfter = 4_000;
  const refused = makeCommit(ORIGIN, second, [put(address(host("refused", ORIGIN), 1))]);
  const problem = { code: ErrorCode.storeUnavailable };
  await expect(store.commit(refused)).rejects.toMatchObject(problem);
  await expect(store.commit(refused)).rejects.toMatchObject({ message: /EIO/ });
  file.failAfter = undefined;
  expect(await store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...second });
  const third = await step(store, second, 1);
  const again = await open(file.crashed(), below);
  expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...third });
  expect((await collect(await again.store.loadZone(ORIGIN))).size).toBe(3);
});

test("a store below that fails refuses what comes, keeps what was acknowledged, and goes on when it is well", async () => {
  const { store, file, below } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  below.problem = new Error("the disk is full");
  await expect(store.findZone(ORIGIN)).rejects.toThrow("the disk is full");
  await expect(store.commit(makeCommit(ORIGIN, second, []))).rejects.toThrow("the disk is full");
  const fresh = new Below();
  await makeZones(fresh, ORIGIN);
  const crashed = await open(file.crashed(), fresh);
  expect(await crashed.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...second });
  below.problem = undefined;
  const third = await step(store, second, 1);
  expect(await store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...third });
});

test("closing does what is left below and empties the log; what cannot be done stays in it", async () => {
  const { store, file, below } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  below.problem = new Error("the disk is full");
  await store.close();
  expect(file.isClosed).toBe(true);
  await expect(store.findZone(ORIGIN)).rejects.toThrow("closed");
  const fresh = new Below();
  await makeZones(fresh, ORIGIN);
  const again = await open(file.crashed(), fresh);
  const third = await step(again.store, second, 1);
  await again.store.close();
  const state = createMemoryState();
  const empty = await open(again.file.crashed(), new Below(state));
  expect(await empty.store.listZones()).toEqual([]);
  expect(third.sequence).toBe(3);
});

test("a log that cannot be closed is told, and the store below is closed all the same", async () => {
  const { store, file, below } = await withZone(ORIGIN);
  file.close = () => Promise.reject(new Error("EIO: i/o error, close"));
  await expect(store.close()).rejects.toThrow("EIO: i/o error, close");
  await expect(below.listZones()).rejects.toThrow("closed");
});

test("a log of which the store beside it leads to nothing is not given up silently", async () => {
  const { store, file } = await withZone(ORIGIN);
  await step(store, FIRST, 2);
  const elsewhere = new Below();
  await elsewhere.createZone(creation(ORIGIN, 9), [soa(ORIGIN, 9)]);
  const opening = open(file.crashed(), elsewhere);
  await expect(opening).rejects.toMatchObject({ code: ErrorCode.storeFormat });
  await expect(open(file.crashed(), new Below())).rejects.toThrow("is not there");
});

describe("a zone that the store below cannot take", () => {
  /** One zone stands elsewhere than the log leads from; the other goes on. */
  async function apart() {
    const { store, file } = await withZone(ORIGIN, OTHER);
    const last = await step(store, FIRST, 2);
    const other = await step(store, FIRST, 3, OTHER);
    const below = new Below();
    await makeZones(below, OTHER);
    await below.createZone(creation(ORIGIN, 9), [soa(ORIGIN, 9)]);
    return { file, below, last, other };
  }

  test("stands alone at the start: the others are there, and nothing of it is shown or changed", async () => {
    const { file, below, other } = await apart();
    const { store, aside } = await open(file.crashed(), below);
    expect(await store.findZone(OTHER)).toEqual({ origin: OTHER, ...other });
    await step(store, other, 1, OTHER);
    const commit = makeCommit(ORIGIN, { serial: 9, sequence: 1 }, []);
    const refused = { code: ErrorCode.storeFormat };
    await expect(store.findZone(ORIGIN)).rejects.toMatchObject(refused);
    await expect(store.loadZone(ORIGIN)).rejects.toMatchObject(refused);
    await expect(store.commit(commit)).rejects.toMatchObject(refused);
    await expect(store.deleteZone(ORIGIN)).rejects.toMatchObject(refused);
    await expect(store.createZone(creation(ORIGIN), [])).rejects.toMatchObject(refused);
    const journal = store.readJournal(ORIGIN, { afterSequence: 0, limit: 1 });
    await expect(journal).rejects.toThrow(/up to serial 3, entry 3.*at serial 9.*aside-dyn/);
    expect([...aside.files.keys()]).toEqual(["aside-dyn.example.com."]);
    expect(await below.findZone(ORIGIN)).toMatchObject({ serial: 9 });
  });

  test("is listed though the store below has none of that name", async () => {
    const { file } = await apart();
    const below = new Below();
    await makeZones(below, OTHER);
    const { store } = await open(file.crashed(), below);
    const origins = await store.listOrigins();
    expect(origins.map(formatName).sort()).toEqual(["dyn.example.com.", "example.net."]);
    await expect(store.findZone(ORIGIN)).rejects.toThrow("is not there");
  });

  test("has what was acknowledged again as soon as the store leads to it", async () => {
    const { file, below, last, other } = await apart();
    const { aside, file: begun } = await open(file.crashed(), below);
    const mended = new Below();
    await makeZones(mended, ORIGIN, OTHER);
    const again = await open(begun.crashed(), mended, aside);
    expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...last });
    expect(aside.files.size).toBe(0);
    expect(other.sequence).toBe(4);
  });

  test("is given up by who removes the file", async () => {
    const { file, below } = await apart();
    const { aside, file: begun } = await open(file.crashed(), below);
    aside.files.clear();
    const again = await open(begun.crashed(), below, aside);
    expect(await again.store.findZone(ORIGIN)).toMatchObject({ serial: 9 });
  });

  test("leaves its commits once, though a crash left them in the log as well", async () => {
    const { file, below, last } = await apart();
    const { aside } = await open(file.crashed(), below);
    const mended = new Below();
    await makeZones(mended, ORIGIN, OTHER);
    const again = await open(file.crashed(), mended, aside);
    expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...last });
    expect(await sizeOf(again.store)).toBe(3);
  });

  test("stands alone while the store is open: who follows it is told", async () => {
    const { store, below, file, aside } = await withZone(ORIGIN, OTHER);
    const changed: string[] = [];
    const stop = store.watch({
      zones: {
        origins: () => [],
        version: () => undefined,
        changed: (origin) => changed.push(formatName(origin)),
      },
    });
    const last = await step(store, FIRST, 2);
    const other = await step(store, FIRST, 2, OTHER);
    below.unreadable = ORIGIN;
    expect(await store.findZone(OTHER)).toEqual({ origin: OTHER, ...other });
    await expect(store.findZone(ORIGIN)).rejects.toThrow(/its version is missing.*aside-dyn/);
    expect(changed).toEqual(["dyn.example.com."]);
    const later = await step(store, other, 2, OTHER);
    await expect(
      store.commit(makeCommit(ORIGIN, last, [put(address(ORIGIN, 1))])),
    ).rejects.toMatchObject({ code: ErrorCode.storeFormat });
    stop();
    await store.close();
    below.unreadable = undefined;
    const mended = new Below();
    await makeZones(mended, ORIGIN, OTHER);
    const again = await open(file.crashed(), mended, aside);
    expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...last });
    expect(later.sequence).toBe(5);
  });

  test("keeps everything in the log while it cannot be set aside", async () => {
    const { store, below, aside } = await withZone(ORIGIN, OTHER);
    await step(store, FIRST, 2);
    below.unreadable = ORIGIN;
    aside.problem = new Error("the disk is full");
    await expect(store.findZone(OTHER)).rejects.toThrow("the disk is full");
    aside.problem = undefined;
    expect(await store.findZone(OTHER)).toEqual({ origin: OTHER, ...FIRST });
    await expect(store.findZone(ORIGIN)).rejects.toThrow("aside-dyn");
  });
});

test("a probe tells of a failure that nobody was told of, and mends it when the disk is well", async () => {
  const { store, file, below } = await withZone(ORIGIN);
  await store.probe();
  const second = await step(store, FIRST, 1);
  below.problem = new Error("the disk is full");
  await expect(store.findZone(ORIGIN)).rejects.toThrow();
  await expect(store.probe()).rejects.toThrow("the disk is full");
  file.failAfter = 0;
  below.problem = undefined;
  await expect(store.probe()).rejects.toThrow("commits.log cannot be written: EIO");
  await expect(store.probe()).rejects.toMatchObject({ code: ErrorCode.storeUnavailable });
  file.failAfter = undefined;
  await store.probe();
  expect(below.commits.at(-1)?.next).toEqual(second);
  await step(store, second, 1);
});

test("a commit that failed below and was done all the same is not done again, and the rest is", async () => {
  const { store, below } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  const { commitWritten } = below;
  below.commitWritten = async (commit) => {
    await commitWritten.call(below, commit);
    throw new Error("EIO: nobody knows");
  };
  await expect(store.findZone(ORIGIN)).rejects.toThrow("EIO");
  below.commitWritten = commitWritten;
  const third = await step(store, second, 3);
  expect(await store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...third });
  // Tried twice, and refused the second time, as it was there.
  expect(below.commits.map(({ next }) => next.sequence)).toEqual([2, 2, 5]);
});

/** Whatever is ready is done. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What the store below is asked waits until the function that is returned is called, and fails then. */
function failingLater(below: Below): () => void {
  const { commitWritten } = below;
  let fail = () => {};
  const failing = new Promise<never>((_, reject) => {
    fail = () => reject(new Error("EIO: nobody knows"));
  });
  below.commitWritten = () => failing;
  return () => {
    below.commitWritten = commitWritten;
    fail();
  };
}

test("what was logged while the store below failed is done below before the log is emptied", async () => {
  const state = createMemoryState();
  const { store, file, below } = await open(new MemoryLogFile(), new Below(state));
  await makeZones(store, ORIGIN);
  const fail = failingLater(below);
  const second = await step(store, FIRST, 1);
  const reading = store.findZone(ORIGIN);
  await turn();
  const third = await step(store, second, 1);
  fail();
  await expect(reading).rejects.toThrow("EIO");
  await store.close();
  const again = await open(file.crashed(), new Below(state));
  expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...third });
});

test("a log into which a frame is being written is not emptied before the frame is done below", async () => {
  const { store, file, below } = await withZone(ORIGIN);
  const fail = failingLater(below);
  const second = await step(store, FIRST, 1);
  const reading = store.findZone(ORIGIN);
  await turn();
  let goOn = () => {};
  file.gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const stepping = step(store, second, 1);
  fail();
  await expect(reading).rejects.toThrow("EIO");
  const probing = store.probe();
  await turn();
  goOn();
  await probing;
  const third = await stepping;
  const again = await open(file.crashed(), below);
  expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...third });
});

test("a half that is full to its last octet holds nothing more, be it empty", async () => {
  const { store, file, below } = await withZone(ORIGIN, OTHER);
  let last = await step(store, FIRST, 1);
  await store.findZone(ORIGIN);
  const done = [...below.commits];
  const fail = failingLater(below);
  last = await step(store, last, 1);
  const reading = store.findZone(ORIGIN);
  await turn();
  // The second half is being done; the first takes a page for each.
  last = await step(store, last, Limits.commitLogHalf / 4_096);
  const deleting = store.deleteZone(OTHER);
  await turn();
  const fresh = new Below();
  await makeZones(fresh, ORIGIN, OTHER);
  for (const commit of done) await fresh.commitWritten(commit);
  const again = await open(file.crashed(), fresh);
  expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...last });
  fail();
  await expect(reading).rejects.toThrow("EIO");
  await expect(deleting).rejects.toThrow("EIO");
});

test("a change that went past the log is not in the way of those in it after a crash", async () => {
  const { store, file, below } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  const large = Array.from({ length: 20 }, (_, at) =>
    put(text(host(`large${at}`, ORIGIN), new Uint8Array(60_000))),
  );
  const past = makeCommit(ORIGIN, second, large);
  expect(await store.commit(past)).toEqual({ status: "committed" });
  await open(file.crashed(), below);
  const last = await step(store, past.next, 1);
  const again = await open(file.crashed(), below);
  expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...last });
});

test("a zone that is found to be unreadable below while it is to be deleted is set aside, and stays", async () => {
  const { store, file, below, aside } = await withZone(ORIGIN);
  const second = await step(store, FIRST, 1);
  below.unreadable = ORIGIN;
  await expect(store.deleteZone(ORIGIN)).rejects.toMatchObject({ code: ErrorCode.storeFormat });
  below.unreadable = undefined;
  const again = await open(file.crashed(), below, aside);
  expect(await again.store.findZone(ORIGIN)).toEqual({ origin: ORIGIN, ...second });
});
