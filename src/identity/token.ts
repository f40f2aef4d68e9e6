/**
 * Machine tokens: `ab12cd34_` and 128 random bits, 31 characters of `[A-Za-z0-9_-]`, because some routers put a
 * password into a URL without escaping it and some cut it at 32 characters. Only the SHA-256 is kept: a random
 * secret of this length needs no slow hash.
 */
import { hash, randomBytes, timingSafeEqual } from "node:crypto";

export interface Token {
  /** Public: names the token in the journal, in logs and when it is revoked. */
  readonly id: string;
  /** Shown once. */
  readonly secret: string;
}

const ID_BYTES = 4;
const SECRET_BYTES = 16;

export function makeToken(): Token {
  const id = randomBytes(ID_BYTES).toString("hex");
  return { id, secret: `${id}_${randomBytes(SECRET_BYTES).toString("base64url")}` };
}

/** The id a secret begins with; `undefined` for anything that cannot be a token of ours. */
export function tokenId(secret: string): string | undefined {
  return /^([0-9a-f]{8})_[A-Za-z0-9_-]{22}$/.exec(secret)?.[1];
}

export function secretDigest(secret: string): Buffer {
  // By way of text: as a buffer it comes out twice as slowly.
  return Buffer.from(hash("sha256", secret, "binary"), "latin1");
}

/** Takes the same time wherever the digests differ. */
export function equalDigests(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
