/**
 * The one dispatcher of DNS messages on the main thread: everything from streams, and from datagrams what the workers
 * deferred. It takes the TSIG off, hands the rest to whoever knows it, and seals the reply; what is right or
 * refused is decided by them.
 *
 *     stream ──► answerQuery ──► reply                             ┌──────────────► transfers ─► signed messages
 *                   │ deferred                       ┌─ QUERY  ─► answerQuery ─┐
 *     datagram ─────┴──────────► openSigned ─ opcode ┼─ UPDATE ─► engine       ├─► sealSigned ─► reply
 *                                    └─► failed      └─ NOTIFY ─► refused      ┘
 */
import { type Client, Transport } from "../answer/client.ts";
import { Deferred } from "../answer/deferred.ts";
import { type Rejection, writeErrorReply } from "../answer/error-reply.ts";
import { type Opened, openSigned, type SignedContext, sealSigned } from "../answer/gate.ts";
import { Admission, ResponseKind } from "../answer/rate-limit.ts";
import {
  appendOptions,
  padReply,
  REPLY_OPTIONS_LENGTH,
  readAskedOptions,
} from "../answer/reply-options.ts";
import type { Clock } from "../base/clock.ts";
import { Counter, type CounterRow } from "../base/counters.ts";
import { errorMessage } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { Keyring } from "../identity/keyring.ts";
import type { Principal } from "../identity/principal.ts";
import { readUpdate } from "../update/read-update.ts";
import type { UpdateEngine } from "../update/update-engine.ts";
import type { Verdict } from "../update/update-request.ts";
import { writeUpdateResponse } from "../update/write-update-response.ts";
import { ExtendedError, Opcode, Rcode } from "../wire/code-points.ts";
import { findOpt, OptOffset } from "../wire/edns.ts";
import { countRecords, HeaderOffset, questionSectionEnd, u16At } from "../wire/message-walk.ts";
import { formatName } from "../wire/name.ts";
import { findTsig } from "../wire/tsig.ts";
import type { Answering } from "./answering.ts";
import type { Transfers } from "./transfers.ts";

export interface DnsExchangeParts {
  readonly answering: Answering;
  readonly keyring: Pick<Keyring, "find">;
  readonly engine: UpdateEngine;
  readonly transfers: Transfers;
  readonly clock: Clock;
  readonly log: Logger;
  /** The main thread's own row. */
  readonly counters: CounterRow;
}

/** The reply to one message; `undefined` is silence. */
export type DnsReply = Uint8Array | undefined | Promise<Uint8Array | undefined>;
/** The same over a stream, where a transfer has several messages, each valid until the next is asked for. */
export type DnsStreamReply = DnsReply | Promise<Uint8Array | Iterable<Uint8Array> | undefined>;

export interface DnsExchange {
  /** Any message of a stream. */
  readonly stream: (message: Uint8Array, client: Client) => DnsStreamReply;
  /** A datagram that `answerQuery` deferred; the exchange may keep `message`. */
  readonly datagram: (message: Uint8Array, client: Client) => DnsReply;
  /** From the next message on. */
  readonly change: (answering: Answering) => void;
}

export function createDnsExchange(parts: DnsExchangeParts): DnsExchange {
  const exchange = new Exchange(parts);
  return {
    stream: (message, client) => exchange.stream(message, client),
    // Over UDP a transfer has one message or none (`#transfer`).
    datagram: (message, client) => exchange.deferred(message, client) as DnsReply,
    change: (answering) => {
      exchange.answering = answering;
    },
  };
}

/** Nobody was verified, so nothing is granted. */
const ANONYMOUS: Principal = { actor: "anonymous", grants: [], isOperator: false };

const NOTIFY_REFUSED: Rejection = {
  rcode: Rcode.notAuth,
  infoCode: ExtendedError.notAuthoritative,
  text: "this server is primary for its zones and takes no NOTIFY",
};
const MISPLACED_TSIG: Rejection = {
  rcode: Rcode.formErr,
  infoCode: ExtendedError.other,
  text: "a TSIG record stands where none may be",
};
const MALFORMED_OPTION: Rejection = {
  rcode: Rcode.formErr,
  infoCode: ExtendedError.other,
  text: "an EDNS option is malformed",
};
const BROKEN: Rejection = {
  rcode: Rcode.servFail,
  infoCode: ExtendedError.other,
  text: "internal error",
};

/** A message without its TSIG, and what the reply is sealed with. */
type OpenMessage = Extract<Opened, { kind: "open" }>;

/** Octets that an OPT RR of ours takes at most; a response to any question has at least this and the question. */
const OPT_ROOM = 160;

class Exchange {
  answering: Answering;
  readonly #parts: DnsExchangeParts;
  readonly #response = new Uint8Array(Limits.messageLength);

  constructor(parts: DnsExchangeParts) {
    this.#parts = parts;
    this.answering = parts.answering;
  }

