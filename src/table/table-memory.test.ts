import { describe, expect, it } from "vitest";
import { ErrorCode } from "../base/errors.ts";
import { attachTableMemory, createTableMemory, TABLE_BYTES_MIN } from "./table-memory.ts";
import { TableReader } from "./table-reader.ts";
import { TableWriter } from "./table-writer.ts";

describe("table memory", () => {
  it("is by default as much as the system reserves, and has room for zones", () => {
    const { buffer } = createTableMemory();
    expect(buffer.byteLength).toBeGreaterThanOrEqual(64 * 1024 * 1024);
  });

  /** A system with so many octets to give. */
  const systemWith = (most: number) => (bytes: number) => {
    if (bytes > most) throw new RangeError("Array buffer allocation failed");
    return new SharedArrayBuffer(bytes);
  };

  it("is halved until the system has it", () => {
    const { buffer } = createTableMemory(2 ** 32, systemWith(1_000_000));
    expect(buffer.byteLength).toBe(2 ** 19);
    expect(createTableMemory(TABLE_BYTES_MIN + 12).buffer.byteLength).toBe(TABLE_BYTES_MIN + 8);
    const least = createTableMemory(2 ** 32, systemWith(TABLE_BYTES_MIN));
    expect(least.buffer.byteLength).toBe(TABLE_BYTES_MIN);
  });

  it("is not to be had where the system has not even the least", () => {
    expect(() => createTableMemory(2 ** 32, systemWith(TABLE_BYTES_MIN - 1))).toThrow(
      expect.objectContaining({
        code: ErrorCode.tableFull,
        message: expect.stringContaining("allow the process more address space"),
      }),
    );
  });

  it("is seen alike by who attaches to it", () => {
    const memory = createTableMemory(TABLE_BYTES_MIN);
    const writer = new TableWriter(memory);
    expect(writer.usage()).toMatchObject({ bytesReserved: TABLE_BYTES_MIN, zones: 0 });
    const reader = new TableReader(attachTableMemory(memory.buffer), 5);
    const seed = reader.newLookupName().seed;
    expect(seed).toBe(new TableReader(memory, 6).newLookupName().seed);
  });

  it("has another hash seed each time", () => {
    const seeds = Array.from({ length: 8 }, () => {
      const memory = createTableMemory(TABLE_BYTES_MIN);
      return new TableReader(memory, 0).newLookupName().seed;
    });
    expect(new Set(seeds).size).toBeGreaterThan(1);
  });

  it("is not smaller than the least, not larger than positions reach, and nothing else", () => {
    expect(() => createTableMemory(TABLE_BYTES_MIN - 8)).toThrow(/64 KiB to 4 GiB/);
    expect(() => createTableMemory(2 ** 32 + 8)).toThrow(/64 KiB to 4 GiB/);
    expect(() => attachTableMemory(new SharedArrayBuffer(64 * 1024))).toThrow(/no table/);
    expect(() => attachTableMemory(new SharedArrayBuffer(8))).toThrow(/no table/);
  });

  it("has one writer", () => {
    const memory = createTableMemory(TABLE_BYTES_MIN);
    const writer = new TableWriter(memory);
    expect(writer.origins()).toEqual([]);
    expect(() => new TableWriter(memory)).toThrow(/no writer yet/);
  });
});
