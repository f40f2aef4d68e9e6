/** Readers in other threads while the writer changes, grows, swaps and reuses everything. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReaderReport, ReaderTask } from "../../test/table/reader-worker.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { parseName } from "../wire/name.ts";
import { parseRdata } from "../wire/rdata.ts";
import type { RRsetChange } from "../zone/changeset.ts";
import { makeRRset, type RRset } from "../zone/rrset.ts";
import { createTableMemory } from "./table-memory.ts";
import { TableWriter } from "./table-writer.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const ORIGIN = parseName("example.com.");
const SOA = 6;
const NS = 2;
const RRTYPE = 65_280;
const HOSTS = 400;
const PUBLISHES = 12_000;
const READERS = 3;

let built = "";

beforeAll(() => {
  // Threads of Node 20 run no TypeScript: what the worker needs is compiled aside.
  built = mkdtempSync(path.join(tmpdir(), "windhover-table-"));
  const config = {
    extends: path.join(ROOT, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      allowImportingTsExtensions: false,
      rootDir: ROOT,
      outDir: built,
      typeRoots: [path.join(ROOT, "node_modules/@types")],
    },
    files: [path.join(ROOT, "test/table/reader-worker.ts")],
    include: [],
  };
  writeFileSync(path.join(built, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(path.join(built, "package.json"), JSON.stringify({ type: "module" }));
  const compiler = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = path.join(path.dirname(compiler), "bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", built], { stdio: "pipe" });
});

afterAll(() => {
  rmSync(built, { recursive: true, force: true });
});

function startReader(task: ReaderTask): Worker {
  return new Worker(path.join(built, "test/table/reader-worker.js"), { workerData: task });
}

function soa(serial: number): RRset {
  const tokens = `ns1 admin ${serial} 3600 600 86400 60`.split(" ");
  const rdata = parseRdata(
    SOA,
    tokens.map((text) => ({ text, quoted: false })),
    ORIGIN,
  );
  return makeRRset(ORIGIN, SOA, 60, [rdata]);
}

/** RRs that say which host and version they are, in as many octets and RRs as the version decides, summed. */
function hostRRset(host: number, version: number): RRset {
  const rdatas = Array.from({ length: 1 + (version % 3) }, (_, at) => {
    const rdata = Buffer.alloc(12 + ((version * 13 + at) % 90), version + at);
    rdata.writeUInt32BE(host, 0);
    rdata.writeUInt32BE(version, 4);
    rdata.writeUInt16BE(at, 8);
    rdata[rdata.length - 1] = rdata.subarray(0, -1).reduce((sum, octet) => sum + octet, 0);
    return new Uint8Array(rdata);
  });
  return makeRRset(parseName(`h${host}.d${host % 7}.example.com.`), RRTYPE, version, rdatas);
}

const set = (rrset: RRset): RRsetChange => ({ owner: rrset.owner, rrtype: rrset.rrtype, rrset });

/** A full table empties as readers pass: tries again, a bounded number of times. */
function whenThereIsRoom(step: () => void): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; ; attempt++) {
    try {
      step();
      return;
    } catch (error) {
      const isFull = error instanceof WindhoverError && error.code === ErrorCode.tableFull;
      if (!isFull || attempt > 5_000) throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** One step of the churn; its number decides everything. */
function churn(writer: TableWriter, cells: Int32Array, version: number): void {
  const host = (version * 31) % HOSTS;
  const odd = ((version * 17) % HOSTS) | 1;
  const changes = [set(hostRRset(host, version)), set(soa(version))];
  if (odd !== host) {
    const owner = parseName(`h${odd}.d${odd % 7}.example.com.`);
    changes.push({ owner, rrtype: RRTYPE, rrset: undefined });
  }
  if (version % 50 === 0) {
    const cut = makeRRset(parseName(`d${version % 7}.example.com.`), NS, 1, [parseName("ns.")]);
    changes.push(version % 100 === 0 ? set(cut) : { ...set(cut), rrset: undefined });
  }
  whenThereIsRoom(() => writer.publish(ORIGIN, changes));
  Atomics.store(cells, 1 + host, version);
  if (version % 2000 === 0) whenThereIsRoom(() => reload(writer, version));
}

/** The zone again from its own view, the new one in the place of the old. */
function reload(writer: TableWriter, version: number): void {
  const loader = writer.beginZone(ORIGIN);
  try {
    const view = writer.view(ORIGIN)!;
    for (const owner of view.owners()) for (const rrset of view.rrsets(owner)) loader.add(rrset);
    // Room for more names makes the index grow under the readers.
    for (let extra = 0; extra < version / 20; extra++) {
      loader.add(makeRRset(parseName(`x${extra}.example.com.`), RRTYPE, 1, [new Uint8Array(4)]));
    }
    loader.publish();
  } catch (error) {
    loader.abort();
    throw error;
  }
}

describe("readers in other threads", () => {
  it("see only whole and fresh RRsets while everything changes", { timeout: 120_000 }, async () => {
    const memory = createTableMemory(2 * 1024 * 1024);
    const writer = new TableWriter(memory);
    const control = new SharedArrayBuffer(4 * (HOSTS + 1));
    const cells = new Int32Array(control);
    const loader = writer.beginZone(ORIGIN);
    loader.add(soa(0));
    loader.publish();
    const workers = Array.from({ length: READERS }, (_, at) =>
      startReader({ table: memory.buffer, control, slot: at + 1, hosts: HOSTS, rrtype: RRTYPE }),
    );
    await Promise.all(workers.map((worker) => once(worker, "message")));
    const reports = workers.map((worker) => once(worker, "message"));
    try {
      for (let version = 1; version <= PUBLISHES; version++) churn(writer, cells, version);
    } finally {
      Atomics.store(cells, 0, 1);
    }
    for (const [report] of await Promise.all(reports)) {
      const { failures, lookups, hits } = report as ReaderReport;
      expect(failures).toEqual([]);
      expect(lookups).toBeGreaterThan(HOSTS);
      expect(hits).toBeGreaterThan(0);
    }
    writer.reclaim();
    expect(writer.usage().bytesRetired).toBe(0);
  });
});
