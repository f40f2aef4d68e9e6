/** Runs the scenario files of `test/scenarios` against the zone table and `answerQuery`. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  readScenarios,
  type ScenarioBlock,
  type ScenarioCase,
} from "../../test/scenarios/scenario-file.ts";
import {
  type AnsweringServer,
  clientOf,
  parseRecords,
  startScenario,
} from "../../test/scenarios/scenario-server.ts";
import { Class, HeaderFlag, Rcode, Type } from "../wire/code-points.ts";
import { recordEdns } from "../wire/edns.ts";
import { type Message, type ResourceRecord, readMessage } from "../wire/message.ts";
import { formatName, parseWireName, ROOT } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { className, parseClass, parseType, typeName } from "../wire/rr-types.ts";
import { Deferred } from "./deferred.ts";

const DIRECTORY = join(import.meta.dirname, "../../test/scenarios");
const FLAGS = { aa: 0x0400, tc: 0x0200, rd: 0x0100, ra: 0x0080, ad: 0x0020, cd: 0x0010 } as const;

interface Sent {
  readonly bytes: Uint8Array;
  readonly transport: "udp" | "tcp" | "tls";
  readonly cap: number;
  /** What a UDP response may have, by the query's OPT. */
  readonly payload: number;
  readonly hasEdns: boolean | undefined;
}

describe.each(readScenarios(DIRECTORY))("$file: $title", (scenario) => {
  let server: AnsweringServer;
  beforeAll(() => {
    server = startScenario(scenario);
  });
  test.each(scenario.cases.map((each) => [each.title, each] as const))("%s", (_, each) => {
    runCase(server, each);
  });
});

function runCase(server: AnsweringServer, { blocks }: ScenarioCase): void {
  let sent: Sent | undefined;
  for (const block of blocks) {
    if (block.keyword === "query") sent = makeQueryMessage(block);
    else if (block.keyword === "packet") sent = readPacket(block);
    else if (block.keyword === "expect" && sent !== undefined) expectResponse(server, sent, block);
    else throw new Error(`line ${block.line}: ${block.keyword} has no meaning here`);
  }
}

function makeQueryMessage({ words }: ScenarioBlock): Sent {
  const [name = "", type = "", ...rest] = words;
  const options = new Map(rest.map((word) => word.split("=") as [string, string | undefined]));
  const flag = (name: keyof typeof FLAGS) => (options.has(name) ? FLAGS[name] : 0);
  const size = options.has("edns") ? Number(options.get("edns") ?? 1232) : undefined;
  const qclass = parseClass(options.get("class") ?? "IN") ?? 0;
  const question = [...parseWireName(name), ...u16(parseType(type) ?? -1), ...u16(qclass)];
  const flags = flag("rd") | flag("ad") | flag("cd");
  const values = ednsOptions(options);
  const opt = [0, 0, 41, ...u16(size ?? 0), 0, Number(options.get("version") ?? 0)];
  opt.push(options.has("do") ? 0x80 : 0, 0, ...u16(values.length), ...values);
  const additional = size === undefined ? [] : opt;
  const counts = [0, 1, 0, 0, 0, 0, 0, size === undefined ? 0 : 1];
  return {
    bytes: Uint8Array.from([0x5a, 0xa5, ...u16(flags), ...counts, ...question, ...additional]),
    transport: options.has("tcp") ? "tcp" : options.has("tls") ? "tls" : "udp",
    cap: Number(options.get("cap") ?? 65_535),
    payload: Math.max(512, size ?? 0),
    hasEdns: size !== undefined,
  };
}

/** Those that a query has by name, in this order. */
function ednsOptions(options: ReadonlyMap<string, string | undefined>): number[] {
  const option = (name: string, code: number) => {
    const value = options.get(name);
    if (!options.has(name)) return [];
    const bytes = Buffer.from(value ?? "", "hex");
    return [0, code, ...u16(bytes.length), ...bytes];
  };
  return [...option("nsid", 3), ...option("cookie", 10), ...option("keepalive", 11)];
}

function readPacket({ words, body }: ScenarioBlock): Sent {
  const hex = body
    .map((line) => line.replace(/;.*/, ""))
    .join(" ")
    .replace(/name\(([^)]*)\)/g, (_, name) => Buffer.from(parseWireName(name)).toString("hex"))
    .replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new Error(`not hex: ${hex}`);
  const transport = words.includes("tcp") ? "tcp" : words.includes("tls") ? "tls" : "udp";
  const bytes = new Uint8Array(Buffer.from(hex, "hex"));
  return { bytes, transport, cap: 65_535, payload: 65_535, hasEdns: undefined };
}

function u16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

function expectResponse(server: AnsweringServer, sent: Sent, block: ScenarioBlock): void {
  const [outcome = "", ...flags] = block.words;
  const buffer = new Uint8Array(sent.cap).fill(0xee);
  const query = new Uint8Array(sent.bytes.length + 40).fill(0xdd);
  query.set(sent.bytes);
  const length = server.answer(query, sent.bytes.length, clientOf(sent.transport), buffer);
  if (outcome === "silence" || outcome === "deferred") {
    const deferred = Deferred[flags[0] as keyof typeof Deferred];
    expect(length).toBe(outcome === "silence" ? 0 : deferred);
    return;
  }
  expect(length, "a response").toBeGreaterThan(0);
  const response = buffer.slice(0, length);
  const message = readMessage(response);
  expectSound(server, sent, response, message, block);
  const edns = message.additionals.find((record) => record.rrtype === Type.OPT);
  const rcode = message.rcode | ((edns === undefined ? 0 : recordEdns(edns).extendedRcode) << 4);
  expect(describeMessage(message, rcode, block)).toEqual(describeExpected(block, outcome, flags));
  expectOpt(edns, block);
  expectSize(length, block);
}

