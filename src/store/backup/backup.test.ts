import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { arbitraryRdata } from "../../../test/rdata-arbitrary.ts";
import { ORIGIN, rrset, soa } from "../../../test/update/zone-fixtures.ts";
import { ErrorCode } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import { type Name, nameKey, parseName } from "../../wire/name.ts";
import { canonicalRdata } from "../../wire/rdata.ts";
import { makeRRset, type RRset } from "../../zone/rrset.ts";
import { ZoneContents } from "../../zone/zone-contents.ts";
import { createMemoryState, type MemoryState, MemoryStore } from "../memory-store.ts";
import type { JournalEntry, Store } from "../store.ts";
import { BackupItems } from "./backup-items.ts";
import { addRecords } from "./backup-records.ts";
import { readBackup } from "./read-backup.ts";
import { verifyBackup } from "./verify-backup.ts";
import { type BackupOptions, writeBackup } from "./write-backup.ts";

const ALL: BackupOptions = {
  madeMs: Date.UTC(2026, 10, 21),
  origins: undefined,
  credentials: true,
  skipUnreadable: false,
};
const OTHER = parseName("example.net");

function entry(sequence: number, fields: Partial<JournalEntry> = {}): JournalEntry {
  return {
    origin: ORIGIN,
    sequence,
    timeMs: Date.UTC(2026, 0, 1) + sequence,
    fromSerial: sequence - 1,
    toSerial: sequence,
    actor: "key:router",
    door: "rfc2136",
    address: "::1",
    removed: [soa(sequence - 1)],
    added: [soa(sequence), rrset("home", 60, "A", `192.0.2.${sequence}`)],
    ...fields,
  };
}

const ZONE = [soa(3), rrset("@", 3600, "NS", "ns1"), rrset("home", 60, "A", "192.0.2.3")];

async function fill(store: Store): Promise<void> {
  const version = { serial: 3, sequence: 3, mark: 99 };
  const journal = [entry(2), entry(3)];
  await store.createZone({ origin: ORIGIN, ...version, journal }, ZONE);
  const apex = makeRRset(OTHER, 6, 60, [soa(7).rdatas[0] as Uint8Array]);
  const ns = makeRRset(OTHER, 2, 60, [OTHER]);
  const made = { fromSerial: 7, toSerial: 7, removed: [], added: [] };
  await store.createZone(entry(1, { origin: OTHER, ...made }), [apex, ns]);
  await store.writeDocument("key", "router.", '{"secret":"s"}');
  await store.writeDocument("label", "dyn.example.com./begin", '{"serial":2}');
  await store.writeDocument("label", "example.net./begin", '{"serial":1}');
  await store.writeDocument("lost", "dyn.example.com. 3 0", "{}");
  await store.writeDocument("setting", "x", "{}");
}

async function text(store: Store, options: Partial<BackupOptions> = {}): Promise<string> {
  let written = "";
  for await (const piece of writeBackup(store, { ...ALL, ...options })) written += piece;
  return written;
}

