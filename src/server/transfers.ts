/**
 * Transfers out: who may have which part of a zone, in which form, and the stream of messages that is it. Every stream
 * is one version of the zone: a snapshot of the table, or a difference from the journal.
 *
 *     AXFR ────────────────────────────────┐
 *     IXFR ─ journal leads there ─► difference ─► messages, each signed
 *          ├ it does not ─► snapshot ──────┘
 *          └ nothing newer, or no room over UDP ─► our SOA
 */
import { type Client, Transport } from "../answer/client.ts";
import { ERROR_REPLY_LENGTH, type Rejection, writeErrorReply } from "../answer/error-reply.ts";
import type { SignedContext } from "../answer/gate.ts";
import { readAskedOptions } from "../answer/reply-options.ts";
import {
  type Covers,
  fullTransfer,
  incrementalTransfer,
  type TransferEnvelope,
  writeTransfer,
  writeWholeTransfer,
} from "../answer/transfer.ts";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { isGranted, isGrantedWithin, isTransferGranted } from "../identity/grants.ts";
import type { Principal } from "../identity/principal.ts";
import type { ZoneVersion } from "../store/store.ts";
import type { ZoneSnapshot } from "../table/table-zone-view.ts";
import { differenceSince, type ReadJournal } from "../update/journal-difference.ts";
import { Class, ExtendedError, Rcode, Type } from "../wire/code-points.ts";
import { type Message, type Question, readMessage } from "../wire/message.ts";
import { equalNames, formatName, type Name } from "../wire/name.ts";
import { TsigStream } from "../wire/tsig-stream.ts";
import type { RRset } from "../zone/rrset.ts";
import { isSerialAfter } from "../zone/serial.ts";
import { rdataSerial } from "../zone/soa.ts";
import type { ZoneView } from "../zone/zone-view.ts";

export interface TransferParts {
  /** The engine. */
  readonly zones: {
    version(origin: Name): ZoneVersion | undefined;
    view(origin: Name): ZoneView | undefined;
    readonly readJournal: ReadJournal;
  };
  /** The table's writer. */
  readonly table: {
    snapshot(origin: Name): ZoneSnapshot | undefined;
    countRRsets(origin: Name): number;
  };
  readonly clock: Clock;
  readonly log: Logger;
}

/** An AXFR or IXFR query that the gate has let through and opened. */
export interface TransferQuery {
  readonly message: Uint8Array;
  readonly length: number;
  readonly tsig: SignedContext | undefined;
  readonly principal: Principal;
  readonly client: Client;
  /** Octets of one response message at most. */
  readonly capacity: number;
  /** Octets of the options that `addOptions` adds at most. */
  readonly optionsLength: number;
  /** Adds what the query's OPT asks for to a message with an OPT; `signature` octets will follow. */
  readonly addOptions: (message: Uint8Array, length: number, signature: number) => number;
}

/** Messages in turn, each valid until the next is asked for; or one; or why there are none. */
export type TransferReply =
  | { readonly kind: "messages"; readonly messages: Iterable<Uint8Array> }
  | { readonly kind: "message"; readonly message: Uint8Array }
  | { readonly kind: "rejected"; readonly why: Rejection };

export class Transfers {
  readonly #parts: TransferParts;
  #underWay = 0;

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  /** Rejects only by a fault of ours. */
  async answer(query: TransferQuery): Promise<TransferReply> {
    const { principal } = query;
    const asked = readWhole(query);
    if (asked === undefined) return rejected(MALFORMED);
    const { name: origin, qtype } = asked.questions[0] as Question;
    const version = this.#parts.zones.version(origin);
    if (version === undefined) return rejected(NOT_OURS);
    if (!isGrantedWithin(principal, "transfer", origin)) {
      this.#logRefused(query, origin, "no grant covers it");
      return rejected(NOT_GRANTED);
    }
    if (qtype === Type.AXFR) return this.#full(query, origin);
    const serial = clientSerial(asked, origin);
    if (serial === undefined) return rejected(NO_SOA);
    if (serial === version.serial || isSerialAfter(serial, version.serial)) {
      return this.#soaOnly(query, origin);
    }
    return this.#newer(query, origin, serial, version);
  }

