/** Octets as presentation text and back: the escapes of RFC 1035 §5.1, quoted or not. */
import { badRdata } from "./rdata-field.ts";

const BACKSLASH = 0x5c;

/** The octets a token's text stands for. Throws `bad-rdata` for a broken escape. */
export function parseOctets(text: string): Uint8Array {
  const source = Buffer.from(text, "utf8");
  if (!source.includes(BACKSLASH)) return new Uint8Array(source);
  const octets = new Uint8Array(source.length);
  let length = 0;
  for (let at = 0; at < source.length; length++) {
    if (source[at] !== BACKSLASH) {
      octets[length] = source[at++] as number;
      continue;
    }
    const next = source[at + 1];
    if (next === undefined) throw badRdata("text ends in a backslash");
    const isDecimal = next >= 0x30 && next <= 0x39;
    octets[length] = isDecimal ? decimalEscape(source, at) : next;
    at += isDecimal ? 4 : 2;
  }
  return octets.slice(0, length);
}

function decimalEscape(source: Buffer, at: number): number {
  const digits = source.toString("latin1", at + 1, at + 4);
  const value = /^\d{3}$/.test(digits) ? Number(digits) : 256;
  if (value > 255) throw badRdata(`the escape \\${digits} is not \\000 to \\255`);
  return value;
}

/** The octets between quotes, unprintable ones escaped. */
export function formatQuoted(octets: Uint8Array): string {
  return `"${formatOctets(octets)}"`;
}

/** Printable ASCII as it is, quotes and backslashes escaped, other octets as `\DDD`. */
export function formatOctets(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets) {
    if (octet === 0x22 || octet === BACKSLASH) text += `\\${String.fromCharCode(octet)}`;
    else if (octet < 0x20 || octet > 0x7e) text += `\\${String(octet).padStart(3, "0")}`;
    else text += String.fromCharCode(octet);
  }
  return text;
}
