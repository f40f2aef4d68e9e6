import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ErrorCode } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { type Name, nameKey, parseName } from "../wire/name.ts";
import { parseRdata } from "../wire/rdata.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { packRRsets, RRsetPack } from "../zone/rrset-pack.ts";
import { soaSerial } from "../zone/soa.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { createTableMemory } from "./table-memory.ts";
import { NodeFlag, TableReader } from "./table-reader.ts";
import { TableWriter } from "./table-writer.ts";

const MIB = 1024 * 1024;
const ORIGIN = parseName("example.com.");

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

const soa = (serial: number, origin = "@") =>
  rrset(origin, Type.SOA, `ns1 admin ${serial} 3600 600 86400 60`);
const set = (each: RRset) => ({ owner: each.owner, rrtype: each.rrtype, rrset: each });
const remove = (owner: string, rrtype: number) => ({
  owner: parseName(owner, ORIGIN),
  rrtype,
  rrset: undefined,
});

function table(bytes = MIB) {
  const memory = createTableMemory(bytes);
  const writer = new TableWriter(memory);
  const reader = new TableReader(memory, 0);
  const name = reader.newLookupName();
  const lookup = (text: string) => {
    const wire = parseName(text, ORIGIN);
    name.read(wire, 0, wire.length);
    return name;
  };
  const load = (origin: Name, ...rrsets: RRset[]) => {
    const loader = writer.beginZone(origin);
    for (const each of rrsets) loader.add(each);
    loader.publish();
  };
  const flags = (text: string) => {
    const looked = lookup(text);
    const zone = reader.findZone(looked, 0);
    const node = reader.findNode(zone, looked, 0);
    return node === 0 ? undefined : reader.nodeFlags(node);
  };
  return { writer, reader, lookup, load, flags };
}

function contents(view: ZoneView | undefined): Map<string, RRset[]> {
  expect(view).toBeDefined();
  return new Map([...view!.owners()].map((owner) => [nameKey(owner), [...view!.rrsets(owner)]]));
}

