/**
 * Presentation form cut into tokens (RFC 1035 §5.1): blanks, `"quoted strings"`, `\X` and `\DDD` escapes, `;` comments,
 * and parentheses that join lines. Zone files and the rdata text of other doors share this one scanner.
 *
 * Escapes stay in a token's text, because only its reader knows what they mean there (`\.` in a name). Octets above
 * 0x7e become `\DDD`, so that text of any encoding, or none, loses nothing.
 */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";

export interface Token {
  /** Without the quotes around it; escapes as written. */
  readonly text: string;
  readonly quoted: boolean;
}

/** Where a token stands, for messages; both count from 1, columns in octets. */
export interface SourceToken extends Token {
  readonly line: number;
  readonly column: number;
}

/** Why a line could not be cut into tokens, and where. */
export class TokenError extends WindhoverError {
  readonly column: number;

  constructor(problem: string, column: number) {
    super(ErrorCode.badRdata, problem);
    this.column = column;
  }
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** What ends a token that is not quoted. */
const ENDS_WORD = new Uint8Array(256);
for (const octet of [TAB, NEWLINE, RETURN, SPACE, QUOTE, OPEN, CLOSE, SEMICOLON]) {
  ENDS_WORD[octet] = 1;
}

/** Cuts the lines of one entry; `depth` tells whether the next line still belongs to it. */
export class TokenScanner {
  tokens: SourceToken[] = [];
  /** Parentheses that are open. */
  depth = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #line = 0;

  /** Forgets the entry and its open parentheses. */
  reset(): void {
    this.tokens = [];
    this.depth = 0;
  }

  /** Adds the tokens of `bytes` from `start` to `end`, one line without its newline. Throws TokenError. */
  scanLine(bytes: Buffer, start: number, end: number, line: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#line = line;
    for (let at = start; at < end; ) {
      switch (bytes[at]) {
        case SPACE:
        case TAB:
        case RETURN:
        case NEWLINE:
          at += 1;
          break;
        case SEMICOLON:
          return;
        case OPEN:
          this.depth += 1;
          at += 1;
          break;
        case CLOSE:
          if (this.depth === 0)
            throw this.#error("a closing parenthesis without an opening one", at);
          this.depth -= 1;
          at += 1;
          break;
        case QUOTE:
          at = this.#quoted(at);
          break;
        default:
          at = this.#word(at);
      }
    }
  }

  #quoted(open: number): number {
    const close = this.#closingQuote(open);
    this.#add(open + 1, close, true, open);
    const after = close + 1;
    if (after < this.#end && ENDS_WORD[this.#bytes[after] as number] === 0) {
      throw this.#error(
        'no blank after a closing quote: leave one, or escape the quote (\\")',
        after,
      );
    }
    return after;
  }

  #word(start: number): number {
    let at = start;
    while (at < this.#end) {
      const octet = this.#bytes[at] as number;
      if (octet === BACKSLASH) {
        if (at + 1 >= this.#end) throw this.#error("the line ends in a backslash", at);
        at += 2;
      } else if (octet === QUOTE && this.#bytes[at - 1] === EQUALS && at > start) {
        at = this.#closingQuote(at) + 1;
      } else if (ENDS_WORD[octet] === 1) {
        if (octet !== QUOTE) break;
        throw this.#error('a quote inside a word: leave a blank before it, or escape it (\\")', at);
      } else {
        at += 1;
      }
    }
    this.#add(start, at, false, start);
    return at;
  }

  #closingQuote(open: number): number {
    for (let at = open + 1; at < this.#end; at++) {
      const octet = this.#bytes[at];
      if (octet === QUOTE) return at;
      if (octet === BACKSLASH) at += 1;
    }
    throw this.#error("a quoted string is not closed on its line", open);
  }

  #add(start: number, end: number, quoted: boolean, position: number): void {
    if (this.tokens.length >= Limits.entryTokens) {
      throw this.#error(`more than ${Limits.entryTokens} words in one entry`, position);
    }
    this.tokens.push({
      text: tokenText(this.#bytes, start, end),
      quoted,
      line: this.#line,
      column: position - this.#start + 1,
    });
  }

  #error(problem: string, at: number): TokenError {
    return new TokenError(problem, at - this.#start + 1);
  }
}

function tokenText(bytes: Buffer, start: number, end: number): string {
  for (let at = start; at < end; at++) {
    if ((bytes[at] as number) > 0x7e) return escapeOctets(bytes, start, end);
  }
  return bytes.toString("latin1", start, end);
}

/** As the octets stand, those above 0x7e as `\DDD`; one that was escaped itself loses its own backslash. */
function escapeOctets(bytes: Buffer, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) {
    const octet = bytes[at] as number;
    if (octet === BACKSLASH && at + 1 < end) {
      at += 1;
      const next = bytes[at] as number;
      text += next > 0x7e ? `\\${next}` : `\\${String.fromCharCode(next)}`;
    } else {
      text += octet > 0x7e ? `\\${octet}` : String.fromCharCode(octet);
    }
  }
  return text;
}

/** The tokens of one entry's text, which may have several lines. Throws `bad-rdata`. */
export function tokenize(text: string): readonly Token[] {
  const scanner = new TokenScanner();
  const lines = text.split("\n");
  for (const [at, line] of lines.entries()) {
    if (at > 0 && scanner.depth === 0 && scanner.tokens.length > 0 && line.trim() !== "") {
      throw new TokenError("more than one line, without parentheses that join them", 1);
    }
    const bytes = Buffer.from(line, "utf8");
    scanner.scanLine(bytes, 0, bytes.length, at + 1);
  }
  if (scanner.depth > 0) throw new TokenError("a parenthesis is not closed", 1);
  return scanner.tokens;
}