  /** An IXFR client that is behind: the difference, or the zone (RFC 1995 §4), or over UDP the SOA (§2). */
  async #newer(
    query: TransferQuery,
    origin: Name,
    serial: number,
    version: ZoneVersion,
  ): Promise<TransferReply> {
    const isWhole = isTransferGranted(query.principal, origin);
    const rrsets = isWhole ? await this.#difference(origin, serial, version) : undefined;
    if (query.client.transport !== Transport.udp) {
      if (rrsets === undefined) return this.#full(query, origin);
      return this.#stream(query, { origin, form: "IXFR", open: () => ({ rrsets }) });
    }
    const message =
      rrsets === undefined ? undefined : writeWholeTransfer(rrsets, this.#envelope(query));
    if (message === undefined) return this.#soaOnly(query, origin);
    this.#logSent(query, { origin, form: "IXFR" }, version.serial, { messages: 1, ms: 0 });
    return { kind: "message", message };
  }

  /** A difference larger than the zone is no gain; a store that does not answer is no reason to have no transfer. */
  async #difference(
    origin: Name,
    serial: number,
    version: ZoneVersion,
  ): Promise<readonly RRset[] | undefined> {
    const { zones, table, log } = this.#parts;
    const limit = Math.min(table.countRRsets(origin), Limits.transferDifference);
    const readJournal: ReadJournal = (...range) => zones.readJournal(...range);
    try {
      const changeset = await differenceSince(readJournal, origin, { serial, version, limit });
      return changeset === undefined ? undefined : incrementalTransfer(changeset);
    } catch (error) {
      const fields = { zone: formatName(origin), problem: errorMessage(error) };
      log.warn(fields, "the journal cannot be read: a full transfer goes out instead");
      return undefined;
    }
  }

  #full(query: TransferQuery, origin: Name): TransferReply {
    const { principal } = query;
    const isWhole = isTransferGranted(principal, origin);
    const covers: Covers | undefined = isWhole
      ? undefined
      : (owner, rrtype) => isGranted(principal, "transfer", owner, rrtype);
    const open = (): Opened | undefined => {
      const zone = this.#parts.table.snapshot(origin);
      if (zone === undefined) return undefined;
      return { rrsets: fullTransfer(zone, covers), close: () => zone.close() };
    };
    return this.#stream(query, { origin, form: isWhole ? "AXFR" : "filtered AXFR", open });
  }

  #soaOnly(query: TransferQuery, origin: Name): TransferReply {
    const soa = this.#parts.zones.view(origin)?.rrset(origin, Type.SOA);
    if (soa === undefined) return rejected(NOT_OURS);
    const message = writeWholeTransfer([soa], this.#envelope(query));
    return message === undefined ? rejected(BROKEN) : { kind: "message", message };
  }

  #stream(query: TransferQuery, transfer: Transfer): TransferReply {
    return { kind: "messages", messages: this.#messages(query, transfer) };
  }

  /**
   * Opens the zone only when the first message is wanted, and closes it when the reader stops, whether or not it had
   * the last: a reader that never begins holds nothing.
   */
  *#messages(query: TransferQuery, transfer: Transfer): Generator<Uint8Array, void, undefined> {
    if (this.#underWay >= Limits.transfers) {
      this.#logRefused(query, transfer.origin, `${Limits.transfers} transfers are under way`);
      return yield this.#rejection(query, TOO_MANY);
    }
    const opened = transfer.open();
    if (opened === undefined) return yield this.#rejection(query, NOT_OURS);
    this.#underWay += 1;
    try {
      yield* this.#timed(query, transfer, opened.rrsets);
    } finally {
      this.#underWay -= 1;
      opened.close?.();
    }
  }

  /** Throws when the transfer takes too long: the connection is cut, which no client takes for the end. */
  *#timed(
    query: TransferQuery,
    transfer: Transfer,
    rrsets: Iterable<RRset>,
  ): Generator<Uint8Array, void, undefined> {
    const { clock } = this.#parts;
    const startMs = clock.monotonicMs();
    let messages = 0;
    let serial = 0;
    const noted = noteSerial(rrsets, (each) => {
      serial = each;
    });
    for (const message of writeTransfer(noted, this.#envelope(query))) {
      messages += 1;
      yield message;
      if (clock.monotonicMs() - startMs > Limits.transferMs) {
        const problem = `a transfer of ${formatName(transfer.origin)} took more than`;
        throw new WindhoverError(ErrorCode.limit, `${problem} ${Limits.transferMs} ms`);
      }
    }
    const ms = Math.round(clock.monotonicMs() - startMs);
    this.#logSent(query, transfer, serial, { messages, ms });
  }

  #rejection(query: TransferQuery, why: Rejection): Uint8Array {
    const { finish, reserved } = this.#envelope(query);
    const message = new Uint8Array(ERROR_REPLY_LENGTH + reserved);
    const length = writeErrorReply(query.message, query.length, why, message);
    return message.subarray(0, finish({ message, length }));
  }

  /** RFC 8945 §5.3.1: every message is signed. */
  #envelope(query: TransferQuery): TransferEnvelope {
    const { message, length, capacity, client, tsig, optionsLength, addOptions } = query;
    const isPadded = readAskedOptions(message, length, client)?.isPadded === true;
    const plain = { query: message, length, capacity, isPadded };
    const finishPlain: TransferEnvelope["finish"] = (each) =>
      addOptions(each.message, each.length, 0);
    if (tsig === undefined) return { ...plain, reserved: optionsLength, finish: finishPlain };
    const { clock } = this.#parts;
    const stream = new TsigStream(tsig.key, tsig.request.mac);
    const finish: TransferEnvelope["finish"] = (each) => {
      const end = addOptions(each.message, each.length, tsig.length);
      return stream.sign({ ...each, length: end }, Math.floor(clock.nowMs() / 1000));
    };
    return { ...plain, reserved: optionsLength + tsig.length, finish };
  }

  #logSent(
    { principal, client }: TransferQuery,
    { origin, form }: Pick<Transfer, "origin" | "form">,
    serial: number,
    cost: { readonly messages: number; readonly ms: number },
  ): void {
    const who = { actor: principal.actor, address: client.address };
    const fields = { zone: formatName(origin), form, serial, ...cost, ...who };
    this.#parts.log.info(fields, "zone transferred");
  }

  #logRefused({ principal, client }: TransferQuery, origin: Name, reason: string): void {
    const fields = { zone: formatName(origin), actor: principal.actor, address: client.address };
    this.#parts.log.info({ ...fields, reason }, "transfer refused");
  }
}

