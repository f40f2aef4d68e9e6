/** Byte strings as values: compare, equal, join, and the text forms of bytes. */

/** Lexicographic order of unsigned octets; a prefix sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Octets up to which V8 keeps a typed array inside its own heap. */
const SHORT = 64;

/**
 * A copy, even of a `Buffer`, whose own `slice` is a view: sockets hand in Buffers and use them again. Loops for the
 * short: a view would cost more than the octets.
 */
export function copyBytes(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  if (end - start > SHORT) return new Uint8Array(bytes.subarray(start, end));
  const copy = new Uint8Array(end - start);
  for (let at = start; at < end; at++) copy[at - start] = bytes[at] as number;
  return copy;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** What `toString("latin1")` of a Buffer comes down to, for any octets: no Buffer has to be made for it. */
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
};

/** One string character per octet: a Map key for bytes, and its way back. */
export function bytesKey(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

export function keyBytes(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(key, "latin1"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** Hex digits, white space between octets allowed. `undefined` when the text is anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) return undefined;
  return new Uint8Array(Buffer.from(digits, "hex"));
}
