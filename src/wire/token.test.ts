/** Presentation form cut into tokens (RFC 1035 §5.1). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { parseOctets } from "./character-string.ts";
import { type SourceToken, TokenError, TokenScanner, tokenize } from "./token.ts";

function texts(text: string): string[] {
  return tokenize(text).map((token) => (token.quoted ? `"${token.text}"` : token.text));
}

function scan(...lines: (string | Buffer)[]): readonly SourceToken[] {
  const scanner = new TokenScanner();
  for (const [at, line] of lines.entries()) {
    const bytes = Buffer.from(line as string);
    scanner.scanLine(bytes, 0, bytes.length, at + 1);
  }
  return scanner.tokens;
}

describe("tokens", () => {
  test.each([
    ["a b\tc", ["a", "b", "c"]],
    ["  a  ", ["a"]],
    ["", []],
    ["a ; b", ["a"]],
    ["a;b", ["a"]],
    ['a\\;b "c;d"', ["a\\;b", '"c;d"']],
    ['"a b" ""', ['"a b"', '""']],
    ['"a\\"b"', ['"a\\"b"']],
    ['alpn="h2,h3" x', ['alpn="h2,h3"', "x"]],
    ['key667="a b;(c" y', ['key667="a b;(c"', "y"]],
    ["( a b )", ["a", "b"]],
    ["(a)(b)", ["a", "b"]],
    ["( a ; comment\n b )", ["a", "b"]],
    ["( a ( b\n\n c ) \n ) d", ["a", "b", "c", "d"]],
    ["a\\ b", ["a\\ b"]],
    ["a\r", ["a"]],
  ])("%j", (text, expected) => {
    expect(texts(text)).toEqual(expected);
  });

  test.each([
    ['"a', "not closed"],
    ['a "b', "not closed"],
    ['k="b', "not closed"],
    ['"a\\"', "not closed"],
    ['"a"b', "no blank after a closing quote"],
    ['a"b"', "a quote inside a word"],
    ["a\\", "ends in a backslash"],
    [")", "without an opening one"],
    ["( a", "not closed"],
    ["a\nb", "more than one line"],
  ])("%j is refused", (text, problem) => {
    expect(() => tokenize(text)).toThrow(problem);
    expect(() => tokenize(text)).toThrow(TokenError);
  });

  test("know where they stand", () => {
    const [first, second, third] = scan('ab ( "c"', "  d )");
    expect(first).toMatchObject({ text: "ab", line: 1, column: 1 });
    expect(second).toMatchObject({ text: "c", quoted: true, line: 1, column: 6 });
    expect(third).toMatchObject({ text: "d", line: 2, column: 3 });
  });

  test("an error knows its column", () => {
    expect(() => tokenize('a "b')).toThrow(expect.objectContaining({ column: 3 }));
  });
});

describe("octets that are not ASCII", () => {
  test("become escapes, whatever the encoding", () => {
    expect(texts("é")).toEqual(["\\195\\169"]);
    expect(scan(Buffer.from([0x61, 0xe9, 0xff]))[0]?.text).toBe("a\\233\\255");
    expect(scan(Buffer.from([0x5c, 0xe9]))[0]?.text).toBe("\\233");
    expect(scan(Buffer.from([0xe9, 0x5c, 0x22]))[0]?.text).toBe('\\233\\"');
  });

  test.each(["\\", "a\\", "\\25", "\\256"])("%j stands for no octets", (text) => {
    expect(() => parseOctets(text)).toThrow(/ends in a backslash|not \\000 to \\255/);
  });

  test("and any octets between quotes come back, escaped or not", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
      const escaped = [...octets].flatMap((octet) =>
        octet === 0x22 || octet === 0x5c ? [0x5c, octet] : [octet],
      );
      const [token] = scan(Buffer.from([0x22, ...escaped, 0x22]));
      expect([...parseOctets(token?.text ?? "none")]).toEqual([...octets]);
    });
    fc.assert(property);
  });
});

describe("bounds", () => {
  test("an entry has as many words as allowed, and not one more", () => {
    const words = "a ".repeat(Limits.entryTokens);
    expect(tokenize(words)).toHaveLength(Limits.entryTokens);
    expect(() => tokenize(`${words} a`)).toThrow(`more than ${Limits.entryTokens} words`);
  });

  test("any octets are cut into tokens or refused", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      try {
        for (const { text } of scan(Buffer.from(octets))) expect(text).toMatch(/^[\0-\x7e]*$/);
      } catch (error) {
        expect(error).toBeInstanceOf(TokenError);
      }
    });
    fc.assert(property);
  });
});