interface Transfer {
  readonly origin: Name;
  readonly form: "AXFR" | "filtered AXFR" | "IXFR";
  /** `undefined` when the zone has gone meanwhile. */
  readonly open: () => Opened | undefined;
}

interface Opened {
  readonly rrsets: Iterable<RRset>;
  readonly close?: () => void;
}

/** Passes RRsets on; the first is the SOA of the version that is sent. */
function* noteSerial(
  rrsets: Iterable<RRset>,
  note: (serial: number) => void,
): Generator<RRset, void, undefined> {
  let isNoted = false;
  for (const rrset of rrsets) {
    if (!isNoted) note(rdataSerial(rrset.rdatas[0] as Uint8Array));
    isNoted = true;
    yield rrset;
  }
  assert(isNoted, "a transfer begins with an SOA");
}

/** The gate has walked over the message without looking into rdata: that may still be malformed. */
function readWhole({ message, length }: TransferQuery): Message | undefined {
  try {
    return readMessage(message.subarray(0, length));
  } catch (error) {
    if (error instanceof WindhoverError) return undefined;
    throw error;
  }
}

/** The serial the client has (RFC 1995 §3); `undefined` when it does not say, or speaks of another zone. */
function clientSerial({ authorities }: Message, origin: Name): number | undefined {
  const [soa] = authorities;
  if (soa?.rrtype !== Type.SOA || soa.class !== Class.in) return undefined;
  if (!equalNames(soa.owner, origin)) return undefined;
  return rdataSerial(soa.rdata);
}

function rejected(why: Rejection): TransferReply {
  return { kind: "rejected", why };
}

const NOT_OURS: Rejection = {
  rcode: Rcode.notAuth,
  infoCode: ExtendedError.notAuthoritative,
  text: "there is no zone of this name here",
};
const NOT_GRANTED: Rejection = {
  rcode: Rcode.refused,
  infoCode: ExtendedError.prohibited,
  text: "a transfer needs a TSIG key with a grant for it",
};
const MALFORMED: Rejection = {
  rcode: Rcode.formErr,
  infoCode: ExtendedError.other,
  text: "a record of the query is malformed",
};
const NO_SOA: Rejection = {
  rcode: Rcode.formErr,
  infoCode: ExtendedError.other,
  text: "an IXFR query says which SOA the client has",
};
const TOO_MANY: Rejection = {
  rcode: Rcode.servFail,
  infoCode: ExtendedError.notReady,
  text: "too many transfers are under way; try again",
};
const BROKEN: Rejection = {
  rcode: Rcode.servFail,
  infoCode: ExtendedError.other,
  text: "the SOA does not fit the response",
};
