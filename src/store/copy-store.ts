/**
 * Zones, journals and documents from one store to another, each zone as it is at one version, and read back to see that
 * they are the same there. The source stays as it is.
 */
import { createHash } from "node:crypto";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { equalNames, formatName, type Name } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import { writeJournalRecord } from "./journal-record.ts";
import { writeRRsetKey, writeRRsetValue } from "./rrset-record.ts";
import {
  DOCUMENT_KINDS,
  type JournalEntry,
  type LoadedZone,
  type Store,
  type StoredZone,
} from "./store.ts";
import { readWholeJournal } from "./whole-journal.ts";
import { isSameVersion } from "./zone-version.ts";

export interface CopyOptions {
  /** Only these zones, and no documents; `undefined` for everything. */
  readonly origins: readonly Name[] | undefined;
  /** Zones and documents of the target that are not as in the source are given up for those of the source. */
  readonly replace: boolean;
  /** Told after each zone. */
  readonly onZone: (zone: CopiedZone, at: number, of: number) => void;
}

export interface CopiedZone extends StoredZone {
  readonly rrsets: number;
  readonly changes: number;
  /** It was there already, the same. */
  readonly isKept: boolean;
}

export interface CopyOutcome {
  readonly zones: number;
  readonly documents: number;
  /** Zones of the source that cannot be read, and why. */
  readonly unreadable: readonly { readonly origin: Name; readonly problem: string }[];
}

/** Times that what changed in the source meanwhile is copied once more. */
const ROUNDS = 3;

/**
 * Throws `zone-exists` or `exists`, with nothing changed, where the target has other zones or documents of the same
 * names; `conflict` where the source goes on changing; `store-format` where the copy is not the same.
 */
export async function copyStore(
  source: Store,
  target: Store,
  options: CopyOptions,
): Promise<CopyOutcome> {
  const origins = await chooseOrigins(source, options.origins);
  const unreadable = new Map<Name, string>();
  await checkZones(source, target, origins, options);
  const documents =
    options.origins === undefined ? await copyDocuments(source, target, options) : 0;
  const copied = new Map<Name, StoredZone>();
  for (let round = 0, left = origins; left.length > 0; round++) {
    if (round > ROUNDS) throw stillChanging(left);
    for (const origin of left) {
      try {
        const zone = await copyZone(source, target, origin);
        if (zone === undefined) continue;
        copied.set(origin, zone);
        options.onZone(zone, copied.size + unreadable.size, origins.length);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        unreadable.set(origin, errorMessage(error));
      }
    }
    left = await changedSince(source, copied);
  }
  const told = [...unreadable].map(([origin, problem]) => ({ origin, problem }));
  return { zones: copied.size, documents, unreadable: told };
}

async function chooseOrigins(
  source: Store,
  origins: readonly Name[] | undefined,
): Promise<readonly Name[]> {
  const known = await source.listOrigins();
  const missing = origins?.find((origin) => !known.some((each) => equalNames(each, origin)));
  if (missing === undefined) return origins ?? known;
  const message = `the source has no zone ${formatName(missing)}`;
  throw new WindhoverError(ErrorCode.noSuchZone, message);
}

/** Before anything is written. */
async function checkZones(
  source: Store,
  target: Store,
  origins: readonly Name[],
  { replace }: CopyOptions,
): Promise<void> {
  if (replace) return;
  for (const origin of origins) {
    const there = await target.findZone(origin);
    if (there === undefined) continue;
    const here = await source.findZone(origin).catch(() => undefined);
    if (here !== undefined && isSameVersion(here, there)) continue;
    const serials = `serial ${there.serial}, where the source has ${here?.serial ?? "what cannot be read"}`;
    throw new WindhoverError(
      ErrorCode.zoneExists,
      `the target has another zone ${formatName(origin)} (${serials}); --replace gives it up`,
    );
  }
}

/** `undefined` for a zone that is gone. */
async function copyZone(
  source: Store,
  target: Store,
  origin: Name,
): Promise<CopiedZone | undefined> {
  const zone = await source.loadZone(origin);
  if (zone === undefined) return undefined;
  const there = await target.findZone(origin);
  const isKept = there !== undefined && isSameVersion(there, zone);
  const sum = new ZoneSum(origin);
  const rrsets = sum.eachRRset(zone);
  const journal = sum.eachEntry(readWholeJournal(source, zone));
  if (isKept) {
    for await (const _ of rrsets);
    for await (const _ of journal);
  } else {
    if (there !== undefined) await target.deleteZone(origin);
    const { serial, sequence, mark } = zone;
    const version = mark === undefined ? { serial, sequence } : { serial, sequence, mark };
    await target.createZone({ origin, ...version, journal }, rrsets);
  }
  await compareCopy(target, zone, sum);
  const { rrsets: count, changes } = sum;
  return {
    origin,
    serial: zone.serial,
    sequence: zone.sequence,
    ...(zone.mark === undefined ? {} : { mark: zone.mark }),
    rrsets: count,
    changes,
    isKept,
  };
}

