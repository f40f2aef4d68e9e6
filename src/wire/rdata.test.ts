/** Every RR type in every form: the examples of the RFCs, and what must hold for any rdata at all. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryRdata } from "../../test/rdata-arbitrary.ts";
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

/** Text as people write it, and as we do. */
const TEXTS: readonly (readonly [mnemonic: string, written: string, formatted: string])[] = [
  ["A", "192.0.2.1", "192.0.2.1"],
  ["AAAA", "2001:0DB8:0:0:1::1", "2001:db8::1:0:0:1"],
  ["AAAA", "::", "::"],
  ["AAAA", "1::", "1::"],
  ["AAAA", "::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["AAAA", "64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["AAAA", "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["NS", "NS1", "ns1.example.com."],
  [
    "SOA",
    "@ host\\.master ( 2024010100 ; serial\n 1h 15m\n 2w 5m )",
    "example.com. host\\.master.example.com. 2024010100 3600 900 1209600 300",
  ],
  ["HINFO", 'PC "Red Hat"', '"PC" "Red Hat"'],
  ["MX", "10 Mail.Example.NET.", "10 mail.example.net."],
  ["TXT", 'a "b c" "\\"d\\"" e\\;f é', '"a" "b c" "\\"d\\"" "e;f" "\\195\\169"'],
  ["TXT", '""', '""'],
  ["TXT", 'k="v"', '"k=\\"v\\""'],
  ["ISDN", "150862028003217 004", '"150862028003217" "004"'],
  ["ISDN", "150862028003217", '"150862028003217"'],
  ["NSAP", "0x47.0005.80.005a00.0000", "0x47000580005a000000"],
  ["GPOS", "-32.6882 116.8652 10.0", '"-32.6882" "116.8652" "10.0"'],
  ["WKS", "192.0.2.1 TCP smtp 80", "192.0.2.1 6 25 80"],
  [
    "LOC",
    "42 21 54 N 71 06 18 W -24m 30m",
    "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m",
  ],
  ["LOC", "0 S 180 e 0", "0 0 0.000 N 180 0 0.000 E 0.00m 1.00m 10000.00m 10.00m"],
  ["SRV", "0 5 5060 sip", "0 5 5060 sip.example.com."],
  [
    "NAPTR",
    '100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.gatech.edu.',
    '100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.gatech.edu.',
  ],
  ["CERT", "PGP 0 RSASHA1 AQIDBA==", "PGP 0 5 AQIDBA=="],
  ["CERT", "OID 0 PRIVATEOID AQ==", "OID 0 254 AQ=="],
  ["CERT", "65535 0 0 AQ==", "65535 0 0 AQ=="],
  ["ATMA", "47.0079.00010200", "47007900010200"],
  ["ATMA", "+358.400.1234567", "+3584001234567"],
  ["SINK", "8 0 2 l4ik", "8 0 2 l4ik"],
  ["SINK", "1 0 0", "1 0 0"],
  ["KEY", "KSK|zone|SIG15 EMAIL NSEC3RSASHA1 AQ==", "271 2 7 AQ=="],
  ["KEY", "NOKEY ALL 0", "49152 255 0"],
  ["DNSKEY", "257 DNSSEC RSASHA256 AQ==", "257 3 8 AQ=="],
  ["DS", `1 ED448 sha-256 ${"00".repeat(32)}`, `1 16 2 ${"00".repeat(32)}`],
  ["CDS", `1 ECDSAP384SHA384 SHA384 ${"00".repeat(48)}`, `1 14 4 ${"00".repeat(48)}`],
  ["NSEC3PARAM", "SHA-1 0 1 -", "1 0 1 -"],
  ["TLSA", "DANE-EE SPKI SHA2-256 00", "3 1 1 00"],
  ["SMIMEA", "PrivCert PrivSel PrivMatch 00", "255 255 255 00"],
  ["A6", "64 ::1:2:3:4 Subnet", "64 ::1:2:3:4 subnet.example.com."],
  ["APL", "1:192.168.32.0/21 !1:192.168.38.0/28", "1:192.168.32.0/21 !1:192.168.38.0/28"],
  [
    "DS",
    "60485 RSASHA1 1 ( 2BB183AF5F22588179A53B0A\n 98631FAD1A292118 )",
    "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118",
  ],
  ["CDS", "0 0 0 00", "0 0 0 00"],
  ["CDNSKEY", "0 3 DELETE AA==", "0 3 0 AA=="],
  [
    "SSHFP",
    "2 1 123456789abcdef67890123456789abcdef67890",
    "2 1 123456789abcdef67890123456789abcdef67890",
  ],
  ["IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG", "10 1 2 192.0.2.38 AQNRU3mG"],
  ["IPSECKEY", "10 0 0 .", "10 0 0 ."],
  ["IPSECKEY", "10 3 2 Gw AQNRU3mG", "10 3 2 Gw.example.com. AQNRU3mG"],
  [
    "RRSIG",
    "A 5 3 86400 20030322173103 ( 20030220173103 2642 example.com. oJB1W6WN\n Gv+l )",
    "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1W6WNGv+l",
  ],
  [
    "NSEC",
    "Host.example.com. ( A MX RRSIG NSEC TYPE1234 )",
    "Host.example.com. A MX RRSIG NSEC TYPE1234",
  ],
  [
    "NSEC3",
    "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX NS SOA TYPE65535",
    "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX TYPE65535",
  ],
  ["NSEC3", "1 0 0 - Vo TYPE1", "1 0 0 - vo A"],
  ["NSEC3PARAM", "1 0 0 -", "1 0 0 -"],
  ["TLSA", "3 1 1 0D6FCE13 243aa7", "3 1 1 0d6fce13243aa7"],
  [
    "HIP",
    "2 200100107B1A74DF365639CC39F1D578 AwEAAbdx rvs1 rvs2.example.net.",
    "2 200100107b1a74df365639cc39f1d578 AwEAAbdx rvs1.example.com. rvs2.example.net.",
  ],
  ["RRSIG", "A 5 3 1 19651113132620 0 1 . AQID", "A 5 3 1 21011220195436 19700101000000 1 . AQID"],
  [
    "RRSIG",
    "A 5 3 1 4294967295 20380119031408 1 . AQID",
    "A 5 3 1 21060207062815 20380119031408 1 . AQID",
  ],
  ["ZONEMD", `1 1 9 ${"00".repeat(12)}`, `1 1 9 ${"00".repeat(12)}`],
  ["CSYNC", "66 3 A NS AAAA", "66 3 A NS AAAA"],
  ["DSYNC", "CDS NOTIFY 5359 cds-scanner", "CDS NOTIFY 5359 cds-scanner.example.com."],
  ["NID", "10 0014:4fff:ff20:ee64", "10 0014:4fff:ff20:ee64"],
  ["L32", "10 10.1.2.0", "10 10.1.2.0"],
  ["L64", "10 2001:DB8:1140:1000", "10 2001:0db8:1140:1000"],
  ["EUI48", "00-00-5E-00-53-2a", "00-00-5e-00-53-2a"],
  ["EUI64", "00-00-5e-ef-10-00-00-2a", "00-00-5e-ef-10-00-00-2a"],
  ["URI", '10 1 "ftp://ftp1.example.com/public"', '10 1 "ftp://ftp1.example.com/public"'],
  ["CAA", '0 issue "ca.example; account=230123"', '0 issue "ca.example; account=230123"'],
  ["CAA", "128 iodef mailto:a@b", '128 iodef "mailto:a@b"'],
  ["DOA", "0 1 2 text/html -", '0 1 2 "text/html" -'],
  ["AMTRELAY", "128 1 3 amtrelays", "128 1 3 amtrelays.example.com."],
  ["AMTRELAY", "10 0 0 .", "10 0 0 ."],
  ["IPN", "18446744073709551615", "18446744073709551615"],
  ["TYPE731", "\\# 6 abcd ( ef 01 23 45 )", "\\# 6 abcdef012345"],
  ["TYPE62347", "\\# 0", "\\# 0"],
  ["TYPE1", "\\# 4 0A000001", "10.0.0.1"],
  ["NULL", "\\# 1 00", "\\# 1 00"],
  ["HTTPS", "0 Foo", "0 Foo.example.com."],
  ["SVCB", "1 . no-default-alpn alpn=h2", '1 . alpn="h2" no-default-alpn'],
  ["SVCB", "1 . dohpath=/dns-query{?dns} ohttp", '1 . dohpath="/dns-query{?dns}" ohttp'],
  ["SVCB", "1 . key3=\\000\\053", "1 . port=53"],
  ["SVCB", "1 . ech=AQID", "1 . ech=AQID"],
  ["A6", "0 2001:db8::1", "0 2001:db8::1"],
  ["A6", "128 Prefix", "128 prefix.example.com."],
  ["A6", "65 ffff::ffff:2:3:4 .", "65 ::7fff:2:3:4 ."],
  ["IPSECKEY", "10 2 2 2001:DB8::1 AQNRU3mG", "10 2 2 2001:db8::1 AQNRU3mG"],
  ["APL", "1:0.0.0.0/0 !2:2001:DB8::/32", "1:0.0.0.0/0 !2:2001:db8::/32"],
  ["NXT", "Next a NXT TYPE127", "next.example.com. A NXT TYPE127"],
  ["NXT", ".", "."],
];

describe("text", () => {
  test.each(TEXTS)("%s %s", (mnemonic, written, formatted) => {
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
