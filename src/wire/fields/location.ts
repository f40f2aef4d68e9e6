/** Places on Earth (RFC 1876): `42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m`. */
import {
  badRdata,
  endAfter,
  type Field,
  parseNumber,
  type RdataSink,
  readU32,
  shown,
  type TokenCursor,
} from "../rdata-field.ts";

const LENGTH = 16;
const MERIDIAN = 0x8000_0000;
const DEGREE = 3_600_000;
/** Centimetres from the wire's zero to the ellipsoid's. */
const ALTITUDE_ZERO = 10_000_000;

/** RFC 1876 §3: 1 m, 10 km and 10 m. */
const DEFAULT_PRECISIONS = [0x12, 0x16, 0x13];

function checkAngle(value: number, degrees: number): void {
  if (Math.abs(value - MERIDIAN) > degrees * DEGREE) {
    throw badRdata(`a latitude or longitude is over ${degrees} degrees`);
  }
}

function end(rdata: Uint8Array, at: number): number {
  endAfter(rdata, at, 1);
  if (rdata[at] !== 0) return rdata.length;
  const after = endAfter(rdata, at, LENGTH);
  for (let octet = at + 1; octet < at + 4; octet++) {
    const precision = rdata[octet] as number;
    if (precision >>> 4 > 9 || (precision & 15) > 9) throw badRdata("a precision is not d×10^d cm");
  }
  checkAngle(readU32(rdata, at + 4), 90);
  checkAngle(readU32(rdata, at + 8), 180);
  return after;
}

function formatAngle(value: number, positive: string, negative: string): string {
  const distance = Math.abs(value - MERIDIAN);
  const degrees = Math.floor(distance / DEGREE);
  const minutes = Math.floor((distance % DEGREE) / 60_000);
  const seconds = ((distance % 60_000) / 1000).toFixed(3);
  return `${degrees} ${minutes} ${seconds} ${value < MERIDIAN ? negative : positive}`;
}

function formatMetres(centimetres: number): string {
  return `${(centimetres / 100).toFixed(2)}m`;
}

/** A later version, or 0×10^n other than 0, has no text of its own. */
function format(rdata: Uint8Array, at: number): string | undefined {
  if (rdata[at] !== 0) return undefined;
  const precisions = [...rdata.subarray(at + 1, at + 4)];
  if (precisions.some((precision) => precision >>> 4 === 0 && precision !== 0)) return undefined;
  return [
    formatAngle(readU32(rdata, at + 4), "N", "S"),
    formatAngle(readU32(rdata, at + 8), "E", "W"),
    formatMetres(readU32(rdata, at + 12) - ALTITUDE_ZERO),
    ...precisions.map((precision) => formatMetres((precision >>> 4) * 10 ** (precision & 15))),
  ].join(" ");
}

/** Degrees, then minutes and seconds as far as they are given, then one of the two letters. */
function parseAngle(tokens: TokenCursor, letters: readonly [string, string]): number {
  let distance = parseNumber(tokens.next("degrees"), 180, "degrees") * DEGREE;
  let text = tokens.next(`minutes, ${letters.join(" or ")}`).toUpperCase();
  if (!letters.includes(text)) {
    distance += parseNumber(text, 59, "minutes") * 60_000;
    text = tokens.next(`seconds, ${letters.join(" or ")}`).toUpperCase();
  }
  if (!letters.includes(text)) {
    if (!/^[0-5]?\d(?:\.\d{1,3})?$/.test(text)) throw badRdata(`${shown(text)} is not seconds`);
    distance += Math.round(Number(text) * 1000);
    text = tokens.next(letters.join(" or ")).toUpperCase();
  }
  if (!letters.includes(text)) throw badRdata(`${shown(text)} is not ${letters.join(" or ")}`);
  return MERIDIAN + (text === letters[0] ? distance : -distance);
}

function parseMetres(text: string): number {
  const match = /^(-?\d{1,8})(?:\.(\d{1,2}))?m?$/i.exec(text);
  if (match === null) throw badRdata(`${shown(text)} is not a number of metres`);
  return Math.round(Number(`${match[1]}.${match[2] ?? "0"}`) * 100);
}

/** The largest d×10^d centimetres that is not above: RFC 1876 appendix A cuts, it does not round. */
function parsePrecision(text: string): number {
  const centimetres = parseMetres(text);
  if (centimetres < 0 || centimetres > 9e9)
    throw badRdata(`${shown(text)} is not 0 to 90000000.00m`);
  let exponent = 0;
  while (centimetres >= 10 ** (exponent + 1)) exponent++;
  return (Math.floor(centimetres / 10 ** exponent) << 4) | exponent;
}

function parse(tokens: TokenCursor, rdata: RdataSink): void {
  const latitude = parseAngle(tokens, ["N", "S"]);
  const longitude = parseAngle(tokens, ["E", "W"]);
  const altitude = parseMetres(tokens.next("an altitude")) + ALTITUDE_ZERO;
  if (altitude < 0 || altitude > 0xffff_ffff) throw badRdata("its altitude does not fit 32 bits");
  rdata.u8(0);
  for (const precision of DEFAULT_PRECISIONS) {
    rdata.u8(tokens.remaining > 0 ? parsePrecision(tokens.next("")) : precision);
  }
  rdata.u32(latitude);
  rdata.u32(longitude);
  rdata.u32(altitude);
}

export const location: Field = { end, format, parse };
