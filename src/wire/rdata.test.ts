/** Every RR type in every form: the examples of the RFCs, and what must hold for any rdata at all. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryRdata } from "../../test/rdata-arbitrary.ts";
import { RDATA_TEXTS } from "../../test/rdata-texts.ts";
import { fromHex, toHex } from "../base/bytes.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Type } from "./code-points.ts";
import { parseName, ROOT } from "./name.ts";
import {
  canonicalRdata,
  formatRdata,
  parseRdata,
  RdataTextError,
  rdataNames,
  readRdata,
  writeRdata,
} from "./rdata.ts";
import { MessageReader } from "./reader.ts";
import { parseType, RR_TYPES, typeName } from "./rr-types.ts";
import { tokenize } from "./token.ts";
import { MessageWriter } from "./writer.ts";

const ORIGIN = parseName("example.com.");
const HEADER = 12;

function type(mnemonic: string): number {
  const rrtype = parseType(mnemonic);
  if (rrtype === undefined) throw new Error(`no such type: ${mnemonic}`);
  return rrtype;
}

function parse(mnemonic: string, text: string): Uint8Array {
  return parseRdata(type(mnemonic), tokenize(text), ORIGIN);
}

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

/** Through a message: written after a name that it may be compressed against, and read again. */
function throughMessage(rrtype: number, rdata: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(70_000);
  const writer = new MessageWriter(buffer, HEADER);
  for (const { offset, length } of rdataNames(rrtype, rdata)) {
    writer.name(rdata.subarray(offset, offset + length), true);
  }
  const start = writer.offset;
  writeRdata(writer, rrtype, rdata);
  const reader = new MessageReader(buffer, start, writer.offset);
  return readRdata(reader, rrtype, writer.offset - start);
}

/** All that is promised of rdata once it was accepted. */
function expectWhole(rrtype: number, rdata: Uint8Array): void {
  const shown = toHex(rdata);
  expect(toHex(canonicalRdata(rrtype, rdata))).toBe(shown);
  expect(toHex(throughMessage(rrtype, rdata))).toBe(shown);
  const text = formatRdata(rrtype, rdata);
  expect(text).toMatch(/^[\x20-\x7e]+$/);
  expect(toHex(parseRdata(rrtype, tokenize(text), ROOT))).toBe(shown);
  const opaque = `\\# ${rdata.length} ${shown}`;
  expect(toHex(parseRdata(rrtype, tokenize(opaque), ROOT))).toBe(shown);
}

describe("every type", () => {
  test.each(RR_TYPES.map(({ mnemonic, rrtype }) => [mnemonic, rrtype] as const))(
    "%s: any valid rdata keeps its octets on the wire and in text",
    (_, rrtype) => {
      const property = fc.property(arbitraryRdata(rrtype), (wire) => {
        expectWhole(rrtype, canonicalRdata(rrtype, wire));
      });
      fc.assert(property, { numRuns: 60 });
    },
  );

  test.each(RR_TYPES.map(({ mnemonic, rrtype }) => [mnemonic, rrtype] as const))(
    "%s: any octets are refused by name of the type, or whole",
    (mnemonic, rrtype) => {
      const broken = fc
        .tuple(arbitraryRdata(rrtype), fc.nat(), fc.nat(), fc.integer({ min: 0, max: 255 }))
        .map(([wire, cut, at, octet]) => {
          const bytes = wire.slice(0, cut % (wire.length + 1));
          if (bytes.length > 0) bytes[at % bytes.length] = octet;
          return bytes;
        });
      const property = fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 80 })), (wire) => {
        const accepted = acceptOrRefuse(rrtype, mnemonic, wire);
        if (accepted !== undefined) expectWhole(rrtype, accepted);
      });
      fc.assert(property, { numRuns: 60 });
    },
  );

  test("a longest rdata of a type without a form of its own", () => {
    const rdata = new Uint8Array(65_535).fill(0xa5);
    for (const rrtype of [type("NULL"), 65_280]) {
      expect(toHex(canonicalRdata(rrtype, rdata))).toBe(toHex(rdata));
      const text = formatRdata(rrtype, rdata);
      expect(toHex(parseRdata(rrtype, tokenize(text), ROOT))).toBe(toHex(rdata));
    }
    expect(() => canonicalRdata(65_280, new Uint8Array(65_536))).toThrow("longer than 65,535");
  });

  test("a longest TXT", () => {
    const string = Uint8Array.of(255, ...new Uint8Array(255).fill(0xe9));
    const rdata = new Uint8Array(65_535);
    for (let at = 0; at + 256 <= rdata.length; at += 256) rdata.set(string, at);
    rdata[255 * 256] = 254;
    const text = formatRdata(Type.TXT, canonicalRdata(Type.TXT, rdata));
    expect(toHex(parseRdata(Type.TXT, tokenize(text), ROOT))).toBe(toHex(rdata));
    expect(() => parseRdata(Type.TXT, tokenize(`${text} ""`), ROOT)).toThrow("longer than 65,535");
  });
});

