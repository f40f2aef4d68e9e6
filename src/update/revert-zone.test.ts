import { describe, expect, test } from "vitest";
import { until } from "../../test/update/fakes.ts";
import { type HistoryServer, historyServer, OPERATORS } from "../../test/update/history-server.ts";
import {
  add,
  at,
  contentText,
  deleteName,
  deleteRR,
  deleteRRset,
  exampleZone,
  ORIGIN,
  replace,
  request,
  rrset,
  rrsetsText,
  soa,
  ZONE_OWNER,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../base/errors.ts";
import { createMemoryState } from "../store/memory-store.ts";
import type { JournalEntry } from "../store/store.ts";
import { Type } from "../wire/code-points.ts";
import { Overlay } from "../zone/overlay.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import { draftRevert } from "./revert-zone.ts";

async function undo(server: HistoryServer, sequence: number, isForced = false, isDryRun = false) {
  const entry = await server.engine.history.change(ORIGIN, sequence);
  return server.engine.revertZone(OPERATORS, { kind: "change", entry, isForced }, isDryRun);
}

async function goBack(server: HistoryServer, point: string, owners?: string[], isDryRun = false) {
  const version = await server.engine.history.point(ORIGIN, point);
  const names = owners && { owners: owners.map(at) };
  return server.engine.revertZone(OPERATORS, { kind: "to", version, ...names }, isDryRun);
}

const now = (server: HistoryServer) => contentText(server.engine.view(ORIGIN)!);
const serial = (server: HistoryServer) => server.engine.version(ORIGIN)?.serial;
const EXAMPLE = contentText(new ZoneMap(ORIGIN, exampleZone()));

describe("a zone put back", () => {
  test("is what it was, with a serial and an entry of its own", async () => {
    const server = await historyServer();
    await server.update(replace("home", 60, "A", "192.0.2.9"), deleteName("alias"));
    await server.update(add("www", 60, "A", "192.0.2.80"));
    const { verdict, removed, added } = await goBack(server, "#1");
    expect(verdict).toEqual({ status: "applied", serial: 4, sequence: 4 });
    expect(now(server)).toEqual(EXAMPLE);
    expect(server.engine.view(ORIGIN)?.rrset(ORIGIN, Type.SOA)).toEqual(soa(4));
    const gone = [rrset("home", 60, "A", "192.0.2.9"), rrset("www", 60, "A", "192.0.2.80")];
    expect(rrsetsText(removed)).toEqual(rrsetsText(gone));
    const [entry] = await server.engine.readJournal(ORIGIN, { afterSequence: 3, limit: 1 });
    expect(entry).toMatchObject({ fromSerial: 3, toSerial: 4, actor: "local" });
    expect(entry?.door).toBe("cli (revert to #1)");
    expect(rrsetsText(entry?.added ?? [])).toEqual(rrsetsText([...added, soa(4)]));
  });

  test("can be put forward again", async () => {
    const server = await historyServer();
    await server.update(deleteName("home"));
    const before = now(server);
    await goBack(server, "#1");
    await goBack(server, "#2");
    expect(now(server)).toEqual(before);
    expect(serial(server)).toBe(4);
  });

  test("takes the other fields of the SOA with it, never its serial", async () => {
    const server = await historyServer();
    await server.update(replace("@", 60, "SOA", "ns2 admin 70 1 2 3 4"));
    expect((await goBack(server, "1")).verdict).toMatchObject({ status: "applied", serial: 71 });
    expect(server.engine.view(ORIGIN)?.rrset(ORIGIN, Type.SOA)).toEqual(soa(71));
  });

  test("as it is already makes no change", async () => {
    const server = await historyServer();
    await server.update(add("www", 60, "A", "192.0.2.80"));
    await server.update(deleteName("www"));
    const done = await goBack(server, "#1");
    expect(done).toEqual({ verdict: { status: "unchanged", serial: 3 }, removed: [], added: [] });
    expect(await goBack(server, "now")).toEqual(done);
  });

  test("by some names leaves the others", async () => {
    const server = await historyServer();
    await server.update(replace("home", 60, "A", "192.0.2.9"), deleteName("alias"));
    await server.update(add("www", 60, "A", "192.0.2.80"), deleteRRset("home", "AAAA"));
    const { removed, added } = await goBack(server, "#1", ["home", "nobody"]);
    expect(rrsetsText(removed)).toEqual(rrsetsText([rrset("home", 60, "A", "192.0.2.9")]));
    expect(rrsetsText(added)).toEqual(
      rrsetsText([exampleZone()[3]!, rrset("home", 60, "AAAA", "2001:db8::1")]),
    );
    expect(server.engine.view(ORIGIN)?.rrsets(at("alias"))).toEqual([]);
    expect(server.engine.view(ORIGIN)?.rrsets(at("www"))).toHaveLength(1);
  });

  test("is still checked: what cannot stand beside what is there now is refused", async () => {
    const server = await historyServer();
    await server.update(add("www", 60, "CNAME", "home"));
    await server.update(deleteRRset("www", "CNAME"));
    await server.update(add("www", 60, "A", "192.0.2.80"));
    const { verdict } = await undo(server, 3);
    expect(verdict).toMatchObject({ status: "refused", reason: "bad-operation" });
    expect((await undo(server, 3, false, true)).verdict).toEqual(verdict);
    expect(serial(server)).toBe(4);
  });

  test("is for operators", async () => {
    const server = await historyServer();
    const intent = { ...OPERATORS, principal: ZONE_OWNER };
    const revert = { kind: "to", version: { serial: 1, sequence: 1 } } as const;
    await expect(server.engine.revertZone(intent, revert, true)).rejects.toMatchObject({
      code: ErrorCode.forbidden,
    });
    const elsewhere = { ...OPERATORS, origin: at("other.org.") };
    await expect(server.engine.revertZone(elsewhere, revert, false)).rejects.toMatchObject({
      code: ErrorCode.noSuchZone,
    });
    await server.engine.close();
    await expect(server.engine.revertZone(OPERATORS, revert, false)).rejects.toMatchObject({
      code: ErrorCode.shuttingDown,
    });
  });
});

describe("a dry run", () => {
  test("says what would be done and does nothing", async () => {
    const server = await historyServer();
    await server.update(replace("home", 60, "A", "192.0.2.9"));
    const before = zoneText(server.engine.view(ORIGIN)!);
    const { verdict, removed, added } = await goBack(server, "#1", undefined, true);
    expect(verdict).toEqual({ status: "unchanged", serial: 2 });
    expect(removed).toEqual([rrset("home", 60, "A", "192.0.2.9")]);
    expect(added).toEqual([exampleZone()[3]]);
    expect(zoneText(server.engine.view(ORIGIN)!)).toEqual(before);
    expect(server.store.commits).toBe(1);
  });
});

describe("one change undone", () => {
  test("leaves what came later to other RRs, of the same RRset too", async () => {
    const server = await historyServer();
    await server.update(add("home", 60, "A", "192.0.2.3"), deleteRR("home", "A", "192.0.2.1"));
    await server.update(add("home", 60, "A", "192.0.2.4"));
    await server.update(add("www", 60, "A", "192.0.2.80"));
    const { verdict } = await undo(server, 2);
    expect(verdict).toMatchObject({ status: "applied", serial: 5 });
    const addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.4"];
    const expected = rrset("home", 60, "A", ...addresses);
    expect(server.engine.view(ORIGIN)?.rrset(at("home"), Type.A)).toEqual(expected);
    expect(server.engine.view(ORIGIN)?.rrsets(at("www"))).toHaveLength(1);
  });

  test("can be undone itself", async () => {
    const server = await historyServer();
    await server.update(deleteName("home"));
    await undo(server, 2);
    expect(now(server)).toEqual(EXAMPLE);
    await undo(server, 3);
    expect(server.engine.view(ORIGIN)?.rrsets(at("home"))).toEqual([]);
  });

  test("is refused when later changes touched the same RRs, and they are named", async () => {
    const server = await historyServer();
    await server.update(replace("home", 60, "A", "192.0.2.8"));
    await server.update(add("www", 60, "A", "192.0.2.80"));
    await server.update(replace("home", 60, "A", "192.0.2.9"));
    const { verdict, removed } = await undo(server, 2);
    expect(verdict).toMatchObject({ status: "refused", reason: "prerequisite" });
    expect(verdict).toHaveProperty(
      "detail",
      "later changes touched the same records as #2: #4 (2026-01-01T00:03:00.000Z, key:test); " +
        "undo those first, or with force home.dyn.example.com. A will be as before #2",
    );
    expect(removed).toEqual([]);
    expect(serial(server)).toBe(4);
  });

  test("tells of the first few that are in the way and counts the rest", async () => {
    const server = await historyServer();
    const hosts = ["h1", "h2", "h3", "h4", "h5", "h6", "h7"];
    await server.update(...hosts.map((host) => add(host, 60, "A", "192.0.2.1")));
    for (const host of hosts) await server.update(deleteName(host));
    const { verdict } = await undo(server, 2);
    const detail = verdict.status === "refused" ? verdict.detail : "";
    expect(detail).toContain("#7 (2026-01-01T00:06:00.000Z, key:test) and 2 more; undo");
    expect(detail).toContain("h5.dyn.example.com. A and 2 more will be as before #2");
  });

  test("counts a change of TTL as one of all RRs of the RRset", async () => {
    const server = await historyServer();
    await server.update(add("home", 60, "A", "192.0.2.3"));
    await server.update(add("home", 30, "A", "192.0.2.4"));
    expect((await undo(server, 2)).verdict).toMatchObject({ status: "refused" });
  });

  test("by force makes its RRsets what they were before it, whatever came later", async () => {
    const server = await historyServer();
    await server.update(replace("home", 60, "A", "192.0.2.8"));
    await server.update(replace("home", 60, "A", "192.0.2.9"), deleteRRset("home", "AAAA"));
    const { removed, added } = await undo(server, 2, true);
    expect(removed).toEqual([rrset("home", 60, "A", "192.0.2.9")]);
    expect(added).toEqual([exampleZone()[3]]);
    expect(server.engine.view(ORIGIN)?.rrset(at("home"), Type.AAAA)).toBeUndefined();
  });

  test("of the SOA takes back its fields and not its serial", async () => {
    const server = await historyServer();
    await server.update(replace("@", 60, "SOA", "ns2 admin 70 1 2 3 4"));
    await server.update(add("www", 60, "A", "192.0.2.80"));
    expect((await undo(server, 2)).verdict).toMatchObject({ status: "applied", serial: 72 });
    expect(server.engine.view(ORIGIN)?.rrset(ORIGIN, Type.SOA)).toEqual(soa(72));
    expect((await undo(server, 2)).verdict).toMatchObject({ status: "refused" });
    await undo(server, 4, true);
    expect(server.engine.view(ORIGIN)?.rrset(ORIGIN, Type.SOA)?.ttl).toBe(60);
  });

  test("that only stepped the serial has nothing to undo", async () => {
    const server = await historyServer();
    await server.update(replace("@", 3600, "SOA", "ns1 hostmaster 9 3600 600 86400 300"));
    expect((await undo(server, 2)).verdict).toEqual({ status: "unchanged", serial: 9 });
  });
});

describe("a way back while the zone goes on", () => {
  test("is of the zone as it is when its turn comes, however many updates come before", async () => {
    const server = await historyServer();
    let open = () => {};
    server.store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = server.engine.submit(request([add("before", 60, "A", "192.0.2.1")]));
    await until(() => server.store.commits === 1);
    const back = goBack(server, "#1");
    const queued = server.engine.submit(request([add("queued", 60, "A", "192.0.2.1")]));
    open();
    expect(await first).toMatchObject({ status: "applied", serial: 2 });
    expect(await queued).toMatchObject({ status: "applied", serial: 3 });
    expect((await back).verdict).toMatchObject({ status: "applied", serial: 4 });
    expect(now(server)).toEqual(EXAMPLE);
  });

  test("is made however many clients go on", async () => {
    const server = await historyServer();
    let isOver = false;
    const client = async (host: string) => {
      for (let n = 1; !isOver && n < 10_000; n++) {
        await server.engine.submit(request([replace(host, 60, "A", `10.0.${n >> 8}.${n & 255}`)]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const clients = ["h1", "h2", "h3"].map(client);
    await until(() => (serial(server) as number) > 50);
    const { verdict } = await goBack(server, "#1");
    isOver = true;
    await Promise.all(clients);
    const sequence = verdict.status === "applied" ? verdict.sequence : 0;
    const past = await server.engine.history.open(ORIGIN, `#${sequence}`);
    expect(contentText(past.view)).toEqual(EXAMPLE);
  });

  test("includes what another server on the store was first to change", async () => {
    const state = createMemoryState();
    const server = await historyServer(exampleZone(), state);
    await server.update(add("www", 60, "A", "192.0.2.80"));
    const other = await historyServer([], state);
    const commit = server.store.commit.bind(server.store);
    server.store.commit = async (mine) => {
      server.store.commit = commit;
      await other.update(add("other", 60, "A", "192.0.2.1"));
      return commit(mine);
    };
    const { verdict, removed } = await goBack(server, "#1");
    expect(verdict).toMatchObject({ status: "applied", serial: 4, sequence: 4 });
    expect(removed).toHaveLength(2);
    expect(now(server)).toEqual(EXAMPLE);
  });

  test("is refused while the store is down, and tells so", async () => {
    const server = await historyServer();
    await server.update(add("www", 60, "A", "192.0.2.80"));
    const version = { serial: 1, sequence: 1 };
    server.store.isDown = true;
    const back = server.engine.revertZone(OPERATORS, { kind: "to", version }, false);
    await expect(back).rejects.toMatchObject({ code: ErrorCode.storeUnavailable });
    server.store.isDown = false;
    expect((await goBack(server, "#1")).verdict).toMatchObject({ status: "applied" });
  });
});

describe("a journal that does not fit the zone", () => {
  test("leads nowhere", async () => {
    const zone = new Overlay(new ZoneMap(ORIGIN, exampleZone(2)));
    const entry: JournalEntry = {
      origin: ORIGIN,
      fromSerial: 1,
      toSerial: 2,
      removed: [soa(1)],
      added: [soa(2), rrset("missing", 60, "A", "192.0.2.1")],
      sequence: 2,
      timeMs: 0,
      actor: "key:test",
      door: "rfc2136",
      address: "",
    };
    const version = { serial: 2, sequence: 2 };
    const journal = { origin: ORIGIN, version, read: async () => [entry] };
    const draft = draftRevert(
      OPERATORS,
      journal,
      { kind: "change", entry, isForced: false },
      false,
    );
    await draft.change.prepare(version);
    expect(draft.change.write(zone)).toMatchObject({
      status: "refused",
      detail: expect.stringContaining("does not fit its records"),
    });
  });
});
