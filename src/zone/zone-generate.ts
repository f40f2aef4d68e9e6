/**
 * `$GENERATE` as BIND has it: one line for many records. `$` stands for the number, `${offset,width,base}` for the
 * number plus an offset, padded with zeros to a width, in base d, o, x, X, or n and N (reversed hex digits with dots,
 * for ip6.arpa). `$$` and `\$` are a dollar sign.
 */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";

export interface GenerateRange {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

const NUMBER_MAX = 0x7fff_ffff;
/** A name has no room for more digits. */
const WIDTH_MAX = Limits.nameLength;

/** `start-stop` or `start-stop/step`. Throws `bad-zone-file` saying what is wrong. */
export function parseGenerateRange(text: string): GenerateRange {
  const match = /^(\d{1,10})-(\d{1,10})(?:\/(\d{1,10}))?$/.exec(text);
  if (match === null) throw bad(`"${text}" is not a range like 1-100 or 0-100/2`);
  const range = { start: Number(match[1]), stop: Number(match[2]), step: Number(match[3] ?? 1) };
  if (range.stop > NUMBER_MAX || range.step < 1) throw bad(`"${text}" is out of bounds`);
  if (range.start > range.stop) throw bad(`"${text}" ends before it starts`);
  if (Math.floor((range.stop - range.start) / range.step) + 1 > Limits.generateRecords) {
    throw bad(`"${text}" makes more than ${Limits.generateRecords} records`);
  }
  return range;
}

/** A text with its numbers left open. */
export type GenerateTemplate = (number: number) => string;

/** Throws `bad-zone-file` for a modifier that is none. */
export function parseGenerateTemplate(text: string): GenerateTemplate {
  const parts: (string | GenerateTemplate)[] = [];
  let literal = "";
  for (let at = 0; at < text.length; ) {
    const length = literalLength(text, at);
    if (length > 0) {
      literal += text.slice(at, at + length);
      at += length;
      continue;
    }
    if (text[at + 1] === "$") {
      literal += "\\$";
      at += 2;
      continue;
    }
    const modifier = /^\$\{([^}]*)\}/.exec(text.slice(at));
    parts.push(literal, modifier === null ? String : parseModifier(modifier[1] as string));
    literal = "";
    at += modifier?.[0].length ?? 1;
  }
  parts.push(literal);
  return (number) => parts.map((part) => (typeof part === "string" ? part : part(number))).join("");
}

/** Characters at `at` that stand for themselves: an escape whole, or one; 0 at a dollar sign. */
function literalLength(text: string, at: number): number {
  if (text[at] === "\\") return 2;
  return text[at] === "$" ? 0 : 1;
}

/** `offset[,width[,base]]` */
function parseModifier(text: string): GenerateTemplate {
  const match = /^(-?\d{1,10})(?:,(\d{1,4})(?:,([doxXnN]))?)?$/.exec(text);
  const width = Number(match?.[2] ?? 0);
  if (match === null || width > WIDTH_MAX) {
    throw bad(`"\${${text}}" is not \${offset,width,base} with base d, o, x, X, n or N`);
  }
  const offset = Number(match[1]);
  const base = match[3] ?? "d";
  return (number) => {
    const value = number + offset;
    if (value < 0 || value > 0xffff_ffff) throw bad(`"\${${text}}" leads to the number ${value}`);
    return formatNumber(value, width, base);
  };
}

function formatNumber(value: number, width: number, base: string): string {
  if (base === "n") return nibbles(value, width);
  if (base === "N") return nibbles(value, width).toUpperCase();
  const radix = base === "d" ? 10 : base === "o" ? 8 : 16;
  const digits = value.toString(radix).padStart(width, "0");
  return base === "X" ? digits.toUpperCase() : digits;
}

/** Hex digits, lowest first, with dots between; `width` counts digits and dots. */
function nibbles(value: number, width: number): string {
  const digits = [...value.toString(16)].reverse();
  while (2 * digits.length - 1 < width) digits.push("0");
  return digits.join(".");
}

function bad(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badZoneFile, `$GENERATE: ${problem}`);
}