/** Not where a server on the target has changed it already. */
async function compareCopy(target: Store, zone: StoredZone, expected: ZoneSum): Promise<void> {
  const copy = await target.loadZone(zone.origin);
  const sum = new ZoneSum(zone.origin);
  if (copy === undefined) throw differs(zone.origin, "it is gone");
  for await (const _ of sum.eachRRset(copy));
  if (!isSameVersion(copy, zone)) return;
  for await (const _ of sum.eachEntry(readWholeJournal(target, copy)));
  if (sum.text === expected.text) return;
  throw differs(zone.origin, `it reads back as ${sum.text}, not ${expected.text}`);
}

async function changedSince(
  source: Store,
  copied: ReadonlyMap<Name, StoredZone>,
): Promise<readonly Name[]> {
  const changed: Name[] = [];
  for (const [origin, zone] of copied) {
    const now = await source.findZone(origin);
    if (now !== undefined && !isSameVersion(now, zone)) changed.push(origin);
  }
  return changed;
}

async function copyDocuments(
  source: Store,
  target: Store,
  { replace }: CopyOptions,
): Promise<number> {
  const missing: { kind: (typeof DOCUMENT_KINDS)[number]; id: string; json: string }[] = [];
  let count = 0;
  for (const kind of DOCUMENT_KINDS) {
    const there = new Map((await target.readDocuments(kind)).map(({ id, json }) => [id, json]));
    for (const { id, json } of await source.readDocuments(kind)) {
      count++;
      const known = there.get(id);
      if (known === json) continue;
      if (known !== undefined && !replace) {
        const message = `the target has another ${kind} "${id}"; --replace gives it up`;
        throw new WindhoverError(ErrorCode.exists, message);
      }
      missing.push({ kind, id, json });
    }
  }
  for (const { kind, id, json } of missing) await target.writeDocument(kind, id, json);
  for (const { kind, id, json } of missing) {
    const found = (await target.readDocuments(kind)).find((each) => each.id === id);
    if (found?.json !== json)
      throw new WindhoverError(
        ErrorCode.storeFormat,
        `the ${kind} "${id}" reads back as something else`,
      );
  }
  return count;
}

/** A count and a digest of RRsets and entries, whatever order they come in. */
class ZoneSum {
  rrsets = 0;
  changes = 0;
  readonly #origin: Name;
  readonly #words = new Uint32Array(4);

  constructor(origin: Name) {
    this.#origin = origin;
  }

  get text(): string {
    const digest = Buffer.from(this.#words.buffer).toString("hex");
    return `${this.rrsets} RRsets and ${this.changes} changes, ${digest}`;
  }

  async *eachRRset({ batches }: LoadedZone): AsyncGenerator<RRset, void, undefined> {
    for await (const batch of batches) {
      for (const rrset of batch) {
        this.rrsets++;
        this.#add(writeRRsetKey(rrset.owner, rrset.rrtype, this.#origin), writeRRsetValue(rrset));
        yield rrset;
      }
    }
  }

  async *eachEntry(
    entries: AsyncIterable<JournalEntry>,
  ): AsyncGenerator<JournalEntry, void, undefined> {
    for await (const entry of entries) {
      this.changes++;
      this.#add(writeJournalRecord(entry));
      yield entry;
    }
  }

  #add(...parts: readonly Uint8Array[]): void {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    const digest = hash.digest();
    for (let at = 0; at < this.#words.length; at++) {
      this.#words[at] = (this.#words[at] as number) + digest.readUInt32LE(4 * at);
    }
  }
}

function isUnreadable(error: unknown): boolean {
  return error instanceof WindhoverError && error.code === ErrorCode.storeFormat;
}

function differs(origin: Name, problem: string): WindhoverError {
  const message = `the copy of ${formatName(origin)} is not the same: ${problem}; copy it again`;
  return new WindhoverError(ErrorCode.conflict, message);
}

function stillChanging(left: readonly Name[]): WindhoverError {
  const zones = left.map(formatName).join(", ");
  const message = `the source goes on changing (${zones}): stop the servers that use it`;
  return new WindhoverError(ErrorCode.conflict, `${message}, and say --replace to go on`);
}
