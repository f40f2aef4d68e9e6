/** The answering side of a scenario: the real table, filled from zone text, behind the real `answerQuery`. */
import { type AnswerQuery, createAnswerQuery } from "../../src/answer/answer-query.ts";
import { type AnswerSettings, defaultAnswerSettings } from "../../src/answer/answer-settings.ts";
import { Transport } from "../../src/answer/client.ts";
import { counterRow, createCounterMemory } from "../../src/base/counters.ts";
import { createTableMemory } from "../../src/table/table-memory.ts";
import { TableReader } from "../../src/table/table-reader.ts";
import { TableWriter } from "../../src/table/table-writer.ts";
import { type Name, parseName } from "../../src/wire/name.ts";
import { makeRRset } from "../../src/zone/rrset.ts";
import { parseZoneFile, type ZoneRecord } from "../../src/zone/zone-file.ts";
import type { Scenario, ScenarioBlock } from "./scenario-file.ts";

export interface AnsweringServer {
  readonly answer: AnswerQuery;
  readonly counters: Float64Array;
  readonly settings: AnswerSettings;
}

/** The time at which all scenarios play: 2024-01-01. */
export const NOW_MS = 1_704_067_200_000;

const TABLE_BYTES = 16 * 1024 * 1024;

export function startScenario({ setup }: Scenario): AnsweringServer {
  const zones = setup.filter((block) => block.keyword === "zone");
  return startAnswering(
    zones.map((block) => ({ origin: parseName(block.words[0] as string), text: zoneText(block) })),
    readSettings(setup.find((block) => block.keyword === "server")?.words ?? []),
  );
}

export interface ZoneText {
  readonly origin: Name;
  readonly text: string;
}

export function startAnswering(
  zones: readonly ZoneText[],
  settings: AnswerSettings = defaultAnswerSettings,
  tableBytes = TABLE_BYTES,
): AnsweringServer {
  const memory = createTableMemory(tableBytes);
  const writer = new TableWriter(memory);
  for (const { origin, text } of zones) {
    const loader = writer.beginZone(origin);
    for (const { owner, rrtype, ttl, rdata } of parseRecords(text, origin)) {
      loader.add(makeRRset(owner, rrtype, ttl, [rdata]));
    }
    loader.publish();
  }
  const counters = counterRow(createCounterMemory(1), 0);
  const reader = new TableReader(memory, 1);
  const clock = { nowMs: () => NOW_MS, monotonicMs: () => NOW_MS };
  const answer = createAnswerQuery({ reader, counters, settings, clock });
  return { answer, counters, settings };
}

export function parseRecords(text: string, origin: Name): readonly ZoneRecord[] {
  return [...parseZoneFile({ chunks: [Buffer.from(text)], file: "scenario", origin })];
}

function zoneText(block: ScenarioBlock): string {
  return `${block.body.join("\n")}\n`;
}

function readSettings(words: readonly string[]): AnswerSettings {
  const values = Object.fromEntries(words.map((word) => word.replaceAll("_", " ").split("=")));
  const { payload, cookieSecret, ...texts } = values as Record<string, string>;
  const udpPayload = payload === undefined ? defaultAnswerSettings.udpPayload : Number(payload);
  if (cookieSecret === undefined) return { ...texts, udpPayload };
  return { ...texts, udpPayload, cookieSecret: new Uint8Array(Buffer.from(cookieSecret, "hex")) };
}

export function clientOf(transport: "udp" | "tcp" | "tls") {
  return { transport: Transport[transport], address: "192.0.2.200", port: 53000 };
}
