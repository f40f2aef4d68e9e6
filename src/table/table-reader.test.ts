import { describe, expect, it } from "vitest";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, parseName, parseWireName } from "../wire/name.ts";
import { formatRdata, parseRdata, readRdata } from "../wire/rdata.ts";
import { MessageReader } from "../wire/reader.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { Header } from "./layout.ts";
import { createTableMemory } from "./table-memory.ts";
import { TableReader } from "./table-reader.ts";
import { TableWriter } from "./table-writer.ts";

const ORIGIN = parseName("dyn.example.com.");
const QUESTION = 12;

function rrset(owner: string, rrtype: number, ...texts: string[]): RRset {
  const rdatas = texts.map((text) =>
    parseRdata(
      rrtype,
      text.split(" ").map((word) => ({ text: word, quoted: false })),
      ORIGIN,
    ),
  );
  return makeRRset(parseName(owner, ORIGIN), rrtype, 300, rdatas);
}

const SOA = rrset("@", Type.SOA, "ns1 admin 4294967295 3600 600 86400 60");

function table(...rrsets: RRset[]) {
  const memory = createTableMemory(1024 * 1024);
  const writer = new TableWriter(memory);
  const loader = writer.beginZone(ORIGIN);
  for (const each of [SOA, ...rrsets]) loader.add(each);
  loader.publish();
  const reader = new TableReader(memory, 1);
  const name = reader.newLookupName();
  const find = (owner: string, rrtype: number) => {
    const wire = parseName(owner, ORIGIN);
    name.read(wire, 0, wire.length);
    const zone = reader.findZone(name, 0);
    const node = reader.findNode(zone, name, 0);
    return node === 0 ? 0 : reader.findRRset(node, rrtype);
  };
  return { reader, writer, name, find };
}

/** A message with the question in it, and the RRs that follow the RRset's place read from it. */
function written(reader: TableReader, found: number, qname: string, ttl = -1) {
  const message = new Uint8Array(70_000);
  const question = parseWireName(qname, ORIGIN);
  message.set(question, QUESTION);
  const origin = QUESTION + question.length - ORIGIN.length;
  const at = QUESTION + question.length + 4;
  const end = reader.writeRRset(found, message, at, message.length, QUESTION, origin, ttl);
  return { records: readRecords(message, at, end), message, at, end };
}

function readRecords(message: Uint8Array, at: number, end: number): string[] {
  const records: string[] = [];
  const cursor = new MessageReader(message, at, end);
  while (cursor.offset < end) {
    const owner = formatName(cursor.name());
    const rrtype = cursor.u16();
    expect(cursor.u16()).toBe(1);
    const ttl = cursor.u32();
    const length = cursor.u16();
    const rdata = readRdata(cursor, rrtype, length);
    records.push(`${owner} ${ttl} ${formatRdata(rrtype, rdata)}`);
  }
  return records;
}