  stream(message: Uint8Array, client: Client): DnsStreamReply {
    const response = this.#response;
    const length = this.answering.answerQuery(message, message.length, client, response);
    if (length < 0) return this.deferred(message, client);
    if (length === 0) return undefined;
    return response.slice(0, this.#pad(message, client, response, length, 0));
  }

  deferred(message: Uint8Array, client: Client): DnsStreamReply {
    const { keyring } = this.#parts;
    const findKey = (name: Parameters<Keyring["find"]>[0]) => keyring.find(name)?.key;
    const opened = openSigned(message, message.length, findKey, this.#nowSeconds());
    if (opened.kind === "silence") return undefined;
    if (opened.kind === "open") return this.#dispatch(opened, client);
    this.#logFailure(message, opened.bytes, client);
    this.#count(opened.bytes, client);
    return this.#isHeldBack(client) ? undefined : opened.bytes;
  }

  #dispatch(opened: OpenMessage, client: Client): DnsStreamReply {
    try {
      const opcode = opcodeOf(opened.message);
      if (opcode === Opcode.query) return this.#query(opened, client);
      if (readAskedOptions(opened.message, opened.length, client) === undefined) {
        return this.#reject(opened, client, MALFORMED_OPTION);
      }
      switch (opcode) {
        case Opcode.update:
          return this.#update(opened, client);
        default:
          return this.#reject(opened, client, NOTIFY_REFUSED);
      }
    } catch (error) {
      return this.#fail(opened, client, error);
    }
  }

  /** The TSIG of the response is kept room for, so that what does not fit is cut at whole RRsets. */
  #query(opened: OpenMessage, client: Client): DnsStreamReply {
    const { message, length, tsig } = opened;
    const tsigLength = tsig?.length ?? 0;
    const least = questionSectionEnd(message, length) + OPT_ROOM;
    const room = Math.max(this.#responseLimit(message, length, client) - tsigLength, least);
    const end = this.answering.answerQuery(
      message,
      length,
      client,
      this.#response.subarray(0, room),
    );
    if (end === Deferred.transfer) return this.#transfer(opened, { ...client });
    if (end < 0) return this.#reject(opened, client, MISPLACED_TSIG);
    if (end === 0) return undefined;
    const response = this.#response.subarray(0, room + tsigLength);
    const padded = this.#pad(message.subarray(0, length), client, response, end, tsigLength);
    return this.#seal(tsig, response, padded).slice();
  }

  #responseLimit(message: Uint8Array, length: number, client: Client): number {
    if (client.transport !== Transport.udp) return Limits.messageLength;
    const behind = questionSectionEnd(message, length);
    const opt = findOpt(message, behind, length, countRecords(message));
    const offered = opt > 0 ? u16At(message, opt + OptOffset.udpPayload) : 0;
    return Math.min(Math.max(offered, Limits.udpPayload), this.answering.udpPayload);
  }

