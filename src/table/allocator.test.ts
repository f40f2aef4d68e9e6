import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Allocator } from "./allocator.ts";
import { HEADER_WORDS } from "./layout.ts";

function allocator(bytes: number): Allocator {
  return new Allocator(new Int32Array(new ArrayBuffer(bytes)));
}

/** Blocks of this size until no more is had. */
function fill(memory: Allocator, words: number): number[] {
  const blocks: number[] = [];
  for (let block = memory.allocate(words); block !== 0; block = memory.allocate(words)) {
    blocks.push(block);
  }
  return blocks;
}

describe("Allocator", () => {
  it("hands out blocks that don't overlap, at even words, after the header and before the end", () => {
    const bytes = 256 * 1024;
    const sizes = fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 200 });
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(), { maxLength: 100 }), (wanted, freed) => {
        const memory = allocator(bytes);
        const blocks: { start: number; words: number }[] = [];
        const take = (words: number) => {
          const start = memory.allocate(words);
          if (start === 0) return;
          expect(memory.blockBytes(start)).toBeGreaterThanOrEqual(words * 4);
          blocks.push({ start, words });
        };
        wanted.forEach(take);
        for (const each of freed) {
          const [gone] = blocks.splice(each % (blocks.length || 1), 1);
          if (gone !== undefined) memory.free(gone.start);
        }
        wanted.forEach(take);
        blocks.sort((a, b) => a.start - b.start);
        let end = HEADER_WORDS;
        for (const { start, words } of blocks) {
          expect(start % 2).toBe(0);
          expect(start).toBeGreaterThanOrEqual(end);
          end = start + words;
        }
        expect(end).toBeLessThanOrEqual(bytes / 4);
        for (const { start } of blocks) memory.free(start);
        expect(memory.bytes).toBe(0);
      }),
    );
  });

  it("loses no memory to any order of sizes", () => {
    const memory = allocator(1024 * 1024);
    const most = fill(memory, 60_000);
    expect(most.length).toBeGreaterThan(3);
    for (const block of most) memory.free(block);
    for (const words of [2, 13, 64, 100, 255, 1000, 20_000]) {
      const blocks = fill(memory, words);
      expect(blocks.length * words * 4).toBeGreaterThan(700 * 1024);
      for (const block of blocks.reverse()) memory.free(block);
    }
    expect(fill(memory, 60_000)).toEqual(most);
  });

  it("wastes little of a block", () => {
    const memory = allocator(4 * 1024 * 1024);
    for (let words = 1; words < 3000; words++) {
      const block = memory.allocate(words);
      const waste = memory.blockBytes(block) - words * 4;
      expect(waste).toBeLessThan(Math.max(8, words * 4 * 0.25, words > 256 ? 4096 : 0));
      memory.free(block);
    }
  });

  it("notices a block freed twice when its page is free", () => {
    const memory = allocator(256 * 1024);
    const block = memory.allocate(10);
    memory.free(block);
    expect(() => memory.free(block)).toThrow(/handed out/);
  });
});
