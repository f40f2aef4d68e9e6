import { describe, expect, test } from "vitest";
import {
  add,
  at,
  deleteName,
  deleteRRset,
  exampleZone,
  OPERATOR,
  ORIGIN,
  principal,
  rrtype,
} from "../../test/update/zone-fixtures.ts";
import { Rcode } from "../wire/code-points.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { checkPolicy } from "./policy.ts";

const zone = new ZoneMap(ORIGIN, exampleZone());
const A = rrtype("A");

describe("the policy", () => {
  test("refuses who has no grant in the zone before looking at anything", () => {
    const stranger = principal({ zone: at("other.org.") });
    expect(checkPolicy(zone, stranger, [])).toEqual({
      status: "refused",
      rcode: Rcode.refused,
      reason: "no-grant",
      detail: "key:test has no update grant in zone dyn.example.com.",
    });
    expect(checkPolicy(zone, principal(), [])?.reason).toBe("no-grant");
  });

  test("names the owner and type that no grant covers", () => {
    const who = principal({ name: at("home"), types: [A] });
    expect(checkPolicy(zone, who, [add("home", 60, "A", "192.0.2.9")])).toBeUndefined();
    const refused = checkPolicy(zone, who, [
      add("home", 60, "A", "192.0.2.9"),
      add("home", 60, "AAAA", "2001:db8::9"),
    ]);
    expect(refused?.detail).toBe("key:test has no update grant for home.dyn.example.com. AAAA");
  });

  test("judges each RR, wherever it stands among permitted ones", () => {
    const who = principal({ name: at("home") });
    const permitted = Array.from({ length: 50 }, () => add("home", 60, "A", "192.0.2.9"));
    const other = deleteRRset("ns1", "A");
    for (const position of [0, 25, 50]) {
      expect(checkPolicy(zone, who, permitted.toSpliced(position, 0, other))?.reason).toBe(
        "no-grant",
      );
    }
  });

  test("lets a whole name be deleted by who may delete every RRset there", () => {
    const onlyA = principal({ name: at("home"), types: [A] });
    expect(checkPolicy(zone, onlyA, [deleteName("home")])?.detail).toContain("AAAA");
    const both = principal({ name: at("home"), types: [A, rrtype("AAAA")] });
    expect(checkPolicy(zone, both, [deleteName("home")])).toBeUndefined();
    expect(
      checkPolicy(zone, principal({ name: at("home") }), [deleteName("home")]),
    ).toBeUndefined();
  });

  test("lets an empty name be deleted by who has some grant for it only", () => {
    const who = principal({ name: at("nobody"), types: [A] });
    expect(checkPolicy(zone, who, [deleteName("nobody")])).toBeUndefined();
    expect(checkPolicy(zone, who, [deleteName("nobody2")])?.reason).toBe("no-grant");
  });

  test("guards SOA and NS of the apex by type", () => {
    const narrow = principal({ zone: ORIGIN, types: [A] });
    expect(checkPolicy(zone, narrow, [add("@", 60, "NS", "ns3")])?.detail).toContain("NS");
    expect(checkPolicy(zone, narrow, [deleteRRset("@", "SOA")])?.detail).toContain("SOA");
    expect(checkPolicy(zone, narrow, [deleteName("@")])).toBeUndefined();
    const named = principal({ zone: ORIGIN, types: [rrtype("NS")] });
    expect(checkPolicy(zone, named, [add("@", 60, "NS", "ns3")])).toBeUndefined();
  });

  test("leaves owners outside the zone to NOTZONE", () => {
    const who = principal({ name: at("home") });
    expect(checkPolicy(zone, who, [add("x.other.org.", 60, "A", "192.0.2.9")])).toBeUndefined();
  });

  test("lets an operator do everything", () => {
    expect(checkPolicy(zone, OPERATOR, [deleteName("@"), deleteRRset("@", "NS")])).toBeUndefined();
  });
});
