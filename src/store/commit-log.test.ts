import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryLogFile } from "../../test/store/memory-log-file.ts";
import { Limits } from "../base/limits.ts";
import { beginCommitLog, COMMIT_LOG_LENGTH, CommitLog, readCommitLog } from "./commit-log.ts";

const PAGE = 4_096;
const HEADER = 28;

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

async function texts(file: MemoryLogFile): Promise<string[]> {
  return (await readCommitLog(file)).map((payload) => Buffer.from(payload).toString());
}

async function logOf(...payloads: string[]) {
  const file = new MemoryLogFile();
  const log = new CommitLog(file);
  for (const payload of payloads) await log.append([bytes(payload)]);
  return { file, log };
}

test("what was appended comes back in order, whatever its parts", async () => {
  const payload = fc.array(fc.uint8Array({ maxLength: 6_000 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(payload, { maxLength: 8 }), async (payloads) => {
      const file = new MemoryLogFile();
      const log = new CommitLog(file);
      for (const parts of payloads) await log.append(parts);
      const expected = payloads.map((parts) => Buffer.concat(parts).toString("hex"));
      const found = (await readCommitLog(file)).map((each) => Buffer.from(each).toString("hex"));
      expect(found).toEqual(expected);
    }),
    { numRuns: 20 },
  );
});

test("an empty file, one that is too short and one of other octets hold nothing", async () => {
  expect(await texts(new MemoryLogFile())).toEqual([]);
  expect(await texts(new MemoryLogFile(new Uint8Array(10)))).toEqual([]);
  expect(await texts(new MemoryLogFile(new Uint8Array(COMMIT_LOG_LENGTH).fill(0x57)))).toEqual([]);
});

test("a frame that was cut short anywhere is none, and those before it are whole", async () => {
  const { file } = await logOf("one", "two");
  const whole = HEADER + "three".length;
  for (let octets = 0; octets <= whole; octets++) {
    const torn = file.crashed();
    const log = new CommitLog(torn);
    for (const payload of ["one", "two"]) await log.append([bytes(payload)]);
    torn.failAfter = octets;
    await expect(log.append([bytes("three")])).rejects.toThrow("EIO");
    expect(await texts(torn)).toEqual(octets < whole ? ["one", "two"] : ["one", "two", "three"]);
  }
});

test("a spoilt octet ends what counts", async () => {
  const { file } = await logOf("one", "two", "three");
  for (let at = 0; at < HEADER + "two".length; at++) {
    const spoilt = file.crashed();
    spoilt.octets[PAGE + at]! ^= 0x10;
    expect(await texts(spoilt)).toEqual(["one"]);
  }
});

test("halves come in the order they were written in, and what is behind the new in a half is old", async () => {
  const { file, log } = await logOf("one", "two", "three");
  log.turn();
  await log.append([bytes("four")]);
  expect(await texts(file)).toEqual(["one", "two", "three", "four"]);
  log.turn();
  await log.append([bytes("five")]);
  expect(await texts(file)).toEqual(["four", "five"]);
});

test("frames of an earlier opening do not follow those of a later one", async () => {
  const { file } = await logOf("one", "two");
  await new CommitLog(file).append([bytes("new")]);
  expect(await texts(file)).toEqual(["new"]);
});

test("a half takes what fits and not an octet more", async () => {
  const { file, log } = await logOf("one");
  expect(log.isHalfFull).toBe(false);
  const { room } = log;
  expect(room).toBe(Limits.commitLogHalf - PAGE - HEADER);
  await expect(log.append([new Uint8Array(room + 1)])).rejects.toThrow("fits its half");
  await log.append([new Uint8Array(room).fill(7)]);
  expect(log.room).toBe(0);
  expect(log.isHalfFull).toBe(true);
  expect((await readCommitLog(file)).map(({ length }) => length)).toEqual([3, room]);
  log.turn();
  expect(log.room).toBe(Limits.commitLogHalf - HEADER);
});

test("after a failure nothing is appended before the log was cleared", async () => {
  const { file, log } = await logOf("one");
  file.failAfter = HEADER;
  await expect(log.append([bytes("two")])).rejects.toThrow("EIO");
  file.failAfter = undefined;
  await expect(log.append([bytes("three")])).rejects.toThrow("cleared before");
  await log.clear();
  expect(await texts(file)).toEqual([]);
  await log.append([bytes("four")]);
  expect(await texts(file)).toEqual(["four"]);
});

test("a log that was cleared is known by its first octets", async () => {
  const { file, log } = await logOf("one", "two");
  await log.clear();
  expect(await texts(file)).toEqual([]);
  expect(file.octetsRead).toBe(2 * HEADER);
});

test("clearing forgets the older half first", async () => {
  const { file, log } = await logOf("one");
  log.turn();
  await log.append([bytes("two")]);
  const seen: string[][] = [];
  const write = file.write.bind(file);
  file.write = async (...args) => {
    await write(...args);
    seen.push(await texts(file));
  };
  await log.clear();
  expect(seen).toEqual([["two"], []]);
});

/** What counts after each write of `work`. */
async function seenWhile(file: MemoryLogFile, work: () => Promise<unknown>): Promise<string[][]> {
  const seen: string[][] = [];
  const write = file.write.bind(file);
  file.write = async (...args) => {
    await write(...args);
    seen.push(await texts(file));
  };
  await work();
  return seen;
}

test("clearing forgets a half that was to be written again before the newer one", async () => {
  const { file, log } = await logOf("one");
  log.turn();
  await log.append([bytes("two")]);
  log.turn();
  expect(await seenWhile(file, () => log.clear())).toEqual([["two"], []]);
});

test("opening forgets the older half first, whichever it is", async () => {
  const { file, log } = await logOf("one");
  log.turn();
  await log.append([bytes("two")]);
  const second = file.crashed();
  expect(await seenWhile(second, () => beginCommitLog(second))).toEqual([["two"], []]);
  log.turn();
  await log.append([bytes("three")]);
  const first = file.crashed();
  expect(await seenWhile(first, () => beginCommitLog(first))).toEqual([["three"], []]);
});
