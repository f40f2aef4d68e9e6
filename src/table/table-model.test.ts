/** The table against a model that knows nothing of hashing, flags kept up to date, or memory. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Type } from "../wire/code-points.ts";
import {
  isSubdomain,
  type Name,
  nameKey,
  parentName,
  parseName,
  wildcardOf,
} from "../wire/name.ts";
import { parseRdata } from "../wire/rdata.ts";
import type { RRsetChange } from "../zone/changeset.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { createTableMemory } from "./table-memory.ts";
import { NodeFlag, TableReader } from "./table-reader.ts";
import { TableWriter } from "./table-writer.ts";

const ORIGIN = parseName("example.com.");
const LABELS = ["a", "b", "c", "*"];
const TYPES = [Type.A, Type.NS, Type.CNAME, Type.DNAME, Type.TXT, Type.MX];

/** RRsets by owner and rrtype. */
class Model {
  readonly zone = new Map<string, Map<number, RRset>>();

  apply({ owner, rrtype, rrset }: RRsetChange): void {
    const key = nameKey(owner);
    const types = this.zone.get(key) ?? new Map<number, RRset>();
    if (rrset === undefined) types.delete(rrtype);
    else types.set(rrtype, rrset);
    if (types.size > 0) this.zone.set(key, types);
    else this.zone.delete(key);
  }

  has(owner: Name, rrtype?: number): boolean {
    const types = this.zone.get(nameKey(owner));
    return rrtype === undefined ? types !== undefined : types?.has(rrtype) === true;
  }

  /** The flags of a node, or `undefined` when there should be none. */
  flags(owner: Name, owners: readonly Name[]): number | undefined {
    const isApex = owner.length === ORIGIN.length;
    if (!isApex && !owners.some((each) => isSubdomain(each, owner))) return undefined;
    const wildcard = wildcardOf(owner) as Name;
    const isOccluded = this.isOccluded(owner);
    const isDelegation = !isApex && this.has(owner, Type.NS);
    return [
      isApex && NodeFlag.apex,
      isDelegation && NodeFlag.delegation,
      isDelegation && !isOccluded && NodeFlag.cut,
      isOccluded && NodeFlag.occluded,
      this.has(owner, Type.DNAME) && NodeFlag.dname,
      this.has(owner, Type.CNAME) && NodeFlag.cname,
      owners.some((each) => isSubdomain(each, wildcard)) && NodeFlag.wildcardChild,
      this.has(owner) && NodeFlag.data,
    ].reduce<number>((flags, flag) => flags | Number(flag), 0);
  }

  isOccluded(owner: Name): boolean {
    for (let above = owner; above.length > ORIGIN.length; ) {
      above = parentName(above);
      const isApex = above.length === ORIGIN.length;
      if (this.has(above, Type.DNAME) || (!isApex && this.has(above, Type.NS))) return true;
    }
    return false;
  }
}

function rdata(rrtype: number, value: number): Uint8Array {
  const target = ["@", "a", "b.c", "x.example.net.", "c"][value % 5] as string;
  const texts: Record<number, string> = {
    [Type.A]: `192.0.2.${value}`,
    [Type.TXT]: "x".repeat(1 + value * 7),
    [Type.MX]: `${value} ${target}`,
  };
  const tokens = (texts[rrtype] ?? target).split(" ");
  return parseRdata(
    rrtype,
    tokens.map((text) => ({ text, quoted: false })),
    ORIGIN,
  );
}

const owner = fc
  .array(fc.constantFrom(...LABELS), { maxLength: 4 })
  .map((labels) => parseName([...labels, "example.com."].join(".")));

const change: fc.Arbitrary<RRsetChange> = fc
  .record({
    owner,
    rrtype: fc.constantFrom(...TYPES),
    values: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
    isRemoved: fc.boolean(),
  })
  .map(({ owner, rrtype, values, isRemoved }) => ({
    owner,
    rrtype,
    rrset: isRemoved
      ? undefined
      : makeRRset(
          owner,
          rrtype,
          values.length,
          values.map((value) => rdata(rrtype, value)),
        ),
  }));

const SOA = makeRRset(ORIGIN, Type.SOA, 60, [
  parseRdata(
    Type.SOA,
    "ns1 admin 1 2 3 4 5".split(" ").map((text) => ({ text, quoted: false })),
    ORIGIN,
  ),
]);

