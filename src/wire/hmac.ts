/**
 * An HMAC (RFC 2104) of a few octets that are all there at once. Its two hashes are asked for whole, with the key's
 * pads made once: the objects of `createHmac` cost more to make and to collect than the hashing of a short message.
 */
import { createHmac, hash as hashOf } from "node:crypto";
import { assert } from "../base/assert.ts";

/** What signing needs of an HMAC, be it this one or that of `node:crypto`. */
export interface Mac {
  /** The octets may change afterwards. */
  update(octets: Uint8Array): Mac;
  digest(): Buffer;
}

/** Octets of a block of the hashes up to SHA-256, and of the larger ones. */
const BLOCK = { short: 64, long: 128 } as const;

/** Octets that are gathered behind the pad; longer messages are cheaper with `createHmac`. */
const SHORT = 4_096;

interface Pads {
  readonly block: number;
  readonly inner: Buffer;
  readonly outer: Buffer;
}

/** By the hash, for as long as the secret is there. */
const padsOfSecret = new WeakMap<Uint8Array, Map<string, Pads>>();

/** Of the one that was made last. */
const gathered = Buffer.alloc(BLOCK.long + SHORT);
let gatherer: MessageHmac | undefined;

/** One at a time: another may be made when this one's digest is there, or not wanted any more. */
export class MessageHmac implements Mac {
  readonly #hash: string;
  readonly #secret: Uint8Array;
  readonly #pads: Pads;
  #end: number;
  #long: Mac | undefined;

  constructor(hash: string, secret: Uint8Array) {
    this.#hash = hash;
    this.#secret = secret;
    this.#pads = padsOf(hash, secret);
    gathered.set(this.#pads.inner);
    this.#end = this.#pads.block;
    gatherer = this;
  }

  update(octets: Uint8Array): this {
    assert(gatherer === this, "one HMAC of a message is made after the other");
    const end = this.#end + octets.length;
    if (this.#long !== undefined) this.#long.update(octets);
    else if (end - this.#pads.block > SHORT) this.#lengthen(octets);
    else {
      gathered.set(octets, this.#end);
      this.#end = end;
    }
    return this;
  }

  #lengthen(octets: Uint8Array): void {
    this.#long = createHmac(this.#hash, this.#secret);
    this.#long.update(gathered.subarray(this.#pads.block, this.#end)).update(octets);
  }

  digest(): Buffer {
    assert(gatherer === this, "one HMAC of a message is made after the other");
    if (this.#long !== undefined) return this.#long.digest();
    const { block, outer } = this.#pads;
    // As text, because text is collected more cheaply than buffers are.
    const innerHash = hashOf(this.#hash, gathered.subarray(0, this.#end), "binary");
    outer.write(innerHash, block, "latin1");
    return Buffer.from(hashOf(this.#hash, outer, "binary"), "latin1");
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
