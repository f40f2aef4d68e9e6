/** What stores lost, while no store takes it: kept in memory up to a bound, and the rest told. */
import { describe, expect, test } from "vitest";
import { listLogger } from "../../test/update/fakes.ts";
import { at, ORIGIN, rrset } from "../../test/update/zone-fixtures.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { Type } from "../wire/code-points.ts";
import type { LostPart, LostRRset } from "./lost-changes.ts";
import { LostLedger } from "./lost-ledger.ts";

const ONE: LostRRset = {
  owner: at("host"),
  rrtype: Type.A,
  shown: rrset("host", 60, "A", "192.0.2.1"),
  stored: undefined,
  isChangedSince: false,
};

/** What was lost of the version with this sequence. */
function part(sequence: number, count: number): LostPart {
  const shown = { serial: sequence, sequence };
  const stored = { serial: 1, sequence: 1 };
  const rrsets = Array.from({ length: count }, () => ONE);
  return { origin: ORIGIN, shown, stored, timeMs: 0, marks: [], rrsets, dropped: 0 };
}

/** A ledger on a store that takes no documents until it is told to. */
function ledger() {
  const store = new MemoryStore();
  const writeDocument = store.writeDocument.bind(store);
  store.writeDocument = async () => {
    throw new WindhoverError(ErrorCode.storeUnavailable, "out of memory");
  };
  const log = listLogger();
  const mend = () => {
    store.writeDocument = writeDocument;
  };
  const given = () =>
    log.lines
      .filter(({ level }) => level === "error")
      .map(({ fields, message }) => ({ fields, message }));
  return { lost: new LostLedger(store, log), store, mend, given };
}

const sizes = (lost: LostLedger) =>
  lost.parts().map(({ rrsets, dropped }) => [rrsets.length, dropped]);

describe("what the store does not take", () => {
  test("waits in memory, as much as may, and is written when it takes it again", async () => {
    const { lost, store, mend, given } = ledger();
    await lost.keep(part(2, Limits.lostInMemory - 1));
    await lost.keep(part(3, 1));
    expect(sizes(lost)).toEqual([
      [Limits.lostInMemory - 1, 0],
      [1, 0],
    ]);
    expect(given()).toEqual([]);
    mend();
    await lost.drop([part(2, 0)]);
    await lost.read();
    expect(await store.readDocuments("lost")).toHaveLength(1);
    await lost.keep(part(4, 5));
    expect(given()).toEqual([]);
  });

  test("is cut off past that, and told", async () => {
    const { lost, given } = ledger();
    await lost.keep(part(2, Limits.lostInMemory - 1));
    await lost.keep(part(3, 2));
    expect(sizes(lost)).toEqual([
      [Limits.lostInMemory - 1, 0],
      [1, 1],
    ]);
    expect(given()).toMatchObject([
      { fields: { zone: "dyn.example.com.", serial: 3, kept: 1, dropped: 1 } },
    ]);
    expect(given()[0]?.message).toContain("given up");
  });

  test("is given up where nothing more may wait, a part without RRsets too, and told", async () => {
    const { lost, given } = ledger();
    await lost.keep(part(2, Limits.lostInMemory));
    await lost.keep({ ...part(3, 4), dropped: 3 });
    await lost.keep({ ...part(4, 0), dropped: 9 });
    expect(sizes(lost)).toEqual([[Limits.lostInMemory, 0]]);
    expect(given()).toMatchObject([
      { fields: { serial: 3, kept: 0, dropped: 7 } },
      { fields: { serial: 4, kept: 0, dropped: 9 } },
    ]);
  });

  test("takes the place of what is known of the same version", async () => {
    const { lost, given } = ledger();
    await lost.keep(part(2, Limits.lostInMemory));
    await lost.keep(part(2, Limits.lostInMemory));
    expect(sizes(lost)).toEqual([[Limits.lostInMemory, 0]]);
    expect(given()).toEqual([]);
  });
});
