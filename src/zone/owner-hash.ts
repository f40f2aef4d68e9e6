/** A hash of octets for a table of owners: quick, and not to be foreseen. */
import { randomBytes } from "node:crypto";

/** Of no one's choosing, so that who writes names cannot choose collisions. */
const [HASH_SEED, MULTIPLIER] = makeHash(randomBytes(8));

function makeHash(random: Buffer): [seed: number, multiplier: number] {
  return [random.readInt32LE(0), (random.readInt32LE(4) & ~7) | 5];
}

export function hashOctets(octets: Uint8Array, length: number): number {
  let hash = HASH_SEED;
  for (let at = 0; at < length; at++) {
    hash = Math.imul(hash ^ (octets[at] as number), MULTIPLIER);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
