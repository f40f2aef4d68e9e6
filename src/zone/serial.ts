/** Serial number arithmetic (RFC 1982, 32 bits). */

const HALF = 0x8000_0000;

/** Whether `a` comes after `b`. Undefined pairs (exactly 2^31 apart) are false both ways. */
export function isSerialAfter(a: number, b: number): boolean {
  const distance = (a - b) >>> 0;
  return distance !== 0 && distance < HALF;
}

/** The next serial; wraps to 0 after 2^32 − 1. */
export function nextSerial(serial: number): number {
  return (serial + 1) >>> 0;
}
