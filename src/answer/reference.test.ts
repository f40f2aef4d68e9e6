/** Property: whatever the zones and the question, the table answers as the reference resolver does. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ReferenceAnswer,
  type ReferenceRecord,
  type ReferenceZone,
  resolve,
} from "../../test/scenarios/reference-resolver.ts";
import { clientOf, startAnswering } from "../../test/scenarios/scenario-server.ts";
import { HeaderFlag, Rcode } from "../wire/code-points.ts";
import { makeQuery, type ResourceRecord, readMessage, writeMessage } from "../wire/message.ts";
import { formatName, parseName } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { parseType, typeName } from "../wire/rr-types.ts";

const ORIGINS = ["z.", "c.z.", "d.c.z.", "w."];
const TABLE_BYTES = 1024 * 1024;

const label = fc.constantFrom("a", "b", "c", "d", "*");
const relative = fc.array(label, { maxLength: 4 }).map((labels) => labels.join("."));
const anyName = fc
  .tuple(relative, fc.constantFrom(...ORIGINS, "out."))
  .map(([left, origin]) => (left === "" ? origin : `${left}.${origin}`));

/** What one owner has: CNAME alone, or some of the others (RFC 1034 §3.6.2). */
const ownerData = fc.oneof(
  { weight: 2, arbitrary: anyName.map((target) => [["CNAME", target]]) },
  { weight: 1, arbitrary: anyName.map((target) => [["DNAME", target]]) },
  {
    weight: 6,
    arbitrary: fc
      .uniqueArray(fc.constantFrom("A", "AAAA", "TXT", "MX", "NS", "DS"), { maxLength: 3 })
      .chain((types) => fc.tuple(...types.map((rrtype) => rdataOf(rrtype)))),
  },
);

function rdataOf(rrtype: string): fc.Arbitrary<string[]> {
  if (rrtype === "MX") return anyName.map((name) => ["MX", `10 ${name}`]);
  if (rrtype === "NS") return anyName.map((name) => ["NS", name]);
  const fixed = { A: "192.0.2.1", AAAA: "2001:db8::1", TXT: '"t"', DS: "1 8 250 00" }[rrtype];
  return fc.constant([rrtype, fixed as string]);
}

const zones = fc.subarray(ORIGINS, { minLength: 1 }).chain((origins) =>
  fc.tuple(
    ...origins.map((origin, at) =>
      fc.dictionary(relative, ownerData, { maxKeys: 9 }).map((owners) => {
        const records: ReferenceRecord[] = [
          {
            owner: origin,
            ttl: 60,
            rrtype: "SOA",
            rdata: `ns.${origin} h.${origin} 1 2 3 4 ${at + 5}`,
          },
          { owner: origin, ttl: 61, rrtype: "NS", rdata: `a.${origin}` },
        ];
        for (const [left, data] of Object.entries(owners)) {
          const owner = left === "" ? origin : `${left}.${origin}`;
          for (const [rrtype = "", rdata = ""] of data) {
            const isAllowed = owner !== origin || !["CNAME", "NS", "DS"].includes(rrtype);
            if (isAllowed) records.push({ owner, ttl: 100 + owner.length, rrtype, rdata });
          }
        }
        return { origin, records };
      }),
    ),
  ),
);

const qtype = fc.constantFrom("A", "AAAA", "TXT", "MX", "NS", "DS", "CNAME", "DNAME", "ANY", "SOA");

function zoneText({ records }: ReferenceZone): string {
  return records
    .map(({ owner, ttl, rrtype, rdata }) => `${owner} ${ttl} IN ${rrtype} ${rdata}\n`)
    .join("");
}

function formatRecord({ owner, ttl, rrtype, rdata }: ResourceRecord): string {
  return `${formatName(owner)} ${ttl} ${typeName(rrtype)} ${formatRdata(rrtype, rdata)}`;
}

function formatReference({ owner, ttl, rrtype, rdata }: ReferenceRecord): string {
  return `${owner} ${ttl} ${rrtype} ${rdata}`;
}

const RCODES = {
  NOERROR: Rcode.noError,
  NXDOMAIN: Rcode.nxDomain,
  REFUSED: Rcode.refused,
  YXDOMAIN: Rcode.yxDomain,
};

function describeReference({ rcode, isAuthoritative, ...sections }: ReferenceAnswer) {
  return {
    rcode: RCODES[rcode],
    isAuthoritative,
    answer: sections.answer.map(formatReference),
    authority: sections.authority.map(formatReference),
    additional: sections.additional.map(formatReference).sort(),
  };
}

test("answers are those of the reference resolver", () => {
  const response = new Uint8Array(65_535);
  const query = new Uint8Array(512);
  fc.assert(
    fc.property(
      zones,
      fc.array(fc.tuple(anyName, qtype), { minLength: 5, maxLength: 20 }),
      (served, questions) => {
        const zoneTexts = served.map((zone) => ({
          origin: parseName(zone.origin),
          text: zoneText(zone),
        }));
        const { answer } = startAnswering(zoneTexts, undefined, TABLE_BYTES);
        for (const [name, type] of questions) {
          const message = makeQuery({
            id: 1,
            name: parseName(name),
            qtype: parseType(type) as number,
          });
          const length = answer(query, writeMessage(message, query), clientOf("tcp"), response);
          const got = readMessage(response.slice(0, length));
          expect({
            rcode: got.rcode,
            isAuthoritative: (got.flags & HeaderFlag.aa) !== 0,
            answer: got.answers.map(formatRecord),
            authority: got.authorities.map(formatRecord),
            additional: got.additionals.map(formatRecord).sort(),
          }).toEqual(describeReference(resolve(served, name, type)));
        }
      },
    ),
    { numRuns: 300 },
  );
});
