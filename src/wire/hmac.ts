/**
 * An HMAC (RFC 2104) of a few octets that are all there at once. Its two hashes are asked for whole, with the key's
 * pads made once: the objects of `createHmac` cost more to make and to collect than the hashing of a short message.
 */
import { createHmac, hash as hashOf } from "node:crypto";

/** What signing needs of an HMAC, be it this one or that of `node:crypto`. */
export interface Mac {
  update(octets: Uint8Array): Mac;
  digest(): Buffer;
}

/** Octets of a block of the hashes up to SHA-256, and of the larger ones. */
const BLOCK = { short: 64, long: 128 } as const;

/** Octets behind the pad that are gathered here; longer messages are cheaper with `createHmac`. */
const SHORT = 4_096;

interface Pads {
  readonly block: number;
  readonly inner: Buffer;
  readonly outer: Buffer;
}

/** By the hash, for as long as the secret is there. */
const padsOfSecret = new WeakMap<Uint8Array, Map<string, Pads>>();

/** Filled and read within one call of `digest`. */
const gathered = Buffer.alloc(BLOCK.long + SHORT);

/** The octets given must stay as they are until `digest`. */
export class MessageHmac implements Mac {
  readonly #hash: string;
  readonly #secret: Uint8Array;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(hash: string, secret: Uint8Array) {
    this.#hash = hash;
    this.#secret = secret;
  }

  update(octets: Uint8Array): this {
    this.#parts.push(octets);
    this.#length += octets.length;
    return this;
  }

  digest(): Buffer {
    if (this.#length > SHORT) return this.#digestLong();
    const { block, inner, outer } = padsOf(this.#hash, this.#secret);
    gathered.set(inner);
    let at = block;
    for (const part of this.#parts) {
      gathered.set(part, at);
      at += part.length;
    }
    // As text, because text is collected more cheaply than buffers are.
    const innerHash = hashOf(this.#hash, gathered.subarray(0, at), "binary");
    outer.write(innerHash, block, "latin1");
    return Buffer.from(hashOf(this.#hash, outer, "binary"), "latin1");
  }

  #digestLong(): Buffer {
    const hmac = createHmac(this.#hash, this.#secret);
    for (const part of this.#parts) hmac.update(part);
    return hmac.digest();
  }
}

function padsOf(hash: string, secret: Uint8Array): Pads {
  const known = padsOfSecret.get(secret)?.get(hash);
  if (known !== undefined) return known;
  const pads = makePads(hash, secret);
  const byHash = padsOfSecret.get(secret) ?? new Map<string, Pads>();
  padsOfSecret.set(secret, byHash.set(hash, pads));
  return pads;
}

function makePads(hash: string, secret: Uint8Array): Pads {
  const hashLength = hashOf(hash, "", "buffer").length;
  const block = hashLength > 32 ? BLOCK.long : BLOCK.short;
  const key = Buffer.alloc(block);
  key.set(secret.length > block ? hashOf(hash, secret, "buffer") : secret);
  const outer = Buffer.alloc(block + hashLength);
  outer.set(key.map((octet) => octet ^ 0x5c));
  return { block, inner: Buffer.from(key.map((octet) => octet ^ 0x36)), outer };
}