/** In pieces of this many octets. */
async function* inChunks(octets: string | Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(octets as string);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What a restore comes down to. */
async function restore(backup: string, store: Store, chunk?: number): Promise<void> {
  const items = new BackupItems(inChunks(backup, chunk));
  for (let item = await items.next(); item !== undefined; item = await items.next()) {
    if (item.kind === "zone") {
      const contents = await items.contents(item.zone);
      await store.createZone({ ...item.zone, journal: items.journal(item.zone) }, contents);
    } else if (item.kind === "deleted") {
      await store.rememberDeleted(item.zone);
    } else if (item.kind === "document") {
      const { type, id, json } = item.document;
      await store.writeDocument(type, id, json);
    }
  }
}

function refusal(problem: string) {
  return { code: ErrorCode.badBackup, message: expect.stringContaining(problem) };
}

describe("a backup", () => {
  let state: MemoryState;
  let store: Store;
  let backup: string;

  beforeEach(async () => {
    state = createMemoryState();
    store = new MemoryStore(state);
    await fill(store);
    backup = await text(store);
  });

  test("is text that says what it is, and a zone file to who knows nothing of it", async () => {
    const one = await text(store, { origins: [ORIGIN] });
    expect(one.replaceAll(/[0-9a-f]{64}/g, "…").split("\n")).toEqual([
      ';windhover {"backup":1,"made":"2026-11-21T00:00:00.000Z","credentials":true}',
      ';zone {"origin":"dyn.example.com.","serial":3,"sequence":3,"mark":99}',
      expect.stringMatching(/^dyn\.example\.com\. +3600 IN SOA /),
      expect.stringMatching(/^dyn\.example\.com\. +3600 IN NS /),
      expect.stringMatching(/^home\.dyn\.example\.com\. +60 IN A /),
      expect.stringMatching(/^;change \{"sequence":2,"time":"2026-01-01T00:00:00.002Z"/),
      expect.stringMatching(/^;- dyn\.example\.com\. +3600 IN SOA .* 1 3600/),
      expect.stringMatching(/^;\+ dyn\.example\.com\. +3600 IN SOA .* 2 3600/),
      expect.stringMatching(/^;\+ home\.dyn\.example\.com\. +60 IN A +192\.0\.2\.2$/),
      expect.stringMatching(/^;change \{"sequence":3/),
      expect.stringMatching(/^;- /),
      expect.stringMatching(/^;\+ /),
      expect.stringMatching(/^;\+ /),
      ';end-zone {"records":3,"changes":2,"sha256":"…"}',
      ";documents {}",
      ';document {"kind":"label","id":"dyn.example.com./begin","json":"{\\"serial\\":2}"}',
      ';document {"kind":"lost","id":"dyn.example.com. 3 0","json":"{}"}',
      ';end-documents {"documents":2,"sha256":"…"}',
      ';end {"zones":1,"documents":2,"sha256":"…"}',
      "",
    ]);
  });

  test.each([1, 7, 1_000, 1_000_000])("comes back whole, read in pieces of %i", async (size) => {
    const copy = createMemoryState();
    await restore(backup, new MemoryStore(copy), size);
    expect(copy.zones).toEqual(state.zones);
    expect(copy.documents).toEqual(state.documents);
    expect(await text(new MemoryStore(copy))).toBe(backup);
  });

  test("is told in short when it is verified", async () => {
    expect(await verifyBackup(inChunks(backup))).toMatchObject({
      made: "2026-11-21T00:00:00.000Z",
      credentials: true,
      zones: [
        { origin: ORIGIN, serial: 3, sequence: 3, mark: 99, records: 3, changes: 2 },
        { origin: OTHER, serial: 7, sequence: 1, records: 2, changes: 1 },
      ],
      documents: 5,
    });
  });

  test("tells where deleted zones stood, unless it is of chosen zones", async () => {
    const old = parseName("old.example.net");
    await store.rememberDeleted({ origin: old, serial: 40, sequence: 5, mark: 77 });
    const whole = await text(store);
    expect(whole).toContain(
      '\n;deleted {"origin":"old.example.net.","serial":40,"sequence":5,"mark":77}\n;documents',
    );
    expect(await verifyBackup(inChunks(whole))).toMatchObject({ deleted: 1 });
    const restored = new MemoryStore();
    await restore(whole, restored);
    expect(await restored.deletedVersion(old)).toEqual({ serial: 40, sequence: 5, mark: 77 });
    expect(await text(store, { origins: [ORIGIN] })).not.toContain(";deleted");
    const line = /^;deleted .*\n/m.exec(whole)?.[0] as string;
    const inZone = whole.replace(line, "").replace(";end-zone", `${line};end-zone`);
    await expect(verifyBackup(inChunks(inZone))).rejects.toMatchObject(
      refusal("a part of it has no end"),
    );
    const otherwise = whole.replace(line, line.replace("40", "41"));
    await expect(verifyBackup(inChunks(otherwise))).rejects.toMatchObject(
      refusal("it is not what was written"),
    );
  });

  test("that is given up at any piece leaves no load behind", async () => {
    for (let name = 0; name < 200; name++) {
      const origin = parseName(`z${name}.example`);
      const soa = { ...(ZONE[0] as RRset), owner: origin };
      const made = { fromSerial: 3, toSerial: 3, removed: [], added: [] };
      await store.createZone(entry(1, { origin, ...made }), [soa]);
    }
    let loads = 0;
    const load = store.loadZone.bind(store);
    store.loadZone = async (origin) => {
      const zone = await load(origin);
      async function* counted() {
        try {
          yield* zone?.batches ?? [];
        } finally {
          loads--;
        }
      }
      loads++;
      return zone && { ...zone, batches: counted() };
    };
    for (let pieces = 0; ; pieces++) {
      const written = writeBackup(store, ALL);
      let isOver: boolean | undefined;
      for (let at = 0; at <= pieces; at++) isOver = (await written.next()).done;
      await written.return();
      expect(loads).toBe(0);
      if (isOver) break;
    }
  });

  test("leaves out credentials when told to", async () => {
    const without = await text(store, { credentials: false });
    expect(without).not.toContain('"kind":"key"');
    expect(without).toContain('"kind":"setting"');
    expect((await verifyBackup(inChunks(without))).credentials).toBe(false);
  });

  test("of a zone that is not there is refused", async () => {
    const missing = { code: ErrorCode.noSuchZone, message: "there is no zone no.example." };
    const origins = [parseName("no.example")];
    let written = "";
    const writing = async () => {
      for await (const piece of writeBackup(store, { ...ALL, origins })) written += piece;
    };
    await expect(writing()).rejects.toMatchObject(missing);
    await expect(verifyBackup(inChunks(written))).rejects.toMatchObject(missing);
  });

  test("that is cut off anywhere is refused", async () => {
    for (let length = 0; length < backup.length; length++) {
      const cut = verifyBackup(inChunks(backup.slice(0, length)));
      await expect(cut, `${length}`).rejects.toMatchObject({ code: ErrorCode.badBackup });
    }
  });

  test("in which any octet was changed is refused", async () => {
    const octets = Buffer.from(backup);
    for (let at = 0; at < octets.length; at++) {
      const flipped = Buffer.from(octets);
      flipped[at] = (flipped[at] as number) ^ 1;
      await expect(verifyBackup(inChunks(flipped)), `${at}`).rejects.toThrow();
    }
  });

  test.each([
    ["another program's file", "$ORIGIN example.com.\n", "no backup of Windhover"],
    ["another program's lines", "; hello\n", "no backup of Windhover"],
    ["octets", "\0\0\0", "cut off in the middle of a line"],
    ["nothing", "", "cut off"],
  ])("is not %s", async (_, content, problem) => {
    await expect(verifyBackup(inChunks(content))).rejects.toMatchObject(refusal(problem));
  });

  test.each<[string, (whole: string) => string, string]>([
    ["of another format", (whole) => whole.replace('"backup":1', '"backup":2'), "has format 2"],
    ["followed by something", (whole) => `${whole}; more\n`, "something follows"],
    ["that begins twice", (whole) => whole + whole, "something follows"],
    ["with a second head", (whole) => whole.slice(0, whole.indexOf("\n") + 1) + whole, "twice"],
    [
      "with a word nobody knows",
      (whole) => whole.replace(";documents", ";letters"),
      "nobody knows",
    ],
    ["with records outside", (whole) => whole.replace(/;zone .*\n/, ""), "outside a zone"],
    ["with a zone without end", (whole) => whole.replace(/;end-zone .*\n/, ""), "no end"],
    ["with a zone that ends twice", (whole) => whole.replace(/(;end-zone .*\n)/, "$1$1"), "begun"],
    ["without a record", (whole) => whole.replace(/\nhome.*/, ""), "has 2 records and 2 changes"],
    ["without a document", (whole) => whole.replace(/;document \{.*\n/, ""), "has 4 documents"],
    [
      "with a document elsewhere",
      (whole) => whole.replace(";zone", ";document {}\n;zone"),
      ";document",
    ],
    [
      "with a document in a zone",
      (whole) => moved(whole, /;document .*\n/, /;end-zone/),
      "outside",
    ],
    ["with a change outside", (whole) => moved(whole, /;change .*\n/, /;documents/), "outside"],
    ["with a record outside", (whole) => moved(whole, /;\+ .*\n/, /;change/), "outside a change"],
    ["with records last", (whole) => moved(whole, /\nhome.*\n/, /;end-zone/), "behind changes"],
    [
      "with a time that is none",
      (whole) => whole.replace(/"time":"2026-0/, '"time":"x'),
      "no time",
    ],
    [
      "with a zone left out twice",
      (whole) => whole.replace(";documents", ';left-out {"problem":""}\n;documents'),
      "not begun",
    ],
    ["with less zones", (whole) => whole.replace('"zones":2', '"zones":1'), "2 zones"],
  ])("%s is refused", async (_, change, problem) => {
    const changed = change(backup);
    expect(changed).not.toBe(backup);
    await expect(verifyBackup(inChunks(changed))).rejects.toMatchObject(refusal(problem));
  });

  test("with a line past the bound is refused, and with one as long as the bound read on", async () => {
    const piece = new Uint8Array(2 ** 24).fill(0x3b);
    async function* line(length: number) {
      for (let left = length; left > 0; left -= piece.length) yield piece.subarray(0, left);
    }
    const whole = verifyBackup(line(Limits.backupLine));
    await expect(whole).rejects.toMatchObject(refusal("in the middle of a line"));
    const longer = verifyBackup(line(Limits.backupLine + 1));
    await expect(longer).rejects.toMatchObject(refusal("too long"));
  });

  test("of a zone that may not be served is refused", async () => {
    const bad = new MemoryStore(createMemoryState());
    await bad.createZone(entry(1, { fromSerial: 1, removed: [], added: [] }), [soa(1)]);
    await expect(verifyBackup(inChunks(await text(bad)))).rejects.toMatchObject({
      code: ErrorCode.badZone,
      message: expect.stringContaining("has no NS"),
    });
  });

  test("whose SOA says something else than its version is refused", async () => {
    const bad = new MemoryStore(createMemoryState());
    await bad.createZone({ origin: ORIGIN, serial: 4, sequence: 4, journal: [] }, ZONE);
    const verified = verifyBackup(inChunks(await text(bad)));
    await expect(verified).rejects.toMatchObject(refusal("says serial 4 and its SOA 3"));
  });
});

/** The first `what` stands before the first `where` instead. */
function moved(whole: string, what: RegExp, where: RegExp): string {
  const [found] = what.exec(whole) as unknown as [string];
  return whole
    .replace(found, found.startsWith("\n") ? "\n" : "")
    .replace(where, `${found.trim()}\n$&`);
}

describe("what cannot be read", () => {
  const spoilt = async (what: "rrset" | "journal", options: Partial<BackupOptions> = {}) => {
    const state = createMemoryState();
    const store = new MemoryStore(state);
    await fill(store);
    const zone = state.zones.get(nameKey(ORIGIN));
    if (what === "journal") zone?.journal.set(3, new Uint8Array([9]));
    else for (const key of zone?.rrsets.keys() ?? []) zone?.rrsets.set(key, new Uint8Array([9]));
    return text(store, options);
  };

  test.each(["rrset", "journal"] as const)("fails the backup: %s", async (what) => {
    const problem = /^the zone dyn\.example\.com\. cannot be backed up: .*; `--skip-unreadable`/;
    await expect(spoilt(what)).rejects.toMatchObject({
      code: ErrorCode.storeFormat,
      message: expect.stringMatching(problem),
    });
  });

  test.each(["rrset", "journal"] as const)("is left out when told to: %s", async (what) => {
    const backup = await spoilt(what, { skipUnreadable: true });
    const { zones } = await verifyBackup(inChunks(backup));
    expect(zones.map(({ leftOut }) => leftOut)).toEqual([expect.any(String), undefined]);
    const copy = createMemoryState();
    await expect(restore(backup, new MemoryStore(copy))).rejects.toMatchObject(
      refusal("dyn.example.com. is not in the backup"),
    );
    expect(copy.zones.size).toBe(0);
  });
});

describe("a store that changes or fails meanwhile", () => {
  const changed = (inner: Store, change: Partial<Store>): Store =>
    Object.assign(Object.create(inner) as Store, bound(inner), change);

  const bound = (inner: Store): Partial<Store> => ({
    listOrigins: () => inner.listOrigins(),
    loadZone: (origin) => inner.loadZone(origin),
    readJournal: (origin, range) => inner.readJournal(origin, range),
    listDeleted: () => inner.listDeleted(),
    readDocuments: (kind) => inner.readDocuments(kind),
  });

  const filled = async () => {
    const store = new MemoryStore(createMemoryState());
    await fill(store);
    return store;
  };

  test("a zone that is gone is not in it", async () => {
    const store = await filled();
    const listed = await store.listOrigins();
    await store.deleteZone(ORIGIN);
    const backup = await text(changed(store, { listOrigins: async () => listed }));
    expect((await verifyBackup(inChunks(backup))).zones).toHaveLength(1);
  });

  test("changes past the version are not in it", async () => {
    const store = await filled();
    const later = [entry(2), entry(3), entry(4)];
    const readJournal = async () => later;
    const backup = await text(changed(store, { readJournal }), { origins: [ORIGIN] });
    expect(backup).not.toContain('"sequence":4');
    expect((await verifyBackup(inChunks(backup))).zones).toMatchObject([{ changes: 2 }]);
  });

  test.each([
    ["has a gap", [entry(1), entry(3)]],
    ["ends early", [entry(1), entry(2)]],
  ])("a journal that %s was shortened too fast", async (_, entries) => {
    const store = await filled();
    const readJournal: Store["readJournal"] = async (_origin, { afterSequence }) =>
      entries.filter(({ sequence }) => sequence > afterSequence);
    await expect(text(changed(store, { readJournal }))).rejects.toMatchObject({
      code: ErrorCode.conflict,
    });
  });

  test("a failure is the last line, and what a reader of it is told", async () => {
    const store = await filled();
    const readDocuments = async () => {
      throw new Error("gone");
    };
    let written = "";
    const writing = async () => {
      for await (const piece of writeBackup(changed(store, { readDocuments }), ALL)) {
        written += piece;
      }
    };
    await expect(writing()).rejects.toThrow("gone");
    expect(written.split("\n").at(-2)).toBe(';failed {"code":"bad-backup","message":"gone"}');
    await expect(verifyBackup(inChunks(written))).rejects.toMatchObject(refusal("gone"));
  });
});

describe("any zone", () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 8 });
  const owner = fc.array(label, { maxLength: 3 }).map((labels) => {
    const parts = labels.flatMap((each) => [Buffer.from([each.length]), Buffer.from(each)]);
    const name = Buffer.concat([...parts, ORIGIN]);
    for (let at = 0; at < name.length; at++) {
      const octet = name[at] as number;
      if (octet >= 0x41 && octet <= 0x5a) name[at] = octet + 32;
    }
    return new Uint8Array(name) as Name;
  });
  const TYPES = [1, 5, 12, 13, 15, 16, 28, 29, 33, 35, 43, 44, 48, 52, 64, 65, 99, 257, 65_280];
  const arbitraryRRset = fc
    .constantFrom(...TYPES)
    .chain((rrtype) =>
      fc.record({
        owner,
        rrtype: fc.constant(rrtype),
        ttl: fc.integer({ min: 0, max: 0x7fff_ffff }),
        rdatas: fc.array(arbitraryRdata(rrtype), { minLength: 1, maxLength: rrtype === 5 ? 1 : 3 }),
      }),
    )
    .map(({ owner, rrtype, ttl, rdatas }) =>
      makeRRset(
        owner,
        rrtype,
        ttl,
        rdatas.map((rdata) => canonicalRdata(rrtype, new Uint8Array(rdata))),
      ),
    );
  const arbitraryList = fc
    .array(arbitraryRRset, { maxLength: 6 })
    .map((rrsets) => [
      ...new Map(rrsets.map((each) => [`${each.rrtype} ${nameKey(each.owner)}`, each])).values(),
    ]);

  test("is backed up and restored to the octet, with journal and documents", async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryList,
        fc.array(
          fc.tuple(arbitraryList, arbitraryList, fc.string(), fc.integer({ min: 0, max: 8e15 })),
        ),
        fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.string()),
        fc.integer({ min: 1, max: 500 }),
        async (rrsets, changes, documents, chunk) => {
          const state = createMemoryState();
          const store = new MemoryStore(state);
          const last = 10 + changes.length;
          const journal = changes.map(([removed, added, actor, timeMs], at) =>
            entry(11 + at, { removed, added, actor, timeMs }),
          );
          const others = rrsets.filter((each) => !isApexCname(each));
          await store.createZone({ origin: ORIGIN, serial: last, sequence: last, journal }, [
            soa(last),
            rrset("@", 60, "NS", "ns"),
            ...others,
          ]);
          for (const [id, json] of Object.entries(documents)) {
            await store.writeDocument("host", id, json);
          }
          const backup = await text(store);
          const copy = createMemoryState();
          await restoreUnchecked(backup, new MemoryStore(copy), chunk);
          expect(copy.zones).toEqual(state.zones);
          expect(copy.documents).toEqual(state.documents);
        },
      ),
      { numRuns: 200 },
    );
  });

  const isApexCname = ({ owner, rrtype }: RRset) =>
    rrtype === 5 && nameKey(owner) === nameKey(ORIGIN);

  /** Zones here need not be fit to be served: the records are taken as they stand. */
  async function restoreUnchecked(backup: string, store: Store, chunk: number): Promise<void> {
    let contents = new ZoneContents(ORIGIN);
    let zone = { origin: ORIGIN, serial: 0, sequence: 0 };
    const journal: JournalEntry[] = [];
    for await (const item of readBackup(inChunks(backup, chunk))) {
      if (item.kind === "zone") {
        zone = item.zone;
        contents = new ZoneContents(zone.origin);
      }
      if (item.kind === "records") addRecords(contents, item.lines);
      if (item.kind === "change") journal.push(item.entry);
      if (item.kind === "zone-end") await store.createZone({ ...zone, journal }, contents);
      if (item.kind === "document") {
        const { type, id, json } = item.document;
        await store.writeDocument(type, id, json);
      }
    }
  }
});
