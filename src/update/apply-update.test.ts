import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyNaively,
  type NaiveRR,
  naiveZone,
  naiveZoneText,
} from "../../test/update/naive-zone.ts";
import {
  add,
  at,
  contentText,
  deleteName,
  deleteRR,
  deleteRRset,
  exampleZone,
  ORIGIN,
  replace,
  soa,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import { Rcode } from "../wire/code-points.ts";
import { Overlay } from "../zone/overlay.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { applyUpdate } from "./apply-update.ts";
import { checkZone } from "./check-zone.ts";
import type { UpdateOperation } from "./update-request.ts";

function overlay(serial = 10): Overlay {
  return new Overlay(new ZoneMap(ORIGIN, exampleZone(serial)));
}

/** Lines that ended with `-`, lines that began with `+`. */
function effect(operations: UpdateOperation[], isLenient = true): string[] {
  const before = zoneText(overlay());
  const zone = overlay();
  const refused = applyUpdate(zone, operations, isLenient) ?? checkZone(zone);
  if (refused !== undefined) return [`${refused.rcode} ${refused.detail}`];
  const after = zoneText(zone);
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `-${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+${line}`),
  ].map((line) => line.replaceAll(".dyn.example.com.", ""));
}

describe("a DNS UPDATE", () => {
  test("adds an RR to a new and to a present RRset, which takes its TTL", () => {
    expect(effect([add("new", 60, "A", "192.0.2.9")])).toEqual(["+new 60 A 192.0.2.9"]);
    expect(effect([add("home", 120, "A", "192.0.2.9")])).toEqual([
      "-home 60 A 192.0.2.1",
      "-home 60 A 192.0.2.2",
      "+home 120 A 192.0.2.1",
      "+home 120 A 192.0.2.2",
      "+home 120 A 192.0.2.9",
    ]);
  });

  test("adds nothing that is there, but takes a new TTL", () => {
    expect(effect([add("home", 60, "AAAA", "2001:db8::1")])).toEqual([]);
    expect(effect([add("home", 61, "AAAA", "2001:db8::1")])).toEqual([
      "-home 60 AAAA 2001:db8::1",
      "+home 61 AAAA 2001:db8::1",
    ]);
  });

  test("deletes RRs, RRsets and names, and nothing that is not there", () => {
    expect(effect([deleteRR("home", "A", "192.0.2.1")])).toEqual(["-home 60 A 192.0.2.1"]);
    expect(effect([deleteRR("home", "A", "192.0.2.8"), deleteRRset("nobody", "A")])).toEqual([]);
    expect(effect([deleteRR("nobody", "A", "192.0.2.1"), deleteName("nobody")])).toEqual([]);
    expect(effect([deleteRRset("home", "A")])).toHaveLength(2);
    expect(effect([deleteName("home")])).toHaveLength(3);
  });

  test("goes in order: delete then add is a replacement", () => {
    expect(effect([deleteRRset("home", "A"), add("home", 5, "A", "192.0.2.9")])).toEqual([
      "-home 60 A 192.0.2.1",
      "-home 60 A 192.0.2.2",
      "+home 5 A 192.0.2.9",
    ]);
  });

  test("passes over a CNAME beside other data and other data beside a CNAME", () => {
    expect(effect([add("home", 60, "CNAME", "ns1")])).toEqual([]);
    expect(effect([add("alias", 60, "A", "192.0.2.9")])).toEqual([]);
    expect(effect([add("@", 60, "CNAME", "home")])).toEqual([]);
    expect(effect([deleteName("home"), add("home", 60, "CNAME", "ns1")])).toContain(
      "+home 60 CNAME ns1",
    );
  });

  test("adds a KEY beside a CNAME, as to any name", () => {
    const key = "\\# 5 0101030d00";
    expect(effect([add("alias", 60, "TYPE25", key)])).toHaveLength(1);
    expect(effect([add("home", 60, "TYPE25", key)])).toHaveLength(1);
  });

  test("replaces the one RR of a CNAME and of a DNAME", () => {
    expect(effect([add("alias", 300, "CNAME", "ns1")])).toEqual([
      "-alias 300 CNAME home",
      "+alias 300 CNAME ns1",
    ]);
    expect(effect([add("tree", 300, "DNAME", "a"), add("tree", 300, "DNAME", "b")])).toEqual([
      "+tree 300 DNAME b",
    ]);
  });

  test("replaces a WKS RR of the same address and protocol", () => {
    const wks = (text: string) => add("home", 60, "TYPE11", `\\# 6 ${text}`);
    expect(effect([wks("c00002010601"), wks("c00002010602"), wks("c00002011101")])).toHaveLength(2);
  });

  test("never takes the SOA or the last NS from the apex", () => {
    expect(effect([deleteRRset("@", "SOA"), deleteRRset("@", "NS")])).toEqual([]);
    expect(effect([deleteName("@")])).toEqual([]);
    expect(effect([deleteRR("@", "NS", "ns1"), deleteRR("@", "NS", "ns2")])).toEqual([
      "-dyn.example.com. 3600 NS ns1",
    ]);
    const rdata = soa(10).rdatas[0]!;
    expect(effect([{ kind: "delete-rr", owner: ORIGIN, rrtype: 6, rdata }])).toEqual([]);
    expect(effect([add("@", 60, "TXT", '"x"'), deleteName("@")])).toEqual([]);
  });

  test("lets the NS of a delegation go", () => {
    expect(effect([deleteRRset("sub", "NS")])).toEqual(["-sub 3600 NS ns.sub"]);
  });

  test.each([
    [11, true],
    [10, false],
    [9, false],
    [0x8000_0009, true],
    [0x8000_000a, false],
    [0x8000_000b, false],
    [0xffff_ffff, false],
  ])("takes SOA serial %i over 10: %s (RFC 1982)", (serial, isTaken) => {
    const operation = add("@", 3600, "SOA", `ns1 other ${serial} 1 2 3 4`);
    expect(effect([operation]).length > 0).toBe(isTaken);
  });

  test("passes over an SOA below the apex", () => {
    expect(effect([add("home", 60, "SOA", "ns1 other 99 1 2 3 4")])).toEqual([]);
  });

  test("answers NOTZONE for an owner outside, and changes nothing at all", () => {
    const zone = overlay();
    const operations = [add("new", 60, "A", "192.0.2.9"), deleteName("example.com.")];
    expect(applyUpdate(zone, operations, true)?.rcode).toBe(Rcode.notZone);
    expect(zone.isChanged()).toBe(false);
  });

  test.each([
    ["TYPE0", Rcode.formErr],
    ["OPT", Rcode.formErr],
    ["TKEY", Rcode.formErr],
    ["TSIG", Rcode.formErr],
    ["IXFR", Rcode.formErr],
    ["AXFR", Rcode.formErr],
    ["MAILB", Rcode.formErr],
    ["MAILA", Rcode.formErr],
    ["ANY", Rcode.formErr],
    ["SIG", Rcode.refused],
    ["NXT", Rcode.refused],
    ["RRSIG", Rcode.refused],
    ["NSEC", Rcode.refused],
    ["NSEC3", Rcode.refused],
  ])("refuses %s as data with rcode %i", (type, rcode) => {
    const number = { TYPE0: 0, OPT: 41, TKEY: 249, TSIG: 250, IXFR: 251, AXFR: 252, MAILB: 253 };
    const more = { MAILA: 254, ANY: 255, SIG: 24, NXT: 30, RRSIG: 46, NSEC: 47, NSEC3: 50 };
    const rrtype = ({ ...number, ...more } as Record<string, number>)[type]!;
    const owner = at("home");
    const rdata = new Uint8Array(4);
    for (const operation of [
      { kind: "add", owner, rrtype, ttl: 60, rdata },
      { kind: "replace", owner, rrtype, ttl: 60, rdatas: [rdata] },
      { kind: "delete-rr", owner, rrtype, rdata },
      { kind: "delete-rrset", owner, rrtype },
    ] satisfies UpdateOperation[]) {
      expect(applyUpdate(overlay(), [operation], true)?.rcode).toBe(rcode);
      expect(applyUpdate(overlay(), [operation], false)?.rcode).toBe(rcode);
    }
  });

  test("refuses a DS at the apex and takes one at a delegation; takes DNSKEY and CDS", () => {
    const digest = "1 13 2 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    expect(effect([add("@", 60, "DS", digest)])).toEqual([
      "5 a DS RRset belongs to the parent zone, not to the apex",
    ]);
    expect(effect([add("sub", 60, "DS", digest)])).toHaveLength(1);
    expect(effect([add("@", 60, "TYPE48", "\\# 5 0101030d00")])).toHaveLength(1);
    expect(effect([add("@", 60, "TYPE59", "\\# 5 0001030d00")])).toHaveLength(1);
  });

  test.each([
    [0, true],
    [Limits.ttl, true],
    [Limits.ttl + 1, false],
    [-1, false],
  ])("TTL %i: %s", (ttl, isTaken) => {
    const refused = applyUpdate(overlay(), [add("new", ttl, "A", "192.0.2.9")], true);
    expect(refused?.rcode).toBe(isTaken ? undefined : Rcode.formErr);
  });
});