describe("writeRRset", () => {
  it("answers the question with one copy", () => {
    const { reader, find } = table(rrset("home", Type.A, "192.0.2.1"));
    const { records, message, at, end } = written(reader, find("home", Type.A), "home");
    expect(records).toEqual(["home.dyn.example.com. 300 192.0.2.1"]);
    expect(Buffer.from(message.subarray(at, end)).toString("hex")).toBe(
      "c00c000100010000012c0004c0000201",
    );
  });

  it("compresses names in rdata that end in the origin, where types may be compressed", () => {
    const { reader, find } = table(
      rrset("@", Type.NS, "ns1", "@", "ns.example.com.", "xdyn.example.com.", "a.b"),
      rrset("srv", Type.SRV, "0 5 5060 ns1"),
      rrset("d", Type.DNAME, "ns1"),
    );
    const ns = written(reader, find("@", Type.NS), "@");
    expect(ns.records.toSorted()).toEqual(
      ["a.b.dyn", "dyn", "ns", "ns1.dyn", "xdyn"]
        .map((target) => `dyn.example.com. 300 ${target}.example.com.`)
        .toSorted(),
    );
    expect(ns.end - ns.at).toBe(5 * 12 + 6 + 2 + 16 + 18 + 6);
    const srv = written(reader, find("srv", Type.SRV), "srv");
    expect(srv.records).toEqual(["srv.dyn.example.com. 300 0 5 5060 ns1.dyn.example.com."]);
    expect(srv.end - srv.at).toBe(12 + 6 + 4 + ORIGIN.length);
    const dname = written(reader, find("d", Type.DNAME), "d");
    expect(dname.end - dname.at).toBe(12 + 4 + ORIGIN.length);
  });

  it("compresses both names of a SOA and gives it another TTL", () => {
    const { reader, name, find } = table();
    const soa = find("@", Type.SOA);
    const zone = reader.findZone(name, 0);
    expect(reader.zoneSoa(zone)).toBe(soa);
    expect(reader.zoneSerial(zone)).toBe(4294967295);
    expect(reader.zoneNegativeTtl(zone)).toBe(60);
    const { records, at, end } = written(reader, soa, "@", 60);
    expect(records).toEqual([
      "dyn.example.com. 60 ns1.dyn.example.com. admin.dyn.example.com. 4294967295 3600 600 86400 60",
    ]);
    expect(end - at).toBe(12 + 6 + 8 + 20);
  });

  it("gives every RR the owner and the TTL it is told", () => {
    const { reader, find } = table(rrset("*.w", Type.MX, "1 mx1", "2 mx2", "3 mx.example.net."));
    const message = new Uint8Array(512);
    message.set(parseName("synthesised.w", ORIGIN), 40);
    const at = 40 + 14 + ORIGIN.length + 4;
    const end = reader.writeRRset(find("*.w", Type.MX), message, at, 512, 40, 40 + 14, 0x7fffffff);
    expect(readRecords(message, at, end)).toEqual(
      ["1 mx1.dyn.example.com.", "2 mx2.dyn.example.com.", "3 mx.example.net."].map(
        (text) => `synthesised.w.dyn.example.com. 2147483647 ${text}`,
      ),
    );
  });

  it("fits exactly or not at all", () => {
    const { reader, find } = table(rrset("t", Type.TXT, "x"));
    const found = find("t", Type.TXT);
    const message = new Uint8Array(100).fill(9);
    expect(reader.writeRRset(found, message, 20, 34, 12, 12, -1)).toBe(34);
    expect(message[34]).toBe(9);
    message.fill(9);
    expect(reader.writeRRset(found, message, 20, 33, 12, 12, -1)).toBe(0);
    expect(message.every((octet) => octet === 9)).toBe(true);
  });

  it("writes every length of rdata as it is", () => {
    const sets = Array.from({ length: 40 }, (_, length) =>
      makeRRset(parseName(`l${length}`, ORIGIN), 65_280, 300, [
        Uint8Array.from({ length }, (_, at) => at + 1),
        Uint8Array.from({ length: length + 3 }, (_, at) => at + 2),
      ]),
    );
    const { reader, find } = table(...sets);
    for (const [length, each] of sets.entries()) {
      const { records } = written(reader, find(`l${length}`, 65_280), `l${length}`);
      const owner = `l${length}.dyn.example.com.`;
      const texts = each.rdatas.map((rdata) => `${owner} 300 ${formatRdata(65_280, rdata)}`);
      expect(records).toEqual(texts);
    }
  });

  it("keeps an RRset that no message can hold, and says that it does not fit", () => {
    const names = Array.from({ length: Limits.rrsetRecords }, (_, at) => parseName(`h${at}.xx.`));
    const long = makeRRset(parseName("many", ORIGIN), Type.PTR, 300, names);
    const { reader, find, writer } = table(long);
    expect(writer.view(ORIGIN)?.rrset(long.owner, Type.PTR)).toEqual(long);
    const message = new Uint8Array(Limits.messageLength);
    expect(reader.writeRRset(find("many", Type.PTR), message, 0, message.length, 12, 12, -1)).toBe(
      0,
    );
  });
});

