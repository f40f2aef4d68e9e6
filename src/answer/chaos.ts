/** The few CH TXT names by which servers tell who they are (RFC 4892), as far as the operator wants them told. */
import type { LookupName } from "../table/lookup-name.ts";
import { Class, Type } from "../wire/code-points.ts";
import { equalNames, type Name, parseName } from "../wire/name.ts";
import type { AnswerSettings } from "./answer-settings.ts";

interface ChaosText {
  readonly owner: Name;
  /** TXT rdata: one character-string. */
  readonly rdata: Uint8Array;
}

export type ChaosTexts = readonly ChaosText[];

/** Owner pointer, type, class, TTL, RDLENGTH. */
const RR_HEADER = 12;

export function makeChaosTexts({ version, identity }: AnswerSettings): ChaosTexts {
  return [
    ...chaosText("version.bind.", version),
    ...chaosText("version.server.", version),
    ...chaosText("id.server.", identity),
    ...chaosText("hostname.bind.", identity),
  ];
}

function chaosText(owner: string, text: string | undefined): ChaosTexts {
  if (text === undefined) return [];
  const octets = Buffer.from(text, "utf8");
  return [{ owner: parseName(owner), rdata: new Uint8Array([octets.length, ...octets]) }];
}

/**
 * Writes the text of `name` at `at`, owned by the qname. Returns the offset after it; 0 when there is no such text,
 * another type is asked for, or it does not fit before `end`.
 */
export function writeChaosText(
  texts: ChaosTexts,
  name: LookupName,
  qtype: number,
  response: Uint8Array,
  at: number,
  end: number,
): number {
  if (qtype !== Type.TXT && qtype !== Type.ANY) return 0;
  const owner = name.bytes.subarray(0, name.length) as Name;
  const text = texts.find((each) => equalNames(each.owner, owner));
  if (text === undefined || at + RR_HEADER + text.rdata.length > end) return 0;
  const header = [0xc0, 12, 0, Type.TXT, 0, Class.ch, 0, 0, 0, 0, 0, text.rdata.length];
  response.set(header, at);
  response.set(text.rdata, at + RR_HEADER);
  return at + RR_HEADER + text.rdata.length;
}
