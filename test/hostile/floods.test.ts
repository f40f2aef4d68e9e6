/** Class 7: floods and growth. Each bound is one that many small steps could pass; each is looked at after them. */
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { Limits } from "../../src/base/limits.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { createTableMemory } from "../../src/table/table-memory.ts";
import { TableWriter } from "../../src/table/table-writer.ts";
import { readUpdate } from "../../src/update/read-update.ts";
import { createUpdateEngine, type ZoneEngine } from "../../src/update/update-engine.ts";
import type { UpdateOperation, Verdict } from "../../src/update/update-request.ts";
import { Class, Opcode, Rcode, Type } from "../../src/wire/code-points.ts";
import { makeQuery } from "../../src/wire/message.ts";
import { countReads } from "../fuzz/counted-octets.ts";
import { setU16 } from "../fuzz/packet-layout.ts";
import { write } from "../fuzz/seed-messages.ts";
import { listLogger, standingClock } from "../update/fakes.ts";
import { at, deleteName, exampleZone, OPERATOR, ORIGIN, request } from "../update/zone-fixtures.ts";

const WAVE = 1_000;

async function startEngine() {
  const store = new MemoryStore();
  const writer = new TableWriter(createTableMemory(64 * 1024 * 1024));
  const engine = createUpdateEngine({ store, writer, clock: standingClock, log: listLogger() });
  await engine.start();
  await engine.createZone(
    { origin: ORIGIN, principal: OPERATOR, door: "cli", address: "" },
    exampleZone(),
  );
  return { engine, writer, store };
}

function add(owner: string, rrtype: number, rdata: Uint8Array): UpdateOperation {
  return { kind: "add", owner: at(owner), rrtype, ttl: 60, rdata };
}

/** A wave as large as may wait, and the next when it has its verdicts, which come back in order. */
async function flood(
  engine: ZoneEngine,
  updates: readonly (readonly UpdateOperation[])[],
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (let at = 0; at < updates.length; at += WAVE) {
    const wave = updates
      .slice(at, at + WAVE)
      .map((operations) => engine.submit(request(operations)));
    verdicts.push(...(await Promise.all(wave)));
  }
  return verdicts;
}

function addressNumber(number: number): Uint8Array {
  return Uint8Array.of(10, number >> 16, (number >> 8) & 0xff, number & 0xff);
}

const byLimit = expect.objectContaining({
  status: "refused",
  rcode: Rcode.refused,
  reason: "limit",
});

describe("many small updates end at the bound of one large one", () => {
  test("RRs of an RRset", async () => {
    const { engine, writer } = await startEngine();
    const one = (number: number) => [add("big", Type.A, addressNumber(number))];
    const filled = await flood(
      engine,
      Array.from({ length: Limits.rrsetRecords }, (_, n) => one(n)),
    );
    expect(filled.every(({ status }) => status === "applied")).toBe(true);
    const more = await flood(engine, [one(Limits.rrsetRecords), one(Limits.rrsetRecords + 1)]);
    expect(more).toEqual([byLimit, byLimit]);
    expect(writer.view(ORIGIN)?.rrset(at("big"), Type.A)?.rdatas.length).toBe(Limits.rrsetRecords);
  });

  test("octets of an RRset", async () => {
    const { engine, writer } = await startEngine();
    const one = (number: number) => {
      const string = Buffer.alloc(255, number);
      return [
        add("big", Type.TXT, concatBytes([Uint8Array.of(255), string, Uint8Array.of(1, number)])),
      ];
    };
    const verdicts = await flood(
      engine,
      Array.from({ length: 256 }, (_, number) => one(number)),
    );
    const applied = verdicts.filter(({ status }) => status === "applied").length;
    expect(applied).toBe(Math.floor(Limits.rrsetBytes / (2 + 258)));
    expect(verdicts.slice(applied)).toEqual(verdicts.slice(applied).map(() => byLimit));
    expect(writer.view(ORIGIN)?.rrset(at("big"), Type.TXT)?.rdatas.length).toBe(applied);
  });

  test("RRsets of a name", async () => {
    const { engine, writer } = await startEngine();
    const one = (number: number) => [add("many", 65_280 + number, Uint8Array.of(1))];
    const verdicts = await flood(
      engine,
      Array.from({ length: Limits.nameRRsets + 3 }, (_, n) => one(n)),
    );
    expect(verdicts.filter(({ status }) => status === "applied").length).toBe(Limits.nameRRsets);
    expect(verdicts.slice(Limits.nameRRsets)).toEqual([byLimit, byLimit, byLimit]);
    expect(writer.view(ORIGIN)?.rrsets(at("many")).length).toBe(Limits.nameRRsets);
  });
});