describe("a loaded zone", () => {
  it("is read back as it was given", () => {
    const { writer, load } = table();
    const rrsets = [
      rrset("www", Type.A, "192.0.2.1", "192.0.2.2"),
      rrset("@", Type.MX, "10 mail", "20 mail.example.net."),
      soa(1),
      rrset("www", Type.TXT, "hello"),
      rrset("_sip._tcp", Type.SRV, "0 5 5060 www"),
      rrset("a.b.c", Type.CNAME, "@"),
      rrset("@", Type.NS, "ns1", "ns2.example.net."),
      rrset("x", Type.NAPTR, "1 1 u E2U+sip !^.*$!sip:a@b! ."),
      rrset("y", Type.HTTPS, "1 www alpn=h2"),
      rrset("z", 65_280, "\\# 3 c00c00"),
    ];
    load(ORIGIN, ...rrsets);
    const view = writer.view(ORIGIN)!;
    for (const each of rrsets) expect(view.rrset(each.owner, each.rrtype)).toEqual(each);
    expect(contents(view).size).toBe(7);
    expect(writer.usage()).toMatchObject({ names: 7, rrsets: 10, zones: 1 });
    expect(view.rrset(parseName("b.c", ORIGIN), Type.A)).toBeUndefined();
    expect(view.rrsets(parseName("b.c", ORIGIN))).toEqual([]);
    expect(view.rrset(parseName("www.example.net."), Type.A)).toBeUndefined();
  });

  it("joins RRsets of one owner and rrtype", () => {
    const { writer, load } = table();
    load(ORIGIN, soa(1), rrset("w", Type.A, "192.0.2.2"), rrset("w", Type.A, "192.0.2.1"));
    const joined = rrset("w", Type.A, "192.0.2.1", "192.0.2.2");
    expect(writer.view(ORIGIN)!.rrset(joined.owner, Type.A)).toEqual(joined);
  });

  it("is the same from packs", () => {
    const owner = fc.constantFrom("@", "a", "b.a", "*.a", "c", "d.e.c", "x.y");
    const kind = fc.constantFrom<[number, string]>(
      [Type.A, "192.0.2."],
      [Type.AAAA, "::"],
      [Type.NS, "ns"],
      [Type.MX, "1 m"],
      [Type.DNAME, "d"],
      [Type.CNAME, "c"],
      [65_280, "\\# 1 0"],
    );
    const numbers = fc.array(fc.nat(9), { minLength: 1, maxLength: 3 });
    const each = fc
      .tuple(owner, kind, numbers)
      .map(([at, [rrtype, text], ns]) => rrset(at, rrtype, ...ns.map((n) => text + n)));
    const property = fc.property(fc.array(each, { maxLength: 80 }), fc.nat(80), (rrsets, cut) => {
      const one = table();
      one.load(ORIGIN, soa(1), ...rrsets);
      const other = table();
      const loader = other.writer.beginZone(ORIGIN);
      loader.add(soa(1));
      for (const single of rrsets.slice(0, cut)) loader.add(single);
      for (const pack of packRRsets(ORIGIN, rrsets.slice(cut))) loader.addPack(pack);
      loader.publish();
      const view = one.writer.view(ORIGIN)!;
      for (const name of view.owners()) {
        expect(other.writer.view(ORIGIN)!.rrsets(name)).toEqual(view.rrsets(name));
      }
      for (const at of ["@", "a", "b.a", "*.a", "c", "d.e.c", "e.c", "x.y", "y"]) {
        expect(other.flags(at)).toBe(one.flags(at));
      }
      expect(other.writer.usage()).toEqual(one.writer.usage());
    });
    fc.assert(property);
  });

  it("takes from packs what it takes one by one, up to the same limits", () => {
    const { writer } = table(16 * MIB);
    const addresses = (count: number) =>
      makeRRset(
        parseName("a", ORIGIN),
        Type.A,
        60,
        Array.from({ length: count }, (_, at) => new Uint8Array([10, 0, at >> 8, at])),
      );
    const loader = writer.beginZone(ORIGIN);
    loader.addPack([...packRRsets(ORIGIN, [soa(1), addresses(Limits.rrsetRecords)])][0]!);
    loader.publish();
    const full = writer.view(ORIGIN)!.rrset(parseName("a", ORIGIN), Type.A);
    expect(full).toEqual(addresses(Limits.rrsetRecords));
    const [excess] = [...packRRsets(ORIGIN, [soa(1), addresses(Limits.rrsetRecords + 1)])];
    const second = writer.beginZone(ORIGIN);
    expect(() => second.addPack(excess!)).toThrow("more than 4000 RRs of one type");
    expect(() => second.publish()).toThrow("more than 4000 RRs of one type");
    second.abort();
    const third = writer.beginZone(ORIGIN);
    expect(() => third.addPack(new RRsetPack(parseName("example.net."), new Uint8Array()))).toThrow(
      "a pack is of its zone",
    );
    third.abort();
  });

  it("replaces the served one only when published", () => {
    const { writer, load, flags, reader, lookup } = table();
    load(ORIGIN, soa(1), rrset("old", Type.A, "192.0.2.1"));
    const loader = writer.beginZone(ORIGIN);
    loader.add(soa(2));
    loader.add(rrset("new", Type.A, "192.0.2.1"));
    expect([flags("old"), flags("new")]).toEqual([NodeFlag.data, undefined]);
    loader.publish();
    expect([flags("old"), flags("new")]).toEqual([undefined, NodeFlag.data]);
    expect(reader.zoneSerial(reader.findZone(lookup("@"), 0))).toBe(2);
    expect(writer.usage()).toMatchObject({ names: 2, zones: 1 });
  });

  it("needs a SOA, and only its own names", () => {
    const { writer } = table();
    const loader = writer.beginZone(ORIGIN);
    expect(() => loader.add(rrset("a.example.net.", Type.A, "192.0.2.1"))).toThrow(
      expect.objectContaining({ code: ErrorCode.badZone }),
    );
    expect(() => loader.publish()).toThrow(/has no SOA/);
    loader.add(soa(1));
    loader.publish();
    expect(writer.origins()).toEqual([ORIGIN]);
  });

  it("gives everything back when aborted", () => {
    const { writer } = table();
    const before = writer.usage();
    const loader = writer.beginZone(ORIGIN);
    for (let host = 0; host < 500; host++) loader.add(rrset(`h${host}.x`, Type.A, "192.0.2.1"));
    expect(writer.usage().bytesUsed).toBeGreaterThan(before.bytesUsed);
    loader.abort();
    expect(writer.usage()).toEqual(before);
  });
});

