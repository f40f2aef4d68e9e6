/** Field kinds that are octets without a meaning of their own, written in hex, base64 or base32hex. */
import { fromHex, toHex } from "../../base/bytes.ts";
import { badRdata, endAfter, type Field, shown } from "../rdata-field.ts";

const BASE32HEX = "0123456789abcdefghijklmnopqrstuv";

/** RFC 4648 §7 without padding, lower case. */
export function formatBase32Hex(octets: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    held = (held << 8) | octet;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32HEX[(held >>> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + BASE32HEX[(held << (5 - bits)) & 31];
}

/** `undefined` for foreign characters, impossible lengths, and bits left over. */
export function parseBase32Hex(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(Math.floor((text.length * 5) / 8));
  let length = 0;
  let bits = 0;
  let held = 0;
  for (const character of text.toLowerCase()) {
    const value = BASE32HEX.indexOf(character);
    if (value < 0) return undefined;
    held = (held << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    octets[length++] = held >>> bits;
    held &= (1 << bits) - 1;
  }
  return bits < 5 && held === 0 ? octets : undefined;
}

/** RFC 4648 §4 with its padding; `undefined` when the text is anything else. */
export function parseBase64(text: string): Uint8Array | undefined {
  const octets = Buffer.from(text, "base64");
  return octets.toString("base64") === text ? new Uint8Array(octets) : undefined;
}

export function formatBase64(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("base64");
}

interface Encoding {
  readonly name: string;
  format(octets: Uint8Array): string;
  parse(text: string): Uint8Array | undefined;
}

const HEX: Encoding = { name: "hex", format: toHex, parse: fromHex };
const BASE64: Encoding = { name: "base64", format: formatBase64, parse: parseBase64 };
const HASH: Encoding = { name: "base32hex", format: formatBase32Hex, parse: parseBase32Hex };

function decode(encoding: Encoding, text: string): Uint8Array {
  const octets = encoding.parse(text);
  if (octets === undefined) throw badRdata(`${shown(text)} is not ${encoding.name}`);
  return octets;
}

/** All the rest; `none` is the text of no octets. */
function rest(encoding: Encoding, least: number, none = ""): Field {
  return {
    end: (rdata, at) => endAfter(rdata, at, Math.max(least, rdata.length - at)),
    format: (rdata, at, end) => (at === end ? none : encoding.format(rdata.subarray(at, end))),
    parse: (tokens, rdata) => {
      const text = tokens.joined();
      if (text !== none) rdata.bytes(decode(encoding, text));
      else if (least > 0) throw badRdata(`${encoding.name} is missing`);
    },
  };
}

export const hex = rest(HEX, 1);
export const base64 = rest(BASE64, 1);
export const optionalBase64 = rest(BASE64, 0);
export const dashedBase64 = rest(BASE64, 0, "-");

/** Hex whose length follows from the digest type in the octet before; types not listed have `least` octets or more. */
function digest(lengths: Readonly<Record<number, number>>, least = 1): Field {
  return {
    ...hex,
    end: (rdata, at) => {
      const end = hex.end(rdata, at);
      if (end - at < least) throw badRdata(`a digest of ${end - at} octets, not ${least} or more`);
      const type = rdata[at - 1] as number;
      const expected = lengths[type] ?? end - at;
      if (end - at === expected) return end;
      throw badRdata(`a digest of type ${type} has ${expected} octets, not ${end - at}`);
    },
  };
}

/** RFC 3658, RFC 4509, RFC 5933, RFC 6605 */
export const dsDigest = digest({ 1: 20, 2: 32, 3: 32, 4: 48 });
/** RFC 4255, RFC 6594 */
export const sshfpDigest = digest({ 1: 20, 2: 32 });
/** RFC 8976 §2.2.3, §2.2.4 */
export const zonemdDigest = digest({ 1: 48, 2: 64 }, 12);

/** Octets after a length octet. */
function counted(encoding: Encoding, least: number, none?: string): Field {
  return {
    end: (rdata, at) => {
      const length = rdata[at] ?? -1;
      if (length < least) throw badRdata("it ends too early");
      return endAfter(rdata, at + 1, length);
    },
    format: (rdata, at, end) =>
      at + 1 === end && none !== undefined ? none : encoding.format(rdata.subarray(at + 1, end)),
    parse: (tokens, rdata) => {
      const text = tokens.next(encoding.name);
      const octets = text === none ? new Uint8Array(0) : decode(encoding, text);
      if (octets.length < least || octets.length > 255) {
        throw badRdata(`${octets.length} octets of ${encoding.name}, not ${least} to 255`);
      }
      rdata.u8(octets.length);
      rdata.bytes(octets);
    },
  };
}

export const salt = counted(HEX, 0, "-");
export const hash = counted(HASH, 1);

/** RFC 1706 §5: `0x` and hex digits, dots anywhere between. */
export const nsap: Field = {
  ...hex,
  format: (rdata, at, end) => `0x${toHex(rdata.subarray(at, end))}`,
  parse: (tokens, rdata) => {
    const text = tokens.next("an NSAP address");
    if (!/^0x/i.test(text)) throw badRdata(`${shown(text)} does not start with 0x`);
    rdata.bytes(decode(HEX, text.slice(2).replaceAll(".", "")));
  },
};
