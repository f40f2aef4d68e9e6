/**
 * TSIG over an answer of several messages, as in a transfer (RFC 8945 §5.3.1). Each signed message signs the MAC
 * before it, so that none can be left out, put in or moved; the first signs as any answer does, later ones only
 * their timers.
 */
import { Limits } from "../base/limits.ts";
import type { Mac } from "./hmac.ts";
import {
  algorithmOf,
  appendTsig,
  asItIs,
  beforeSigning,
  findTsig,
  isKeyOf,
  isMacLength,
  isTimely,
  type TsigKey,
  type TsigStatus,
  tsigLength,
  type UnsignedMessage,
  unsignedFields,
} from "./tsig.ts";
import { isMac, startStreamMac, updateMessage, updateTimers, updateVariables } from "./tsig-mac.ts";
import type { TsigFields, TsigRecord } from "./tsig-record.ts";
import { WriterFull } from "./writer.ts";

/** `unsigned`: no TSIG here, which is allowed between two signed messages; a later one vouches for this one. */
export type StreamStatus = TsigStatus | "unsigned";

/** One answer, at one end of it: give it every message in order. */
export class TsigStream {
  readonly #key: TsigKey;
  #hmac: Mac;
  #isFirst = true;
  #isBroken = false;
  /** Messages seen since the last signed one. */
  #unsigned = 0;

  /** `requestMac` is the MAC of the message that is answered. */
  constructor(key: TsigKey, requestMac: Uint8Array) {
    this.#key = key;
    this.#hmac = startStreamMac(algorithmOf(key).hash, key.secret, requestMac);
  }

  /** Whether the last message was signed, as the last of an answer must be. */
  get isVouched(): boolean {
    return !this.#isFirst && !this.#isBroken && this.#unsigned === 0;
  }

  /** Signs the next message and returns its new length. Throws `WriterFull`: leave `tsigLength` octets of room. */
  sign(unsigned: UnsignedMessage, nowSeconds: number): number {
    const { name, macLength } = algorithmOf(this.#key);
    const fields: TsigFields = {
      ...unsignedFields(unsigned, nowSeconds),
      keyName: this.#key.name,
      algorithm: name,
    };
    const { message, length, capacity = message.length } = unsigned;
    if (length + tsigLength(this.#key) > capacity) throw new WriterFull();
    updateMessage(this.#hmac, message, length, asItIs(message));
    this.#updateFields(fields);
    const mac = this.#hmac.digest().subarray(0, macLength);
    const signedLength = appendTsig(unsigned, { ...fields, mac });
    this.#startNext(mac);
    return signedLength;
  }

  /** Checks the next message. After anything but `ok` and `unsigned` the whole answer is worth nothing, and stays so. */
  verify(message: Uint8Array, nowSeconds: number): StreamStatus {
    if (this.#isBroken) return "badsig";
    const status = this.#verifyNext(message, nowSeconds);
    this.#isBroken = status !== "ok" && status !== "unsigned";
    return status;
  }

  #verifyNext(message: Uint8Array, nowSeconds: number): StreamStatus {
    const search = findTsig(message);
    if (search.status === "malformed") return "formerr";
    if (search.status === "none") return this.#passUnsigned(message);
    return this.#verifySigned(message, search.tsig, nowSeconds);
  }

  #passUnsigned(message: Uint8Array): StreamStatus {
    if (this.#isFirst || this.#unsigned === Limits.tsigUnsigned) return "badsig";
    this.#unsigned += 1;
    this.#hmac.update(message);
    return "unsigned";
  }

  #verifySigned(message: Uint8Array, tsig: TsigRecord, nowSeconds: number): StreamStatus {
    if (!isKeyOf(tsig, this.#key)) return "badkey";
    if (!isMacLength(tsig.mac.length, this.#key.algorithm)) return "formerr";
    updateMessage(this.#hmac, message, tsig.offset, beforeSigning(message, tsig));
    this.#updateFields(tsig);
    if (!isMac(this.#hmac, tsig.mac)) return "badsig";
    this.#startNext(tsig.mac);
    if (!isTimely(tsig, nowSeconds)) return "badtime";
    return tsig.mac.length < algorithmOf(this.#key).macLength ? "badtrunc" : "ok";
  }

  #updateFields(fields: TsigFields): void {
    if (this.#isFirst) updateVariables(this.#hmac, fields);
    else updateTimers(this.#hmac, fields);
  }

  #startNext(mac: Uint8Array): void {
    this.#hmac = startStreamMac(algorithmOf(this.#key).hash, this.#key.secret, mac);
    this.#isFirst = false;
    this.#unsigned = 0;
  }
}