describe("a loader", () => {
  it("that found the table full does not publish a part of the zone", () => {
    const { writer, load, flags } = table(64 * 1024);
    load(ORIGIN, soa(1), rrset("old", Type.A, "192.0.2.1"));
    const loader = writer.beginZone(ORIGIN);
    const full = expect.objectContaining({ code: ErrorCode.tableFull });
    expect(() => {
      loader.add(soa(2));
      for (let host = 0; host < 2000; host++) loader.add(rrset(`h${host}`, Type.A, "192.0.2.1"));
    }).toThrow(full);
    expect(() => loader.publish()).toThrow(full);
    loader.abort();
    loader.abort();
    expect(() => loader.add(soa(3))).toThrow(/open/);
    expect([flags("old"), flags("h1")]).toEqual([NodeFlag.data, undefined]);
    load(ORIGIN, soa(4));
    expect(writer.usage()).toMatchObject({ names: 1, bytesRetired: 0 });
  });

  it("may be open beside others", () => {
    const { writer, flags } = table();
    const loaders = ["a.", "b."].map((origin) => writer.beginZone(parseName(origin)));
    for (let host = 0; host < 100; host++) {
      for (const [at, origin] of ["a.", "b."].entries()) {
        if (host === 50) loaders[at]!.add(soa(1, origin));
        loaders[at]!.add(rrset(`h${host}.${origin}`, Type.A, "192.0.2.1"));
      }
    }
    for (const loader of loaders) loader.publish();
    expect([flags("h0.a."), flags("h99.b.")]).toEqual([NodeFlag.data, NodeFlag.data]);
    expect(writer.usage()).toMatchObject({ names: 202, zones: 2 });
  });
});

describe("a full table", () => {
  const full = expect.objectContaining({ code: ErrorCode.tableFull });

  it("takes no new zone, and keeps nothing of the one it refused", () => {
    const { writer } = table(64 * 1024);
    const empty = writer.usage();
    const loaders: { abort(): void }[] = [];
    const fillUp = () => {
      for (;;) loaders.push(writer.beginZone(parseName(`z${loaders.length}.`)));
    };
    expect(fillUp).toThrow(full);
    const before = writer.usage();
    expect(fillUp).toThrow(full);
    expect(writer.usage()).toEqual(before);
    expect(loaders.length).toBeGreaterThan(10);
    for (const loader of loaders) loader.abort();
    expect(writer.usage()).toEqual(empty);
  });

  it("is full only when what readers have let go of is used again", () => {
    const { writer, load, reader } = table(64 * 1024);
    const text = (version: string) => {
      const texts = Array.from({ length: 40 }, (_, at) => `${version}-${at}`.padEnd(250, "x"));
      return rrset("w", Type.TXT, ...texts);
    };
    load(ORIGIN, soa(1));
    for (let round = 0; round < 30; round++) {
      writer.publish(ORIGIN, [set(text(`a${round}`)), set(soa(round))]);
    }
    reader.enter();
    const fillUp = () => {
      for (let round = 0; round < 30; round++) writer.publish(ORIGIN, [set(text(`c${round}`))]);
    };
    expect(fillUp).toThrow(full);
    expect(() => writer.publish(ORIGIN, [set(text("d"))])).toThrow(full);
    reader.leave();
    writer.publish(ORIGIN, [set(text("e"))]);
    const owner = parseName("w", ORIGIN);
    expect(writer.view(ORIGIN)?.rrset(owner, Type.TXT)).toEqual(text("e"));
  });
});

