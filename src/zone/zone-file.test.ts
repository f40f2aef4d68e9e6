/** Zone files: every form of RFC 1035 §5 and BIND that people write, and what is said of the wrong ones. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: $GENERATE's modifiers look like that.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { formatName, parseName } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { typeName } from "../wire/rr-types.ts";
import { checkZone } from "./zone-checks.ts";
import { collectRRsets } from "./zone-contents.ts";
import { parseZoneFile, type ZoneFileSource } from "./zone-file.ts";
import { parseGenerateRange } from "./zone-generate.ts";

const ORIGIN = parseName("example.com.");

function source(text: string | Uint8Array, more: Partial<ZoneFileSource> = {}): ZoneFileSource {
  return { chunks: [Buffer.from(text as string)], file: "dir/zone", origin: ORIGIN, ...more };
}

/** `owner ttl type rdata`, as one line each. */
function records(text: string | Uint8Array, more: Partial<ZoneFileSource> = {}): string[] {
  return Array.from(parseZoneFile(source(text, { defaultTtl: 1, ...more })), (record) =>
    [
      formatName(record.owner),
      record.ttl,
      typeName(record.rrtype),
      formatRdata(record.rrtype, record.rdata),
    ].join(" "),
  );
}

describe("records", () => {
  test.each([
    ["a A 192.0.2.1", "a.example.com. 1 A 192.0.2.1"],
    ["a 300 A 192.0.2.1", "a.example.com. 300 A 192.0.2.1"],
    ["a 300 IN A 192.0.2.1", "a.example.com. 300 A 192.0.2.1"],
    ["a IN 300 A 192.0.2.1", "a.example.com. 300 A 192.0.2.1"],
    ["a in a 192.0.2.1", "a.example.com. 1 A 192.0.2.1"],
    ["a IN A 192.0.2.1 ; comment", "a.example.com. 1 A 192.0.2.1"],
    ["A.Example.COM. A 192.0.2.1", "a.example.com. 1 A 192.0.2.1"],
    ["a\tA\t192.0.2.1\r", "a.example.com. 1 A 192.0.2.1"],
    ["a CLASS1 TYPE1 \\# 4 c0000201", "a.example.com. 1 A 192.0.2.1"],
    ["a 1h30m A 192.0.2.1", "a.example.com. 5400 A 192.0.2.1"],
    ["@ A 192.0.2.1", "example.com. 1 A 192.0.2.1"],
    ["*.b A 192.0.2.1", "*.b.example.com. 1 A 192.0.2.1"],
    ["a\\.b A 192.0.2.1", "a\\.b.example.com. 1 A 192.0.2.1"],
    ["a ( A ) 192.0.2.1", "a.example.com. 1 A 192.0.2.1"],
    ["( a A ; one\n 192.0.2.1 ; two\n )", "a.example.com. 1 A 192.0.2.1"],
    ["a TYPE65280 \\# 2 beef", "a.example.com. 1 TYPE65280 \\# 2 beef"],
    ["a MX 10 @", "a.example.com. 1 MX 10 example.com."],
    ["in IN IN A 192.0.2.1".replace("IN IN", "IN"), "in.example.com. 1 A 192.0.2.1"],
    ['a TXT "x;y" (z)', 'a.example.com. 1 TXT "x;y" "z"'],
    [`${"a".repeat(63)} A 192.0.2.1`, `${"a".repeat(63)}.example.com. 1 A 192.0.2.1`],
  ])("%s", (text, expected) => {
    expect(records(text)).toEqual([expected]);
    expect(records(`\n ; only a comment\n${text}\n`)).toEqual([expected]);
  });

  test("an omitted owner is the last stated one", () => {
    const text =
      "a A 192.0.2.1\n  AAAA ::1\n$ORIGIN b.example.com.\n\t60 TXT x\nc A 192.0.2.2\n A 192.0.2.3";
    expect(records(text)).toEqual([
      "a.example.com. 1 A 192.0.2.1",
      "a.example.com. 1 AAAA ::1",
      'a.example.com. 60 TXT "x"',
      "c.b.example.com. 60 A 192.0.2.2",
      "c.b.example.com. 60 A 192.0.2.3",
    ]);
  });

  test("an omitted owner comes from a simple line, or from any other, but from its own file", () => {
    const text =
      "a A 192.0.2.1\n A 192.0.2.2\n TXT x\n NS b\n\n ; nothing\nb TXT x\n A 192.0.2.3\n AAAA ::1";
    expect(records(text)).toEqual([
      "a.example.com. 1 A 192.0.2.1",
      "a.example.com. 1 A 192.0.2.2",
      'a.example.com. 1 TXT "x"',
      "a.example.com. 1 NS b.example.com.",
      'b.example.com. 1 TXT "x"',
      "b.example.com. 1 A 192.0.2.3",
      "b.example.com. 1 AAAA ::1",
    ]);
    const readFile = () => [Buffer.from("b A 192.0.2.2")];
    const around = "$INCLUDE /x\n A 192.0.2.1";
    expect(() => records(around, { readFile })).toThrow("dir/zone:2:2: no owner");
  });

  test("the same owner text after another $ORIGIN is another owner", () => {
    const text = "a TXT x\n$ORIGIN b\na TXT y\n";
    expect(records(text)).toEqual(['a.example.com. 1 TXT "x"', 'a.b.example.com. 1 TXT "y"']);
  });

  test("the file may start with a byte order mark and end without a newline", () => {
    expect(records("\ufeffa A 192.0.2.1")).toEqual(["a.example.com. 1 A 192.0.2.1"]);
    expect(records("")).toEqual([]);
  });

  test("octets of any encoding are kept", () => {
    const latin1 = Buffer.from('a TXT "\xe9"\n', "latin1");
    expect(records(latin1)).toEqual(['a.example.com. 1 TXT "\\233"']);
  });

  test("the pieces in which it comes make no difference", () => {
    const text = readFileSync(join(import.meta.dirname, "../../zones/dyn.example.com.zone"));
    const whole = records(text, { origin: parseName("dyn.example.com.") });
    expect(whole.length).toBeGreaterThan(20);
    for (const size of [1, 2, 7, 100, 1000]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < text.length; at += size) chunks.push(text.subarray(at, at + size));
      expect(records("", { chunks, origin: parseName("dyn.example.com.") })).toEqual(whole);
    }
  });

  test("know their file and line", () => {
    const [first, second] = parseZoneFile(source("\na 1 A 192.0.2.1\nb 1 ( A\n\n 192.0.2.2 )"));
    expect(first).toMatchObject({ file: "dir/zone", line: 2 });
    expect(second).toMatchObject({ file: "dir/zone", line: 3 });
  });

  test("later octets are not read when nobody asks for them", () => {
    let isClosed = false;
    function* chunks() {
      try {
        yield Buffer.from("a 1 A 192.0.2.1\n");
        expect.unreachable();
      } finally {
        isClosed = true;
      }
    }
    for (const _ of parseZoneFile(source("", { chunks: chunks() }))) break;
    expect(isClosed).toBe(true);
  });
});

