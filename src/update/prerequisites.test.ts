import { describe, expect, test } from "vitest";
import { at, exampleZone, ORIGIN, rdata, rrtype } from "../../test/update/zone-fixtures.ts";
import { Rcode } from "../wire/code-points.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { checkPrerequisites } from "./prerequisites.ts";
import type { Prerequisite } from "./update-request.ts";

const zone = new ZoneMap(ORIGIN, exampleZone());

function rcodeOf(...prerequisites: Prerequisite[]): Rcode {
  return checkPrerequisites(zone, prerequisites)?.rcode ?? Rcode.noError;
}

function equals(owner: string, type: string, text: string): Prerequisite {
  return { kind: "rrset-equals", owner: at(owner), rrtype: rrtype(type), rdata: rdata(type, text) };
}

describe("prerequisites (RFC 2136 §2.4)", () => {
  test.each<[Prerequisite["kind"], string, Rcode]>([
    ["name-in-use", "home", Rcode.noError],
    ["name-in-use", "nobody", Rcode.nxDomain],
    ["name-not-in-use", "nobody", Rcode.noError],
    ["name-not-in-use", "home", Rcode.yxDomain],
    // An empty non-terminal and a name that only a wildcard answers for are not in use (§2.4.4).
    ["name-in-use", "deep", Rcode.nxDomain],
    ["name-not-in-use", "deep", Rcode.noError],
    ["name-in-use", "x.wild", Rcode.nxDomain],
    ["name-in-use", "*.wild", Rcode.noError],
  ])("%s %s: rcode %i", (kind, owner, rcode) => {
    expect(rcodeOf({ kind, owner: at(owner) } as Prerequisite)).toBe(rcode);
  });

  test.each<["rrset-exists" | "rrset-absent", string, string, Rcode]>([
    ["rrset-exists", "home", "A", Rcode.noError],
    ["rrset-exists", "home", "TXT", Rcode.nxRRset],
    ["rrset-exists", "nobody", "A", Rcode.nxRRset],
    ["rrset-absent", "home", "TXT", Rcode.noError],
    ["rrset-absent", "nobody", "DHCID", Rcode.noError],
    ["rrset-absent", "home", "A", Rcode.yxRRset],
  ])("%s %s %s: rcode %i", (kind, owner, type, rcode) => {
    expect(rcodeOf({ kind, owner: at(owner), rrtype: rrtype(type) })).toBe(rcode);
  });

  test("compare a whole RRset as a set, in any order, twice named or not, without the TTL", () => {
    const one = equals("home", "A", "192.0.2.1");
    const two = equals("home", "A", "192.0.2.2");
    expect(rcodeOf(one, two)).toBe(Rcode.noError);
    expect(rcodeOf(two, one, two)).toBe(Rcode.noError);
    expect(rcodeOf(one)).toBe(Rcode.nxRRset);
    expect(rcodeOf(one, two, equals("home", "A", "192.0.2.3"))).toBe(Rcode.nxRRset);
    expect(rcodeOf(equals("nobody", "A", "192.0.2.1"))).toBe(Rcode.nxRRset);
    expect(rcodeOf(equals("alias", "CNAME", "HOME"))).toBe(Rcode.noError);
  });

  test("answer NOTZONE for an owner outside the zone, in the order of the message", () => {
    const outside: Prerequisite = { kind: "name-in-use", owner: at("example.com.") };
    const fails: Prerequisite = { kind: "name-in-use", owner: at("nobody") };
    expect(rcodeOf(outside)).toBe(Rcode.notZone);
    expect(rcodeOf(outside, fails)).toBe(Rcode.notZone);
    expect(rcodeOf(fails, outside)).toBe(Rcode.nxDomain);
  });

  test("look at whole RRsets after all else (§3.2.5)", () => {
    const wrong = equals("home", "A", "192.0.2.99");
    expect(rcodeOf(wrong, { kind: "name-not-in-use", owner: at("home") })).toBe(Rcode.yxDomain);
  });

  test("say what was not so", () => {
    const refused = checkPrerequisites(zone, [equals("home", "A", "192.0.2.99")]);
    expect(refused?.reason).toBe("prerequisite");
    expect(refused?.detail).toBe("home.dyn.example.com. A is not as the update expects it");
  });
});
