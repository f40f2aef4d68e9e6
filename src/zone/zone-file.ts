/**
 * Reads zone files (RFC 1035 §5, `$TTL` of RFC 2308 §4, `$GENERATE` of BIND) as a stream of records, however large.
 * It does no I/O of its own: the octets, and those of included files, come from the caller.
 *
 * The TTL of a record is its own, else that of `$TTL`, else that of the record before, else the caller's default, else
 * the SOA's MINIMUM. Every error is `bad-zone-file` with `file:line:column: what is wrong`.
 */
import { dirname, resolve } from "node:path";
import { errorMessage } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { parseOctets } from "../wire/character-string.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, isSubdomain, type Name, parseName, ROOT } from "../wire/name.ts";
import { type SourceToken, type Token, TokenError, TokenScanner, tokenize } from "../wire/token.ts";
import { cut, EntryErrors, type RecordHead, readHead, readRdata, readTtl } from "./zone-entry.ts";
import { parseGenerateRange, parseGenerateTemplate } from "./zone-generate.ts";
import { ZoneLines } from "./zone-lines.ts";
import { SimpleLine } from "./zone-simple-line.ts";

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

type FileRecord = Omit<ZoneRecord, "file">;

/** One file of those that are open, and what holds inside it only. */
interface OpenFile {
  readonly lines: ZoneLines;
  readonly errors: EntryErrors;
  origin: Name;
  /** The last stated owner. */
  owner: Name | undefined;
  /** As it was written, to see at once that it is the same again. */
  ownerText: string;
}

/** Every record of the file in order. Nothing is promised of the zone as a whole: see `zone-checks.ts`. */
export function* parseZoneFile(source: ZoneFileSource): Generator<ZoneRecord, void, undefined> {
  const reader = new ZoneFileReader(source);
  try {
    while (reader.next()) {
      yield {
        owner: reader.owner.slice(0, reader.ownerLength) as Name,
        ttl: reader.ttl,
        rrtype: reader.rrtype,
        rdata: reader.rdata.slice(0, reader.rdataLength),
        file: reader.file,
        line: reader.line,
      };
    }
  } finally {
    reader.close();
  }
}

/** A cursor: after `next`, its fields are a record, whose octets stay until the next one is asked for. */
export class ZoneFileReader {
  /** `ownerLength` octets are valid. */
  owner: Uint8Array = ROOT;
  ownerLength = 0;
  ttl = 0;
  rrtype = 0;
  /** Canonical; `rdataLength` octets are valid. */
  rdata: Uint8Array = ROOT;
  rdataLength = 0;
  line = 0;
  readonly #source: ZoneFileSource;
  readonly #scanner = new TokenScanner();
  readonly #simple = new SimpleLine();
  /** The last stated owner is the one that `#simple` holds. */
  #isOwnerSimple = false;
  readonly #files: OpenFile[] = [];
  #file: OpenFile;
  /** What a `$GENERATE` line still has to give. */
  #generated: Iterator<FileRecord, void> | undefined;
  /** From `$TTL`. */
  #statedTtl: number | undefined;
  #lastTtl: number | undefined;

  constructor(source: ZoneFileSource) {
    this.#source = source;
    this.#file = this.#open(source.file, source.chunks, source.origin);
  }

  /** The file that the record stands in. */
  get file(): string {
    return this.#file.lines.file;
  }