describe("TTLs", () => {
  test("of the record, of $TTL, of the record before", () => {
    const text = "a 5 TXT x\nb TXT x\n$TTL 1m\nc TXT x\nd 7 TXT x\ne TXT x\nf A 192.0.2.1\n";
    expect(records(text).map((line) => line.split(" ")[1])).toEqual([
      "5",
      "5",
      "60",
      "7",
      "60",
      "60",
    ]);
  });

  test("without any, the SOA's MINIMUM", () => {
    const text = "@ SOA ns root 1 2 3 4 77\n@ NS ns\nns A 192.0.2.1";
    const ttls = Array.from(parseZoneFile(source(text)), (record) => record.ttl);
    expect(ttls).toEqual([77, 77, 77]);
  });

  test("and without that, an error", () => {
    expect(() => [...parseZoneFile(source("a A 192.0.2.1"))]).toThrow("dir/zone:1:1: no TTL");
  });

  test("up to 2^31 − 1", () => {
    expect(records(`a ${Limits.ttl} A 192.0.2.1`)).toEqual([
      `a.example.com. ${Limits.ttl} A 192.0.2.1`,
    ]);
    expect(() => records(`a ${Limits.ttl + 1} A 192.0.2.1`)).toThrow("is not a TTL");
    expect(() => records(`$TTL ${Limits.ttl + 1}`)).toThrow("1:6: ");
  });
});