describe("a change from another door", () => {
  const strictly = (...operations: UpdateOperation[]) => effect(operations, false);

  test("replaces an RRset, and ends it when nothing is to be there", () => {
    expect(strictly(replace("home", 60, "A", "192.0.2.2", "192.0.2.3"))).toEqual([
      "-home 60 A 192.0.2.1",
      "+home 60 A 192.0.2.3",
    ]);
    expect(strictly(replace("home", 60, "A"))).toHaveLength(2);
    expect(strictly(replace("home", 60, "A", "192.0.2.2", "192.0.2.1"))).toEqual([]);
  });

  test("is told which owner would have a CNAME beside other data", () => {
    expect(strictly(replace("home", 60, "CNAME", "ns1"))).toEqual([
      "5 home.dyn.example.com. would have a CNAME beside A: delete one of them",
    ]);
    expect(strictly(add("alias", 60, "A", "192.0.2.9"))[0]).toContain("CNAME beside A");
  });

  test("may exchange data and CNAME in one step, in any order", () => {
    const steps = [deleteName("home"), replace("home", 60, "CNAME", "ns1")];
    expect(strictly(...steps)).toHaveLength(4);
    const other = [replace("alias", 60, "A", "192.0.2.9"), deleteRRset("alias", "CNAME")];
    expect(strictly(...other)).toHaveLength(2);
  });

  test("is told that the apex must keep SOA and NS", () => {
    expect(strictly(replace("@", 60, "NS"))[0]).toContain("must keep its NS");
    expect(strictly(deleteRRset("@", "SOA"))[0]).toContain("must keep its SOA");
    const again = replace("@", 60, "SOA", "ns1 other 99 1 2 3 4");
    expect(strictly(deleteRRset("@", "SOA"), again)[0]).toContain("must keep its SOA");
    expect(strictly(deleteRR("@", "NS", "ns1"), deleteRR("@", "NS", "ns2"))[0]).toContain("NS");
    expect(strictly(replace("home", 60, "SOA", "ns1 other 99 1 2 3 4"))[0]).toContain("apex");
  });

  test("is told that a CNAME has one RR", () => {
    expect(strictly(replace("alias", 60, "CNAME", "a", "b"))[0]).toContain("one RR only");
  });

  test("changes the SOA's fields whatever its serial, which never goes back", () => {
    const lower = strictly(replace("@", 3600, "SOA", "ns1 other 3 1 2 3 4"));
    expect(lower[1]).toContain("other");
    expect(lower[1]).toContain(" 10 ");
    expect(strictly(replace("@", 3600, "SOA", "ns1 other 12 1 2 3 4"))[1]).toContain(" 12 ");
  });
});

