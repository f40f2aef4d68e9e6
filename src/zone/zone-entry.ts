/** The words of one zone file entry: what stands before the rdata, the rdata, and errors that say where they are. */
import { ErrorCode, errorMessage, expected, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Class, isMetaType } from "../wire/code-points.ts";
import type { Name } from "../wire/name.ts";
import { parsePeriod } from "../wire/period.ts";
import { parseRdata, RdataTextError } from "../wire/rdata.ts";
import { parseClass, parseType } from "../wire/rr-types.ts";
import type { SourceToken } from "../wire/token.ts";

/** What stands before the rdata. */
export interface RecordHead {
  readonly ttl: number | undefined;
  readonly type: SourceToken;
  readonly rrtype: number;
  readonly rdata: readonly SourceToken[];
}

/** Makes the errors of one file: `bad-zone-file` with `file:line:column: what is wrong`. */
export class EntryErrors {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  at(token: SourceToken, problem: string): WindhoverError {
    return this.error(token.line, token.column, problem);
  }

  /** Something is missing after the last of these tokens. */
  after(tokens: readonly SourceToken[], problem: string): WindhoverError {
    const last = tokens.at(-1) as SourceToken;
    return this.error(last.line, last.column + last.text.length + 1, problem);
  }

  error(line: number, column: number, problem: string): WindhoverError {
    return new WindhoverError(ErrorCode.badZoneFile, `${this.#file}:${line}:${column}: ${problem}`);
  }

  /** Runs `parse`; what it finds wrong is said of `token`. */
  guard<T>(token: SourceToken, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw this.at(token, errorMessage(error));
    }
  }
}

/** TTL and class in either order, both optional; the type; what is left is rdata. */
export function readHead(
  tokens: readonly SourceToken[],
  from: number,
  errors: EntryErrors,
): RecordHead {
  let ttl: number | undefined;
  let hasClass = false;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at] as SourceToken;
    const rrtype = parseType(token.text);
    if (rrtype !== undefined) {
      if (isMetaType(rrtype)) throw errors.at(token, `${token.text} is not a type of zone data`);
      return { ttl, type: token, rrtype, rdata: tokens.slice(at + 1) };
    }
    const rrclass = parseClass(token.text);
    if (rrclass !== undefined && !hasClass) {
      if (rrclass !== Class.in) throw errors.at(token, `class ${token.text}; only IN is served`);
      hasClass = true;
    } else if (ttl === undefined && isDigit(token.text)) {
      ttl = readTtl(token, errors);
    } else {
      throw errors.at(token, `"${cut(token.text)}" is not an RR type that is known here`);
    }
  }
  throw errors.after(tokens, "the record has no type");
}

export function readRdata(head: RecordHead, origin: Name, errors: EntryErrors): Uint8Array {
  try {
    return parseRdata(head.rrtype, head.rdata, origin);
  } catch (error) {
    const { tokenIndex, message } = expected(error, RdataTextError);
    const blamed = head.rdata[tokenIndex];
    if (blamed !== undefined) throw errors.at(blamed, message);
    throw errors.after([head.type, ...head.rdata], message);
  }
}

export function readTtl(token: SourceToken, errors: EntryErrors): number {
  const ttl = parsePeriod(token.text);
  if (ttl !== undefined && ttl <= Limits.ttl) return ttl;
  throw errors.at(
    token,
    `"${cut(token.text)}" is not a TTL (0 to ${Limits.ttl} seconds, or 1h30m)`,
  );
}

/** Enough of a word to know it by. */
export function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function isDigit(text: string): boolean {
  const code = text.charCodeAt(0);
  return code >= 0x30 && code <= 0x39;
}
