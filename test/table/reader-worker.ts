/**
 * A thread that looks names up while another changes them, and checks that what it sees is whole: RRsets whose
 * octets agree with each other, no older than what was acknowledged, and unchanged while they are held.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { LookupName } from "../../src/table/lookup-name.ts";
import { attachTableMemory } from "../../src/table/table-memory.ts";
import { TableReader } from "../../src/table/table-reader.ts";
import { parseName } from "../../src/wire/name.ts";

export interface ReaderTask {
  readonly table: SharedArrayBuffer;
  /** Cell 0 ends the thread; cell 1 + host holds the version of each host that was acknowledged. */
  readonly control: SharedArrayBuffer;
  readonly slot: number;
  readonly hosts: number;
  readonly rrtype: number;
}

export interface ReaderReport {
  readonly lookups: number;
  readonly hits: number;
  readonly failures: readonly string[];
}

const RECORD_HEADER = 12;
const FAILURES_MAX = 10;
/** Hosts with an even number are never removed. */
const isKept = (host: number) => host % 2 === 0;

const { table, control, slot, hosts, rrtype } = workerData as ReaderTask;
const cells = new Int32Array(control);
const reader = new TableReader(attachTableMemory(table), slot);
const names = Array.from({ length: hosts }, (_, host) => lookupName(host));
const first = new Uint8Array(4096);
const again = new Uint8Array(4096);
const failures: string[] = [];
let lookups = 0;
let hits = 0;

function lookupName(host: number): LookupName {
  const name = reader.newLookupName();
  const wire = parseName(`h${host}.d${host % 7}.example.com.`);
  name.read(wire, 0, wire.length);
  return name;
}

function findRRset(host: number): number {
  const name = names[host] as LookupName;
  const zone = reader.findZone(name, 0);
  if (zone === 0) return 0;
  const node = reader.findNode(zone, name, 0);
  return node === 0 ? 0 : reader.findRRset(node, rrtype);
}

function isOver(turn: number): boolean {
  return failures.length >= FAILURES_MAX || (turn > 2 * hosts && Atomics.load(cells, 0) !== 0);
}

/** What is wrong with an RRset of this host; every RR says host, version and a sum over its octets. */
function checkRecords(host: number, end: number, acknowledged: number): string | undefined {
  const view = new DataView(first.buffer);
  const version = view.getUint32(RECORD_HEADER + 4);
  if (version < acknowledged) return `version ${version} after ${acknowledged} was acknowledged`;
  for (let at = 0; at < end; ) {
    const length = view.getUint16(at + 10);
    const rdata = at + RECORD_HEADER;
    if (view.getUint32(rdata) !== host) return `host ${view.getUint32(rdata)}`;
    if (view.getUint32(rdata + 4) !== version) return "RRs of two versions";
    let sum = 0;
    for (let octet = rdata; octet < rdata + length - 1; octet++) sum += first[octet] as number;
    if ((sum & 0xff) !== first[rdata + length - 1]) return "octets of two versions";
    at = rdata + length;
  }
  return undefined;
}

function lookUp(host: number, other: number): string | undefined {
  const acknowledged = Atomics.load(cells, 1 + host);
  reader.enter();
  const rrset = findRRset(host);
  lookups++;
  if (rrset === 0) {
    reader.leave();
    return isKept(host) && acknowledged > 0 ? "is missing" : undefined;
  }
  hits++;
  const end = reader.writeRRset(rrset, first, 0, first.length, 12, 12, -1);
  findRRset(other);
  const endAgain = reader.writeRRset(rrset, again, 0, again.length, 12, 12, -1);
  reader.leave();
  if (end === 0 || end !== endAgain) return `length ${end}, then ${endAgain}`;
  if (!Buffer.from(first.buffer, 0, end).equals(Buffer.from(again.buffer, 0, end))) {
    return "changed while it was held";
  }
  return checkRecords(host, end, acknowledged);
}

parentPort?.postMessage("ready");
for (let turn = slot; !isOver(turn); turn++) {
  const host = (turn * 7919) % hosts;
  const failure = lookUp(host, (host * 31) % hosts);
  if (failure !== undefined) failures.push(`host ${host}: ${failure}`);
}
parentPort?.postMessage({ lookups, hits, failures } satisfies ReaderReport);
