import { describe, expect, test } from "vitest";
import { at, exampleZone, ORIGIN, request, rrset } from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { Overlay } from "../zone/overlay.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { checkZone } from "./check-zone.ts";
import { changeOfRequest, judgeChange } from "./judge-change.ts";
import { withRdata } from "./sorted-rdatas.ts";
import type { UpdateOperation } from "./update-request.ts";

const NULL_TYPE = 10;

function base(...more: RRset[]): Overlay {
  return new Overlay(new ZoneMap(ORIGIN, [...exampleZone(), ...more]));
}

function addresses(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, n) => Uint8Array.of(10, n >>> 16, n >>> 8, n));
}

function addEach(owner: string, rdatas: readonly Uint8Array[], rrtype: number): UpdateOperation[] {
  return rdatas.map((rdata) => ({ kind: "add", owner: at(owner), rrtype, ttl: 60, rdata }));
}

function outcome(zone: Overlay, operations: readonly UpdateOperation[]) {
  const version = { serial: 1, sequence: 1 };
  const judged = judgeChange(zone, version, changeOfRequest(request(operations)), 0);
  return judged.status === "refused" ? [judged.reason, judged.rcode, judged.detail] : judged.status;
}

describe("limits on what an update leaves behind", () => {
  test("RRs of one RRset", () => {
    const full = addEach("big", addresses(Limits.rrsetRecords), Type.A);
    expect(outcome(base(), full)).toBe("changed");
    const more = addEach("big", addresses(Limits.rrsetRecords + 1), Type.A);
    expect(outcome(base(), more)).toEqual([
      "limit",
      Rcode.refused,
      "big.dyn.example.com. A would have more than 4000 RRs",
    ]);
    const rdatas = addresses(Limits.rrsetRecords + 1);
    const replaced: UpdateOperation = {
      kind: "replace",
      owner: at("big"),
      rrtype: Type.A,
      ttl: 60,
      rdatas,
    };
    expect(outcome(base(), [replaced])).toContain("limit");
    const grown = makeRRset(at("big"), Type.A, 60, addresses(Limits.rrsetRecords));
    expect(outcome(base(grown), addEach("big", rdatas.slice(-1), Type.A))).toContain("limit");
  });

  test("octets of one RRset's rdata, each with its length", () => {
    const half = Limits.rrsetBytes / 2 - 2;
    const first = new Uint8Array(half).fill(1);
    const second = new Uint8Array(half).fill(2);
    expect(outcome(base(), addEach("big", [first, second], NULL_TYPE))).toBe("changed");
    const longer = new Uint8Array(half + 1).fill(2);
    expect(outcome(base(), addEach("big", [first, longer], NULL_TYPE))).toEqual([
      "limit",
      Rcode.refused,
      "big.dyn.example.com. NULL would have more than 60000 octets of rdata",
    ]);
  });

  test("RRsets at one name", () => {
    const types = Array.from({ length: Limits.nameRRsets }, (_, n) => 65_280 + n);
    const rdata = Uint8Array.of(1);
    const full = types.flatMap((rrtype) => addEach("big", [rdata], rrtype));
    expect(outcome(base(), full)).toBe("changed");
    const more = [...full, ...addEach("big", [rdata], Type.A + 9)];
    expect(outcome(base(), more)).toEqual([
      "limit",
      Rcode.refused,
      "big.dyn.example.com. would have more than 100 RRsets",
    ]);
  });

  test("records of one update, prerequisites among them", () => {
    const same = addEach("home", addresses(1), Type.A)[0]!;
    const full = Array.from({ length: Limits.updateRecords }, () => same);
    expect(outcome(base(), full)).toBe("changed");
    expect(outcome(base(), [...full, same])).toEqual([
      "limit",
      Rcode.refused,
      "the update has 5001 records, more than 5000",
    ]);
  });

  test("do not hinder what makes an RRset or a name smaller", () => {
    const large = makeRRset(at("big"), Type.A, 60, addresses(Limits.rrsetRecords + 5));
    const [first] = large.rdatas;
    const fewer: UpdateOperation = {
      kind: "delete-rr",
      owner: at("big"),
      rrtype: Type.A,
      rdata: first!,
    };
    expect(outcome(base(large), [fewer])).toBe("changed");
    const octets = (fill: number) => new Uint8Array(Limits.rrsetBytes / 2).fill(fill);
    const heavy = makeRRset(at("heavy"), NULL_TYPE, 60, [1, 2, 3].map(octets));
    const heavyOperation = (kind: "add" | "delete-rr", fill: number): UpdateOperation => {
      const rr = { owner: at("heavy"), rrtype: NULL_TYPE, rdata: octets(fill) };
      return kind === "add" ? { kind, ttl: 60, ...rr } : { kind, ...rr };
    };
    expect(outcome(base(heavy), [heavyOperation("delete-rr", 3)])).toBe("changed");
    expect(outcome(base(heavy), [heavyOperation("add", 4)])).toContain("limit");
    const types = Array.from({ length: Limits.nameRRsets + 2 }, (_, n) => 65_280 + n);
    const wide = types.map((rrtype) => makeRRset(at("big"), rrtype, 60, [Uint8Array.of(1)]));
    const narrower: UpdateOperation = { kind: "delete-rrset", owner: at("big"), rrtype: 65_280 };
    expect(outcome(base(...wide), [narrower])).toBe("changed");
  });
});

describe("a zone after a change", () => {
  test("may have data of a signer beside a CNAME", () => {
    const zone = base();
    const key = makeRRset(at("alias"), Type.NSEC, 60, [Uint8Array.of(0, 0, 1, 64)]);
    zone.set({ owner: key.owner, rrtype: key.rrtype, rrset: key });
    expect(checkZone(zone)).toBeUndefined();
    const other = rrset("alias", 60, "TXT", '"x"');
    zone.set({ owner: other.owner, rrtype: other.rrtype, rrset: other });
    expect(checkZone(zone)?.detail).toContain("CNAME beside TXT");
  });
});

describe("an RRset with one RR more", () => {
  test("stays sorted and distinct, like one made at once", () => {
    const rdatas = addresses(40).map((rdata, n) => (n % 2 === 0 ? rdata.slice(0, 3) : rdata));
    const shuffled = [...rdatas.slice(17), ...rdatas.slice(0, 23)];
    let grown = makeRRset(at("x"), NULL_TYPE, 1, [shuffled[0]!]);
    for (const rdata of shuffled) grown = withRdata(grown, rdata, 1);
    expect(grown).toEqual(makeRRset(at("x"), NULL_TYPE, 1, rdatas));
  });
});