describe("the short way for simple lines gives what the long way gives", () => {
  const long63 = "x".repeat(63);
  test.each(
    [
      ..."1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7 1:2:3:4:5:6:7: :1 ::1 1:: :: 1::2::3 12345:: 1::2:".split(
        " ",
      ),
      ..."1:2:3:4:5:6:7::8 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 2001:DB8::aBcD ::ffff:192.0.2.1 fe80::1%eth0 1:x g:: 1::g ::: ".split(
        " ",
      ),
      "",
    ]
      .map((address) => `a AAAA ${address}`)
      .concat([
        "a CNAME b",
        "a CNAME B.Example.",
        "a 5 IN PTR b.c",
        "a NS ns1.example.net. ; comment",
        "a NS .",
        "a NS @",
        "a NS b..c",
        "a NS b c",
        "a NS",
        "a NS \\098",
        "a MX 10 b",
        "a\0A 192.0.2.1",
        "a 5A 192.0.2.1",
        "a IN 5 A 192.0.2.1",
        "a IN",
        "a ABCDEF x",
        "a \0A 192.0.2.1",
        `a NS ${long63}.${long63}.${long63}.${"y".repeat(49)}`,
        `a NS ${long63}.${long63}.${long63}.${"y".repeat(50)}`,
        `a NS ${long63}x`,
        "axample.com. A 192.0.2.1",
        "com. A 192.0.2.1",
        `${"\\001".repeat(1)}x A 192.0.2.1`,
        "a A 192.0.2.1",
        "a 0 A 0.0.0.0",
        "a 5 A 255.255.255.255",
        "a A 192.0.2.01",
        "a A 192.0.2.256",
        "a A 192.0.2",
        "a A 192.0.2.1.",
        "a A 192.0.2.1 x",
        "a A 1922.0.2.1",
        "a A 192..2.1",
        "a. A 192.0.2.1",
        ". A 192.0.2.1",
        ".a A 192.0.2.1",
        "a..b A 192.0.2.1",
        `${long63}x A 192.0.2.1`,
        `${long63}.${long63}.${long63}.${"y".repeat(49)} A 192.0.2.1`,
        `${long63}.${long63}.${long63}.${"y".repeat(50)} A 192.0.2.1`,
        `${long63}.${long63}.${long63}.${"y".repeat(49)}.example.com. A 192.0.2.1`,
        `${long63}.${long63}.${long63}.${"y".repeat(50)}.example.com. A 192.0.2.1`,
        `${long63}.${long63}.${long63}.${long63}.${long63}. A 192.0.2.1`,
        "example.net. A 192.0.2.1",
        "a 2147483648 A 192.0.2.1",
        "a 99999999999 A 192.0.2.1",
        "a 5 IN A 192.0.2.1 ;c",
        "a 5 IN A 192.0.2.1;c",
        "a A",
        "a IN",
        "a",
        "a 5",
      ]),
  )("%s", (line) => {
    // A parenthesis in front of the type sends the line the long way.
    const long = line.replace(/ ([Aa]|AAAA|CNAME|NS|PTR|IN)( |$)/, " ($1)$2");
    const outcome = (text: string) => {
      try {
        return records(text);
      } catch (error) {
        return (error as Error).message.replace(/:\d+: /, ": ");
      }
    };
    expect(outcome(line)).toEqual(outcome(long));
  });
});

