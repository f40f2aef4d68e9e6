/** What is lost, what only looks so, and what comes back. */
import { describe, expect, test } from "vitest";
import { journalEntry } from "../../test/store/zone-samples.ts";
import { listLogger } from "../../test/update/fakes.ts";
import {
  at,
  contentText,
  exampleZone,
  OPERATOR,
  ORIGIN,
  rrset,
  soa,
  ZONE_OWNER,
} from "../../test/update/zone-fixtures.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { Overlay } from "../zone/overlay.ts";
import type { RRset } from "../zone/rrset.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import {
  type Different,
  joinParts,
  type LostPart,
  type LostRRset,
  withoutNewer,
  writeRecovery,
  ZoneComparison,
} from "./lost-changes.ts";
import { lostId, readLost, writeLost } from "./lost-document.ts";
import { LostLedger } from "./lost-ledger.ts";

const A = 1;
const one = rrset("host", 60, "A", "192.0.2.1");
const two = rrset("host", 60, "A", "192.0.2.2");
const other = rrset("other", 60, "A", "192.0.2.9");

function different(shown: RRset | undefined, stored: RRset | undefined): Different {
  const { owner, rrtype } = (shown ?? stored) as RRset;
  return { owner, rrtype, shown, stored };
}

function lost(
  shown: RRset | undefined,
  stored: RRset | undefined,
  isChangedSince = false,
): LostRRset {
  return { ...different(shown, stored), isChangedSince };
}

function part(
  sequence: number,
  rrsets: readonly LostRRset[],
  more: Partial<LostPart> = {},
): LostPart {
  const shown = { serial: sequence, sequence, mark: 1_000 + sequence };
  const stored = { serial: 3, sequence: 3 };
  return { origin: ORIGIN, shown, stored, timeMs: 5, marks: [], rrsets, dropped: 0, ...more };
}

describe("a zone beside the one in the store", () => {
  test("differs by RRsets changed, missing and extra, the SOA aside", () => {
    const comparison = new ZoneComparison(new ZoneMap(ORIGIN, [...exampleZone(5), one]));
    comparison.add([...exampleZone(3), two, other].slice(0, 4));
    comparison.add([...exampleZone(3), two, other].slice(4, -1).slice(1));
    comparison.add([other]);
    const missing = exampleZone(5)[4] as RRset;
    expect(comparison.finish()).toEqual([
      different(one, two),
      different(undefined, other),
      different(missing, undefined),
    ]);
    expect(comparison.dropped).toBe(0);
  });

  test("is kept up to a bound", () => {
    const names = (count: number) =>
      Array.from({ length: count }, (_, n) => rrset(`n${n}`, 60, "A", "192.0.2.1"));
    for (const extra of [0, 1]) {
      const comparison = new ZoneComparison(new ZoneMap(ORIGIN, [soa(1)]));
      comparison.add([soa(1), ...names(Limits.lostRRsets + extra)]);
      expect(comparison.finish()).toHaveLength(Limits.lostRRsets);
      expect(comparison.dropped).toBe(extra);
    }
  });
});

describe("of what is different", () => {
  const entry = journalEntry(ORIGIN, 4, 3, { removed: [one], added: [two, other] });

  test("all is lost when the store only fell back", () => {
    const all = [different(one, undefined), different(undefined, two)];
    expect(withoutNewer(ORIGIN, all, [])).toEqual(all.map((each) => lost(each.shown, each.stored)));
  });

  test("what newer entries alone have made is not lost", () => {
    const all = [different(one, two), different(undefined, other)];
    expect(withoutNewer(ORIGIN, all, [entry])).toEqual([]);
  });

  test("what was changed on both sides is lost, and changed since", () => {
    const ours = rrset("host", 60, "A", "192.0.2.3");
    expect(withoutNewer(ORIGIN, [different(ours, two)], [entry])).toEqual([lost(ours, two, true)]);
  });

  test("what newer entries do not fit counts as changed since", () => {
    const odd = rrset("host", 61, "A", "192.0.2.7");
    expect(withoutNewer(ORIGIN, [different(one, odd)], [entry])).toEqual([lost(one, odd, true)]);
  });
});

