/** Owners and rdata in chunks. */
import { expect, test } from "vitest";
import { ErrorCode } from "../base/errors.ts";
import { CHUNK_LENGTH, OCTETS_MAX, placeIn, ZoneOctets } from "./zone-octets.ts";

const LARGEST = 65_535;
const rdata = new Uint8Array(LARGEST).map((_, at) => at);
const limit = (octets: number) =>
  expect.objectContaining({
    code: ErrorCode.limit,
    message: expect.stringContaining(`more than ${octets} octets`),
  });

function read(octets: ZoneOctets, offset: number, length: number): number[] {
  const place = placeIn(offset);
  return [...octets.chunk(offset).subarray(place, place + length)];
}

test("owners and rdata stand behind their heads", () => {
  const octets = new ZoneOctets(OCTETS_MAX);
  expect(octets.addOwner(Uint8Array.of(1, 97, 9), 2)).toBe(0);
  expect(octets.addRdata(0xabcd, rdata, 0x102)).toBe(3);
  expect(read(octets, 0, 3)).toEqual([2, 1, 97]);
  expect(read(octets, 3, 7)).toEqual([0xab, 0xcd, 1, 2, 0, 1, 2]);
});

test("each is whole in one chunk, and chunks go when all before them is let go", () => {
  const octets = new ZoneOctets(OCTETS_MAX);
  const offsets: number[] = [];
  while ((offsets.at(-1) ?? 0) < CHUNK_LENGTH) offsets.push(octets.addRdata(1, rdata, LARGEST));
  const [second, last] = [offsets.at(-1) as number, offsets.at(-2) as number];
  expect(second).toBe(CHUNK_LENGTH);
  expect(last + 4 + LARGEST).toBeLessThanOrEqual(CHUNK_LENGTH);
  for (const offset of [0, last, second]) {
    expect(read(octets, offset, 6)).toEqual([0, 1, 0xff, 0xff, 0, 1]);
  }
  expect(octets.letGo(last)).toBe(false);
  expect(octets.letGo(second)).toBe(true);
  expect(octets.letGo(second)).toBe(false);
  expect(octets.chunk(0)).toHaveLength(0);
  expect(read(octets, second, 4)).toEqual([0, 1, 0xff, 0xff]);
});

test("no more are taken than allowed, in a later chunk too", () => {
  const first = new ZoneOctets(4);
  first.addOwner(rdata, 3);
  expect(() => first.addOwner(rdata, 0)).toThrow(limit(4));
  const later = new ZoneOctets(CHUNK_LENGTH + 4);
  const perChunk = Math.floor(CHUNK_LENGTH / (4 + LARGEST));
  for (let count = 0; count < perChunk; count++) later.addRdata(1, rdata, LARGEST);
  expect(() => later.addRdata(1, rdata, LARGEST)).toThrow(limit(CHUNK_LENGTH + 4));
  const left = CHUNK_LENGTH - perChunk * (4 + LARGEST);
  later.addRdata(1, rdata, left - 4);
  expect(later.addRdata(1, rdata, 0)).toBe(CHUNK_LENGTH);
  expect(() => later.addOwner(rdata, 0)).toThrow(limit(CHUNK_LENGTH + 4));
});