describe("$INCLUDE", () => {
  function files(contents: Readonly<Record<string, string>>): Partial<ZoneFileSource> {
    return {
      readFile: (path) => {
        const text = contents[path];
        if (text === undefined) throw new Error("no such file");
        return [Buffer.from(text)];
      },
    };
  }

  test("takes in a file beside it; origin and owner come back after", () => {
    const included = {
      [join(process.cwd(), "dir/sub/hosts")]: "b A 192.0.2.2\n$ORIGIN x\nc A 192.0.2.3",
    };
    const text = "a A 192.0.2.1\n$INCLUDE sub/hosts\n AAAA ::1\nd A 192.0.2.4";
    expect(records(text, files(included))).toEqual([
      "a.example.com. 1 A 192.0.2.1",
      "b.example.com. 1 A 192.0.2.2",
      "c.x.example.com. 1 A 192.0.2.3",
      "a.example.com. 1 AAAA ::1",
      "d.example.com. 1 A 192.0.2.4",
    ]);
  });

  test("with an origin of its own", () => {
    const text = '$INCLUDE "my hosts" lab ; with a blank';
    expect(
      records(text, files({ [join(process.cwd(), "dir/my hosts")]: "b A 192.0.2.2" })),
    ).toEqual(["b.lab.example.com. 1 A 192.0.2.2"]);
  });

  test("errors name the included file, or the line that includes", () => {
    const bad = files({ "/x": "\nb A nowhere" });
    expect(() => records("$INCLUDE /x", bad)).toThrow("/x:2:5: bad A rdata");
    expect(() => records("$INCLUDE /y", bad)).toThrow(
      "dir/zone:1:10: cannot include this file: no such file",
    );
    expect(() => records("$INCLUDE /x")).toThrow("1:10: $INCLUDE is not allowed here");
  });

  test("what cannot be read while it is read is an error of that file", () => {
    function* broken(): Generator<Uint8Array> {
      yield Buffer.from("b A 192.0.2.2\n");
      throw new Error("disk on fire");
    }
    expect(() => records("$INCLUDE /x", { readFile: broken })).toThrow(
      expect.objectContaining({
        code: ErrorCode.badZoneFile,
        message: "cannot read /x: disk on fire",
      }),
    );
  });

  test("unless the reader of files said itself what is wrong", () => {
    const said = new WindhoverError(ErrorCode.limit, "too much of a file");
    const chunks = {
      [Symbol.iterator]: () => ({
        next: () => {
          throw said;
        },
      }),
    };
    expect(() => records("", { chunks })).toThrow(said);
  });

  test("as deep as allowed, and no deeper", () => {
    const chain = (depth: number) => ({
      readFile: (path: string) => {
        const level = Number(path.slice(1));
        return [Buffer.from(level === depth ? "a A 192.0.2.1" : `$INCLUDE /${level + 1}`)];
      },
    });
    expect(records("$INCLUDE /1", chain(Limits.includeDepth))).toHaveLength(1);
    expect(() => records("$INCLUDE /1", chain(Limits.includeDepth + 1))).toThrow(
      `more than ${Limits.includeDepth} deep`,
    );
    expect(() => records("$INCLUDE /1", { readFile: () => [Buffer.from("$INCLUDE /1")] })).toThrow(
      "deep",
    );
  });
});

describe("$GENERATE", () => {
  test.each([
    ["1-3 h$ A 10.0.0.$", ["h1", "h2", "h3"], "A 10.0.0.1"],
    ["0-4/2 h$ A 10.0.0.$", ["h0", "h2", "h4"], "A 10.0.0.0"],
    ["1-1 h${10,4,d} A 10.0.0.$", ["h0011"], "A 10.0.0.1"],
    ["30-30 h${0,4,x} A 10.0.0.$", ["h001e"], "A 10.0.0.30"],
    ["30-30 h${0,4,X} TXT $", ["h001e"], 'TXT "30"'],
    ["8-8 h${-3,3,o} TXT ${0,4,X}", ["h005"], 'TXT "0008"'],
    ["18-18 ${0,7,n} PTR a$", ["2.1.0.0"], "PTR a18.example.com."],
    ["30-30 h$ TXT ${0,3,N} ${0,2,n}", ["h30"], 'TXT "E.1" "e.1"'],
    ["1-1 h$ MX 10 m$", ["h1"], "MX 10 m1.example.com."],
    ['1-1 h$ MX "10 m$"', ["h1"], "MX 10 m1.example.com."],
    ["1-1 h$ TXT $$ \\$ a$b", ["h1"], 'TXT "$" "$" "a1b"'],
    ["1-1 h$ 60 IN CNAME t-${5}", ["h1"], "CNAME t-6.example.com."],
  ])("%s", (line, owners, rdata) => {
    const made = records(`$GENERATE ${line}`);
    expect(made.map((each) => each.split(" ")[0])).toEqual(
      owners.map((owner) => `${owner}.example.com.`),
    );
    expect(made[0]?.split(" ").slice(2).join(" ")).toBe(rdata);
  });

  test.each([
    ["1 h$ A 10.0.0.$", "1:11: $GENERATE: "],
    ["5-1 h$ A 10.0.0.$", "ends before it starts"],
    ["1-2/0 h$ A 10.0.0.$", "out of bounds"],
    ["1-2", "needs a range"],
    ["1-2 h$", "no type"],
    ["1-2 h${x} A 10.0.0.$", "is not ${offset,width,base}"],
    ["1-2 h${0,0,z} A 10.0.0.$", "is not ${offset,width,base}"],
    ["1-2 h${0,256} A 10.0.0.$", "is not ${offset,width,base}"],
    ["1-2 h${-2} A 10.0.0.$", "leads to the number -1"],
    ["255-256 h$ A 10.0.0.$", "not an IPv4 address"],
    ["1-2 $.example.net. A 10.0.0.$", "is not in the zone"],
  ])("%s is refused", (line, problem) => {
    expect(() => records(`$GENERATE ${line}`)).toThrow(problem);
  });

  test("as many records as allowed, and not one more", () => {
    expect(parseGenerateRange(`1-${Limits.generateRecords}`).stop).toBe(Limits.generateRecords);
    expect(parseGenerateRange(`0-${2 * Limits.generateRecords - 1}/2`).step).toBe(2);
    expect(() => parseGenerateRange(`0-${Limits.generateRecords}`)).toThrow("more than");
  });
});