describe("published changes", () => {
  it("set, change and remove RRsets of a name at once", () => {
    const { writer, load } = table();
    load(ORIGIN, soa(1), rrset("w", Type.A, "192.0.2.1"), rrset("w", Type.TXT, "keep"));
    const view = writer.view(ORIGIN)!;
    const owner = parseName("w", ORIGIN);
    const changed = rrset("w", Type.A, "192.0.2.9");
    const added = rrset("w", Type.AAAA, "2001:db8::1");
    writer.publish(ORIGIN, [set(changed), set(added), remove("w", Type.TXT), set(soa(2))]);
    expect(view.rrsets(owner)).toEqual([changed, added]);
    writer.publish(ORIGIN, [remove("w", Type.A), remove("w", Type.AAAA), remove("no", Type.A)]);
    expect(view.rrsets(owner)).toEqual([]);
    expect(contents(view).size).toBe(1);
    expect(writer.usage()).toMatchObject({ names: 1, rrsets: 1 });
  });

  it("take the last state of an RRset that comes twice", () => {
    const { writer, load } = table();
    load(ORIGIN, soa(1));
    const last = rrset("w", Type.A, "192.0.2.2");
    writer.publish(ORIGIN, [set(rrset("w", Type.A, "192.0.2.1")), set(last)]);
    expect(writer.view(ORIGIN)!.rrset(last.owner, Type.A)).toEqual(last);
    writer.publish(ORIGIN, [set(last), remove("w", Type.A)]);
    expect(writer.view(ORIGIN)!.rrset(last.owner, Type.A)).toBeUndefined();
  });

  it("are refused outside the zone, without a zone, and when they end the SOA", () => {
    const { writer, load } = table();
    const change = set(rrset("w", Type.A, "192.0.2.1"));
    expect(() => writer.publish(ORIGIN, [change])).toThrow(
      expect.objectContaining({ code: ErrorCode.noSuchZone }),
    );
    load(ORIGIN, soa(1));
    const outside = set(rrset("example.net.", Type.A, "192.0.2.1"));
    const before = writer.usage();
    for (const bad of [outside, remove("@", Type.SOA)]) {
      expect(() => writer.publish(ORIGIN, [change, bad])).toThrow(
        expect.objectContaining({ code: ErrorCode.badZone }),
      );
      expect(writer.usage()).toEqual(before);
    }
  });

  it("change nothing when the table is full", () => {
    const { writer, load, reader, lookup } = table(64 * 1024);
    load(ORIGIN, soa(1), rrset("w", Type.A, "192.0.2.1"));
    const before = contents(writer.view(ORIGIN));
    const used = writer.usage().bytesUsed;
    const big = "x".repeat(250);
    const changes = Array.from({ length: 1000 }, (_, host) =>
      set(rrset(`h${host}.deep`, Type.TXT, big)),
    );
    expect(() => writer.publish(ORIGIN, [set(soa(2)), ...changes])).toThrow(
      expect.objectContaining({ code: ErrorCode.tableFull }),
    );
    expect(contents(writer.view(ORIGIN))).toEqual(before);
    expect(reader.zoneSerial(reader.findZone(lookup("@"), 0))).toBe(1);
    expect(writer.usage().bytesUsed).toBe(used);
    writer.publish(ORIGIN, [set(soa(2)), ...changes.slice(0, 20)]);
    expect(writer.usage().names).toBe(22);
  });

  it("allow as many RRsets, RRs and octets at one name as the limits say", () => {
    const { writer, load } = table(4 * MIB);
    load(ORIGIN, soa(1));
    const types = Array.from({ length: Limits.nameRRsets + 1 }, (_, at) =>
      set(rrset("t", 65_280 + at, "\\# 1 00")),
    );
    writer.publish(ORIGIN, types.slice(1));
    const refused = expect.objectContaining({ code: ErrorCode.limit });
    expect(() => writer.publish(ORIGIN, types)).toThrow(refused);
    const octets = (count: number, length: number) =>
      set(
        makeRRset(
          parseName("r", ORIGIN),
          65_280,
          1,
          Array.from({ length: count }, (_, at) =>
            new Uint8Array(length).fill(at).fill(at >> 8, 1),
          ),
        ),
      );
    const most = octets(Limits.rrsetRecords, 2);
    writer.publish(ORIGIN, [most]);
    expect(writer.view(ORIGIN)!.rrset(most.owner, 65_280)).toEqual(most.rrset);
    expect(() => writer.publish(ORIGIN, [octets(Limits.rrsetRecords + 1, 2)])).toThrow(refused);
    writer.publish(ORIGIN, [octets(1, Limits.rrsetBytes - 2)]);
    expect(() => writer.publish(ORIGIN, [octets(1, Limits.rrsetBytes - 1)])).toThrow(refused);
  });
});

