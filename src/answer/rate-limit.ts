/**
 * Response rate limiting: one client prefix gets one kind of response about one name so many times a second over UDP
 * and no more, so that queries with forged addresses do not turn the server into a weapon against their owners. What
 * is not sent is dropped, except every so many-th, which tells a real client how to prove its address.
 *
 *     bucket = SipHash(prefix, kind, name)      four to a set, the one idle longest makes room
 *     credit ≤ perSecond, filled once a second, one for each response
 */

import { randomBytes } from "node:crypto";
import {
  ADDRESS_LENGTH,
  type AddressPrefix,
  hasPrefix,
  readAddress,
} from "../base/address-octets.ts";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Limits } from "../base/limits.ts";
import { SIPHASH_KEY_LENGTH, SipHash } from "../base/siphash.ts";

/** A plain record: it crosses threads. */
export interface RateLimitSettings {
  /** Responses of one kind about one name that a client prefix gets in a second. */
  readonly perSecond: number;
  /** Every so many-th response held back is answered with TC or BADCOOKIE; 1 means each, 0 none. */
  readonly slip: number;
  /** Clients that are never limited. */
  readonly exempt: readonly AddressPrefix[];
  readonly table: RateLimitTable;
}

/** What all threads count in together. They do so without locks: a response more or less at a time does not matter. */
export interface RateLimitTable {
  readonly buckets: SharedArrayBuffer;
  readonly secret: Uint8Array;
}

export function createRateLimitTable(): RateLimitTable {
  const bytes = Limits.rateLimitBuckets * BUCKET_WORDS * Uint32Array.BYTES_PER_ELEMENT;
  const secret = new Uint8Array(randomBytes(SIPHASH_KEY_LENGTH));
  return { buckets: new SharedArrayBuffer(bytes), secret };
}

/** Responses of different kinds are counted apart, as BIND, NSD and Knot do. */
export const ResponseKind = { answer: 0, noData: 1, nxDomain: 2, referral: 3, error: 4 } as const;
export type ResponseKind = (typeof ResponseKind)[keyof typeof ResponseKind];

export const Admission = { send: 0, drop: 1, slip: 2 } as const;
export type Admission = (typeof Admission)[keyof typeof Admission];

/** Told when limiting begins to act after a quiet time. */
export type LimitingListener = (address: string, kind: ResponseKind) => void;

/** Octets of an address that stand for one client: /24 and /56, as BIND and Knot have it. */
const PREFIX_V4 = 3;
const PREFIX_V6 = 7;

const WAYS = 4;
const SETS = Limits.rateLimitBuckets / WAYS;

/** Words of a bucket. A tag of 0 is an empty one. */
const TAG = 0;
const SECOND = 1;
const CREDIT = 2;
const HELD = 3;
const BUCKET_WORDS = 4;

/** Seconds by which threads never differ: the clock was set. */
const CLOCK_SET_BACK = -5;

/** Octets that are hashed: kind and family, name, prefix. */
const PREFIX = 6;

export class RateLimiter {
  readonly #perSecond: number;
  readonly #slip: number;
  readonly #exempt: readonly AddressPrefix[];
  readonly #clock: Clock;
  readonly #onLimiting: LimitingListener;
  readonly #sip: SipHash;
  readonly #buckets: Uint32Array;
  readonly #address = new Uint8Array(ADDRESS_LENGTH);
  readonly #key = new Uint8Array(PREFIX + PREFIX_V6);
  #lastHeld = -Infinity;

  constructor(
    { perSecond, slip, exempt, table }: RateLimitSettings,
    clock: Clock,
    onLimiting: LimitingListener = () => {},
  ) {
    assert(perSecond >= 1, "a rate limit admits something");
    this.#perSecond = perSecond;
    this.#slip = slip;
    this.#exempt = exempt;
    this.#sip = new SipHash(table.secret);
    this.#buckets = new Uint32Array(table.buckets);
    this.#clock = clock;
    this.#onLimiting = onLimiting;
  }

  /** Whether one more response of this kind may go to `address`; `name` is the hash of what it is about. */
  admit(address: string, kind: ResponseKind, name: number): Admission {
    const length = readAddress(address, this.#address, 0);
    for (let at = 0; at < this.#exempt.length; at++) {
      if (hasPrefix(this.#address, length, this.#exempt[at] as AddressPrefix)) {
        return Admission.send;
      }
    }
    // The time of day: threads have no other in common.
    const second = Math.floor(this.#clock.nowMs() / 1000);
    const bucket = this.#findBucket(length, kind, name);
    const buckets = this.#buckets;
    const elapsed = second - (buckets[bucket + SECOND] as number);
    if (elapsed > 0 || elapsed < CLOCK_SET_BACK) {
      buckets[bucket + SECOND] = second;
      buckets[bucket + CREDIT] = this.#perSecond;
    }
    const credit = buckets[bucket + CREDIT] as number;
    if (credit > 0) {
      buckets[bucket + CREDIT] = credit - 1;
      return Admission.send;
    }
    const quiet = second - this.#lastHeld;
    if (quiet > Limits.rateLimitQuietSeconds || quiet < CLOCK_SET_BACK)
      this.#onLimiting(address, kind);
    this.#lastHeld = second;
    const held = (buckets[bucket + HELD] as number) + 1;
    buckets[bucket + HELD] = held;
    return this.#slip > 0 && held % this.#slip === 0 ? Admission.slip : Admission.drop;
  }

  /** The bucket of this response, or that of its set which was idle longest, made new. */
  #findBucket(length: number, kind: number, name: number): number {
    const { digest } = this.#sip;
    this.#hash(length, kind, name);
    const tag = Math.max(1, (digest[1] as number) >>> 0);
    const first = ((digest[0] as number) & (SETS - 1)) * WAYS * BUCKET_WORDS;
    const buckets = this.#buckets;
    let idlest = first;
    for (let way = 0; way < WAYS; way++) {
      const bucket = first + way * BUCKET_WORDS;
      if (buckets[bucket + TAG] === tag) return bucket;
      // An empty bucket's second is 0, before that of any other.
      if ((buckets[bucket + SECOND] as number) < (buckets[idlest + SECOND] as number)) {
        idlest = bucket;
      }
    }
    buckets[idlest + TAG] = tag;
    buckets[idlest + SECOND] = 0;
    buckets[idlest + HELD] = 0;
    return idlest;
  }

  #hash(length: number, kind: number, name: number): void {
    const key = this.#key;
    const prefix = length === 4 ? PREFIX_V4 : PREFIX_V6;
    key[0] = kind;
    key[1] = length;
    key[2] = name >> 24;
    key[3] = name >> 16;
    key[4] = name >> 8;
    key[5] = name;
    for (let octet = 0; octet < prefix; octet++)
      key[PREFIX + octet] = this.#address[octet] as number;
    this.#sip.hash(key, PREFIX + prefix);
  }
}
