/** A zone written as a zone file: readable, in order, and the same zone when it is read again. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryRdata } from "../../test/rdata-arbitrary.ts";
import { isMetaType, Type } from "../wire/code-points.ts";
import { compareNames, type Name, parseName } from "../wire/name.ts";
import { canonicalRdata } from "../wire/rdata.ts";
import { RR_TYPES } from "../wire/rr-types.ts";
import { equalRRsets, makeRRset, type RRset } from "./rrset.ts";
import { collectRRsets } from "./zone-contents.ts";
import { parseZoneFile } from "./zone-file.ts";
import { formatRRset, formatZone } from "./zone-file-writer.ts";
import { ZoneMap } from "./zone-map.ts";
import type { ZoneView } from "./zone-view.ts";

const ORIGIN = parseName("example.com.");

function read(text: string): ZoneView {
  const chunks = [Buffer.from(text)];
  return collectRRsets(ORIGIN, parseZoneFile({ chunks, file: "zone", origin: ORIGIN }));
}

function write(zone: ZoneView): string {
  return [...formatZone(zone)].join("");
}

function allRRsets(zone: ZoneView): RRset[] {
  return [...zone.owners()].flatMap((owner) => zone.rrsets(owner));
}

const TEXT = `$ORIGIN example.com.
example.com.         60 IN SOA    ns.example.com. root.example.com. 1 2 3 4 5
example.com.         60 IN NS     ns.example.com.
example.com.         60 IN MX     10 mail.example.com.
example.com.         60 IN CAA    0 issue "ca.example"
a.example.com.        5 IN A      192.0.2.1
a.example.com.        5 IN A      192.0.2.2
a.example.com.        5 IN TXT    "x y"
b.a.example.com.      5 IN A      192.0.2.3
ns.example.com.    3600 IN A      192.0.2.53
`;

describe("writing", () => {
  test("puts the SOA first, then owners in canonical order, in columns", () => {
    const shuffled = TEXT.split("\n").slice(1).reverse().join("\n");
    expect(write(read(shuffled))).toBe(TEXT);
  });

  test("one RRset alone has no padding", () => {
    const rrset = makeRRset(parseName("a.", ORIGIN), Type.A, 60, [Uint8Array.of(192, 0, 2, 1)]);
    expect([...formatRRset(rrset)]).toEqual(["a.     60 IN A      192.0.2.1\n"]);
  });

  test("an owner that is too long for its column moves nothing else", () => {
    const line = `${"x".repeat(40)}.example.com.      5 IN A      192.0.2.4\n`;
    expect(write(read(TEXT + line))).toBe(TEXT + line);
  });

  test("an octet lower than any other sorts as low, and a shorter label before it", () => {
    const owners = ["a", "\\000.a", "\\000\\000.a", "\\001.a", "\\001\\000.a", "\\002.a", "b"];
    const zone = new ZoneMap(
      ORIGIN,
      owners.toReversed().map((owner) => {
        const name = parseName(owner, ORIGIN);
        return makeRRset(name, Type.A, 1, [Uint8Array.of(192, 0, 2, 1)]);
      }),
    );
    const lines = write(zone).split("\n").slice(1, -1);
    expect(lines.map((line) => line.split(".example.com.")[0])).toEqual(owners);
  });

  test("owners come in the order of RFC 4034 §6.1, whatever their octets", () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 3 });
    const owner = fc.array(label, { maxLength: 4 }).map((labels) => {
      const octets = labels.flatMap((each) => [each.length, ...each]);
      return Uint8Array.of(...octets, ...ORIGIN);
    });
    const low = fc.uint8Array({ minLength: 1, maxLength: 3, max: 2 });
    const lowOwner = fc.array(low, { maxLength: 4 }).map((labels) => {
      return Uint8Array.of(...labels.flatMap((each) => [each.length, ...each]), ...ORIGIN);
    });
    const property = fc.property(fc.array(fc.oneof(owner, lowOwner)), (owners) => {
      const names = owners.map((wire) =>
        wire.map((octet) => (octet > 64 && octet < 91 ? octet + 32 : octet)),
      );
      const zone = new ZoneMap(
        ORIGIN,
        names.map((each) => makeRRset(each as Name, Type.A, 1, [Uint8Array.of(1, 2, 3, 4)])),
      );
      const text = write(zone).split("\n").slice(1, -1);
      const written = text.map((line) => parseName(line.split(/\s/)[0] as string));
      expect(written).toHaveLength([...zone.owners()].length);
      expect(written).toEqual([...written].sort(compareNames));
    });
    fc.assert(property);
  });
});

describe("reading again", () => {
  test("gives the same zone, for RRsets of every type and owners of any octets", () => {
    const types = RR_TYPES.map((row) => row.rrtype).filter((rrtype) => !isMetaType(rrtype));
    const label = fc.uint8Array({ minLength: 1, maxLength: 6 });
    const owner = fc.array(label, { maxLength: 3 }).map((labels) => {
      const text = labels
        .map((each) => [...each].map((octet) => `\\${String(octet).padStart(3, "0")}`).join(""))
        .join(".");
      return text === "" ? ORIGIN : parseName(text, ORIGIN);
    });
    const rrset = fc.tuple(owner, fc.constantFrom(...types, 65_280)).chain(([name, rrtype]) => {
      const rdatas = fc.array(arbitraryRdata(rrtype), { minLength: 1, maxLength: 3 });
      return fc.tuple(rdatas, fc.integer({ min: 0, max: 0x7fff_ffff })).map(([list, ttl]) =>
        makeRRset(
          name,
          rrtype,
          ttl,
          list.map((wire) => canonicalRdata(rrtype, wire)),
        ),
      );
    });
    const property = fc.property(fc.array(rrset, { maxLength: 20 }), (rrsets) => {
      const zone = new ZoneMap(ORIGIN, rrsets);
      const again = read(write(zone));
      for (const each of allRRsets(zone)) {
        const found = again.rrset(each.owner, each.rrtype);
        expect(found !== undefined && equalRRsets(found, each)).toBe(true);
      }
      expect(allRRsets(again)).toHaveLength(allRRsets(zone).length);
    });
    fc.assert(property);
  });
});