describe("flags", () => {
  it("mark empty non-terminals, which come and go with their descendants", () => {
    const { writer, load, flags } = table();
    load(ORIGIN, soa(1), rrset("a.b.c", Type.A, "192.0.2.1"));
    expect([flags("c"), flags("b.c"), flags("a.b.c")]).toEqual([0, 0, NodeFlag.data]);
    writer.publish(ORIGIN, [remove("a.b.c", Type.A), set(rrset("d.b.c", Type.A, "192.0.2.1"))]);
    expect([flags("b.c"), flags("a.b.c")]).toEqual([0, undefined]);
    writer.publish(ORIGIN, [set(rrset("c", Type.A, "192.0.2.1")), remove("d.b.c", Type.A)]);
    expect([flags("c"), flags("b.c")]).toEqual([NodeFlag.data, undefined]);
    writer.publish(ORIGIN, [remove("c", Type.A), set(rrset("x.c", Type.A, "192.0.2.1"))]);
    expect([flags("c"), flags("x.c")]).toEqual([0, NodeFlag.data]);
    writer.publish(ORIGIN, [remove("x.c", Type.A)]);
    expect([flags("c"), flags("@")]).toEqual([undefined, NodeFlag.apex | NodeFlag.data]);
  });

  it("mark cuts, and what they occlude", () => {
    const { writer, load, flags } = table();
    const { cut, occluded, data, delegation } = NodeFlag;
    load(
      ORIGIN,
      rrset("ns.sub", Type.A, "192.0.2.1"),
      rrset("sub", Type.NS, "ns.sub"),
      rrset("sub", Type.A, "192.0.2.2"),
      rrset("deep.sub", Type.NS, "ns.sub"),
      soa(1),
      rrset("@", Type.NS, "ns1"),
    );
    expect(flags("@")).toBe(NodeFlag.apex | data);
    expect(flags("sub")).toBe(cut | data | delegation);
    expect(flags("ns.sub")).toBe(occluded | data);
    expect(flags("deep.sub")).toBe(occluded | data | delegation);
    writer.publish(ORIGIN, [remove("sub", Type.NS)]);
    expect(flags("sub")).toBe(data);
    expect(flags("ns.sub")).toBe(data);
    expect(flags("deep.sub")).toBe(cut | data | delegation);
    writer.publish(ORIGIN, [remove("sub", Type.A), set(rrset("x.deep.sub", Type.A, "192.0.2.1"))]);
    expect([flags("sub"), flags("x.deep.sub")]).toEqual([0, occluded | data]);
  });

  it("mark what a DNAME occludes, at the apex too", () => {
    const { writer, load, flags } = table();
    const { apex, data, dname, occluded } = NodeFlag;
    load(ORIGIN, soa(1), rrset("a.b", Type.A, "192.0.2.1"));
    writer.publish(ORIGIN, [set(rrset("b", Type.DNAME, "example.net."))]);
    expect([flags("b"), flags("a.b")]).toEqual([dname | data, occluded | data]);
    writer.publish(ORIGIN, [set(rrset("@", Type.DNAME, "example.net.")), remove("b", Type.DNAME)]);
    expect([flags("@"), flags("b"), flags("a.b")]).toEqual([
      apex | data | dname,
      occluded,
      occluded | data,
    ]);
    writer.publish(ORIGIN, [remove("@", Type.DNAME)]);
    expect([flags("@"), flags("b"), flags("a.b")]).toEqual([apex | data, 0, data]);
  });

  it("mark aliases and the parents of wildcards", () => {
    const { writer, load, flags } = table();
    load(ORIGIN, soa(1), rrset("*.w", Type.CNAME, "@"), rrset("*", Type.A, "192.0.2.1"));
    expect(flags("w")).toBe(NodeFlag.wildcardChild);
    expect(flags("*.w")).toBe(NodeFlag.cname | NodeFlag.data);
    expect(flags("@")).toBe(NodeFlag.apex | NodeFlag.data | NodeFlag.wildcardChild);
    writer.publish(ORIGIN, [set(rrset("w", Type.A, "192.0.2.1")), remove("*", Type.A)]);
    expect(flags("w")).toBe(NodeFlag.wildcardChild | NodeFlag.data);
    expect(flags("@")).toBe(NodeFlag.apex | NodeFlag.data);
    writer.publish(ORIGIN, [remove("*.w", Type.CNAME)]);
    expect(flags("w")).toBe(NodeFlag.data);
  });
});

