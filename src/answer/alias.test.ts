import { expect, test } from "vitest";
import { clientOf, parseRecords } from "../../test/scenarios/scenario-server.ts";
import { counterRow, createCounterMemory } from "../base/counters.ts";
import { Header } from "../table/layout.ts";
import { createTableMemory } from "../table/table-memory.ts";
import { TableReader } from "../table/table-reader.ts";
import { TableWriter } from "../table/table-writer.ts";
import { Type } from "../wire/code-points.ts";
import { makeQuery, readMessage, writeMessage } from "../wire/message.ts";
import { parseName, parseWireName } from "../wire/name.ts";
import { makeRRset } from "../zone/rrset.ts";
import { createAnswerQuery } from "./answer-query.ts";
import { defaultAnswerSettings } from "./answer-settings.ts";

const ORIGIN = parseName("example.");

test("a chain is no loop because two of its names have one hash", () => {
  const memory = createTableMemory(1024 * 1024);
  // Under this seed these two names collide.
  memory.words[Header.hashSeed] = 0x5eed;
  const [first, second] = ["0z9io8c", "093j6ye"] as const;
  const writer = new TableWriter(memory);
  const loader = writer.beginZone(ORIGIN);
  const text = `@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\n${first} 60 CNAME ${second}\n${second} 60 A 192.0.2.1\n`;
  for (const { owner, rrtype, ttl, rdata } of parseRecords(text, ORIGIN)) {
    loader.add(makeRRset(owner, rrtype, ttl, [rdata]));
  }
  loader.publish();
  const reader = new TableReader(memory, 0);
  const [one, other] = [first, second].map((label) => {
    const name = reader.newLookupName();
    const wire = parseName(label, ORIGIN);
    name.read(wire, 0, wire.length);
    return name.hashes[0];
  });
  expect(one).toBe(other);
  const counters = counterRow(createCounterMemory(1), 0);
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const answer = createAnswerQuery({ reader, counters, settings: defaultAnswerSettings, clock });
  const query = new Uint8Array(512);
  const name = parseWireName(first, ORIGIN);
  const length = writeMessage(makeQuery({ id: 1, name, qtype: Type.A }), query);
  const response = new Uint8Array(512);
  const end = answer(query, length, clientOf("udp"), response);
  const { answers } = readMessage(response.slice(0, end));
  expect(answers.map(({ rrtype }) => rrtype)).toEqual([Type.CNAME, Type.A]);
});