function acceptOrRefuse(
  rrtype: number,
  mnemonic: string,
  wire: Uint8Array,
): Uint8Array | undefined {
  try {
    return canonicalRdata(rrtype, wire);
  } catch (error) {
    expect(error).toBeInstanceOf(WindhoverError);
    expect((error as WindhoverError).code).toBe(ErrorCode.badRdata);
    expect((error as WindhoverError).message).toMatch(`bad ${mnemonic} rdata: `);
    return undefined;
  }
}

describe("text", () => {
  test("has an example of every type that has one", () => {
    const withText = RR_TYPES.flatMap(({ mnemonic, fields }) => (fields ? [mnemonic] : []));
    const shown = new Set(RDATA_TEXTS.map(([mnemonic]) => mnemonic));
    expect(withText.filter((mnemonic) => !shown.has(mnemonic))).toEqual([]);
  });

  test("is none of types without a presentation form, and of what is no data", () => {
    const opaque = RR_TYPES.flatMap(({ mnemonic, fields }) => (fields ? [] : [mnemonic]));
    const withoutForm = ["NULL", "UINFO", "UID", "GID", "UNSPEC"];
    const noData = ["OPT", "NXNAME", "TKEY", "TSIG", "IXFR", "AXFR", "MAILB", "MAILA", "ANY"];
    expect(new Set(opaque)).toEqual(new Set([...withoutForm, ...noData]));
  });

  test.each(RDATA_TEXTS)("%s %s", (mnemonic, written, formatted) => {
    const rdata = parse(mnemonic, written);
    expect(formatRdata(type(mnemonic), rdata)).toBe(formatted);
    expect(toHex(parse(mnemonic, formatted))).toBe(toHex(rdata));
  });

  test.each([
    ["A", "192.0.2", "not an IPv4 address"],
    ["A", "192.0.2.01", "not an IPv4 address"],
    ["A", "192.0.2.256", "not an IPv4 address"],
    ["A", "192.0.2.1 192.0.2.2", "more than belongs there"],
    ["A", "", "an IPv4 address is missing"],
    ["A", "\\# 3 010203", "it ends too early"],
    ["A", "\\# 4 0102", "2 octets, not 4"],
    ["A", "\\# 4 010203zz", "not hex"],
    ["AAAA", "1:2:3:4:5:6:7", "not an IPv6 address"],
    ["AAAA", "1:2:3:4:5:6:7::8", "not an IPv6 address"],
    ["AAAA", "1::2::3", "not an IPv6 address"],
    ["AAAA", "fe80::1%eth0", "not an IPv6 address"],
    ["AAAA", ":1:2:3:4:5:6:7", "not an IPv6 address"],
    ["AAAA", "1:2:3:4:5:6:7:", "not an IPv6 address"],
    ["AAAA", "1.2.3.4", "not an IPv6 address"],
    ["AAAA", "::12345", "not an IPv6 address"],
    ["MX", "65536 mail", "not a number (0 to 65535)"],
    ["MX", "10 a..b", "empty label"],
    ["TXT", "", "a string is missing"],
    ["TXT", `"${"x".repeat(256)}"`, "a string of 256 octets"],
    ["TXT", "\\256", "not \\000 to \\255"],
    ["DS", "1 8 2 00ff", "a digest of type 2 has 32 octets, not 2"],
    ["DS", "1 8 2", "hex is missing"],
    ["CAA", '0 "is sue" x', "letters and digits only"],
    ["CAA", '0 "" x', "letters and digits only"],
    ["LOC", "90 0 0.001 N 0 E 0", "over 90 degrees"],
    ["LOC", "1 60 N 0 E 0", "not minutes"],
    ["SSHFP", "1 2 00", "has 32 octets"],
    ["RRSIG", "A 5 3 1 20030231000000 20030220173103 1 . AA==", "not a time"],
    ["NSEC", ". NOSUCH", "not an RR type"],
    ["SVCB", "1 . alpn=h2 alpn=h3", "is there twice"],
    ["SVCB", "1 . key01=x", "not a service parameter"],
    ["SVCB", "1 . port", "port is not a port"],
    ["SVCB", "1 . alpn", "names no protocol"],
    ["SVCB", "1 . no-default-alpn=x", "takes no value"],
    ["SVCB", "1 . no-default-alpn", "needs alpn"],
    ["SVCB", "1 . mandatory=port", "port is mandatory and not there"],
    ["SVCB", "1 . mandatory=mandatory", "itself"],
    ["SVCB", "1 . mandatory=port,port port=1", "twice"],
    ["SVCB", "1 . ipv4hint=", "not a list of addresses"],
    ["SVCB", "1 . ipv4hint=2001:db8::1", "not an address"],
    ["SVCB", "1 . key65535=x", "not a service parameter"],
    ["ZONEMD", "1 1 9 0011223344556677889900", "a digest of 11 octets, not 12 or more"],
    ["SVCB", "1 . dohpath=/dns-query", "not a URI template"],
    ["SVCB", "1 . dohpath=dns-query{?dns}", "not a URI template"],
    ["SVCB", "1 . dohpath=/\\255{?dns}", "not a URI template"],
    ["IPSECKEY", "10 4 2 . AQ==", "4 is not a gateway type"],
    ["TYPE65280", "x", "write \\#"],
    ["A", "x".repeat(61), `"${"x".repeat(60)}…" is not an IPv4 address`],
    ["TXT", "\\1x2", "not \\000 to \\255"],
    ["EUI48", "00-00-5e-00-53", "is not six octets"],
    ["EUI48", "00-00-5e-00-53-2g", "is not six octets"],
    ["L64", "10 2001:db8:1140", "is not four groups"],
    ["L64", "10 2001:db8:1140:10000", "is not four groups"],
    ["CERT", "1 1 1 AQI", "is not base64"],
    ["NSEC3", "1 0 0 - w0 A", "is not base32hex"],
    ["NSEC3", "1 0 0 - 01 A", "is not base32hex"],
    ["NSEC3", "1 0 0 - 1 A", "is not base32hex"],
    ["NSEC3", '1 0 0 - "" A', "0 octets of base32hex, not 1 to 255"],
    ["NSEC3PARAM", `1 0 0 ${"00".repeat(256)}`, "256 octets of hex, not 0 to 255"],
    ["NSAP", "47.0005", "does not start with 0x"],
    ["IPSECKEY", "10 0 0 gw", "write a dot"],
    ["IPSECKEY", "10 1 0 2001:db8::1", "not an address of gateway type 1"],
    ["IPSECKEY", "10 2 0 192.0.2.1", "not an address of gateway type 2"],
    ["ATMA", "", "an ATM address is missing"],
    ["ATMA", "470", "is not an ATM address"],
    ["ATMA", "47..00", "is not an ATM address"],
    ["ATMA", ".4700", "is not an ATM address"],
    ["ATMA", "+", "is not an ATM address"],
    ["ATMA", "+12ab", "an E.164 number has digits only"],
    ["KEY", "ZONE|0 3 5 AQ==", '"0" is not a key flag'],
    ["KEY", "toString 3 5 AQ==", "is not a key flag"],
    ["DNSKEY", "65536 3 5 AQ==", "is not flags (0 to 65535)"],
    ["TLSA", "DANE 1 1 00", "is not a known mnemonic or a number (0 to 255)"],
    ["CERT", "65536 1 1 AQ==", "is not a known mnemonic or a number (0 to 65535)"],
    ["HIP", "2 0g AA==", "its HIT is not hex"],
    ["HIP", `2 ${"00".repeat(256)} AA==`, "not hex of 1 to 255 octets"],
    ["HIP", "2 00 AA", "its key is not base64"],
    ["HIP", '2 "" AA==', "its HIT or its key is empty"],
    ["LOC", "0 0 60 N 0 E 0", "is not seconds"],
    ["LOC", "0 0 0 E 0 E 0", "is not N or S"],
    ["LOC", "0 N 0 E high", "is not a number of metres"],
    ["LOC", "0 N 0 E 0 -1m", "is not 0 to 90000000.00m"],
    ["LOC", "0 N 0 E 0 90000001m", "is not 0 to 90000000.00m"],
    ["LOC", "0 N 0 E -100001m", "does not fit 32 bits"],
    ["LOC", "0 N 0 E 42849673m", "does not fit 32 bits"],
    ["A6", "64 192.0.2.1 .", "is not an IPv6 address"],
    ["IPN", "1.1", "is not a number of 64 bits"],
    ["IPN", "18446744073709551616", "is not a number of 64 bits"],
    ["SOA", "a b 1 1x 3 4 5", "is not a time in seconds"],
    ["RRSIG", "TYPE65536 5 3 1 0 0 1 . AA==", "is not an RR type"],
    ["APL", "3:192.0.2.0/24", "is not an address prefix"],
    ["APL", "2:192.0.2.0/24", "is not an address prefix"],
    ["APL", "1:192.0.2.0/33", "has too long a prefix"],
    ["NXT", ". TYPE0", "type 0 cannot stand"],
    ["NXT", ". TYPE128", "not an RR type that can stand here"],
    ["SVCB", "1 . key0=\\000", "is not a list of keys"],
    ["SVCB", "1 . key1=\\000", "has an empty protocol name"],
    ["SVCB", "1 . key1=\\003h2", "ends inside a protocol name"],
    ["SVCB", `1 . alpn=${"h".repeat(256)}`, "a protocol name over 255 octets"],
    ["SVCB", "1 . alpn=h\\\\2", "escapes nothing"],
    ["SVCB", "1 . ech", "ech is empty"],
    ["SVCB", "1 . ech=AQI", "is not base64"],
    ["SVCB", `1 . key667=${"x".repeat(65_536)}`, "key667 is longer than 65,535 octets"],
  ])("%s %s is refused", (mnemonic, text, problem) => {
    expect(() => parse(mnemonic, text)).toThrow(problem);
    expect(() => parse(mnemonic, text)).toThrow(RdataTextError);
  });

  test("a refusal names the type and the token to blame", () => {
    try {
      parse("SRV", "0 5 port sip");
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: ErrorCode.badRdata, tokenIndex: 2 });
      expect((error as Error).message).toBe('bad SRV rdata: "port" is not a number (0 to 65535)');
    }
  });

  test("octets without a text of their own are formatted by RFC 3597", () => {
    expect(formatRdata(type("LOC"), canonicalRdata(type("LOC"), hex("0102")))).toBe("\\# 2 0102");
    expect(formatRdata(type("APL"), canonicalRdata(type("APL"), hex("00031000")))).toBe(
      "\\# 4 00031000",
    );
    expect(formatRdata(type("LOC"), hex(`00021613${"80000000".repeat(3)}`))).toMatch(/^\\# 16 /);
    expect(formatRdata(type("A6"), hex("41ff0000000000000000"))).toMatch(/^\\# 10 /);
    expect(formatRdata(type("WKS"), hex("c0000201060100"))).toBe("\\# 7 c0000201060100");
    for (const bitmap of ["00".repeat(17), "4000", "c0"]) {
      expect(formatRdata(type("NXT"), hex(`00${bitmap}`))).toMatch(/^\\# /);
    }
    expect(formatRdata(type("APL"), new Uint8Array(0))).toBe("\\# 0");
    expect(formatRdata(type("ATMA"), hex("0247"))).toBe("\\# 2 0247");
  });
});

describe("octets that no text stands for", () => {
  const noon = "80000000".repeat(3);

  test.each([
    ["A", "c000020100", "1 octets after its last field"],
    ["TXT", "", "a character string is missing"],
    ["LOC", `00a21613${noon}`, "a precision is not"],
    ["LOC", `001a1613${noon}`, "a precision is not"],
    ["ATMA", "", "it ends too early"],
    ["ATMA", "00", "it ends too early"],
    ["ATMA", "013a", "an E.164 number has digits only"],
    ["SINK", "0000", "it ends too early"],
    ["A6", "", "its prefix length is not 0 to 128"],
    ["A6", "8100", "its prefix length is not 0 to 128"],
    ["A6", "4000", "it ends too early"],
    ["NSEC3PARAM", "01000000", "it ends too early"],
    ["NSEC3", "010000000000", "it ends too early"],
    ["IPSECKEY", "0a0400", "4 is not a gateway type"],
    ["AMTRELAY", "0a04", "4 is not a gateway type"],
    ["HIP", "0002000100", "its HIT or its key is empty"],
    ["HIP", "0102000000", "its HIT or its key is empty"],
    ["APL", "00012104c0000201", "a prefix is longer than its address"],
    ["APL", "00011805c000020101", "a prefix is longer than its address"],
    ["APL", "00011803c00000", "ends in a zero octet"],
    ["WKS", `c000020106${"00".repeat(8193)}`, "more than 65,536 ports"],
    ["NSEC", "000100", "a type bitmap has not 1 to 32 octets"],
    ["NSEC", "0000", "a type bitmap has not 1 to 32 octets"],
    ["NSEC", `000021${"01".repeat(33)}`, "a type bitmap has not 1 to 32 octets"],
    ["NSEC", "0000024000", "a type bitmap ends in a zero octet"],
    ["NSEC", "00010140000140", "windows are not in order"],
    ["SVCB", "000100ffff0000", "key65535 is reserved"],
    ["SVCB", "000100029b0000029a0000", "its service parameters are out of order"],
  ])("%s %s is refused", (mnemonic, octets, problem) => {
    expect(() => canonicalRdata(type(mnemonic), hex(octets))).toThrow(problem);
  });
});

/** RFC 9460 appendix D.2: the text and the wire form of its test vectors. */
const SVCB_VECTORS: readonly (readonly [text: string, wire: string])[] = [
  ["0 foo.example.com.", "000003666f6f076578616d706c6503636f6d00"],
  ["1 .", "000100"],
  ["16 foo.example.com. port=53", "001003666f6f076578616d706c6503636f6d00000300020035"],
  ["1 foo.example.com. key667=hello", "000103666f6f076578616d706c6503636f6d00029b000568656c6c6f"],
  [
    '1 foo.example.com. key667="hello\\210qoo"',
    "000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f",
  ],
  [
    '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"',
    "000103666f6f076578616d706c6503636f6d000006002020010db800000000000000000000000120010db8000000000000000000530001",
  ],
  [
    '1 example.com. ipv6hint="2001:db8:122:344::192.0.2.33"',
    "0001076578616d706c6503636f6d000006001020010db8012203440000" + "0000c0000221",
  ],
  [
    "16 foo.example.org. ( alpn=h2,h3-19 mandatory=ipv4hint,alpn\n ipv4hint=192.0.2.1 )",
    "001003666f6f076578616d706c65036f726700000000040001000400010009026832056833" +
      "2d313900040004c0000201",
  ],
  [
    '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
    "001003666f6f076578616d706c65036f726700000100" + "0c08665c6f6f2c626172026832",
  ],
  [
    "16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
    "001003666f6f076578616d706c65036f726700000100" + "0c08665c6f6f2c626172026832",
  ],
];

describe("service bindings (RFC 9460 appendix D)", () => {
  test.each(SVCB_VECTORS)("%s", (text, wire) => {
    expect(toHex(parse("SVCB", text))).toBe(wire);
    expect(toHex(parse("HTTPS", formatRdata(type("HTTPS"), hex(wire))))).toBe(wire);
  });
});

describe("names inside rdata", () => {
  const upper = "034e5331074558414d504c4503434f4d00";
  const lower = "036e7331076578616d706c6503636f6d00";

  test.each([
    ["NS", "", "", true],
    ["MX", "000a", "", true],
    ["SRV", "000100020003", "", true],
    ["DNAME", "", "", true],
    ["RRSIG", "00010502000000010000000200000003002a", "ff", true],
    ["NSEC", "", "", false],
    ["HTTPS", "0001", "", false],
    ["LP", "000a", "", false],
  ])("%s", (mnemonic, before, after, isLowered) => {
    const canonical = canonicalRdata(type(mnemonic), hex(before + upper + after));
    expect(toHex(canonical)).toBe(before + (isLowered ? lower : upper) + after);
  });

  test("the octets handed in are never changed", () => {
    const wire = Buffer.from(hex(upper));
    canonicalRdata(Type.NS, wire);
    expect(wire.toString("hex")).toBe(upper);
  });

  /** `example.com.` at 12, then rdata that points to it. */
  function readCompressed(mnemonic: string, rdata: string, length = rdata.length / 2): Uint8Array {
    const bytes = hex(`${"00".repeat(HEADER)}076578616d706c6503636f6d00${rdata}`);
    return readRdata(new MessageReader(bytes, HEADER + 13), type(mnemonic), length);
  }

  test.each([
    ["NS", "036e7331c00c"],
    ["SOA", `036e7331c00c03666f6fc00c${"00".repeat(20)}`],
    ["MX", "000ac00c"],
    ["RP", "c00cc00c"],
    ["SRV", "000100020003c00c"],
    ["NAPTR", "00010002016101620163c00c"],
    ["SIG", `${"00".repeat(18)}c00cff`],
    ["PX", "0001c00cc00c"],
  ])("%s is read compressed", (mnemonic, rdata) => {
    const read = readCompressed(mnemonic, rdata);
    expect(toHex(read)).toContain("076578616d706c6503636f6d00");
    expectWhole(type(mnemonic), read);
  });

  test.each([
    ["DNAME", "c00c"],
    ["KX", "000ac00c"],
    ["RRSIG", `${"00".repeat(18)}c00cff`],
    ["SVCB", "0001c00c"],
    ["NSEC", "c00c"],
  ])("%s is not", (mnemonic, rdata) => {
    expect(() => readCompressed(mnemonic, rdata)).toThrow(`bad ${mnemonic} rdata`);
  });

  test.each([
    ["NS", "036e7331c00c00", undefined, "its length is not that of its fields"],
    ["NS", "036e7331c00c", 5, "ends too late"],
    ["NAPTR", "0001000205616263", undefined, "it ends too early"],
    ["NAPTR", "00010002", undefined, "it ends too early"],
    ["MX", "00", undefined, "it ends too early"],
    ["MX", "000ac00c", 9, "it ends after the message"],
  ])("%s of a wrong length is refused", (mnemonic, rdata, length, problem) => {
    expect(() => readCompressed(mnemonic, rdata, length)).toThrow(problem);
  });

  test("only RFC 1035's types are sent compressed", () => {
    const sent = (mnemonic: string, rdata: Uint8Array) => {
      const writer = new MessageWriter(new Uint8Array(512), HEADER);
      writer.name(ORIGIN, true);
      const start = writer.offset;
      writeRdata(writer, type(mnemonic), rdata);
      return writer.offset - start;
    };
    expect(sent("MX", parse("MX", "10 mail"))).toBe(2 + 5 + 2);
    expect(sent("SOA", parse("SOA", "ns1 root 1 2 3 4 5"))).toBe(4 + 2 + 5 + 2 + 20);
    const srv = parse("SRV", "0 0 0 mail");
    expect(sent("SRV", srv)).toBe(srv.length);
  });

  test("are found, in order", () => {
    const soa = parse("SOA", "a b 1 2 3 4 5");
    expect(rdataNames(Type.SOA, soa)).toEqual([
      { offset: 0, length: 15, compressible: true },
      { offset: 15, length: 15, compressible: true },
    ]);
    const naptr = parse("NAPTR", '1 2 "" "" "" x');
    expect(rdataNames(Type.NAPTR, naptr)).toEqual([{ offset: 7, length: 15, compressible: false }]);
    expect(rdataNames(type("IPSECKEY"), parse("IPSECKEY", "1 3 0 x"))).toHaveLength(1);
    expect(rdataNames(type("IPSECKEY"), parse("IPSECKEY", "1 1 0 192.0.2.1"))).toHaveLength(0);
    expect(rdataNames(type("AMTRELAY"), parse("AMTRELAY", "1 0 3 x"))).toHaveLength(1);
    expect(rdataNames(type("AMTRELAY"), parse("AMTRELAY", "1 0 1 192.0.2.1"))).toHaveLength(0);
    expect(rdataNames(type("A6"), parse("A6", "64 ::1 x"))).toHaveLength(1);
    expect(rdataNames(type("A6"), parse("A6", "0 ::1"))).toHaveLength(0);
    expect(rdataNames(type("HIP"), parse("HIP", "2 00 AA== a b c"))).toHaveLength(3);
    expect(rdataNames(Type.A, parse("A", "192.0.2.1"))).toHaveLength(0);
  });
});

describe("all types", () => {
  test("have distinct numbers and mnemonics", () => {
    expect(new Set(RR_TYPES.map((row) => row.rrtype)).size).toBe(RR_TYPES.length);
    expect(new Set(RR_TYPES.map((row) => row.mnemonic)).size).toBe(RR_TYPES.length);
  });

  test("are not known by a number that is none of theirs", () => {
    for (const text of ["TYPE65536", "TYPE", "TYPE1x", "TYPE-1", "TYPE000001"]) {
      expect(parseType(text), text).toBeUndefined();
    }
    expect(parseType("TYPE65535")).toBe(65_535);
  });

  test("are known by their mnemonic in any case, and by number", () => {
    for (const { rrtype, mnemonic } of RR_TYPES) {
      expect(parseType(mnemonic.toLowerCase())).toBe(rrtype);
      expect(parseType(`type${rrtype}`)).toBe(rrtype);
      expect(typeName(rrtype)).toBe(mnemonic);
    }
  });
});
