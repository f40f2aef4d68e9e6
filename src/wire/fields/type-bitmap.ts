/** Sets of RR types: the windows of RFC 4034 §4.1.2, and the one bitmap of the older NXT (RFC 2535 §5.2). */
import { badRdata, endAfter, type Field, shown, type TokenCursor } from "../rdata-field.ts";
import { parseType, typeName } from "../rr-types.ts";

const BITMAP_LENGTH = 32;
/** NXT's highest type; with type 0 its bitmap would have another form. */
const NXT_TYPE = 127;

function parseTypes(tokens: TokenCursor, max: number): number[] {
  const types: number[] = [];
  while (tokens.remaining > 0) {
    const text = tokens.next("");
    const rrtype = parseType(text);
    if (rrtype === undefined || rrtype > max) {
      throw badRdata(`${shown(text)} is not an RR type that can stand here`);
    }
    types.push(rrtype);
  }
  return types.sort((a, b) => a - b);
}

/** The types of a bitmap whose first bit is type `base`. */
function bitmapTypes(bitmap: Uint8Array, base: number): number[] {
  const types: number[] = [];
  for (const [at, octet] of bitmap.entries()) {
    for (let bit = 0; bit < 8; bit++) {
      if ((octet & (0x80 >>> bit)) !== 0) types.push(base + 8 * at + bit);
    }
  }
  return types;
}

/** The shortest bitmap with the low octets of these ascending types. */
function makeBitmap(types: readonly number[]): Uint8Array {
  const last = (types.at(-1) as number) & 0xff;
  const bitmap = new Uint8Array((last >>> 3) + 1);
  for (const rrtype of types) {
    const at = (rrtype & 0xff) >>> 3;
    bitmap[at] = (bitmap[at] as number) | (0x80 >>> (rrtype & 7));
  }
  return bitmap;
}

export const types: Field = {
  end: (rdata, at) => {
    let previous = -1;
    let end = at;
    while (end < rdata.length) {
      const window = rdata[end] as number;
      const length = rdata[end + 1] ?? 0;
      if (window <= previous) throw badRdata("its type bitmap windows are not in order");
      if (length < 1 || length > BITMAP_LENGTH)
        throw badRdata("a type bitmap has not 1 to 32 octets");
      end = endAfter(rdata, end + 2, length);
      if (rdata[end - 1] === 0) throw badRdata("a type bitmap ends in a zero octet");
      previous = window;
    }
    return end;
  },
  format: (rdata, at, end) => {
    const found: number[] = [];
    for (let start = at; start < end; ) {
      const next = start + 2 + (rdata[start + 1] as number);
      found.push(...bitmapTypes(rdata.subarray(start + 2, next), (rdata[start] as number) << 8));
      start = next;
    }
    return found.map(typeName).join(" ");
  },
  parse: (tokens, rdata) => {
    const sorted = parseTypes(tokens, 0xffff);
    for (let from = 0; from < sorted.length; ) {
      const window = (sorted[from] as number) >>> 8;
      let to = from;
      while (to < sorted.length && (sorted[to] as number) >>> 8 === window) to++;
      const bitmap = makeBitmap(sorted.slice(from, to));
      rdata.u8(window);
      rdata.u8(bitmap.length);
      rdata.bytes(bitmap);
      from = to;
    }
  },
};

export const nxtTypes: Field = {
  end: (rdata, at) => Math.max(at, rdata.length),
  format: (rdata, at, end) => {
    const bitmap = rdata.subarray(at, end);
    const isPlain = bitmap.length <= 16 && bitmap.at(-1) !== 0 && ((bitmap[0] ?? 0) & 0x80) === 0;
    return isPlain ? bitmapTypes(bitmap, 0).map(typeName).join(" ") : undefined;
  },
  parse: (tokens, rdata) => {
    const sorted = parseTypes(tokens, NXT_TYPE);
    if (sorted[0] === 0) throw badRdata("type 0 cannot stand in an NXT bitmap");
    if (sorted.length > 0) rdata.bytes(makeBitmap(sorted));
  },
};