  async #transfer(
    opened: OpenMessage,
    client: Client,
  ): Promise<Uint8Array | Iterable<Uint8Array> | undefined> {
    const { message, length, tsig } = opened;
    const principal = this.#principal(opened);
    const capacity = this.#responseLimit(message, length, client);
    const optionsLength = REPLY_OPTIONS_LENGTH;
    const addOptions = (reply: Uint8Array, end: number, signature: number) =>
      this.#addOptions(opened, client, reply, end, signature);
    const query = { message, length, tsig, principal, client, capacity };
    try {
      const reply = await this.#parts.transfers.answer({ ...query, optionsLength, addOptions });
      if (reply.kind === "rejected") return this.#reject(opened, client, reply.why);
      if (reply.kind === "messages") return this.#counted(reply.messages, client);
      this.#count(reply.message, client);
      return reply.message;
    } catch (error) {
      return this.#fail(opened, client, error);
    }
  }

  /** The first message of a transfer stands for all. */
  *#counted(
    messages: Iterable<Uint8Array>,
    client: Client,
  ): Generator<Uint8Array, void, undefined> {
    let isCounted = false;
    for (const message of messages) {
      if (!isCounted) this.#count(message, client);
      isCounted = true;
      yield message;
    }
  }

  #update(opened: OpenMessage, client: Client): DnsReply {
    const { address } = client;
    const read = readUpdate(opened.message, opened.length);
    if (read.status === "refused") {
      const { reason, detail } = read;
      const fields = { actor: this.#principal(opened).actor, address, reason, detail };
      this.#parts.log.info({ ...fields, door: "rfc2136", rcode: read.rcode }, "update refused");
      return this.#answerUpdate(opened, client, read);
    }
    const { origin, prerequisites, operations } = read;
    const principal = this.#principal(opened);
    const asked = { ...client };
    return this.#parts.engine
      .submit({ origin, prerequisites, operations, principal, door: "rfc2136", address })
      .then((verdict) => this.#answerUpdate(opened, asked, verdict))
      .catch((error: unknown) => this.#fail(opened, asked, error));
  }

  #principal({ tsig }: OpenMessage): Principal {
    if (tsig === undefined) return ANONYMOUS;
    return this.#parts.keyring.find(tsig.key.name)?.principal ?? ANONYMOUS;
  }

  #answerUpdate(opened: OpenMessage, client: Client, verdict: Verdict): Uint8Array | undefined {
    const { message, length } = opened;
    const response = this.#response;
    const end = writeUpdateResponse(message, length, verdict, response);
    return this.#finish(opened, client, response, end);
  }

  #reject(opened: OpenMessage, client: Client, why: Rejection): Uint8Array | undefined {
    const { message, length } = opened;
    const response = this.#response;
    const end = writeErrorReply(message, length, why, response);
    return this.#finish(opened, client, response, end);
  }

  /** Options, padding, TSIG: in this order. */
  #finish(
    opened: OpenMessage,
    client: Client,
    response: Uint8Array,
    length: number,
  ): Uint8Array | undefined {
    const { tsig } = opened;
    if (tsig === undefined && this.#isHeldBack(client)) return undefined;
    const end = this.#addOptions(opened, client, response, length, tsig?.length ?? 0);
    this.#count(response, client);
    return pooledCopy(this.#seal(tsig, response, end));
  }

  /** Appends the options that the request asks for, and pads; `signature` octets of TSIG will follow. */
  #addOptions(
    opened: OpenMessage,
    client: Client,
    response: Uint8Array,
    length: number,
    signature: number,
  ): number {
    const message = opened.message.subarray(0, opened.length);
    const asked = readAskedOptions(message, message.length, client);
    if (asked === undefined) return length;
    const end = appendOptions(this.answering.cookies, { message, asked }, client, response, length);
    return this.#pad(message, client, response, end, signature);
  }

  /** Only on TLS, where lengths would tell what is hidden. */
  #pad(
    message: Uint8Array,
    client: Client,
    response: Uint8Array,
    length: number,
    signature: number,
  ): number {
    if (client.transport !== Transport.tls) return length;
    const isPadded = readAskedOptions(message, message.length, client)?.isPadded === true;
    return isPadded ? padReply(response, length, signature) : length;
  }

  #seal(tsig: SignedContext | undefined, response: Uint8Array, length: number): Uint8Array {
    const end =
      tsig === undefined ? length : sealSigned(tsig, response, length, this.#nowSeconds());
    return response.subarray(0, end);
  }

  #fail(
    opened: OpenMessage,
    { address, transport }: Client,
    error: unknown,
  ): Uint8Array | undefined {
    const problem = errorMessage(error);
    this.#parts.log.error({ address, problem }, "a message could not be answered: SERVFAIL");
    return this.#reject(opened, { address, transport, port: 0 }, BROKEN);
  }

  /** What is refused unproved may be asked with a forged address, and is limited as any error (`rate-limit.ts`). */
  #isHeldBack({ transport, address }: Client): boolean {
    const { counters } = this.#parts;
    const { limiter } = this.answering;
    if (limiter === undefined || transport !== Transport.udp) return false;
    const admission = limiter.admit(address, ResponseKind.error, 0);
    if (admission === Admission.send) return false;
    const isDropped = admission === Admission.drop;
    counters[isDropped ? Counter.rateLimitDropped : Counter.rateLimitSlipped]! += 1;
    return isDropped;
  }

  /** Who fails to prove a key changes nothing; it is told to the operator all the same, updates louder. */
  #logFailure(message: Uint8Array, reply: Uint8Array, { address }: Client): void {
    const asked = findTsig(message);
    const told = findTsig(reply);
    const fields = {
      address,
      key: asked.status === "found" ? formatName(asked.tsig.keyName) : "",
      rcode: rcodeOf(reply),
      tsigError: told.status === "found" ? told.tsig.error : 0,
      opcode: opcodeOf(message),
    };
    const isUpdate = opcodeOf(message) === Opcode.update;
    if (isUpdate) this.#parts.log.info({ ...fields, door: "rfc2136" }, "update refused: bad TSIG");
    else this.#parts.log.debug(fields, "bad TSIG");
  }

  /** `answerQuery` counts its own answers; these are the others. */
  #count(reply: Uint8Array, { transport }: Client): void {
    const { counters } = this.#parts;
    counters[Counter.queriesUdp + transport]! += 1;
    counters[RCODE_COUNTERS.get(rcodeOf(reply)) ?? Counter.responsesOther]! += 1;
  }

  #nowSeconds(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1000);
  }
}

/** In Node's pool, as memory of its own would cost more than the reply. */
function pooledCopy(reply: Uint8Array): Uint8Array {
  return Buffer.from(reply);
}

const RCODE_COUNTERS: ReadonlyMap<number, number> = new Map([
  [Rcode.noError, Counter.responsesNoError],
  [Rcode.formErr, Counter.responsesFormErr],
  [Rcode.servFail, Counter.responsesServFail],
  [Rcode.nxDomain, Counter.responsesNxDomain],
  [Rcode.notImp, Counter.responsesNotImp],
  [Rcode.refused, Counter.responsesRefused],
  [Rcode.notAuth, Counter.responsesNotAuth],
]);

function opcodeOf(message: Uint8Array): number {
  return (u16At(message, HeaderOffset.flags) >>> 11) & 0xf;
}

function rcodeOf(message: Uint8Array): number {
  return u16At(message, HeaderOffset.flags) & 0xf;
}
