/** Each finding by the smallest zone that has it, and beside it one that has not. */
import { describe, expect, test } from "vitest";
import { Limits } from "../base/limits.ts";
import { formatName, parseName } from "../wire/name.ts";
import { makeRRset, type RRset } from "./rrset.ts";
import { checkZone } from "./zone-checks.ts";
import { collectRRsets } from "./zone-contents.ts";
import { parseZoneFile } from "./zone-file.ts";
import { ZoneMap } from "./zone-map.ts";

const ORIGIN = parseName("example.com.");
const APEX = "@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n";

/** `severity check owner` of everything that is found. */
function found(text: string): string[] {
  const chunks = [Buffer.from(text)];
  const records = parseZoneFile({ chunks, file: "zone", origin: ORIGIN, defaultTtl: 60 });
  return Array.from(
    checkZone(collectRRsets(ORIGIN, records)),
    ({ severity, check, owner }) => `${severity} ${check} ${formatName(owner)}`,
  );
}

describe("a zone with nothing wrong", () => {
  test.each([
    ["the least", ""],
    ["a CNAME with its DNSSEC records", "a CNAME b\na NSEC b CNAME\nb A 192.0.2.1"],
    [
      "a delegation with glue",
      `sub NS ns.sub\nsub DS 1 8 2 ${"00".repeat(32)}\nns.sub A 192.0.2.1`,
    ],
    ["a delegation to names elsewhere", "sub NS ns.example.net."],
    ["a target that a wildcard answers for", "*.w A 192.0.2.1\n@ MX 10 mail.w"],
    ["a target below a DNAME", "d DNAME example.net.\n@ MX 10 mail.d"],
    ["a target in a delegated part", "sub NS ns.example.net.\n@ MX 10 mail.sub"],
    ["an MX that refuses mail", "@ MX 0 ."],
    ["a DNAME with nothing below", "d DNAME example.net.\nd A 192.0.2.1"],
    ["a wildcard", "* TXT x"],
  ])("%s", (_, text) => {
    expect(found(APEX + text)).toEqual([]);
  });
});

describe("errors", () => {
  test.each([
    ["@ NS ns\nns A 192.0.2.1", "no-soa example.com."],
    ["@ SOA ns root 1 2 3 4 5", "no-ns example.com."],
    [`${APEX}@ SOA ns root 2 2 3 4 5`, "several-soa example.com."],
    [`${APEX}a SOA ns root 2 2 3 4 5`, "soa-not-at-apex a.example.com."],
    [`${APEX}a CNAME b.example.net.\na TXT x`, "cname-and-other-data a.example.com."],
    [`${APEX}@ CNAME b.example.net.`, "cname-and-other-data example.com."],
    [`${APEX}a CNAME b.\na CNAME c.`, "several-cname a.example.com."],
    [`${APEX}a DNAME b.\na DNAME c.`, "several-dname a.example.com."],
  ])("%s", (text, finding) => {
    expect(found(text)).toEqual([`error ${finding}`]);
  });

  test("types that are no data", () => {
    expect(checks([rrset("a", 255, 1, 1)])).toEqual(["meta-type"]);
  });

  test("as many RRs in an RRset as allowed, and one more", () => {
    expect(checks([rrset("a", 65_280, Limits.rrsetRecords, 2)])).toEqual([]);
    expect(checks([rrset("a", 65_280, Limits.rrsetRecords + 1, 2)])).toEqual(["rrset-too-large"]);
  });

  test("as many octets in an RRset as allowed, and one more", () => {
    expect(checks([rrset("a", 65_280, 1, Limits.rrsetBytes - 2)])).toEqual([]);
    expect(checks([rrset("a", 65_280, 1, Limits.rrsetBytes - 1)])).toEqual(["rrset-too-large"]);
  });

  test("as many RRsets at an owner as allowed, and one more", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => rrset("a", 65_280 + at, 1, 2));
    expect(checks(many(Limits.nameRRsets))).toEqual([]);
    expect(checks(many(Limits.nameRRsets + 1))).toEqual(["too-many-rrsets"]);
  });
});

/** An RRset of `count` opaque RRs of `length` octets. */
function rrset(owner: string, rrtype: number, count: number, length: number): RRset {
  const rdatas = Array.from({ length: count }, (_, at) => {
    const rdata = new Uint8Array(length);
    rdata[0] = at >>> 8;
    rdata[1] = at;
    return rdata;
  });
  return makeRRset(parseName(owner, ORIGIN), rrtype, 60, rdatas);
}

function checks(rrsets: readonly RRset[]): string[] {
  const records = parseZoneFile({
    chunks: [Buffer.from(APEX)],
    file: "zone",
    origin: ORIGIN,
    defaultTtl: 60,
  });
  const zone = new ZoneMap(ORIGIN, [...collectRRsets(ORIGIN, records), ...rrsets]);
  return Array.from(checkZone(zone), (finding) => finding.check);
}

describe("warnings", () => {
  test.each([
    [`a DS 1 8 2 ${"00".repeat(32)}`, ["ds-without-delegation a"]],
    [`@ DS 1 8 2 ${"00".repeat(32)}`, ["ds-at-apex @"]],
    ["sub NS ns.sub", ["missing-address sub"]],
    ["@ NS ns2", ["missing-address @"]],
    ["@ MX 10 mail", ["missing-address @"]],
    ["_sip._udp SRV 0 0 1 sip", ["missing-address _sip._udp"]],
    ["@ MX 10 mail\nmail CNAME ns", ["target-is-alias @"]],
    ["d DNAME example.net.\na.d A 192.0.2.1", ["below-dname a.d"]],
    ["d DNAME example.net.\nx.y.d A 192.0.2.1", ["below-dname x.y.d"]],
    ["sub NS ns\nwww.sub TXT x", ["below-cut www.sub"]],
    ["sub NS ns\nsub TXT x", ["below-cut sub"]],
    ["sub NS ns\nsub DNAME example.net.", ["dname-and-ns sub"]],
    ["*.w NS ns", ["wildcard-ns *.w"]],
    ["*.w DNAME example.net.", ["wildcard-dname *.w"]],
  ])("%s", (text, expected) => {
    const named = expected.map((each) => {
      const [check, owner] = each.split(" ") as [string, string];
      return `warning ${check} ${formatName(parseName(owner, ORIGIN))}`;
    });
    expect(found(APEX + text)).toEqual(named);
  });
});

test("a message says what is wrong in words", () => {
  const text = `${APEX}a CNAME b.\na TXT x\na MX 0 .`;
  const records = parseZoneFile({
    chunks: [Buffer.from(text)],
    file: "zone",
    origin: ORIGIN,
    defaultTtl: 60,
  });
  const [finding] = checkZone(collectRRsets(ORIGIN, records));
  expect(finding?.message).toBe(
    "a.example.com. has a CNAME and other data (TXT, MX); remove one or the other",
  );
});
