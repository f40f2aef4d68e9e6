/** Serial number arithmetic at its edges (RFC 1982). */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isSerialAfter, nextSerial } from "./serial.ts";

const serial = fc.integer({ min: 0, max: 0xffff_ffff });

test.each([
  [1, 0],
  [0x7fff_ffff, 0],
  [0, 0xffff_ffff],
  [0x8000_0000, 0x7fff_ffff],
  [44, 0xffff_ffd4],
])("%i comes after %i, and not the other way", (later, earlier) => {
  expect(isSerialAfter(later, earlier)).toBe(true);
  expect(isSerialAfter(earlier, later)).toBe(false);
});

test("a serial does not come after itself", () => {
  expect(isSerialAfter(7, 7)).toBe(false);
});

test("serials half the circle apart have no order", () => {
  expect(isSerialAfter(0x8000_0000, 0)).toBe(false);
  expect(isSerialAfter(0, 0x8000_0000)).toBe(false);
});

test("the next serial always comes after, and wraps", () => {
  expect(nextSerial(0xffff_ffff)).toBe(0);
  fc.assert(fc.property(serial, (at) => isSerialAfter(nextSerial(at), at)));
});

test("of two serials at most one comes after the other", () => {
  fc.assert(fc.property(serial, serial, (a, b) => !(isSerialAfter(a, b) && isSerialAfter(b, a))));
});
