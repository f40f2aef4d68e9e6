import { describe, expect, test } from "vitest";
import { at, ORIGIN } from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import { Class, EdnsOption, HeaderFlag, Opcode, Rcode, Type } from "../wire/code-points.ts";
import { readExtendedError, recordEdns } from "../wire/edns.ts";
import { type Message, readMessage, writeMessage } from "../wire/message.ts";
import { canonicalName } from "../wire/name.ts";
import { refuse } from "./refusal.ts";
import type { Verdict } from "./update-request.ts";
import { UPDATE_RESPONSE_LENGTH, writeUpdateResponse } from "./write-update-response.ts";

const MIXED_CASE = new Uint8Array(Buffer.from("\x03DyN\x07Example\x03com\x00", "latin1"));
const OPT = { owner: at("."), rrtype: Type.OPT, class: 4096, ttl: 0, rdata: new Uint8Array(0) };

function requestBytes(parts: Partial<Message> = {}): Uint8Array {
  const buffer = new Uint8Array(1_000);
  const zone = {
    name: canonicalName(MIXED_CASE),
    wireName: MIXED_CASE,
    qtype: Type.SOA,
    qclass: Class.in,
  };
  const request: Message = {
    id: 0xabcd,
    flags: HeaderFlag.rd,
    opcode: Opcode.update,
    rcode: 0,
    questions: [zone],
    answers: [
      { owner: ORIGIN, rrtype: Type.A, class: Class.any, ttl: 0, rdata: new Uint8Array(0) },
    ],
    authorities: [],
    additionals: [],
    ...parts,
  };
  return buffer.slice(0, writeMessage(request, buffer));
}

function respond(request: Uint8Array, verdict: Verdict): Message {
  const response = new Uint8Array(UPDATE_RESPONSE_LENGTH);
  return readMessage(
    response.subarray(0, writeUpdateResponse(request, request.length, verdict, response)),
  );
}

const APPLIED: Verdict = { status: "applied", serial: 2, sequence: 2 };
const REFUSED = refuse(Rcode.refused, "no-grant", "key:test has no update grant for x. A");

describe("the answer to an UPDATE", () => {
  test("repeats id, opcode and zone section, in the case it came in, and nothing else", () => {
    const response = respond(requestBytes(), APPLIED);
    expect(response).toMatchObject({ id: 0xabcd, flags: HeaderFlag.qr, opcode: Opcode.update });
    expect(response.rcode).toBe(Rcode.noError);
    expect(response.questions).toHaveLength(1);
    expect(response.questions[0]!.wireName).toEqual(MIXED_CASE);
    expect([response.answers, response.authorities, response.additionals]).toEqual([[], [], []]);
  });

  test("says in an extended error why, when the request had EDNS", () => {
    const response = respond(requestBytes({ additionals: [OPT] }), REFUSED);
    expect(response.rcode).toBe(Rcode.refused);
    const [option] = recordEdns(response.additionals[0]!).options;
    expect(option!.code).toBe(EdnsOption.extendedError);
    expect(readExtendedError(option!.bytes)).toEqual({ infoCode: 18, text: REFUSED.detail });
    expect(respond(requestBytes(), REFUSED).additionals).toEqual([]);
    const applied = respond(requestBytes({ additionals: [OPT] }), APPLIED);
    expect(recordEdns(applied.additionals[0]!).options).toEqual([]);
  });

  test("has all twelve bits of an rcode, or FORMERR where there is no room for them", () => {
    const badVersion = refuse(Rcode.badVers, "bad-operation", "EDNS version 1 is not known");
    const response = respond(requestBytes({ additionals: [{ ...OPT, ttl: 1 << 16 }] }), badVersion);
    expect(response.rcode).toBe(0);
    expect(recordEdns(response.additionals[0]!).extendedRcode).toBe(1);
    expect(respond(requestBytes(), badVersion).rcode).toBe(Rcode.formErr);
  });

  test("is the header alone for a message whose zone section cannot be repeated", () => {
    const formErr = refuse(Rcode.formErr, "bad-operation", "malformed");
    const none = respond(requestBytes({ questions: [] }), formErr);
    expect(none).toMatchObject({ questions: [], rcode: Rcode.formErr });
    const cut = requestBytes().slice(0, 20);
    expect(respond(cut, formErr).questions).toEqual([]);
    const pointer = requestBytes();
    pointer[12] = 0xc0;
    expect(respond(pointer, formErr).questions).toEqual([]);
  });

  test("never outgrows its buffer", () => {
    const label = [63, ...new Array(63).fill(0x61)];
    const longest = Uint8Array.of(...label, ...label, ...label, 61, ...new Array(61).fill(0x61), 0);
    expect(longest.length).toBe(Limits.nameLength);
    const zone = {
      name: canonicalName(longest),
      wireName: longest,
      qtype: Type.SOA,
      qclass: Class.in,
    };
    const request = requestBytes({ questions: [zone], answers: [], additionals: [OPT] });
    const response = new Uint8Array(UPDATE_RESPONSE_LENGTH);
    const long = refuse(Rcode.refused, "no-grant", "x".repeat(2_000));
    expect(writeUpdateResponse(request, request.length, long, response)).toBe(
      UPDATE_RESPONSE_LENGTH,
    );
    expect(UPDATE_RESPONSE_LENGTH).toBeLessThanOrEqual(512);
  });
});