describe("targets", () => {
  const cases: [rrtype: number, text: string, target: string][] = [
    [Type.CNAME, "www", "www.dyn.example.com."],
    [Type.CNAME, "www.example.net.", "www.example.net."],
    [Type.CNAME, "@", "dyn.example.com."],
    [Type.DNAME, "under", "under.dyn.example.com."],
    [Type.MX, "10 mail", "mail.dyn.example.com."],
    [Type.SRV, "1 2 3 host", "host.dyn.example.com."],
    [Type.SVCB, "1 MiXed alpn=h2", "mixed.dyn.example.com."],
    [Type.NAPTR, "1 1 u E2U+sip x target", "target.dyn.example.com."],
  ];

  it("are read whole, and stand where glue may point to", () => {
    for (const [rrtype, text, target] of cases) {
      const { reader, name, find } = table(rrset("q", rrtype, text));
      const found = find("q", rrtype);
      const zone = reader.findZone(name, 0);
      const read = reader.newLookupName();
      expect(reader.readTarget(zone, found, 0, read)).toBe(true);
      expect(formatName(read.bytes.subarray(0, read.length))).toBe(target);
      const { message, at } = written(reader, found, "q");
      const pointed = new MessageReader(message, at + reader.targetOffset(found, 0)).name();
      expect(formatName(pointed).toLowerCase()).toBe(target);
    }
  });

  it("are found in every RR, also where they stand in different places", () => {
    const sets: [rrtype: number, texts: string[]][] = [
      [Type.NS, ["ns1", "ns2.example.net.", "a.b.ns3", "@"]],
      [Type.NAPTR, ["1 1 u E2U+sip x n1", "1 1 u y longer n2.example.net.", "1 2 s z zz n3"]],
    ];
    for (const [rrtype, texts] of sets) {
      const each = rrset("q", rrtype, ...texts);
      const { reader, name, find } = table(each);
      const found = find("q", rrtype);
      const zone = reader.findZone(name, 0);
      const read = reader.newLookupName();
      const { message, at } = written(reader, found, "q");
      expect(reader.rrsetCount(found)).toBe(texts.length);
      for (const [index, rdata] of each.rdatas.entries()) {
        const target = formatRdata(rrtype, rdata).split(" ").at(-1);
        expect(reader.readTarget(zone, found, index, read)).toBe(true);
        expect(formatName(read.bytes.subarray(0, read.length))).toBe(target);
        const pointed = new MessageReader(message, at + reader.targetOffset(found, index)).name();
        expect(formatName(pointed)).toBe(target);
      }
    }
  });

  it("are none where rdata hold no name", () => {
    const { reader, name, find } = table(rrset("q", Type.A, "192.0.2.1"));
    const found = find("q", Type.A);
    const zone = reader.findZone(name, 0);
    expect(reader.readTarget(zone, found, 0, reader.newLookupName())).toBe(false);
    expect(reader.targetOffset(found, 0)).toBe(0);
  });
});