describe("what comes and goes leaves nothing behind", () => {
  test("in the table: one address replaced ten thousand times takes the room of one", async () => {
    const { engine, writer } = await startEngine();
    const replace = (number: number): UpdateOperation[] => [
      deleteName("host"),
      add("host", Type.A, addressNumber(number)),
    ];
    const used = () => writer.usage().bytesUsed + writer.usage().bytesRetired;
    await flood(
      engine,
      Array.from({ length: 2_000 }, (_, number) => replace(number)),
    );
    const before = used();
    for (let round = 1; round <= 8; round++) {
      await flood(
        engine,
        Array.from({ length: 1_000 }, (_, n) => replace(round * 10_000 + n)),
      );
    }
    expect(used()).toBeLessThan(before + 64 * 1024);
  });

  test("in the table: twenty thousand names that came and went", async () => {
    const { engine, writer } = await startEngine();
    const names = writer.usage().names;
    const round = async (first: number) => {
      const owners = Array.from({ length: 2_000 }, (_, n) => `n${first + n}`);
      await flood(
        engine,
        owners.map((owner) => [add(owner, Type.A, addressNumber(1))]),
      );
      await flood(
        engine,
        owners.map((owner) => [deleteName(owner)]),
      );
    };
    await round(0);
    const before = writer.usage().bytesUsed;
    for (let first = 2_000; first < 20_000; first += 2_000) await round(first);
    expect(writer.usage().names).toBe(names);
    expect(writer.usage().bytesUsed).toBeLessThan(before + 256 * 1024);
  });
});

describe("an update larger than its bound", () => {
  test("is refused by its counts, before any of its records is read", () => {
    const record = Uint8Array.of(0xc0, 12, 0, Type.A, 0, Class.in, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1);
    const head = write({
      ...makeQuery({ id: 1, name: ORIGIN, qtype: Type.SOA }),
      opcode: Opcode.update,
    });
    const count = Math.floor((Limits.messageLength - head.length) / record.length);
    expect(count).toBeLessThan(Limits.updateRecords);
    // What 64 KiB holds is below the bound; the bound is for who writes shorter records, and for liars.
    for (const [answers, authorities] of [
      [0, Limits.updateRecords + 1],
      [0xffff, 0xffff],
      [5_001, 0],
    ] as const) {
      const message = concatBytes([head, ...Array.from({ length: count }, () => record)]);
      setU16(message, 6, answers);
      setU16(message, 8, authorities);
      const { octets, reads } = countReads(message);
      expect(readUpdate(octets, message.length)).toMatchObject({
        rcode: Rcode.refused,
        reason: "limit",
      });
      expect(reads()).toBeLessThan(100);
    }
  });

  test("and what fits a message is read in steps in proportion to it", () => {
    const record = Uint8Array.of(0, 0, Type.ANY, 0, Class.any, 0, 0, 0, 0, 0, 0);
    const head = write({
      ...makeQuery({ id: 1, name: ORIGIN, qtype: Type.SOA }),
      opcode: Opcode.update,
    });
    const message = concatBytes([
      head,
      ...Array.from({ length: Limits.updateRecords }, () => record),
    ]);
    setU16(message, 8, Limits.updateRecords);
    const { octets, reads } = countReads(message);
    expect(readUpdate(octets, message.length)).toMatchObject({ status: "read" });
    expect(reads()).toBeLessThan(4 * message.length);
  });
});