/** What holds for every response, whatever was asked. */
function expectSound(
  server: AnsweringServer,
  sent: Sent,
  response: Uint8Array,
  message: Message,
  block: ScenarioBlock,
): void {
  expect(message.id).toBe((sent.bytes[0]! << 8) | sent.bytes[1]!);
  expect(message.flags & HeaderFlag.qr).toBe(HeaderFlag.qr);
  expect(message.flags & (HeaderFlag.ra | HeaderFlag.z | HeaderFlag.ad)).toBe(0);
  expect(message.opcode).toBe((sent.bytes[2]! >> 3) & 15);
  expect(message.questions.length).toBe(block.body.includes("question none") ? 0 : 1);
  const question = message.questions[0];
  if (question !== undefined) {
    const end = 12 + question.wireName.length + 4;
    expect(Buffer.from(response.slice(12, end))).toEqual(Buffer.from(sent.bytes.slice(12, end)));
  }
  const limit =
    sent.transport === "udp" ? Math.min(sent.payload, server.settings.udpPayload) : 65_535;
  expect(response.length).toBeLessThanOrEqual(Math.min(limit, sent.cap));
  if (sent.hasEdns !== undefined && message.rcode !== Rcode.notImp) {
    expect(message.additionals.some((record) => record.rrtype === Type.OPT)).toBe(sent.hasEdns);
  }
  const records = [...message.answers, ...message.authorities, ...message.additionals];
  const texts = records.map(formatRecord);
  expect(new Set(texts).size, "no record twice").toBe(texts.length);
}

function sectionLines(block: ScenarioBlock, section: string): string[] {
  return block.body
    .filter((line) => line.split(/\s+/)[0] === section)
    .map((line) => line.slice(section.length).trim());
}

function describeMessage(message: Message, rcode: number, block: ScenarioBlock) {
  const isOpen = (section: string) => sectionLines(block, section).includes("*");
  const additionals = message.additionals.filter((record) => record.rrtype !== Type.OPT);
  return {
    rcode,
    flags: Object.entries(FLAGS)
      .filter(([, bit]) => message.flags & bit)
      .map(([name]) => name),
    answer: isOpen("answer") ? "*" : message.answers.map(formatRecord),
    authority: isOpen("authority") ? "*" : message.authorities.map(formatRecord),
    additional: isOpen("additional") ? "*" : additionals.map(formatRecord),
  };
}

function describeExpected(block: ScenarioBlock, outcome: string, flags: readonly string[]) {
  const section = (name: string) => {
    const lines = sectionLines(block, name);
    return lines.includes("*") ? "*" : lines.map(formatExpected);
  };
  return {
    rcode: rcodeOf(outcome),
    flags: Object.keys(FLAGS).filter((name) => flags.includes(name)),
    answer: section("answer"),
    authority: section("authority"),
    additional: section("additional"),
  };
}

function rcodeOf(text: string): number {
  const found = Object.entries(Rcode).find(([name]) => name.toUpperCase() === text);
  if (found === undefined) throw new Error(`no rcode: ${text}`);
  return found[1];
}

function formatRecord({ owner, ttl, class: rrclass, rrtype, rdata }: ResourceRecord): string {
  const fields = [formatName(owner), ttl, className(rrclass), typeName(rrtype)];
  return `${fields.join(" ")} ${formatRdata(rrtype, rdata)}`;
}

function formatExpected(line: string): string {
  const isChaos = / CH /.test(line);
  const [record] = parseRecords(`${line.replace(/ CH /, " IN ")}\n`, ROOT);
  if (record === undefined) throw new Error(`no record: ${line}`);
  return formatRecord({ ...record, class: isChaos ? Class.ch : Class.in });
}

function expectOpt(opt: ResourceRecord | undefined, block: ScenarioBlock): void {
  const [line] = sectionLines(block, "edns");
  if (line === undefined) return;
  if (line === "none") {
    expect(opt).toBeUndefined();
    return;
  }
  const words = new Map(
    line
      .split(/\s+/)
      .filter((word) => word !== "")
      .map((word) => word.split("=") as [string, string | undefined]),
  );
  if (opt === undefined) throw new Error("there is no OPT");
  const edns = recordEdns(opt);
  const option = (code: number) => edns.options.find((each) => each.code === code)?.bytes;
  const nsid = option(3);
  const cookie = option(10);
  const keepalive = option(11);
  const error = option(15);
  expect({
    payload: edns.udpPayload,
    version: edns.version,
    do: edns.isDnssecOk,
    nsid: nsid && Buffer.from(nsid).toString(),
    cookie: cookie && Buffer.from(cookie).toString("hex"),
    keepalive: keepalive && (keepalive[0]! << 8) + keepalive[1]!,
    ede: error && (error[0]! << 8) + error[1]!,
    options: edns.options.length,
  }).toEqual({
    payload: Number(words.get("payload") ?? 1232),
    version: Number(words.get("version") ?? 0),
    do: words.has("do"),
    nsid: words.get("nsid"),
    cookie: words.get("cookie"),
    keepalive: words.has("keepalive") ? Number(words.get("keepalive")) : undefined,
    ede: words.has("ede") ? Number(words.get("ede")) : undefined,
    options: ["nsid", "cookie", "keepalive", "ede"].filter((word) => words.has(word)).length,
  });
}

function expectSize(length: number, block: ScenarioBlock): void {
  for (const line of sectionLines(block, "size")) {
    if (line.startsWith("<=")) expect(length).toBeLessThanOrEqual(Number(line.slice(2)));
    else expect(length).toBe(Number(line));
  }
}
