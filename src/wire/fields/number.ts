/** Field kinds that are numbers, some of them written as dates or types. Those with mnemonics are in `mnemonic.ts`. */
import { parsePeriod } from "../period.ts";
import {
  badRdata,
  endAfter,
  type Field,
  parseNumber,
  readU16,
  readU32,
  shown,
} from "../rdata-field.ts";
import { parseType, typeName } from "../rr-types.ts";

/** How a number is written, and how what people write is understood. */
export interface NumberText {
  format(value: number): string;
  parse(text: string): number;
}

function decimal(max: number): NumberText {
  return { format: String, parse: (text) => parseNumber(text, max, "a number") };
}

export function number(length: 1 | 2 | 4, text: NumberText): Field {
  return {
    length,
    end: (rdata, at) => endAfter(rdata, at, length),
    format: (rdata, at) => text.format(readNumber(rdata, at, length)),
    parse: (tokens, rdata) => {
      const value = text.parse(tokens.next("a number"));
      if (length === 1) rdata.u8(value);
      else if (length === 2) rdata.u16(value);
      else rdata.u32(value);
    },
  };
}

function readNumber(rdata: Uint8Array, at: number, length: 1 | 2 | 4): number {
  if (length === 1) return rdata[at] as number;
  return length === 2 ? readU16(rdata, at) : readU32(rdata, at);
}

export const u8 = number(1, decimal(0xff));
export const u16 = number(2, decimal(0xffff));
export const u32 = number(4, decimal(0xffff_ffff));

export const u64: Field = {
  length: 8,
  end: (rdata, at) => endAfter(rdata, at, 8),
  format: (rdata, at) => {
    const high = BigInt(readU32(rdata, at));
    return String((high << 32n) | BigInt(readU32(rdata, at + 4)));
  },
  parse: (tokens, rdata) => {
    const text = tokens.next("a number");
    const value = /^\d{1,20}$/.test(text) ? BigInt(text) : 1n << 64n;
    if (value >> 64n !== 0n) throw badRdata(`${shown(text)} is not a number of 64 bits`);
    rdata.u32(Number(value >> 32n));
    rdata.u32(Number(value & 0xffff_ffffn));
  },
};

export const period = number(4, {
  format: String,
  parse: (text) => {
    const seconds = parsePeriod(text);
    if (seconds === undefined) throw badRdata(`${shown(text)} is not a time in seconds (or 1h30m)`);
    return seconds;
  },
});

export const rrtype = number(2, {
  format: typeName,
  parse: (text) => {
    const value = parseType(text);
    if (value === undefined)
      throw badRdata(`${shown(text)} is not an RR type (or TYPE and a number)`);
    return value;
  },
});

/**
 * RFC 4034 §3.2: a date, or seconds as a number of at most ten digits. The 32 bits go round every 136 years (§3.1.5);
 * we write the date from 1970 to 2106, others the one nearest to now, so any date is understood.
 */
export const time = number(4, {
  format: (seconds) => new Date(seconds * 1000).toISOString().replace(/[-:T]|\..*$/g, ""),
  parse: (text) => {
    if (!/^\d{14}$/.test(text)) return parseNumber(text, 0xffff_ffff, "a time YYYYMMDDHHmmSS");
    const iso = text.replace(/^(\d{4})(..)(..)(..)(..)(..)$/, "$1-$2-$3T$4:$5:$6.000Z");
    const milliseconds = Date.parse(iso);
    if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== iso) {
      throw badRdata(`${shown(text)} is not a time YYYYMMDDHHmmSS`);
    }
    return (milliseconds / 1000) >>> 0;
  },
});