describe("zones", () => {
  it("come and go", () => {
    const { writer, load, reader, lookup } = table();
    expect(reader.findZone(lookup("@"), 0)).toBe(0);
    const sub = parseName("sub.example.com.");
    const before = writer.usage().bytesUsed;
    load(ORIGIN, soa(1));
    load(sub, soa(7, "sub"));
    const serial = (text: string, from = 0) => {
      const zone = reader.findZone(lookup(text), from);
      return zone === 0 ? undefined : reader.zoneSerial(zone);
    };
    expect([serial("a.sub"), serial("sub"), serial("sub", 1), serial("@")]).toEqual([7, 7, 1, 1]);
    expect(serial("com.")).toBeUndefined();
    expect(serial("example.net.")).toBeUndefined();
    expect(serial(".")).toBeUndefined();
    expect(writer.dropZone(sub)).toBe(true);
    expect(writer.dropZone(sub)).toBe(false);
    expect([serial("sub"), writer.view(sub)]).toEqual([1, undefined]);
    expect(writer.dropZone(ORIGIN)).toBe(true);
    expect(serial("sub")).toBeUndefined();
    expect(writer.usage()).toMatchObject({
      zones: 0,
      names: 0,
      bytesUsed: before,
      bytesRetired: 0,
    });
  });

  it("may be the root", () => {
    const { writer, load, reader, lookup, flags } = table();
    const root = parseName(".");
    load(root, soa(9, "."), rrset("a.b.", Type.CNAME, "c."), rrset("www", Type.A, "192.0.2.1"));
    expect(reader.zoneSerial(reader.findZone(lookup("www"), 0))).toBe(9);
    expect(flags("b.")).toBe(0);
    expect(writer.view(root)!.rrset(parseName("a.b."), Type.CNAME)!.rdatas).toEqual([
      parseName("c."),
    ]);
  });

  it("are as many as memory holds, found each", () => {
    const { load, reader, lookup, writer } = table(4 * MIB);
    for (let zone = 0; zone < 300; zone++) {
      load(parseName(`z${zone}.`), soa(zone, `z${zone}.`));
    }
    for (let zone = 0; zone < 300; zone += 2) writer.dropZone(parseName(`z${zone}.`));
    for (let zone = 0; zone < 300; zone++) {
      const found = reader.findZone(lookup(`www.z${zone}.`), 0);
      expect(found === 0 ? undefined : reader.zoneSerial(found)).toBe(zone % 2 ? zone : undefined);
    }
  });
});

describe("the number of zones", () => {
  it("has a limit; a zone that is there may still be replaced", () => {
    const { writer, load, reader, lookup } = table(128 * MIB);
    const loadAt = (zone: number) => {
      const origin = parseName(`z${zone}.`);
      load(origin, { ...soa(zone), owner: origin });
    };
    for (let zone = 0; zone < Limits.zones; zone++) loadAt(zone);
    expect(() => loadAt(Limits.zones)).toThrow(expect.objectContaining({ code: ErrorCode.limit }));
    loadAt(7);
    writer.dropZone(parseName("z9."));
    loadAt(Limits.zones);
    const last = reader.findZone(lookup(`www.z${Limits.zones}.`), 0);
    expect(reader.zoneSerial(last)).toBe(Limits.zones);
    expect(writer.usage().zones).toBe(Limits.zones);
  });
});

