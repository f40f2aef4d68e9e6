/**
 * An update that is published between two steps of a lookup, at each of them in turn. The reader holds no lock; what it
 * says must be the zone of before or of after.
 */
import { describe, expect, test } from "vitest";
import { clientOf, parseRecords } from "../../test/scenarios/scenario-server.ts";
import { Counter, counterRow, createCounterMemory } from "../base/counters.ts";
import type { LookupName } from "../table/lookup-name.ts";
import { createTableMemory, type TableMemory } from "../table/table-memory.ts";
import { TableReader } from "../table/table-reader.ts";
import { TableWriter } from "../table/table-writer.ts";
import { Rcode, Type } from "../wire/code-points.ts";
import { makeQuery, type ResourceRecord, readMessage, writeMessage } from "../wire/message.ts";
import { formatName, parseName, parseWireName } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { typeName } from "../wire/rr-types.ts";
import type { RRsetChange } from "../zone/changeset.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { createAnswerQuery } from "./answer-query.ts";
import { defaultAnswerSettings } from "./answer-settings.ts";

const ORIGIN = parseName("example.");
const APEX = "@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns.elsewhere.\n";

/** Lets something happen after so many steps of a lookup. */
class InterruptedReader extends TableReader {
  stepsLeft = Infinity;
  happen: () => void;
  hasHappened = false;

  constructor(memory: TableMemory, happen: () => void) {
    super(memory, 0);
    this.happen = happen;
  }

  override findNode(zone: number, name: LookupName, label: number): number {
    return this.#step(super.findNode(zone, name, label));
  }

  override nodeFlags(node: number): number {
    return this.#step(super.nodeFlags(node));
  }

  override findWildcard(zone: number, name: LookupName, label: number): number {
    return this.#step(super.findWildcard(zone, name, label));
  }

  override findRRset(node: number, rrtype: number): number {
    return this.#step(super.findRRset(node, rrtype));
  }

  #step(found: number): number {
    if (--this.stepsLeft === 0) {
      this.hasHappened = true;
      this.happen();
    }
    return found;
  }
}

interface Change {
  readonly before: string;
  readonly removed: readonly (readonly [owner: string, rrtype: number])[];
  readonly added: string;
  readonly question: readonly [name: string, qtype: number];
}

function startServer({ before, removed, added, question: [qname, qtype] }: Change) {
  const memory = createTableMemory(1024 * 1024);
  const writer = new TableWriter(memory);
  const loader = writer.beginZone(ORIGIN);
  const rrsets = (text: string) =>
    parseRecords(text, ORIGIN).map((each) =>
      makeRRset(each.owner, each.rrtype, each.ttl, [each.rdata]),
    );
  for (const rrset of rrsets(APEX + before)) loader.add(rrset);
  loader.publish();
  const changes: RRsetChange[] = [
    ...removed.map(([owner, rrtype]) => ({
      owner: parseName(owner, ORIGIN),
      rrtype,
      rrset: undefined,
    })),
    ...changesTo(rrsets(added)),
  ];
  const change = () => writer.publish(ORIGIN, changes);
  const restore = () => writer.publish(ORIGIN, changesTo(rrsets(before)));
  const reader = new InterruptedReader(memory, change);
  const counters = counterRow(createCounterMemory(1), 0);
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const answer = createAnswerQuery({ reader, counters, settings: defaultAnswerSettings, clock });
  const ask = () => {
    const query = new Uint8Array(512);
    const name = parseWireName(qname, ORIGIN);
    const length = writeMessage(makeQuery({ id: 1, name, qtype }), query);
    const response = new Uint8Array(512);
    return responseText(response.slice(0, answer(query, length, clientOf("udp"), response)));
  };
  return { ask, change, restore, reader, counters };
}

function changesTo(rrsets: readonly RRset[]): RRsetChange[] {
  return rrsets.map((rrset) => ({ owner: rrset.owner, rrtype: rrset.rrtype, rrset }));
}