describe("errors", () => {
  test.each([
    ["a A", "1:5: bad A rdata: an IPv4 address is missing"],
    ["a A 192.0.2.1 192.0.2.2", "1:15: "],
    ["\n\nbad line here", '3:5: "line" is not an RR type'],
    ["a 60", "1:6: the record has no type"],
    [`a ${"x".repeat(60)} x`, `1:3: "${"x".repeat(60)}" is not`],
    [`a ${"x".repeat(61)} x`, `1:3: "${"x".repeat(60)}…" is not`],
    ["a CH A 192.0.2.1", "1:3: class CH"],
    ["a IN IN A 192.0.2.1", '1:6: "IN" is not an RR type'],
    ["a 5 6 A 192.0.2.1", '1:5: "6" is not an RR type'],
    ["a 5x A 192.0.2.1", '1:3: "5x" is not a TTL'],
    ["a AXFR x", "1:3: AXFR is not a type of zone data"],
    ["a ANY x", "1:3: ANY is not a type of zone data"],
    ["example.net. A 192.0.2.1", "1:1: example.net. is not in the zone example.com."],
    ["  A 192.0.2.1", "1:3: no owner"],
    ["a A ( 192.0.2.1\n\n", "1:1: a parenthesis opened here is not closed"],
    ["a A 192.0.2.1 )", "1:15: a closing parenthesis"],
    ['a TXT (\n x\n "y )\n', "3:2: a quoted string is not closed"],
    ["a SRV ( 1\n 2 port x )", '2:4: bad SRV rdata: "port"'],
    ["a MX 10 b..c", '1:9: bad MX rdata: bad domain name "b..c"'],
    ["a..b A 192.0.2.1", '1:1: bad domain name "a..b"'],
    ["$ORIGIN", "1:9: $ORIGIN needs an argument"],
    ["$ORIGIN a b", "1:11: more than $ORIGIN takes"],
    ["$ORIGIN a..b", "1:9: bad domain name"],
    ["$TTL x", '1:6: "x" is not a TTL'],
    ["$DATE x", "1:1: $DATE is none of"],
  ])("%j", (text, message) => {
    expect(() => records(text)).toThrow(
      expect.objectContaining({
        code: ErrorCode.badZoneFile,
        message: expect.stringContaining(`dir/zone:${message}`),
      }),
    );
  });

  test("a line may be as long as allowed, and no longer", () => {
    const line = (length: number) => `a A 192.0.2.1 ;${"x".repeat(length - 15)}`;
    expect(records(`${line(Limits.zoneFileLine)}\n`)).toHaveLength(1);
    expect(() => records(`${line(Limits.zoneFileLine + 1)}\n`)).toThrow(
      "dir/zone:1:1: a line of more",
    );
    const endless = {
      *[Symbol.iterator]() {
        for (;;) yield new Uint8Array(65_536).fill(0x61);
      },
    };
    expect(() => records("", { chunks: endless })).toThrow("dir/zone:1:1: a line of more");
  });
});

test("the example zone has nothing wrong with it", () => {
  const origin = parseName("dyn.example.com.");
  const path = join(import.meta.dirname, "../../zones/dyn.example.com.zone");
  const chunks = [readFileSync(path)];
  const said: string[] = [];
  const zone = collectRRsets(origin, parseZoneFile({ chunks, file: path, origin }), (finding) => {
    said.push(finding.message);
  });
  for (const finding of checkZone(zone)) said.push(finding.message);
  expect(said).toEqual([]);
  expect(zone.recordCount).toBeGreaterThan(25);
});
