/** Rows in chunks. */
import { describe, expect, test } from "vitest";
import { CHUNK_ROWS, ZoneRows } from "./zone-rows.ts";

describe.each([3, 4] as const)("rows of %i columns", (columns) => {
  test("keep what they were given and what was changed, past their first sizes", () => {
    const rows = new ZoneRows(columns);
    for (let row = 0; row < 2_000; row++) {
      expect(rows.push(row, 2 * row, 3 * row, 0xffff_ffff)).toBe(row);
    }
    rows.set(255, 1, 7);
    rows.set(256, 0, 8);
    expect(rows.length).toBe(2_000);
    const read = (row: number) => Array.from({ length: columns }, (_, at) => rows.at(row, at));
    expect(read(255)).toEqual([255, 7, 765, 0xffff_ffff].slice(0, columns));
    expect(read(256)).toEqual([8, 512, 768, 0xffff_ffff].slice(0, columns));
    expect(read(1_999)).toEqual([1_999, 3_998, 5_997, 0xffff_ffff].slice(0, columns));
  });
});

test("a chunk goes when all of its rows are let go, and the next stays", () => {
  const rows = new ZoneRows(3);
  for (let row = 0; row <= CHUNK_ROWS; row++) rows.push(row, row, row);
  expect(rows.at(CHUNK_ROWS - 1, 2)).toBe(CHUNK_ROWS - 1);
  expect(rows.at(CHUNK_ROWS, 0)).toBe(CHUNK_ROWS);
  expect(rows.letGo(CHUNK_ROWS - 1)).toBe(false);
  expect(rows.at(CHUNK_ROWS - 1, 0)).toBe(CHUNK_ROWS - 1);
  expect(rows.letGo(CHUNK_ROWS)).toBe(true);
  expect(rows.chunk(0)).toHaveLength(0);
  expect(rows.letGo(CHUNK_ROWS)).toBe(false);
  expect(rows.at(CHUNK_ROWS, 0)).toBe(CHUNK_ROWS);
});
