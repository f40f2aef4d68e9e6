/**
 * DNS cookies (RFC 7873) with the server cookies of RFC 9018, which every server with the same secret makes and
 * understands. A cookie shows that a client receives what is sent to its address.
 *
 *     0              8         9           12          16          24
 *     │ client cookie │ version │ reserved  │ timestamp │ hash      │
 *     └── the client's ┴──────────── ours, the server cookie ───────┘
 *     hash = SipHash-2-4(secret, the first 16 octets and the client's address)
 */
import { ADDRESS_LENGTH, readAddress } from "../base/address-octets.ts";
import type { Clock } from "../base/clock.ts";
import { SipHash } from "../base/siphash.ts";
import { EdnsOption } from "../wire/code-points.ts";
import { OPTION_HEADER_LENGTH } from "../wire/edns.ts";

/** What the COOKIE option of a query says of its sender. */
export const CookieState = {
  /** There is none. */
  absent: 0,
  /** A client cookie alone: the client wants to learn a server cookie. */
  clientOnly: 1,
  /** With a server cookie that is not ours, not this client's, or too old. */
  invalid: 2,
  /** The client has received an answer at this address before. */
  valid: 3,
} as const;
export type CookieState = (typeof CookieState)[keyof typeof CookieState];

const CLIENT_LENGTH = 8;
/** Octets of a client cookie with a server cookie of ours. */
const COOKIE_LENGTH = 24;
/** RFC 7873 §4: a server cookie has 8 to 32 octets. */
const SERVER_LENGTH_MIN = 8;
const SERVER_LENGTH_MAX = 32;

/** Octets of the option in a response. */
export const COOKIE_OPTION_LENGTH: number = OPTION_HEADER_LENGTH + COOKIE_LENGTH;

const VERSION = 1;
/** Where the parts of a cookie stand, and the address that is hashed behind it. */
const TIMESTAMP = 12;
const HASH = 16;

/** RFC 9018 §4.3, in seconds: older or younger is not accepted; past the half hour there is a new one. */
const AGE_MAX = 3_600;
const AGE_MIN = -300;
const RENEW_AGE = 1_800;

/** False for what RFC 7873 §5.2.2 answers with FORMERR. `length` is that of the option's value. */
export function isCookieLength(length: number): boolean {
  const server = length - CLIENT_LENGTH;
  return server === 0 || (server >= SERVER_LENGTH_MIN && server <= SERVER_LENGTH_MAX);
}

/** Judges the cookie of one query after the other, and writes the cookie of its response. Allocates nothing. */
export class ServerCookies {
  readonly #clock: Clock;
  readonly #sip: SipHash;
  /** What is hashed: a cookie as far as its hash, and the client's address. */
  readonly #hashed = new Uint8Array(HASH + ADDRESS_LENGTH);
  #hashedLength = HASH;
  #nowSeconds = 0;
  /** The client may go on with the cookie it has. */
  #isFresh = false;

  constructor(secret: Uint8Array, clock: Clock) {
    this.#sip = new SipHash(secret);
    this.#clock = clock;
  }

  /** Judges the option's value of `length` octets (`isCookieLength`) at `at`, as sent from `address`. */
  judge(bytes: Uint8Array, at: number, length: number, address: string): CookieState {
    const hashed = this.#hashed;
    this.#hashedLength = HASH + readAddress(address, hashed, HASH);
    this.#nowSeconds = Math.floor(this.#clock.nowMs() / 1000) | 0;
    this.#isFresh = false;
    const own = length === COOKIE_LENGTH ? HASH : CLIENT_LENGTH;
    for (let octet = 0; octet < own; octet++) hashed[octet] = bytes[at + octet] as number;
    if (length === CLIENT_LENGTH) return CookieState.clientOnly;
    if (length !== COOKIE_LENGTH || hashed[CLIENT_LENGTH] !== VERSION) return CookieState.invalid;
    // RFC 1982's arithmetic, so that a cookie may live when 32 bits of seconds are over.
    const age = (this.#nowSeconds - readI32(hashed, TIMESTAMP)) | 0;
    if (age > AGE_MAX || age < AGE_MIN || !this.#isHash(bytes, at + HASH)) {
      return CookieState.invalid;
    }
    this.#isFresh = age <= RENEW_AGE;
    return CookieState.valid;
  }

  /**
   * Writes the option that answers the cookie judged last: `COOKIE_OPTION_LENGTH` octets at `at`. Returns the offset
   * after it.
   */
  write(response: Uint8Array, at: number): number {
    const hashed = this.#hashed;
    if (!this.#isFresh) {
      writeI32(hashed, CLIENT_LENGTH, VERSION << 24);
      writeI32(hashed, TIMESTAMP, this.#nowSeconds);
      this.#sip.hash(hashed, this.#hashedLength);
    }
    response[at] = 0;
    response[at + 1] = EdnsOption.cookie;
    response[at + 2] = 0;
    response[at + 3] = COOKIE_LENGTH;
    const cookie = at + OPTION_HEADER_LENGTH;
    for (let octet = 0; octet < HASH; octet++) response[cookie + octet] = hashed[octet] as number;
    const { digest } = this.#sip;
    for (let octet = 0; octet < 8; octet++) {
      response[cookie + HASH + octet] = (digest[octet >> 2] as number) >> ((octet & 3) * 8);
    }
    return cookie + COOKIE_LENGTH;
  }

  /** Compares in constant time: how far a guess is right shows nowhere. */
  #isHash(bytes: Uint8Array, at: number): boolean {
    this.#sip.hash(this.#hashed, this.#hashedLength);
    const { digest } = this.#sip;
    let difference = 0;
    for (let octet = 0; octet < 8; octet++) {
      const expected = (digest[octet >> 2] as number) >> ((octet & 3) * 8);
      difference |= (expected ^ (bytes[at + octet] as number)) & 0xff;
    }
    return difference === 0;
  }
}

function readI32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

function writeI32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
}
