/**
 * Reads zone files (RFC 1035 §5, `$TTL` of RFC 2308 §4, `$GENERATE` of BIND) as a stream of records, however large.
 * It does no I/O of its own: the octets, and those of included files, come from the caller.
 *
 * The TTL of a record is its own, else that of `$TTL`, else that of the record before, else the caller's default, else
 * the SOA's MINIMUM. Every error is `bad-zone-file` with `file:line:column: what is wrong`.
 */
import { dirname, resolve } from "node:path";
import { ErrorCode, errorMessage, expected, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { parseOctets } from "../wire/character-string.ts";
import { Class, isMetaType, Type } from "../wire/code-points.ts";
import { formatName, isSubdomain, type Name, parseName } from "../wire/name.ts";
import { parsePeriod } from "../wire/period.ts";
import { parseRdata, RdataTextError } from "../wire/rdata.ts";
import { parseClass, parseType } from "../wire/rr-types.ts";
import { type SourceToken, type Token, TokenError, TokenScanner, tokenize } from "../wire/token.ts";
import { readAddressLine } from "./zone-address-line.ts";
import { parseGenerateRange, parseGenerateTemplate } from "./zone-generate.ts";
import { ZoneLines } from "./zone-lines.ts";

export interface ZoneFileSource {
  /** The octets in pieces of any size. */
  readonly chunks: Iterable<Uint8Array>;
  /** The path or another name: for messages, and what included files are relative to. */
  readonly file: string;
  readonly origin: Name;
  readonly defaultTtl?: number;
  /** Opens an included file. Without it, `$INCLUDE` is refused. */
  readonly readFile?: (path: string) => Iterable<Uint8Array>;
}

export interface ZoneRecord {
  readonly owner: Name;
  readonly ttl: number;
  readonly rrtype: number;
  /** Canonical. */
  readonly rdata: Uint8Array;
  readonly file: string;
  readonly line: number;
}

/** One file of those that are open, and what holds inside it only. */
interface OpenFile {
  readonly lines: ZoneLines;
  origin: Name;
  /** The last stated owner. */
  owner: Name | undefined;
  /** As it was written, to see at once that it is the same again. */
  ownerText: string;
}

/** What stands before the rdata. */
interface RecordHead {
  readonly ttl: number | undefined;
  readonly type: SourceToken;
  readonly rrtype: number;
  readonly rdata: readonly SourceToken[];
}

/** Every record of the file in order. Nothing is promised of the zone as a whole: see `zone-checks.ts`. */
export function parseZoneFile(source: ZoneFileSource): Generator<ZoneRecord, void, undefined> {
  return new ZoneFileReader(source).records();
}

class ZoneFileReader {
  readonly #source: ZoneFileSource;
  readonly #scanner = new TokenScanner();
  readonly #files: OpenFile[] = [];
  #file: OpenFile;
  /** From `$TTL`. */
  #statedTtl: number | undefined;
  #lastTtl: number | undefined;

  constructor(source: ZoneFileSource) {
    this.#source = source;
    this.#file = this.#open(source.file, source.chunks, source.origin);
  }

  *records(): Generator<ZoneRecord, void, undefined> {
    try {
      for (;;) {
        const lines = this.#file.lines;
        if (!lines.next()) {
          if (!this.#close()) return;
          continue;
        }
        const simple = this.#simpleRecord(lines);
        if (simple !== undefined) {
          yield simple;
          continue;
        }
        const isOwnerOmitted = isBlank(lines.bytes[lines.start]);
        const tokens = this.#entry(lines);
        const first = tokens[0];
        if (first === undefined) continue;
        if (!first.text.startsWith("$") || first.quoted || isOwnerOmitted) {
          yield this.#record(tokens, isOwnerOmitted);
        } else if (first.text.toUpperCase() === "$GENERATE") {
          yield* this.#generate(tokens);
        } else {
          this.#directive(tokens);
        }
      }
    } finally {
      for (const file of this.#files) file.lines.close();
    }
  }

  /** The commonest line, read straight from its octets; anything else is left to the tokens. */
  #simpleRecord(lines: ZoneLines): ZoneRecord | undefined {
    const line = readAddressLine(lines.bytes, lines.start, lines.end, this.#file.origin);
    if (line === undefined) return undefined;
    const ttl = line.ttl ?? this.#statedTtl ?? this.#lastTtl ?? this.#source.defaultTtl;
    if (ttl === undefined || ttl > Limits.ttl) return undefined;
    if (!isSubdomain(line.owner, this.#source.origin)) return undefined;
    this.#lastTtl = ttl;
    this.#file.owner = line.owner;
    this.#file.ownerText = "";
    const { owner, rdata } = line;
    return { owner, ttl, rrtype: Type.A, rdata, file: lines.file, line: lines.line };
  }

  /** The tokens of the entry that starts on this line, and of the lines its parentheses join. */
  #entry(lines: ZoneLines): readonly SourceToken[] {
    const scanner = this.#scanner;
    const firstLine = lines.line;
    scanner.reset();
    try {
      scanner.scanLine(lines.bytes, lines.start, lines.end, lines.line);
      while (scanner.depth > 0) {
        if (!lines.next()) {
          throw this.#error(
            firstLine,
            1,
            "a parenthesis opened here is not closed before the file ends",
          );
        }
        scanner.scanLine(lines.bytes, lines.start, lines.end, lines.line);
      }
    } catch (error) {
      if (error instanceof TokenError) throw this.#error(lines.line, error.column, error.message);
      throw error;
    }
    return scanner.tokens;
  }

  #record(tokens: readonly SourceToken[], isOwnerOmitted: boolean): ZoneRecord {
    const first = tokens[0] as SourceToken;
    const owner = isOwnerOmitted ? this.#lastOwner(first) : this.#owner(first);
    return this.#makeRecord(owner, this.#head(tokens, isOwnerOmitted ? 0 : 1), first);
  }

  #lastOwner(first: SourceToken): Name {
    if (this.#file.owner !== undefined) return this.#file.owner;
    throw this.#errorAt(
      first,
      "no owner: the line starts with a blank, and no record comes before it",
    );
  }

  #owner(token: SourceToken): Name {
    const file = this.#file;
    if (file.owner !== undefined && token.text === file.ownerText) return file.owner;
    const owner = this.#name(token, file.origin);
    this.#checkOwner(owner, token);
    file.owner = owner;
    file.ownerText = token.text;
    return owner;
  }

  #checkOwner(owner: Name, token: SourceToken): void {
    if (isSubdomain(owner, this.#source.origin)) return;
    const zone = formatName(this.#source.origin);
    throw this.#errorAt(
      token,
      `${formatName(owner)} is not in the zone ${zone} (a final dot too many?)`,
    );
  }

  /** TTL and class in either order, both optional; the type; what is left is rdata. */
  #head(tokens: readonly SourceToken[], from: number): RecordHead {
    let ttl: number | undefined;
    let hasClass = false;
    for (let at = from; at < tokens.length; at++) {
      const token = tokens[at] as SourceToken;
      const rrtype = parseType(token.text);
      if (rrtype !== undefined) {
        if (isMetaType(rrtype))
          throw this.#errorAt(token, `${token.text} is not a type of zone data`);
        return { ttl, type: token, rrtype, rdata: tokens.slice(at + 1) };
      }
      const rrclass = parseClass(token.text);
      if (rrclass !== undefined && !hasClass) {
        if (rrclass !== Class.in)
          throw this.#errorAt(token, `class ${token.text}; only IN is served`);
        hasClass = true;
      } else if (ttl === undefined && isDigit(token.text)) {
        ttl = this.#ttl(token);
      } else {
        throw this.#errorAt(token, `"${cut(token.text)}" is not an RR type that is known here`);
      }
    }
    throw this.#errorAfter(tokens, "the record has no type");
  }

  #makeRecord(owner: Name, head: RecordHead, first: SourceToken): ZoneRecord {
    const rdata = this.#rdata(head);
    const ttl = head.ttl ?? this.#impliedTtl(head.rrtype, rdata, first);
    this.#lastTtl = ttl;
    const file = this.#file.lines.file;
    return { owner, ttl, rrtype: head.rrtype, rdata, file, line: first.line };
  }

  #rdata(head: RecordHead): Uint8Array {
    try {
      return parseRdata(head.rrtype, head.rdata, this.#file.origin);
    } catch (error) {
      const { tokenIndex, message } = expected(error, RdataTextError);
      const blamed = head.rdata[tokenIndex];
      if (blamed !== undefined) throw this.#errorAt(blamed, message);
      throw this.#errorAfter([head.type, ...head.rdata], message);
    }
  }

  #impliedTtl(rrtype: number, rdata: Uint8Array, first: SourceToken): number {
    const ttl = this.#statedTtl ?? this.#lastTtl ?? this.#source.defaultTtl;
    if (ttl !== undefined) return ttl;
    if (rrtype !== Type.SOA) throw this.#errorAt(first, "no TTL: give one, or $TTL before it");
    const minimum = new DataView(rdata.buffer, rdata.byteOffset).getUint32(rdata.length - 4);
    return Math.min(minimum, Limits.ttl);
  }

  #ttl(token: SourceToken): number {
    const ttl = parsePeriod(token.text);
    if (ttl !== undefined && ttl <= Limits.ttl) return ttl;
    throw this.#errorAt(
      token,
      `"${cut(token.text)}" is not a TTL (0 to ${Limits.ttl} seconds, or 1h30m)`,
    );
  }

  #directive(tokens: readonly SourceToken[]): void {
    const [first, argument, ...more] = tokens as [SourceToken, ...SourceToken[]];
    const directive = first.text.toUpperCase();
    if (!["$ORIGIN", "$TTL", "$INCLUDE"].includes(directive)) {
      throw this.#errorAt(
        first,
        `${cut(first.text)} is none of $ORIGIN, $TTL, $INCLUDE and $GENERATE`,
      );
    }
    if (argument === undefined) throw this.#errorAfter(tokens, `${directive} needs an argument`);
    const extra = directive === "$INCLUDE" ? more[1] : more[0];
    if (extra !== undefined) throw this.#errorAt(extra, `more than ${directive} takes`);
    if (directive === "$TTL") this.#statedTtl = this.#ttl(argument);
    else if (directive === "$INCLUDE") this.#include(argument, more[0]);
    else {
      this.#file.origin = this.#name(argument, this.#file.origin);
      this.#file.ownerText = "";
    }
  }

  #include(argument: SourceToken, originArgument: SourceToken | undefined): void {
    const readFile = this.#source.readFile;
    if (readFile === undefined) throw this.#errorAt(argument, "$INCLUDE is not allowed here");
    if (this.#files.length > Limits.includeDepth) {
      throw this.#errorAt(
        argument,
        `files include each other more than ${Limits.includeDepth} deep`,
      );
    }
    const parent = this.#file;
    const origin =
      originArgument === undefined ? parent.origin : this.#name(originArgument, parent.origin);
    try {
      const name = Buffer.from(parseOctets(argument.text)).toString("utf8");
      const path = resolve(dirname(parent.lines.file), name);
      this.#file = this.#open(path, readFile(path), origin);
      this.#file.owner = parent.owner;
    } catch (error) {
      throw this.#errorAt(argument, `cannot include this file: ${errorMessage(error)}`);
    }
  }

  #open(file: string, chunks: Iterable<Uint8Array>, origin: Name): OpenFile {
    const opened = { lines: new ZoneLines(file, chunks), origin, owner: undefined, ownerText: "" };
    this.#files.push(opened);
    return opened;
  }

  /** Goes back to the file that included this one; false when there is none. */
  #close(): boolean {
    this.#files.pop();
    const parent = this.#files.at(-1);
    if (parent === undefined) return false;
    this.#file = parent;
    return true;
  }

  /** `$GENERATE range owner [ttl] [class] type rdata`; a single quoted rdata is cut into tokens again, as BIND does. */
  *#generate(tokens: readonly SourceToken[]): Generator<ZoneRecord, void, undefined> {
    const [first, rangeToken, ownerToken] = tokens as [SourceToken, ...SourceToken[]];
    if (rangeToken === undefined || ownerToken === undefined) {
      throw this.#errorAfter(tokens, "$GENERATE needs a range, an owner, a type and rdata");
    }
    const head = this.#head(tokens, 3);
    const range = this.#guard(rangeToken, () => parseGenerateRange(rangeToken.text));
    const owner = this.#guard(ownerToken, () => parseGenerateTemplate(ownerToken.text));
    const rdata = this.#generatedRdata(head.rdata);
    for (let number = range.start; number <= range.stop; number += range.step) {
      const text = this.#guard(ownerToken, () => owner(number));
      const name = this.#name({ ...ownerToken, text }, this.#file.origin);
      this.#checkOwner(name, ownerToken);
      yield this.#makeRecord(name, { ...head, rdata: rdata(number) }, first);
    }
  }

  #generatedRdata(tokens: readonly SourceToken[]): (number: number) => readonly SourceToken[] {
    const templates = tokens.map((token) =>
      this.#guard(token, () => parseGenerateTemplate(token.text)),
    );
    const only = tokens.length === 1 && tokens[0]?.quoted === true ? tokens[0] : undefined;
    const place = (token: Token, at: SourceToken) => ({
      ...token,
      line: at.line,
      column: at.column,
    });
    return (number) =>
      templates.flatMap((template, at) => {
        const token = tokens[at] as SourceToken;
        const text = this.#guard(token, () => template(number));
        if (only === undefined) return [{ ...token, text }];
        return this.#guard(token, () => tokenize(text)).map((each) => place(each, token));
      });
  }

  #name(token: SourceToken, origin: Name): Name {
    return this.#guard(token, () => parseName(token.text, origin));
  }

  /** Runs `parse`; what it finds wrong is said of `token`. */
  #guard<T>(token: SourceToken, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw this.#errorAt(token, errorMessage(error));
    }
  }

  #errorAt(token: SourceToken, problem: string): WindhoverError {
    return this.#error(token.line, token.column, problem);
  }

  /** Something is missing after the last of these tokens. */
  #errorAfter(tokens: readonly SourceToken[], problem: string): WindhoverError {
    const last = tokens.at(-1) as SourceToken;
    return this.#error(last.line, last.column + last.text.length + 1, problem);
  }

  #error(line: number, column: number, problem: string): WindhoverError {
    const where = `${this.#file.lines.file}:${line}:${column}`;
    return new WindhoverError(ErrorCode.badZoneFile, `${where}: ${problem}`);
  }
}

function isBlank(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09;
}

function isDigit(text: string): boolean {
  const code = text.charCodeAt(0);
  return code >= 0x30 && code <= 0x39;
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
