/**
 * The settings of answering as all threads share them, made of what the operator chose: secrets that nobody chose, and
 * what rate limiting has counted, stay the same when the operator chooses anew.
 */
import { randomBytes } from "node:crypto";
import { type AnswerQuery, createAnswerQuery } from "../answer/answer-query.ts";
import { type AnswerSettings, defaultAnswerSettings } from "../answer/answer-settings.ts";
import { ServerCookies } from "../answer/cookies.ts";
import {
  createRateLimitTable,
  type LimitingListener,
  RateLimiter,
  type RateLimitSettings,
  type RateLimitTable,
} from "../answer/rate-limit.ts";
import type { Clock } from "../base/clock.ts";
import type { CounterRow } from "../base/counters.ts";
import { SIPHASH_KEY_LENGTH } from "../base/siphash.ts";
import type { TableReader } from "../table/table-reader.ts";

export interface AnswerChoices {
  /** Empty for none, as `identity`. */
  readonly version: string;
  readonly identity: string;
  readonly cookieSecret: Uint8Array | undefined;
  readonly rateLimit: Omit<RateLimitSettings, "table"> | undefined;
}

/** All threads make the same cookies. */
export type SharedSettings = AnswerSettings & { readonly cookieSecret: Uint8Array };

export class SharedAnswerSettings {
  readonly #secret = new Uint8Array(randomBytes(SIPHASH_KEY_LENGTH));
  #table: RateLimitTable | undefined;

  of({ version, identity, cookieSecret, rateLimit }: AnswerChoices): SharedSettings {
    return {
      ...defaultAnswerSettings,
      cookieSecret: cookieSecret ?? this.#secret,
      rateLimit: rateLimit && { ...rateLimit, table: this.#sharedTable() },
      version: version || undefined,
      identity: identity || undefined,
      nsid: identity || undefined,
    };
  }

  #sharedTable(): RateLimitTable {
    this.#table ??= createRateLimitTable();
    return this.#table;
  }
}

/** What the operator's settings make of answering, all of it the main thread's own. */
export interface Answering {
  readonly answerQuery: AnswerQuery;
  /** With the secret that `answerQuery` has. */
  readonly cookies: ServerCookies;
  /** For replies over UDP to those who prove nothing; none without. */
  readonly limiter: RateLimiter | undefined;
  /** Octets of a UDP response at most, as `AnswerSettings` has it. */
  readonly udpPayload: number;
}

export interface MainThread {
  readonly reader: TableReader;
  readonly counters: CounterRow;
  readonly clock: Clock;
  readonly onLimiting: LimitingListener;
}

/** What the main thread answers by. It came over a stream or is signed: only its refusals are limited. */
export function makeAnswering(
  { rateLimit, ...settings }: SharedSettings,
  { reader, counters, clock, onLimiting }: MainThread,
): Answering {
  return {
    answerQuery: createAnswerQuery({ reader, counters, settings, clock }),
    cookies: new ServerCookies(settings.cookieSecret, clock),
    limiter: rateLimit && new RateLimiter(rateLimit, clock, onLimiting),
    udpPayload: settings.udpPayload,
  };
}