function responseText(bytes: Uint8Array): string {
  const { rcode, answers, authorities, additionals } = readMessage(bytes);
  const line = ({ owner, rrtype, rdata }: ResourceRecord) =>
    `${formatName(owner)} ${typeName(rrtype)} ${formatRdata(rrtype, rdata)}`;
  const sections = [answers, authorities, additionals].map((each) => each.map(line).join(", "));
  return [rcode, ...sections].join(" | ");
}

/** What is said when the change comes after 1, 2, 3, … steps, as long as it comes before the answer. */
function answersAcross(change: Change): string[] {
  const answers: string[] = [];
  for (let steps = 1; ; steps++) {
    const { ask, reader } = startServer(change);
    reader.stepsLeft = steps;
    const said = ask();
    if (!reader.hasHappened) return answers;
    answers.push(said);
  }
}

describe("while a zone changes", () => {
  test.each<[string, Change]>([
    [
      "a wildcard ends",
      {
        before: "*.w 60 A 192.0.2.1\nw 60 A 192.0.2.2",
        removed: [["*.w", Type.A]],
        added: "",
        question: ["x.w", Type.A],
      },
    ],
    [
      "a delegation ends above a name that stays",
      {
        before: "sub 60 NS ns.elsewhere.\na.sub 60 A 192.0.2.1",
        removed: [["sub", Type.NS]],
        added: "",
        question: ["a.sub", Type.A],
      },
    ],
    [
      "a delegation ends with all below it",
      {
        before: "sub 60 NS ns.elsewhere.\na.b.sub 60 A 192.0.2.1",
        removed: [
          ["sub", Type.NS],
          ["a.b.sub", Type.A],
        ],
        added: "",
        question: ["a.b.sub", Type.A],
      },
    ],
    [
      "a DNAME ends above a name that stays",
      {
        before: "d 60 DNAME elsewhere.\na.d 60 A 192.0.2.1",
        removed: [["d", Type.DNAME]],
        added: "",
        question: ["a.d", Type.A],
      },
    ],
    [
      "an alias becomes a host",
      {
        before: "h 60 CNAME elsewhere.",
        removed: [["h", Type.CNAME]],
        added: "h 60 A 192.0.2.1",
        question: ["h", Type.A],
      },
    ],
    [
      "a host becomes a delegation",
      {
        before: "h 60 A 192.0.2.1",
        removed: [["h", Type.A]],
        added: "h 60 NS ns.elsewhere.",
        question: ["h", Type.A],
      },
    ],
  ])("and %s, an answer is of before or of after", (_, change) => {
    const undisturbed = startServer(change);
    const before = undisturbed.ask();
    undisturbed.change();
    const after = undisturbed.ask();
    expect(after).not.toBe(before);
    const answers = answersAcross(change);
    expect(answers.length).toBeGreaterThan(1);
    for (const said of answers) expect([before, after]).toContain(said);
  });

  test("and changes again while we look again, SERVFAIL is the answer, and it is counted", () => {
    const change: Change = {
      before: "sub 60 NS ns.elsewhere.\na.b.sub 60 A 192.0.2.1",
      removed: [
        ["sub", Type.NS],
        ["a.b.sub", Type.A],
      ],
      added: "",
      question: ["a.b.sub", Type.A],
    };
    const { ask, reader, counters, change: remove, restore } = startServer(change);
    // The node, its flags: it is occluded. What covers it goes, is there again for the second look, and goes again.
    const steps = [4, 2, Infinity];
    const changes = [remove, restore, remove];
    reader.happen = () => {
      changes.shift()?.();
      reader.stepsLeft = steps.shift() as number;
    };
    reader.stepsLeft = 2;
    expect(ask()).toBe(`${Rcode.servFail} |  |  | `);
    expect(changes).toEqual([]);
    expect(counters[Counter.responsesServFail]).toBe(1);
    expect(ask()).toContain("SOA");
    expect(counters[Counter.responsesServFail]).toBe(1);
  });
});
