/** What an operator may choose about answering. Read once, when the answering function is made. */
import { assert } from "../base/assert.ts";
import { Limits } from "../base/limits.ts";
import type { RateLimitSettings } from "./rate-limit.ts";

export interface AnswerSettings {
  /** Octets of a UDP response at most, whatever the client offers; also what our OPT offers (RFC 9715). */
  readonly udpPayload: number;
  /** Sent in the NSID option to those who ask for it (RFC 5001). */
  readonly nsid?: string | undefined;
  /** Answer to CH TXT version.bind and version.server; REFUSED without. */
  readonly version?: string | undefined;
  /** Answer to CH TXT id.server and hostname.bind (RFC 4892); REFUSED without. */
  readonly identity?: string | undefined;
  /** 16 octets that make our server cookies (RFC 9018); several servers of one address share them. Random without. */
  readonly cookieSecret?: Uint8Array | undefined;
  /** Over UDP; none without. */
  readonly rateLimit?: RateLimitSettings | undefined;
}

export const defaultAnswerSettings: AnswerSettings = { udpPayload: Limits.ednsPayload };

/** Octets of each text: a character-string holds 255, and all of them fit a 512-octet response. */
const TEXT_LENGTH = 128;

/** Programmer's errors only: the configuration has bounded these values before. */
export function assertAnswerSettings(settings: AnswerSettings): void {
  const { udpPayload, nsid = "", version = "", identity = "" } = settings;
  assert(udpPayload >= Limits.udpPayload, "a UDP payload is at least 512 octets");
  assert(udpPayload <= Limits.messageLength, "a UDP payload is at most 65535 octets");
  for (const text of [nsid, version, identity]) {
    assert(Buffer.byteLength(text) <= TEXT_LENGTH, "NSID, version and identity have ≤ 128 octets");
  }
}