  get #told(): EntryErrors {
    return this.#file.errors;
  }

  /** Moves to the next record; false when there is none. */
  next(): boolean {
    for (;;) {
      if (this.#generated !== undefined) {
        const made = this.#generated.next();
        if (made.done !== true) return this.#show(made.value);
        this.#generated = undefined;
      }
      const lines = this.#file.lines;
      if (!lines.next()) {
        if (!this.#close()) return false;
      } else if (this.#readSimple(lines) || this.#readEntry(lines)) return true;
    }
  }

  /** Lets go of the files, before their end. */
  close(): void {
    for (const file of this.#files) file.lines.close();
  }

  /** The commonest lines, read straight from their octets; any other is left to the tokens. */
  #readSimple(lines: ZoneLines): boolean {
    const simple = this.#simple;
    const file = this.#file;
    const { bytes, start, end } = lines;
    const isOwnerOmitted = isBlank(bytes[start]);
    if (isOwnerOmitted && !this.#isOwnerSimple) return false;
    if (!simple.read(bytes, start, end, file.origin)) return false;
    const stated = simple.ttl >= 0 ? simple.ttl : this.#statedTtl;
    const ttl = stated ?? this.#lastTtl ?? this.#source.defaultTtl;
    if (ttl === undefined || ttl > Limits.ttl) return false;
    if (!isOwnerOmitted) {
      if (!endsIn(simple.owner, simple.ownerLength, this.#source.origin)) return false;
      this.#isOwnerSimple = true;
    }
    this.#lastTtl = ttl;
    this.owner = simple.owner;
    this.ownerLength = simple.ownerLength;
    this.ttl = ttl;
    this.rrtype = simple.rrtype;
    this.rdata = simple.rdata;
    this.rdataLength = simple.rdataLength;
    this.line = lines.line;
    return true;
  }

  /** Any entry, by its tokens; false when it is empty, a directive, or the beginning of several records. */
  #readEntry(lines: ZoneLines): boolean {
    this.#settleOwner();
    const isOwnerOmitted = isBlank(lines.bytes[lines.start]);
    const tokens = this.#entry(lines);
    const first = tokens[0];
    if (first === undefined) return false;
    if (!first.text.startsWith("$") || first.quoted || isOwnerOmitted) {
      return this.#show(this.#record(tokens, isOwnerOmitted));
    }
    if (first.text.toUpperCase() === "$GENERATE") this.#generated = this.#generate(tokens);
    else this.#directive(tokens);
    return false;
  }

  #show({ owner, ttl, rrtype, rdata, line }: FileRecord): true {
    this.owner = owner;
    this.ownerLength = owner.length;
    this.ttl = ttl;
    this.rrtype = rrtype;
    this.rdata = rdata;
    this.rdataLength = rdata.length;
    this.line = line;
    return true;
  }

  /** Makes the owner of the last simple line this file's last owner, before anything else is read into it. */
  #settleOwner(): void {
    if (!this.#isOwnerSimple) return;
    this.#isOwnerSimple = false;
    this.#file.owner = this.#simple.owner.slice(0, this.#simple.ownerLength) as Name;
    this.#file.ownerText = "";
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
          throw this.#told.error(
            firstLine,
            1,
            "a parenthesis opened here is not closed before the file ends",
          );
        }
        scanner.scanLine(lines.bytes, lines.start, lines.end, lines.line);
      }
    } catch (error) {
      if (error instanceof TokenError)
        throw this.#told.error(lines.line, error.column, error.message);
      throw error;
    }
    return scanner.tokens;
  }

  #record(tokens: readonly SourceToken[], isOwnerOmitted: boolean): FileRecord {
    const first = tokens[0] as SourceToken;
    const owner = isOwnerOmitted ? this.#lastOwner(first) : this.#owner(first);
    return this.#makeRecord(owner, readHead(tokens, isOwnerOmitted ? 0 : 1, this.#told), first);
  }

  #lastOwner(first: SourceToken): Name {
    if (this.#file.owner !== undefined) return this.#file.owner;
    throw this.#told.at(
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
    throw this.#told.at(
      token,
      `${formatName(owner)} is not in the zone ${zone} (a final dot too many?)`,
    );
  }

  #makeRecord(owner: Name, head: RecordHead, first: SourceToken): FileRecord {
    const rdata = readRdata(head, this.#file.origin, this.#told);
    const ttl = head.ttl ?? this.#impliedTtl(head.rrtype, rdata, first);
    this.#lastTtl = ttl;
    return { owner, ttl, rrtype: head.rrtype, rdata, line: first.line };
  }

  #impliedTtl(rrtype: number, rdata: Uint8Array, first: SourceToken): number {
    const ttl = this.#statedTtl ?? this.#lastTtl ?? this.#source.defaultTtl;
    if (ttl !== undefined) return ttl;
    if (rrtype !== Type.SOA) throw this.#told.at(first, "no TTL: give one, or $TTL before it");
    const minimum = new DataView(rdata.buffer, rdata.byteOffset).getUint32(rdata.length - 4);
    return Math.min(minimum, Limits.ttl);
  }

  #directive(tokens: readonly SourceToken[]): void {
    const [first, argument, ...more] = tokens as [SourceToken, ...SourceToken[]];
    const directive = first.text.toUpperCase();
    if (!["$ORIGIN", "$TTL", "$INCLUDE"].includes(directive)) {
      throw this.#told.at(
        first,
        `${cut(first.text)} is none of $ORIGIN, $TTL, $INCLUDE and $GENERATE`,
      );
    }
    if (argument === undefined) throw this.#told.after(tokens, `${directive} needs an argument`);
    const extra = directive === "$INCLUDE" ? more[1] : more[0];
    if (extra !== undefined) throw this.#told.at(extra, `more than ${directive} takes`);
    if (directive === "$TTL") this.#statedTtl = readTtl(argument, this.#told);
    else if (directive === "$INCLUDE") this.#include(argument, more[0]);
    else {
      this.#file.origin = this.#name(argument, this.#file.origin);
      this.#file.ownerText = "";
    }
  }

  #include(argument: SourceToken, originArgument: SourceToken | undefined): void {
    const readFile = this.#source.readFile;
    if (readFile === undefined) throw this.#told.at(argument, "$INCLUDE is not allowed here");
    if (this.#files.length > Limits.includeDepth) {
      throw this.#told.at(
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
      throw this.#told.at(argument, `cannot include this file: ${errorMessage(error)}`);
    }
  }

  #open(file: string, chunks: Iterable<Uint8Array>, origin: Name): OpenFile {
    const parts = { lines: new ZoneLines(file, chunks), errors: new EntryErrors(file) };
    const opened = { ...parts, origin, owner: undefined, ownerText: "" };
    this.#files.push(opened);
    return opened;
  }

  /** Goes back to the file that included this one; false when there is none. */
  #close(): boolean {
    this.#isOwnerSimple = false;
    this.#files.pop();
    const parent = this.#files.at(-1);
    if (parent === undefined) return false;
    this.#file = parent;
    return true;
  }

  /** `$GENERATE range owner [ttl] [class] type rdata`; a single quoted rdata is cut into tokens again, as BIND does. */
  *#generate(tokens: readonly SourceToken[]): Generator<FileRecord, void, undefined> {
    const [first, rangeToken, ownerToken] = tokens as [SourceToken, ...SourceToken[]];
    if (rangeToken === undefined || ownerToken === undefined) {
      throw this.#told.after(tokens, "$GENERATE needs a range, an owner, a type and rdata");
    }
    const head = readHead(tokens, 3, this.#told);
    const range = this.#told.guard(rangeToken, () => parseGenerateRange(rangeToken.text));
    const owner = this.#told.guard(ownerToken, () => parseGenerateTemplate(ownerToken.text));
    const rdata = this.#generatedRdata(head.rdata);
    for (let number = range.start; number <= range.stop; number += range.step) {
      const text = this.#told.guard(ownerToken, () => owner(number));
      const name = this.#name({ ...ownerToken, text }, this.#file.origin);
      this.#checkOwner(name, ownerToken);
      yield this.#makeRecord(name, { ...head, rdata: rdata(number) }, first);
    }
  }

  #generatedRdata(tokens: readonly SourceToken[]): (number: number) => readonly SourceToken[] {
    const templates = tokens.map((token) =>
      this.#told.guard(token, () => parseGenerateTemplate(token.text)),
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
        const text = this.#told.guard(token, () => template(number));
        if (only === undefined) return [{ ...token, text }];
        return this.#told.guard(token, () => tokenize(text)).map((each) => place(each, token));
      });
  }

  #name(token: SourceToken, origin: Name): Name {
    return this.#told.guard(token, () => parseName(token.text, origin));
  }
}

/** Whether a name of so many octets is this one or below it. */
function endsIn(name: Uint8Array, length: number, ancestor: Name): boolean {
  const from = length - ancestor.length;
  if (from < 0) return false;
  for (let at = ancestor.length - 1; at >= 0; at--) {
    if (name[from + at] !== ancestor[at]) return false;
  }
  let label = 0;
  while (label < from) label += (name[label] as number) + 1;
  return label === from;
}

function isBlank(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09;
}