describe("a snapshot", () => {
  it("stays as it was while the zone changes, grows and is dropped", () => {
    const { writer, load } = table();
    const hosts = Array.from({ length: 50 }, (_, at) => rrset(`h${at}`, Type.A, "192.0.2.1"));
    load(ORIGIN, soa(1), ...hosts);
    const snapshot = writer.snapshot(ORIGIN)!;
    const before = contents(snapshot);
    expect(before.size).toBe(51);
    for (let round = 2; round < 200; round++) {
      writer.publish(ORIGIN, [
        set(soa(round)),
        set(rrset(`n${round}`, Type.A, "192.0.2.3")),
        set(rrset(`h${round % 50}`, Type.A, "192.0.2.2")),
      ]);
    }
    expect(contents(snapshot)).toEqual(before);
    writer.dropZone(ORIGIN);
    expect(contents(snapshot)).toEqual(before);
    expect(writer.usage().bytesRetired).toBeGreaterThan(0);
    snapshot.close();
    writer.reclaim();
    expect(writer.usage().bytesRetired).toBe(0);
  });

  it("tells what it has and what it has not, like the zone itself", () => {
    const { writer, load } = table();
    expect(writer.snapshot(ORIGIN)).toBeUndefined();
    load(ORIGIN, soa(1), rrset("w", Type.A, "192.0.2.1"));
    const snapshot = writer.snapshot(ORIGIN)!;
    const view = writer.view(ORIGIN)!;
    for (const owner of ["@", "w", "x", "a.w", "other.org.", "com.", "."]) {
      const name = parseName(owner, ORIGIN);
      const isThere = owner === "@" || owner === "w";
      expect(snapshot.rrsets(name).length, owner).toBe(isThere ? 1 : 0);
      expect(view.rrsets(name), owner).toEqual(snapshot.rrsets(name));
      expect(snapshot.rrset(name, Type.A), owner).toEqual(view.rrset(name, Type.A));
    }
    snapshot.close();
  });

  it("outlives its zone; a view ends with it and begins again with the next of that origin", () => {
    const { writer, load } = table();
    load(ORIGIN, soa(1), rrset("w", Type.A, "192.0.2.1"));
    const snapshot = writer.snapshot(ORIGIN)!;
    const view = writer.view(ORIGIN)!;
    writer.dropZone(ORIGIN);
    expect(contents(snapshot).size).toBe(2);
    expect([...view.owners()]).toEqual([]);
    expect(view.rrsets(ORIGIN)).toEqual([]);
    load(ORIGIN, soa(2));
    expect([...view.owners()]).toEqual([ORIGIN]);
    snapshot.close();
  });

  it("after snapshot, always one open, keeps what that one may read and no more", () => {
    const { writer, load } = table(256 * 1024);
    load(ORIGIN, soa(1), rrset("h", Type.A, "192.0.2.1"));
    let last = { snapshot: writer.snapshot(ORIGIN)!, serial: 1 };
    for (let serial = 2; serial < 5_000; serial++) {
      writer.publish(ORIGIN, [
        set(soa(serial)),
        set(rrset("h", Type.TXT, `${serial}${"x".repeat(200)}`)),
        set(rrset(`n${serial % 7}`, Type.A, "192.0.2.3")),
        remove(`n${(serial + 3) % 7}`, Type.A),
      ]);
      expect(soaSerial(last.snapshot.rrset(ORIGIN, Type.SOA)!)).toBe(last.serial);
      if (serial % 3 !== 0) continue;
      const next = { snapshot: writer.snapshot(ORIGIN)!, serial };
      last.snapshot.close();
      last.snapshot.close();
      last = next;
    }
    expect(writer.usage().bytesRetired).toBeLessThan(128 * 1024);
    last.snapshot.close();
    writer.reclaim();
    expect(writer.usage().bytesRetired).toBe(0);
  });
});