/** Every name the arbitrary can make, and some that it can't. */
const NAMES: readonly Name[] = (() => {
  let level = [""];
  const all: string[] = [""];
  for (let depth = 0; depth < 4; depth++) {
    level = level.flatMap((rest) => LABELS.map((label) => `${label}.${rest}`));
    all.push(...level, ...level.slice(0, 2).map((rest) => `zz.${rest}`));
  }
  return all.map((text) => parseName(`${text}example.com.`));
})();

function makeTable() {
  const memory = createTableMemory(256 * 1024);
  const writer = new TableWriter(memory);
  const reader = new TableReader(memory, 3);
  return { writer, reader, name: reader.newLookupName() };
}

function check({ writer, reader, name }: ReturnType<typeof makeTable>, model: Model): void {
  const view = writer.view(ORIGIN)!;
  const owners = [...model.zone.values()].map((types) => [...types.values()][0]!.owner);
  expect(new Set([...view.owners()].map(nameKey))).toEqual(new Set(model.zone.keys()));
  let rrsets = 0;
  for (const each of NAMES) {
    name.read(each, 0, each.length);
    const zone = reader.findZone(name, 0);
    const node = reader.findNode(zone, name, 0);
    expect(node === 0 ? undefined : reader.nodeFlags(node)).toBe(model.flags(each, owners));
    const expected = model.zone.get(nameKey(each));
    const found = view.rrsets(each);
    rrsets += found.length;
    expect(new Map(found.map((rrset) => [rrset.rrtype, rrset]))).toEqual(expected ?? new Map());
    for (const rrset of found) expect(reader.findRRset(node, rrset.rrtype)).not.toBe(0);
    const wildcard = wildcardOf(each) as Name;
    const hasWildcard = model.flags(wildcard, owners) !== undefined;
    expect(reader.findWildcard(zone, name, 0) !== 0).toBe(hasWildcard);
  }
  expect(writer.usage()).toMatchObject({ names: model.zone.size, rrsets });
}

describe("the table", () => {
  it("is at every step what a plain model says", { timeout: 120_000 }, () => {
    const steps = fc.array(fc.array(change, { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60, size: "max" }), steps, (loaded, publishes) => {
        const table = makeTable();
        const model = new Model();
        const changes = [{ owner: ORIGIN, rrtype: Type.SOA, rrset: SOA }, ...loaded];
        for (const each of changes) model.apply(each);
        const loader = table.writer.beginZone(ORIGIN);
        for (const types of model.zone.values()) {
          for (const rrset of types.values()) loader.add(rrset);
        }
        loader.publish();
        check(table, model);
        for (const step of publishes) {
          table.writer.publish(ORIGIN, step);
          for (const each of step) model.apply(each);
          check(table, model);
        }
        table.writer.dropZone(ORIGIN);
        expect(table.writer.usage()).toMatchObject({ names: 0, bytesRetired: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it("finds every name through growth and heavy removal", () => {
    const { writer, reader, name } = makeTable();
    const loader = writer.beginZone(ORIGIN);
    loader.add(SOA);
    loader.publish();
    const hosts = Array.from({ length: 700 }, (_, host) => parseName(`h${host}.example.com.`));
    const isThere = (host: Name) => {
      name.read(host, 0, host.length);
      return reader.findNode(reader.findZone(name, 0), name, 0) !== 0;
    };
    for (let round = 0; round < 4; round++) {
      for (const [at, host] of hosts.entries()) {
        const rrset = makeRRset(host, Type.A, 1, [new Uint8Array([192, 0, 2, at & 255])]);
        writer.publish(ORIGIN, [{ owner: host, rrtype: Type.A, rrset }]);
        if (at % 50 === 0) {
          expect(hosts.map(isThere)).toEqual(hosts.map((_, other) => other <= at));
        }
      }
      for (const [at, host] of hosts.entries()) {
        writer.publish(ORIGIN, [{ owner: host, rrtype: Type.A, rrset: undefined }]);
        if (at % 50 === 0) {
          expect(hosts.map(isThere)).toEqual(hosts.map((_, other) => other > at));
        }
      }
    }
    expect(writer.usage()).toMatchObject({ names: 1, rrsets: 1 });
  });
});