describe("random updates", () => {
  const owner = fc.constantFrom("@", "home", "alias", "new", "sub");
  const item: fc.Arbitrary<UpdateOperation> = fc.oneof(
    fc
      .tuple(owner, fc.constantFrom(1, 60), fc.integer({ min: 1, max: 4 }))
      .map(([o, ttl, n]) => add(o, ttl, "A", `192.0.2.${n}`)),
    fc.tuple(owner, fc.constantFrom("ns1", "ns2", "ns3")).map(([o, t]) => add(o, 60, "NS", t)),
    fc.tuple(owner, fc.constantFrom("home", "new")).map(([o, t]) => add(o, 60, "CNAME", t)),
    fc
      .tuple(owner, fc.integer({ min: 8, max: 12 }))
      .map(([o, n]) => add(o, 60, "SOA", `ns1 other ${n} 1 2 3 4`)),
    fc
      .tuple(owner, fc.integer({ min: 1, max: 4 }))
      .map(([o, n]) => deleteRR(o, "A", `192.0.2.${n}`)),
    fc.tuple(owner, fc.constantFrom("ns1", "ns2", "ns3")).map(([o, t]) => deleteRR(o, "NS", t)),
    fc
      .tuple(owner, fc.constantFrom("A", "NS", "CNAME", "SOA", "TXT"))
      .map(([o, t]) => deleteRRset(o, t)),
    owner.map((o) => deleteName(o)),
  );

  test("do what a naive reading of the RFC on a list of RRs does", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (operations) => {
        const zone = overlay();
        expect(applyUpdate(zone, operations, true)).toBeUndefined();
        expect(checkZone(zone)).toBeUndefined();
        const naive: NaiveRR[] = naiveZone(exampleZone(10));
        applyNaively(naive, ORIGIN, operations);
        expect(zoneText(zone)).toEqual(naiveZoneText(naive));
        expect(contentText(zone).length).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
