/**
 * Grants as people and programs write them: in the configuration, in stored documents, on the command line and
 * over REST. One shape, one reader, one writer.
 */
import { type Static, Type } from "@sinclair/typebox";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { formatName, parseName } from "../wire/name.ts";
import { parseType, typeName } from "../wire/rr-types.ts";
import type { Grant } from "./principal.ts";

export const GrantText = Type.Object(
  {
    allow: Type.Array(Type.Union([Type.Literal("update"), Type.Literal("transfer")]), {
      minItems: 1,
    }),
    /** The apex and everything below it. */
    zone: Type.Optional(Type.String({ minLength: 1 })),
    /** One owner, or `*.` and the name below which every owner is meant. */
    name: Type.Optional(Type.String({ minLength: 1 })),
    types: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
  },
  { additionalProperties: false },
);
export type GrantText = Static<typeof GrantText>;

/** Throws `bad-credential` naming the field that is wrong. */
export function parseGrant(text: GrantText): Grant {
  if (text.zone === undefined && text.name === undefined) {
    throw badGrant("says neither `zone` nor `name`, so it would cover nothing");
  }
  return {
    allow: text.allow,
    ...(text.zone === undefined ? {} : { zone: readName("zone", text.zone) }),
    ...(text.name === undefined ? {} : { name: readName("name", text.name) }),
    ...(text.types === undefined ? {} : { types: text.types.map(readType) }),
  };
}

export function formatGrant(grant: Grant): GrantText {
  return {
    allow: [...grant.allow],
    ...(grant.zone === undefined ? {} : { zone: formatName(grant.zone) }),
    ...(grant.name === undefined ? {} : { name: formatName(grant.name) }),
    ...(grant.types === undefined ? {} : { types: grant.types.map(typeName) }),
  };
}

function readName(field: string, text: string) {
  try {
    return parseName(text);
  } catch (error) {
    throw badGrant(`has a bad \`${field}\`: ${errorMessage(error)}`);
  }
}

function readType(text: string): number {
  const rrtype = parseType(text);
  if (rrtype === undefined) throw badGrant(`names an unknown RR type "${text}"`);
  return rrtype;
}

function badGrant(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badCredential, `a grant ${problem}`);
}
