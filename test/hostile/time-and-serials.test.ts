/** Class 15: numbers that go round or grow past 31, 32 and 48 bits. */
import { describe, expect, test } from "vitest";
import { openSigned } from "../../src/answer/gate.ts";
import { Limits } from "../../src/base/limits.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { createTableMemory } from "../../src/table/table-memory.ts";
import { TableWriter } from "../../src/table/table-writer.ts";
import { readUpdate } from "../../src/update/read-update.ts";
import { createUpdateEngine } from "../../src/update/update-engine.ts";
import { Class, Rcode, TsigError, Type } from "../../src/wire/code-points.ts";
import { makeQuery, readMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { findTsig, verifyTsig } from "../../src/wire/tsig.ts";
import { isSerialAfter } from "../../src/zone/serial.ts";
import { FUZZ_KEY, ORIGIN as FUZZ_ORIGIN } from "../fuzz/hostile-zone.ts";
import { sign, updateMessage, write } from "../fuzz/seed-messages.ts";
import { clientOf, startAnswering } from "../scenarios/scenario-server.ts";
import { listLogger } from "../update/fakes.ts";
import { add, exampleZone, OPERATOR, ORIGIN, request, soa } from "../update/zone-fixtures.ts";

const HALF = 2 ** 31;
const WHOLE = 2 ** 32;
const EPOCH_48 = 2 ** 48;

/** Seconds: before and after 2038, 2106, far beyond, and the last a TSIG can say with its fudge. */
const TIMES = [
  0,
  HALF - 1,
  HALF,
  WHOLE - 1,
  WHOLE,
  WHOLE + HALF,
  253_402_300_799,
  EPOCH_48 - 1 - Limits.tsigFudge,
  EPOCH_48 - 1,
];

async function startEngine(serial: number, nowMs = 1_700_000_000_000) {
  const log = listLogger();
  const store = new MemoryStore();
  const writer = new TableWriter(createTableMemory(1024 * 1024));
  const clock = { nowMs: () => nowMs, monotonicMs: () => 0 };
  const engine = createUpdateEngine({ store, writer, clock, log });
  await engine.start();
  const intent = { origin: ORIGIN, principal: OPERATOR, door: "cli", address: "" } as const;
  await engine.createZone(intent, exampleZone(serial));
  return { engine, log };
}

describe("serials", () => {
  test.each([0, 1, HALF - 2, HALF - 1, HALF, HALF + 1, WHOLE - 2, WHOLE - 1])(
    "a zone at %i steps on by one, three times, and its journal says so",
    async (serial) => {
      const { engine } = await startEngine(serial);
      for (const last of [1, 2, 3]) {
        const verdict = await engine.submit(request([add("new", 60, "A", `192.0.2.${last}`)]));
        expect(verdict).toMatchObject({ status: "applied", serial: (serial + last) % WHOLE });
      }
      const entries = await engine.readJournal(ORIGIN, { afterSequence: 1, limit: 10 });
      expect(entries.map(({ fromSerial, toSerial }) => [fromSerial, toSerial])).toEqual(
        [0, 1, 2].map((step) => [(serial + step) % WHOLE, (serial + step + 1) % WHOLE]),
      );
      expect(entries.every((each) => isSerialAfter(each.toSerial, each.fromSerial))).toBe(true);
    },
  );

  test.each([
    [0, HALF - 1, true],
    [0, HALF, false],
    [0, WHOLE - 1, false],
    [HALF - 1, WHOLE - 2, true],
    [HALF, 0, false],
    [HALF + 1, 0, true],
    [WHOLE - 1, 0, true],
    [WHOLE - 1, HALF - 2, true],
    [WHOLE - 1, HALF - 1, false],
    [5, 5, false],
  ])("an update at %i that sets %i: later is %s", async (serial, wanted, isLater) => {
    const { engine } = await startEngine(serial);
    const rdata = soa(wanted).rdatas[0] as Uint8Array;
    const operation = { kind: "add", owner: ORIGIN, rrtype: Type.SOA, ttl: 3600, rdata } as const;
    const verdict = await engine.submit(request([operation]));
    if (isLater) expect(verdict).toMatchObject({ status: "applied", serial: wanted });
    else expect(verdict).toMatchObject({ status: "unchanged", serial });
    expect(engine.version(ORIGIN)?.serial).toBe(isLater ? wanted : serial);
  });
});

describe("clocks", () => {
  test.each(TIMES)("at %i seconds an update is kept with its time", async (seconds) => {
    const nowMs = Math.min(seconds * 1000 + 999, Number.MAX_SAFE_INTEGER);
    const { engine, log } = await startEngine(1, nowMs);
    const verdict = await engine.submit(request([add("new", 60, "A", "192.0.2.9")]));
    expect(verdict.status).toBe("applied");
    const [entry] = await engine.readJournal(ORIGIN, { afterSequence: 1, limit: 1 });
    expect(entry?.timeMs).toBe(nowMs);
    expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  test.each(TIMES)("at %i seconds a TSIG is good within its fudge and no further", (seconds) => {
    const message = sign(write(makeQuery({ id: 7, name: FUZZ_ORIGIN, qtype: Type.SOA })), seconds);
    const open = (now: number) => openSigned(message, message.length, () => FUZZ_KEY, now);
    for (const off of [0, 1, Limits.tsigFudge, -1, -Limits.tsigFudge]) {
      expect(open(seconds + off), `off by ${off}`).toMatchObject({ kind: "open", tsig: {} });
    }
    for (const off of [Limits.tsigFudge + 1, -Limits.tsigFudge - 1, HALF, WHOLE, -WHOLE]) {
      expect(open(seconds + off).kind, `off by ${off}`).toBe("reply");
    }
  });

  test("the answer to a wrong time tells all 48 bits of ours", () => {
    const ours = WHOLE * 5 + 17;
    const message = sign(write(makeQuery({ id: 7, name: FUZZ_ORIGIN, qtype: Type.SOA })), 17);
    const opened = openSigned(message, message.length, () => FUZZ_KEY, ours);
    if (opened.kind !== "reply") throw new Error(`it is ${opened.kind}`);
    const search = findTsig(opened.bytes);
    const asked = findTsig(message);
    if (search.status !== "found" || asked.status !== "found") throw new Error("there is no TSIG");
    const { tsig } = search;
    expect(readMessage(opened.bytes.slice()).rcode).toBe(Rcode.notAuth);
    expect(tsig).toMatchObject({ error: TsigError.badTime, timeSigned: 17 });
    expect(Buffer.from(tsig.otherData).readUIntBE(0, 6)).toBe(ours);
    const check = { message: opened.bytes, tsig, key: FUZZ_KEY, nowSeconds: 17 };
    expect(verifyTsig({ ...check, requestMac: asked.tsig.mac }).status).toBe("ok");
  });
});

describe("TTLs", () => {
  const owner = parseName("ttl", FUZZ_ORIGIN);

  test.each([
    [0, 0],
    [1, 1],
    [HALF - 1, HALF - 1],
    [HALF, 0],
    [WHOLE - 1, 0],
  ])("%i in an update is %i in the zone (RFC 2181 §8)", (ttl, kept) => {
    const rdata = Uint8Array.of(192, 0, 2, 1);
    const read = readUpdate(
      updateMessage([{ owner, rrtype: Type.A, class: Class.in, ttl, rdata }]),
    );
    expect(read).toMatchObject({ status: "read", operations: [{ kind: "add", ttl: kept }] });
  });

  test.each([
    [3600, 300, 300],
    [60, 4_294_967_295, 60],
    [2_147_483_647, 4_294_967_295, 2_147_483_647],
    [2_147_483_647, 2_147_483_648, 2_147_483_647],
    [0, 300, 0],
  ])(
    "an SOA of TTL %i and MINIMUM %i denies for %i seconds (RFC 2308 §5)",
    (ttl, minimum, told) => {
      const text = `@ ${ttl} SOA ns host 1 3600 600 86400 ${minimum}\n@ 60 NS ns\nns 60 A 192.0.2.1\n`;
      const { answer } = startAnswering([{ origin: FUZZ_ORIGIN, text }]);
      const query = write(makeQuery({ id: 7, name: parseName("no", FUZZ_ORIGIN), qtype: Type.A }));
      const response = new Uint8Array(512);
      const length = answer(query, query.length, clientOf("udp"), response);
      const { rcode, authorities } = readMessage(response.slice(0, length));
      expect([rcode, authorities[0]?.rrtype, authorities[0]?.ttl]).toEqual([
        Rcode.nxDomain,
        Type.SOA,
        told,
      ]);
    },
  );
});