describe("names", () => {
  it("are found by any suffix of a query, in any case, hostile ones too", () => {
    const { reader } = table(rrset("a.b", Type.A, "192.0.2.1"), rrset("*.b", Type.A, "192.0.2.2"));
    const name = reader.newLookupName();
    const wire = parseWireName("X.Y.A.b", ORIGIN);
    name.read(wire, 0, wire.length);
    const zone = reader.findZone(name, 0);
    expect(reader.zoneOriginLength(zone)).toBe(ORIGIN.length);
    expect(reader.zoneOriginLabels(zone)).toBe(3);
    expect([0, 1].map((label) => reader.findNode(zone, name, label))).toEqual([0, 0]);
    const nodes = [2, 3, 4].map((label) => reader.findNode(zone, name, label));
    expect(nodes.every((node) => node !== 0)).toBe(true);
    expect(reader.findNode(zone, name, 5)).toBe(0);
    const wildcard = reader.findWildcard(zone, name, 3);
    expect(reader.rrsetType(reader.nodeRRset(wildcard, 0))).toBe(Type.A);
    expect(reader.findWildcard(zone, name, 2)).toBe(0);
    expect(reader.findWildcard(zone, name, 6)).toBe(0);
    expect(reader.nodeRRsets(nodes[1] as number)).toBe(0);
  });

  it("of 127 labels and of any octets are only not found", () => {
    const { reader } = table(rrset("a.b", Type.A, "192.0.2.1"));
    const name = reader.newLookupName();
    const deep = [...Array(119).fill([1, 0x2a]).flat(), ...ORIGIN];
    for (const octets of [deep, [1, 0, ...ORIGIN], [3, 0xff, 0xc0, 0x0c, ...ORIGIN]]) {
      expect(name.read(new Uint8Array(octets), 0, octets.length)).toBe(octets.length);
      const zone = reader.findZone(name, 0);
      expect(zone).not.toBe(0);
      for (let label = 0; label < name.labels - 3; label++) {
        expect(reader.findNode(zone, name, label)).toBe(0);
        expect(reader.findWildcard(zone, name, label)).toBe(0);
      }
    }
  });

  it("are not in a table that nobody writes yet", () => {
    const reader = new TableReader(createTableMemory(1024 * 1024), 0);
    const name = reader.newLookupName();
    name.read(ORIGIN, 0, ORIGIN.length);
    expect(reader.findZone(name, 0)).toBe(0);
  });

  /** Under this seed each has the hash of the wildcard; the last one has its octets too, behind the first two. */
  it.each([
    ["0z1f3mm", "*.1ueqxhb"],
    ["1d7ff10", "n000026bu"],
    ["4vzutaa", "\\245\\0074vzutaa"],
  ])("of a wildcard below %s is not %s, though their hashes are alike", (encloser, other) => {
    const memory = createTableMemory(1024 * 1024);
    memory.words[Header.hashSeed] = 0x5eed;
    const writer = new TableWriter(memory);
    const loader = writer.beginZone(ORIGIN);
    for (const each of [SOA, rrset(other, Type.A, "192.0.2.1")]) loader.add(each);
    loader.publish();
    const reader = new TableReader(memory, 0);
    const name = reader.newLookupName();
    const read = (text: string) => {
      const wire = parseName(text, ORIGIN);
      name.read(wire, 0, wire.length);
    };
    read(other);
    const zone = reader.findZone(name, 0);
    expect(reader.findNode(zone, name, 0)).not.toBe(0);
    const hash = name.hashes[0];
    read(encloser);
    expect(name.wildcardHash(0) >>> 0).toBe(hash);
    expect(reader.findWildcard(zone, name, 0)).toBe(0);
  });

  it("list their RRsets", () => {
    const { reader, name, find } = table(
      rrset("w", Type.TXT, "a"),
      rrset("w", Type.A, "192.0.2.1", "192.0.2.2"),
      rrset("w", Type.MX, "1 w"),
    );
    expect(find("w", Type.AAAA)).toBe(0);
    const node = reader.findNode(reader.findZone(name, 0), name, 0);
    const sets = [0, 1, 2].map((index) => reader.nodeRRset(node, index));
    expect(sets.map((each) => reader.rrsetType(each))).toEqual([Type.TXT, Type.A, Type.MX]);
    expect(sets.map((each) => reader.rrsetCount(each))).toEqual([1, 2, 1]);
    expect(sets.map((each) => reader.rrsetTtl(each))).toEqual([300, 300, 300]);
  });
});