describe("what a zone takes", () => {
  const hosts = (count: number) =>
    Array.from({ length: count }, (_, n) => rrset(`host${n}.sub`, Type.A, `192.0.2.${n}`));

  it("is told after each change as if it had been loaded so", () => {
    const changing = table();
    changing.load(ORIGIN, soa(1), ...hosts(3), rrset("gone", Type.TXT, "x"));
    changing.writer.publish(ORIGIN, [
      ...hosts(9).map(set),
      set(rrset("host1.sub", Type.AAAA, "2001:db8::1")),
      set(rrset("host2.sub", Type.A, "192.0.2.1", "192.0.2.2")),
      remove("gone", Type.TXT),
      remove("host8.sub", Type.A),
    ]);
    const loaded = table();
    const same = hosts(8).filter((_, n) => n !== 2);
    loaded.load(
      ORIGIN,
      soa(1),
      ...same,
      rrset("host1.sub", Type.AAAA, "2001:db8::1"),
      rrset("host2.sub", Type.A, "192.0.2.1", "192.0.2.2"),
    );
    const usage = changing.writer.zoneUsage(ORIGIN);
    expect(usage).toEqual(loaded.writer.zoneUsage(ORIGIN));
    expect(usage.rrsets).toBe(10);
    expect(changing.writer.countRRsets(ORIGIN)).toBe(10);
    expect(usage.bytes).toBeGreaterThan(10 * 16);
  });

  it("is nothing when there is no zone", () => {
    const { writer, load } = table();
    expect(writer.zoneUsage(ORIGIN)).toEqual({ names: 0, rrsets: 0, bytes: 0 });
    expect(writer.countRRsets(ORIGIN)).toBe(0);
    load(ORIGIN, soa(1));
    expect(writer.zoneUsage(ORIGIN).rrsets).toBe(1);
    writer.dropZone(ORIGIN);
    expect(writer.zoneUsage(ORIGIN)).toEqual({ names: 0, rrsets: 0, bytes: 0 });
  });

  it("leaves the table a part of its memory that updates may not fill", () => {
    const { writer, load } = table();
    const before = writer.bytesLeft;
    expect(before).toBeLessThanOrEqual(MIB * Limits.tableUse);
    load(ORIGIN, soa(1), ...hosts(50));
    const { bytesUsed, bytesRetired } = writer.usage();
    expect(writer.bytesLeft).toBe(Math.floor(MIB * Limits.tableUse) - bytesUsed - bytesRetired);
    expect(before - writer.bytesLeft).toBeGreaterThan(50 * 16);
  });
});

describe("memory", () => {
  it("is used again and again", () => {
    const { writer, load } = table(256 * 1024);
    load(ORIGIN, soa(1));
    for (let round = 0; round < 20_000; round++) {
      const text = "x".repeat((round * 7919) % 250);
      writer.publish(ORIGIN, [
        set(rrset(`h${round % 97}.d${round % 5}`, Type.TXT, `x${text}`)),
        remove(`h${(round + 48) % 97}.d${(round + 3) % 5}`, Type.TXT),
      ]);
    }
    for (let version = 0; version < 200; version++) {
      load(ORIGIN, soa(version), ...[1, 2, 3].map((at) => rrset(`h${at}`, Type.A, "192.0.2.1")));
    }
    expect(writer.usage()).toMatchObject({ names: 4, zones: 1 });
  });

  it("is not used again while a reader is inside", () => {
    const { writer, load, reader, lookup } = table(256 * 1024);
    load(ORIGIN, soa(1), rrset("w", Type.TXT, "first"));
    writer.reclaim();
    reader.enter();
    const zone = reader.findZone(lookup("w"), 0);
    const held = reader.findRRset(reader.findNode(zone, lookup("w"), 0), Type.TXT);
    for (let round = 0; round < 200; round++) {
      writer.publish(ORIGIN, [set(rrset("w", Type.TXT, `r${round}`))]);
    }
    const response = new Uint8Array(64);
    const end = reader.writeRRset(held, response, 0, 64, 12, 12, -1);
    expect(Buffer.from(response.subarray(end - 5, end)).toString()).toBe("first");
    expect(writer.usage().bytesRetired).toBeGreaterThan(0);
    reader.leave();
    writer.reclaim();
    expect(writer.usage().bytesRetired).toBe(0);
  });

  it("of a replaced zone comes back with the publish after its readers have left", () => {
    const { writer, load, reader } = table();
    const hosts = Array.from({ length: 2000 }, (_, at) => rrset(`h${at}`, Type.A, "192.0.2.1"));
    load(ORIGIN, soa(1), ...hosts);
    reader.enter();
    load(ORIGIN, soa(2));
    writer.publish(ORIGIN, [set(soa(3))]);
    expect(writer.usage().bytesRetired).toBeGreaterThan(64 * 1024);
    reader.leave();
    writer.publish(ORIGIN, [set(soa(4))]);
    expect(writer.usage().bytesRetired).toBeLessThan(1024);
  });

  it("of a dead reader's slot is cleared", () => {
    const { writer, load, reader } = table(256 * 1024);
    load(ORIGIN, soa(1));
    reader.enter();
    load(ORIGIN, soa(2));
    load(ORIGIN, soa(3));
    writer.reclaim();
    expect(writer.usage().bytesRetired).toBeGreaterThan(0);
    writer.clearReader(0);
    writer.reclaim();
    expect(writer.usage().bytesRetired).toBe(0);
  });
});
