/** What the routes of a zone are told about it: its origin, owners in it, types. */
import { type Static, Type } from "@sinclair/typebox";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { isSubdomain, type Name, parseName } from "../../wire/name.ts";
import { parseType } from "../../wire/rr-types.ts";

const OneZone = Type.Object({ origin: Type.String({ minLength: 1 }) });
export type OneZone = Static<typeof OneZone>;

/** A name of the zone, whole or without the origin: `www.dyn.example.com`, `www`, `@`. */
export function ownerIn(origin: Name, text: string): Name {
  if (text !== "@") {
    const whole = parseName(text);
    if (isSubdomain(whole, origin)) return whole;
  }
  return parseName(text, origin);
}

export function rrtypeOf(text: string): number {
  const rrtype = parseType(text.toUpperCase());
  if (rrtype !== undefined) return rrtype;
  throw new WindhoverError(ErrorCode.badRequest, `"${text}" is no RR type`);
}
