/** Records in any order put together into RRsets. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrorCode } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, type Name, parseName } from "../wire/name.ts";
import { equalRRsets, makeRRset, type RRset } from "./rrset.ts";
import { checkOwners, checkZone, type Finding } from "./zone-checks.ts";
import { collectRRsets, ZoneContents } from "./zone-contents.ts";
import { parseZoneFile, type ZoneRecord } from "./zone-file.ts";
import { ZoneMap } from "./zone-map.ts";
import { CHUNK_ROWS } from "./zone-rows.ts";

const ORIGIN = parseName("example.com.");

function parse(text: string): Iterable<ZoneRecord> {
  return parseZoneFile({
    chunks: [Buffer.from(text)],
    file: "zone",
    origin: ORIGIN,
    defaultTtl: 60,
  });
}

function name(text: string): Name {
  return parseName(text, ORIGIN);
}

const SCATTERED = `
b A 192.0.2.2
a A 192.0.2.1
b TXT x
b A 192.0.2.1
a A 192.0.2.1
`;

describe("what a zone's checks need not see", () => {
  const toCheck = (text: string) =>
    Array.from(collectRRsets(ORIGIN, parse(text)).ownersToCheck(), (owner) => formatName(owner!));

  test("is a host with a few plain RRs", () => {
    expect(toCheck("a A 192.0.2.1\na AAAA ::1\na TXT x\na.b PTR c\n")).toEqual([]);
  });

  test.each([
    "@ SOA ns root 1 2 3 4 5",
    "a CNAME b",
    "a MX 10 b",
    "a DS 1 8 9 00",
    "a SRV 1 2 3 b",
  ])("is not: %s", (line) => {
    expect(toCheck(`${line}\nb A 192.0.2.1`)).toHaveLength(1);
  });

  test("is not a name with many RRs, or with many octets", () => {
    const lines = (count: number) => Array.from({ length: count }, (_, at) => `a TXT t${at}\n`);
    expect(toCheck(lines(100).join(""))).toEqual([]);
    expect(toCheck(lines(101).join(""))).toEqual(["a.example.com."]);
    const large = (octets: number) => `a TYPE65280 \\# ${octets} ${"00".repeat(octets)}`;
    expect(toCheck(large(59_998))).toEqual([]);
    expect(toCheck(large(59_999))).toEqual(["a.example.com."]);
  });

  test("is nothing that could be below a delegation or a DNAME", () => {
    const hosts = "@ A 192.0.2.1\na A 192.0.2.1\nb.a A 192.0.2.1\n";
    expect(toCheck(`${hosts}c NS ns`)).toEqual(["b.a.example.com.", "c.example.com."]);
    expect(toCheck(`${hosts}@ NS ns`)).toEqual(["example.com."]);
    expect(toCheck(`${hosts}@ DNAME c.net.`)).toHaveLength(3);
  });

  test("has no findings", () => {
    const kind = fc.constantFrom(
      "A 192.0.2.1",
      "CNAME @",
      "NS a",
      "DNAME a.net.",
      "DS 1 8 9 00",
      "MX 1 a.b",
      "TXT x",
    );
    const owner = fc.constantFrom("@", "a", "b", "a.b", "c.a.b", "*.b");
    const property = fc.property(fc.array(fc.tuple(owner, kind)), (lines) => {
      const text = lines.map((line) => line.join(" ")).join("\n");
      const zone = collectRRsets(ORIGIN, parse(text));
      expect([...checkOwners(zone, () => zone.ownersToCheck())]).toEqual([...checkZone(zone)]);
    });
    fc.assert(property);
  });
});

describe("packs", () => {
  test("hold every RRset once", () => {
    const property = fc.property(fc.array(fc.nat(300)), fc.nat(3_000), (numbers, more) => {
      const lines = [...numbers, ...Array.from({ length: more }, (_, at) => at + 300)];
      const text = lines.map((number, at) => `h${number} A 192.0.2.${at % 256}`).join("\n");
      const zone = collectRRsets(ORIGIN, parse(text));
      const packed: RRset[] = [];
      for (const pack of zone.packs()) packed.push(...pack);
      expect(packed).toEqual([...zone]);
    });
    fc.assert(property, { numRuns: 30 });
  });

  test("of an empty zone are none", () => {
    expect([...collectRRsets(ORIGIN, []).packs()]).toEqual([]);
  });
});

describe("giving up", () => {
  test("gives the same packs, and leaves nothing to ask", () => {
    const zone = collectRRsets(ORIGIN, parse(SCATTERED));
    const rrsets = [...zone];
    const given = zone.toBeGivenUp(() => expect.unreachable("a small zone is left to V8"));
    expect([...given]).toEqual(rrsets);
    expect(Array.from(given.packs(), (pack) => [...pack])).toEqual([rrsets]);
    expect(Array.from(given.lastPacks?.() ?? [], (pack) => [...pack])).toEqual([rrsets]);
    expect(zone.recordCount).toBe(5);
    const asked = [
      () => zone.rrsets(name("a")),
      () => [...zone.owners()],
      () => [...zone.ownersToCheck()],
      () => [...zone],
      () => zone.packs(),
      () => [...(given.lastPacks?.() ?? [])],
    ];
    for (const ask of asked) expect(ask).toThrow("given up");
  });

  test("ends where the last owner fills a pack", () => {
    const zone = collectRRsets(ORIGIN, parse(`a TYPE65280 \\# 40000 ${"00".repeat(40_000)}`));
    const given = zone.toBeGivenUp(() => {});
    expect(Array.from(given.lastPacks?.() ?? [], (pack) => [...pack].length)).toEqual([1]);
  });

  test("lets go of a large zone on the way, and of nothing that is still to come", () => {
    const zone = new ZoneContents(ORIGIN);
    const [rdata, owner] = [Buffer.alloc(60), Buffer.concat([new Uint8Array(9), ORIGIN])];
    const cursor = { owner, ownerLength: owner.length, ttl: 60, line: 1, rrtype: Type.TXT };
    const add = (number: number) => {
      owner[0] = 8;
      owner.write(String(10_000_000 + number), 1, "latin1");
      zone.add({ ...cursor, rdata, rdataLength: rdata.writeUInt32BE(zone.recordCount) + 56 });
    };
    for (let number = 0; number <= CHUNK_ROWS / 4; number++) add(number);
    for (const _ of zone.makeRoom());
    // Of the first owners there is something at the end as well.
    for (let number = 0; number < 100; number++) add(number);
    const before: string[] = [];
    for (const pack of zone.packs()) before.push(digest(pack.bytes));
    let collected = 0;
    const given = zone.toBeGivenUp(() => collected++);
    const after: string[] = [];
    for (const pack of given.lastPacks?.() ?? []) after.push(digest(pack.bytes));
    expect(after).toEqual(before);
    expect(collected).toBe(2);
  });
});

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("collecting", () => {
  test("puts scattered RRs of one RRset together, without duplicates", () => {
    const zone = collectRRsets(ORIGIN, parse(SCATTERED));
    expect(
      [...zone].map(({ owner, rrtype, rdatas }) => [formatName(owner), rrtype, rdatas.length]),
    ).toEqual([
      ["b.example.com.", Type.A, 2],
      ["b.example.com.", Type.TXT, 1],
      ["a.example.com.", Type.A, 1],
    ]);
    expect(zone.recordCount).toBe(5);
    expect(zone.ownerCount).toBe(2);
  });

  test("finds RRsets by owner and type, and none where none is", () => {
    const zone = collectRRsets(ORIGIN, parse(SCATTERED));
    expect(zone.rrset(name("b"), Type.A)?.rdatas).toHaveLength(2);
    expect(zone.rrset(name("b"), Type.AAAA)).toBeUndefined();
    expect(zone.rrsets(name("b"))).toHaveLength(2);
    expect(zone.rrsets(name("c"))).toEqual([]);
    expect(zone.rrsets(parseName("b.example.net."))).toEqual([]);
    expect(Array.from(zone.owners(), formatName)).toEqual(["b.example.com.", "a.example.com."]);
  });

  test("takes the first TTL of an RRset and reports another", () => {
    const findings: Finding[] = [];
    const text = "a 300 A 192.0.2.1\nb 5 A 192.0.2.1\na 60 A 192.0.2.2\na 1 TXT x";
    const zone = collectRRsets(ORIGIN, parse(text), (finding) => findings.push(finding));
    expect(zone.rrset(name("a"), Type.A)?.ttl).toBe(300);
    expect(findings).toEqual([
      {
        severity: "warning",
        check: "ttl-differs",
        owner: name("a"),
        message:
          "a.example.com. A: TTL 60 in line 3 is not the 300 of the RRs before; 300 holds for all",
      },
    ]);
  });

  test("is the same zone as a plain map of the same records", () => {
    const record = fc.record({
      owner: fc.integer({ min: 0, max: 40 }).map((number) => name(`h${number}`)),
      rrtype: fc.constantFrom<number>(Type.A, Type.TXT, 65_280),
      ttl: fc.constant(60),
      rdata: fc.uint8Array({ maxLength: 5 }),
      file: fc.constant("zone"),
      line: fc.constant(1),
    });
    const property = fc.property(fc.array(record, { maxLength: 200 }), (records) => {
      const map = new ZoneMap(ORIGIN);
      for (const { owner, rrtype, ttl, rdata } of records) {
        const rdatas = [...(map.rrset(owner, rrtype)?.rdatas ?? []), rdata];
        map.set({ owner, rrtype, rrset: makeRRset(owner, rrtype, ttl, rdatas) });
      }
      const zone = collectRRsets(ORIGIN, records);
      const rrsets = [...zone];
      expect(rrsets.every((each) => equalRRsets(each, map.rrset(each.owner, each.rrtype)!))).toBe(
        true,
      );
      expect(rrsets).toHaveLength([...map.owners()].flatMap((owner) => map.rrsets(owner)).length);
      for (const owner of map.owners())
        expect(zone.rrsets(owner)).toHaveLength(map.rrsets(owner).length);
    });
    fc.assert(property);
  });

  test("holds as many octets as allowed, and not one more", () => {
    const records = [...parse(`a TXT ${"x".repeat(255)}\n`.repeat(300))];
    const octets = 1 + name("a").length - ORIGIN.length + 300 * (4 + 256);
    const held = (most: number) => {
      const zone = new ZoneContents(ORIGIN, most);
      for (const record of records) {
        const { owner, rdata } = record;
        zone.add({ ...record, ownerLength: owner.length, rdataLength: rdata.length });
      }
      return zone.recordCount;
    };
    expect(held(octets)).toBe(300);
    expect(() => held(octets - 1)).toThrow(
      expect.objectContaining({
        code: ErrorCode.limit,
        message: expect.stringContaining(`more than ${octets - 1} octets`),
      }),
    );
  });

  test("makes room for many a slice of work at a time, where there is none before", () => {
    const zone = new ZoneContents(ORIGIN);
    const add = (from: number, to: number) => {
      const lines = Array.from({ length: to - from }, (_, at) => `h${from + at} A 192.0.2.1`);
      for (const record of parse(lines.join("\n"))) {
        zone.add({ ...record, ownerLength: record.owner.length, rdataLength: 4 });
      }
    };
    add(0, 2_048);
    expect([...zone.makeRoom()]).toHaveLength(0);
    add(2_048, 2_049);
    expect([...zone.makeRoom()]).toHaveLength(Math.floor(2_049 / Limits.zoneSlice));
    expect([...zone.makeRoom()]).toHaveLength(0);
    add(2_049, 9_000);
    expect(zone.ownerCount).toBe(9_000);
    for (const at of [0, 2_048, 4_096, 8_999]) expect(zone.rrsets(name(`h${at}`))).toHaveLength(1);
  });

  test("grows past its first sizes", () => {
    const count = 20_000;
    const records = Array.from({ length: count }, (_, number) => `h${number} TXT t${number}`);
    const zone = collectRRsets(ORIGIN, parse(records.join("\n")));
    expect(zone.ownerCount).toBe(count);
    for (const number of [0, 1, 4095, 4096, count - 1]) {
      const text = Buffer.from(zone.rrset(name(`h${number}`), Type.TXT)?.rdatas[0] as Uint8Array);
      expect(text.toString("latin1", 1)).toBe(`t${number}`);
    }
  });
});