describe("parts of several nodes", () => {
  test("are one: per RRset what was shown last", () => {
    const older = part(7, [lost(one, undefined), lost(other, undefined)]);
    const newer = part(9, [lost(two, undefined)]);
    for (const parts of [
      [older, newer],
      [newer, older],
    ]) {
      expect(joinParts(parts)).toEqual([lost(two, undefined), lost(other, undefined)]);
    }
  });

  test("leave out a node that was behind on the same way", () => {
    const behind = part(7, [lost(one, undefined), lost(other, undefined)]);
    const ahead = part(9, [lost(two, undefined)], { marks: [1_006, 1_007, 1_008] });
    expect(joinParts([behind, ahead])).toEqual([lost(two, undefined)]);
    const made = part(1, [lost(other, undefined)], { shown: { serial: 1, sequence: 1 } });
    expect(joinParts([made, { ...ahead, marks: [0] }])).toEqual([lost(two, undefined)]);
  });
});

describe("a recovery", () => {
  const zone = () => new Overlay(new ZoneMap(ORIGIN, [...exampleZone(5), two]));

  test("writes what is as it was stored then, and nothing else", () => {
    const overlay = zone();
    const home = rrset("home", 60, "A", "192.0.2.1", "192.0.2.2");
    const all = [
      lost(one, two),
      lost(rrset("home", 60, "A", "192.0.2.77"), rrset("home", 60, "A", "192.0.2.78")),
      lost(other, undefined, true),
      lost(undefined, rrset("alias", 300, "CNAME", "home")),
      { ...lost(undefined, other), owner: at("no"), rrtype: A },
    ];
    expect(writeRecovery(overlay, OPERATOR, all)).toBeUndefined();
    expect(overlay.rrset(at("host"), A)).toEqual(one);
    expect(overlay.rrset(at("home"), A)).toEqual(home);
    expect(overlay.rrset(at("other"), A)).toBeUndefined();
    expect(overlay.rrset(at("alias"), 5)).toBeUndefined();
  });

  test("is for operators", () => {
    const overlay = zone();
    expect(writeRecovery(overlay, ZONE_OWNER, [lost(one, two)])).toMatchObject({
      reason: "no-grant",
    });
    expect(contentText(overlay)).toEqual(contentText(zone()));
  });
});

describe("the document", () => {
  const kept = part(9, [lost(one, two, true), lost(undefined, other), lost(other, undefined)], {
    marks: [1, Number.MAX_SAFE_INTEGER],
    dropped: 4,
  });

  test("comes back as it was", () => {
    expect(readLost({ id: lostId(kept), json: writeLost(kept) })).toEqual(kept);
    const made = part(1, [], { shown: { serial: 1, sequence: 1 } });
    expect(lostId(made)).toBe("dyn.example.com. 1 0");
  });

  test.each([
    ["no JSON", "{"],
    ["another shape", '{"version":2}'],
    ["an RRset that is none", writeLost(kept).replace(/"rrsets":\[\["/, '"rrsets":[["AA')],
  ])("that is %s is told by name and left as it is", async (_, json) => {
    const store = new MemoryStore();
    await store.writeDocument("lost", "odd", json);
    await store.writeDocument("lost", lostId(kept), writeLost(kept));
    const log = listLogger();
    const ledger = new LostLedger(store, log);
    await ledger.read();
    expect(ledger.parts()).toEqual([kept]);
    expect(log.lines).toMatchObject([{ level: "warn", message: /left as it is/ }]);
    expect(await store.readDocuments("lost")).toHaveLength(2);
  });
});

describe("the ledger", () => {
  const kept = part(9, [lost(one, two)]);

  test("keeps in memory what cannot be written, and writes it when it can", async () => {
    const store = new MemoryStore();
    const log = listLogger();
    const ledger = new LostLedger(store, log);
    const write = store.writeDocument.bind(store);
    store.writeDocument = async () => {
      throw new WindhoverError(ErrorCode.storeUnavailable, "connection lost");
    };
    await ledger.keep(kept);
    expect(ledger.parts(ORIGIN)).toEqual([kept]);
    expect(log.lines).toMatchObject([
      { fields: { zones: "dyn.example.com.", error: "connection lost" } },
    ]);
    await ledger.refresh();
    expect(log.lines).toHaveLength(2);
    expect(ledger.parts(ORIGIN)).toEqual([kept]);
    store.writeDocument = write;
    await ledger.refresh();
    expect(await store.readDocuments("lost")).toHaveLength(1);
    expect(ledger.parts(at("other.org."))).toEqual([]);
    await ledger.drop(ledger.parts(ORIGIN));
    expect(await store.readDocuments("lost")).toEqual([]);
    expect(ledger.parts()).toEqual([]);
  });
});
