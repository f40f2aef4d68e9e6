import { describe, expect, it } from "vitest";
import { Limits } from "../base/limits.ts";
import { ReaderEpoch, WriterEpoch } from "./epochs.ts";
import { HEADER_WORDS, Header } from "./layout.ts";
import { createTableMemory } from "./table-memory.ts";

function epochs(readers: number) {
  const { words } = createTableMemory(64 * 1024);
  const writer = new WriterEpoch(words);
  return {
    words,
    writer,
    readers: Array.from({ length: readers }, (_, slot) => new ReaderEpoch(words, slot)),
  };
}

describe("an epoch", () => {
  it("is passed when nobody is inside", () => {
    const { writer } = epochs(3);
    writer.advance();
    expect(writer.isPassed()).toBe(true);
  });

  it("is not passed while a reader from before is inside", () => {
    const { writer, readers } = epochs(3);
    readers[2]!.enter();
    writer.advance();
    expect(writer.isPassed()).toBe(false);
    readers[0]!.enter();
    expect(writer.isPassed()).toBe(false);
    readers[2]!.leave();
    expect(writer.isPassed()).toBe(true);
  });

  it("is passed by a reader that enters again without leaving", () => {
    const { writer, readers } = epochs(1);
    readers[0]!.enter();
    writer.advance();
    readers[0]!.enter();
    expect(writer.isPassed()).toBe(true);
  });

  it("is passed once a dead reader's slot is cleared", () => {
    const { writer, readers } = epochs(2);
    readers[1]!.enter();
    writer.advance();
    writer.clearReader(1);
    expect(writer.isPassed()).toBe(true);
  });

  it("counts a reader whose slot was taken again, and those in slots above it", () => {
    const { words, writer, readers } = epochs(3);
    const again = new ReaderEpoch(words, 0);
    readers[2]!.enter();
    writer.advance();
    expect(writer.isPassed()).toBe(false);
    readers[2]!.leave();
    expect(writer.isPassed()).toBe(true);
    again.enter();
    writer.advance();
    expect(writer.isPassed()).toBe(false);
  });

  it("wraps without ever being the value of nobody inside", () => {
    const { words, writer, readers } = epochs(1);
    words[Header.epoch] = -1;
    readers[0]!.enter();
    writer.advance();
    expect(words[Header.epoch]).toBe(1);
    expect(writer.isPassed()).toBe(false);
    readers[0]!.enter();
    expect(writer.isPassed()).toBe(true);
  });

  it("knows as many readers as the limit says", () => {
    const { words, writer } = epochs(0);
    const last = new ReaderEpoch(words, Limits.tableReaders - 1);
    last.enter();
    writer.advance();
    expect(writer.isPassed()).toBe(false);
    expect(words.subarray(HEADER_WORDS).every((word) => word === 0)).toBe(true);
    expect(() => new ReaderEpoch(words, Limits.tableReaders)).toThrow(/slot/);
    expect(() => new ReaderEpoch(words, -1)).toThrow(/slot/);
  });
});
