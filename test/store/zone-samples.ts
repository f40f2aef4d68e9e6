/** Zones, commits and journal entries for the store tests. */
import type { JournalEntry, LoadedZone, ZoneCommit, ZoneVersion } from "../../src/store/store.ts";
import { type Name, nameKey, parseName } from "../../src/wire/name.ts";
import type { RRsetChange } from "../../src/zone/changeset.ts";
import { makeRRset, type RRset } from "../../src/zone/rrset.ts";

const A = 1;
const SOA = 6;
const TXT = 16;

export function address(owner: Name, last: number, ttl = 60): RRset {
  return makeRRset(owner, A, ttl, [new Uint8Array([192, 0, 2, last & 0xff])]);
}

export function text(owner: Name, bytes: Uint8Array): RRset {
  return makeRRset(owner, TXT, 60, [bytes]);
}

/** A stand-in for an SOA: stores do not look into rdata. */
export function soa(origin: Name, serial: number): RRset {
  const rdata = new Uint8Array(22);
  new DataView(rdata.buffer).setUint32(2, serial);
  return makeRRset(origin, SOA, 3600, [rdata]);
}

export function journalEntry(
  origin: Name,
  sequence: number,
  fromSerial: number,
  fields: Partial<JournalEntry> = {},
): JournalEntry {
  return {
    origin,
    sequence,
    timeMs: 1_700_000_000_000 + sequence,
    fromSerial,
    toSerial: (fromSerial + 1) >>> 0,
    actor: "key:router",
    door: "rfc2136",
    address: "192.0.2.1",
    removed: [],
    added: [],
    ...fields,
  };
}

/** The entry that makes a zone at this serial. */
export function creation(origin: Name, serial = 1): JournalEntry {
  return journalEntry(origin, 1, serial, { toSerial: serial, door: "cli", actor: "local" });
}

/** One update per entry: each sets an address, the serial steps by one each. */
export function makeCommit(
  origin: Name,
  expected: ZoneVersion,
  changes: readonly RRsetChange[],
  entries = 1,
): ZoneCommit {
  const added = changes.flatMap(({ rrset }) => (rrset === undefined ? [] : [rrset])).slice(0, 4);
  const list = Array.from({ length: entries }, (_, at) =>
    journalEntry(origin, expected.sequence + at + 1, (expected.serial + at) >>> 0, { added }),
  );
  const next = {
    serial: (expected.serial + entries) >>> 0,
    sequence: expected.sequence + entries,
  };
  return { origin, expected, next, entries: list, changes };
}

export function put(rrset: RRset): RRsetChange {
  return { owner: rrset.owner, rrtype: rrset.rrtype, rrset };
}

export function end({ owner, rrtype }: RRset): RRsetChange {
  return { owner, rrtype, rrset: undefined };
}

export function* hosts(origin: Name, count: number): Generator<RRset> {
  const suffix = Buffer.from(origin);
  for (let at = 0; at < count; at++) {
    const label = Buffer.from(`h${String(at).padStart(9, "0")}`);
    const owner = Buffer.concat([Buffer.from([label.length]), label, suffix]);
    yield makeRRset(new Uint8Array(owner) as Name, A, 60, [
      new Uint8Array([10, (at >> 16) & 255, (at >> 8) & 255, at & 255]),
    ]);
  }
}

export function host(label: string, origin: Name): Name {
  return parseName(label, origin);
}

/** Every RRset by a key that says owner and rrtype; a second one of the same key is a failure. */
export async function collect(zone: LoadedZone | undefined): Promise<Map<string, RRset>> {
  if (zone === undefined) throw new Error("there is no such zone");
  const rrsets = new Map<string, RRset>();
  for await (const batch of zone.batches) {
    for (const rrset of batch) {
      const key = rrsetKey(rrset);
      if (rrsets.has(key)) throw new Error(`an RRset came twice: ${key}`);
      rrsets.set(key, rrset);
    }
  }
  return rrsets;
}

export function rrsetKey({ owner, rrtype }: RRset): string {
  return `${rrtype} ${nameKey(owner)}`;
}

export function byKey(rrsets: Iterable<RRset>): Map<string, RRset> {
  return new Map([...rrsets].map((rrset) => [rrsetKey(rrset), rrset]));
}
