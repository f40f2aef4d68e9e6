/**
 * Zones, journals and documents from one store to another, each zone as it is at one version, and read back to see that
 * they are the same there. The source stays as it is.
 */
import { createHash } from "node:crypto";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { equalNames, formatName, type Name, nameKey } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import { writeJournalRecord } from "./journal-record.ts";
import { writeRRsetKey, writeRRsetValue } from "./rrset-record.ts";
import {
  DOCUMENT_KINDS,
  type DocumentKind,
  type JournalEntry,
  type LoadedZone,
  type Store,
  type StoreDocument,
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

/** What was copied so far, by `nameKey`. */
interface Progress {
  readonly copied: Map<string, CopiedZone>;
  readonly unreadable: Map<string, CopyOutcome["unreadable"][number]>;
}

/**
 * Throws `zone-exists` or `exists`, with nothing changed, where the target has other zones or documents of the same
 * names; `conflict` where the source goes on changing; `store-format` where the copy is not the same.
 */
export async function copyStore(
  source: Store,
  target: Store,
  options: CopyOptions,
): Promise<CopyOutcome> {
  const isWhole = options.origins === undefined;
  const origins = await chooseOrigins(source, options.origins);
  await checkZones(source, target, origins, options);
  if (isWhole) await missingDocuments(source, target, options);
  const progress: Progress = { copied: new Map(), unreadable: new Map() };
  for (let round = 0, left = origins; left.length > 0; round++) {
    if (round > ROUNDS) throw stillChanging(left);
    for (const origin of left) {
      const zone = await tryCopy(source, target, origin, progress);
      if (zone === undefined) continue;
      const at = progress.copied.size + progress.unreadable.size;
      options.onZone(zone, at, Math.max(at, origins.length));
    }
    left = await changedSince(source, options, progress);
  }
  if (isWhole) await copyDeletions(source, target, progress);
  // At the end, so that what was revoked meanwhile is not copied.
  const documents = isWhole ? await copyDocuments(source, target, options) : 0;
  const { copied, unreadable } = progress;
  return { zones: copied.size, documents, unreadable: [...unreadable.values()] };
}

/** `undefined` for a zone that is gone, or cannot be read. */
async function tryCopy(
  source: Store,
  target: Store,
  origin: Name,
  { copied, unreadable }: Progress,
): Promise<CopiedZone | undefined> {
  try {
    const zone = await copyZone(source, target, origin);
    if (zone !== undefined) copied.set(nameKey(origin), zone);
    return zone;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    unreadable.set(nameKey(origin), { origin, problem: errorMessage(error) });
    return undefined;
  }
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
  const there = await target.findZone(origin);
  if (there !== undefined) await checkReadable(source, origin);
  const zone = await source.loadZone(origin);
  if (zone === undefined) return undefined;
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

/** Before a zone of the target is given up for it. */
async function checkReadable(source: Store, origin: Name): Promise<void> {
  const zone = await source.loadZone(origin);
  if (zone === undefined) return;
  for await (const batch of zone.batches) for (const _ of batch);
  for await (const _ of readWholeJournal(source, zone));
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

/** Zones that the source has at another version than they were copied at, or that it did not have then. */
async function changedSince(
  source: Store,
  { origins }: CopyOptions,
  { copied, unreadable }: Progress,
): Promise<readonly Name[]> {
  const changed: Name[] = [];
  for (const origin of origins ?? (await source.listOrigins())) {
    const key = nameKey(origin);
    if (unreadable.has(key)) continue;
    const now = await source.findZone(origin);
    const copy = copied.get(key);
    const isSame = copy !== undefined && now !== undefined && isSameVersion(now, copy);
    if (now !== undefined && !isSame) changed.push(origin);
  }
  return changed;
}

/** Where zones stood that the source deleted, before or meanwhile. One that it merely lost stays in the target. */
async function copyDeletions(source: Store, target: Store, { copied }: Progress): Promise<void> {
  for (const zone of await source.listDeleted()) {
    const key = nameKey(zone.origin);
    const copy = copied.get(key);
    if (copy !== undefined && copy.sequence <= zone.sequence) {
      const there = await target.findZone(zone.origin);
      if (there !== undefined && isSameVersion(there, copy)) await target.deleteZone(zone.origin);
      copied.delete(key);
    }
    await target.rememberDeleted(zone);
  }
}

interface CopiedDocument extends StoreDocument {
  readonly kind: DocumentKind;
}

/** What the target lacks, or is to give up. Throws `exists` where it may not. */
async function missingDocuments(source: Store, target: Store, { replace }: CopyOptions) {
  const missing: CopiedDocument[] = [];
  let count = 0;
  for (const kind of DOCUMENT_KINDS) {
    const there = await documentsOf(target, kind);
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
  return { missing, count };
}

async function copyDocuments(source: Store, target: Store, options: CopyOptions): Promise<number> {
  const { missing, count } = await missingDocuments(source, target, options);
  for (const { kind, id, json } of missing) await target.writeDocument(kind, id, json);
  for (const kind of new Set(missing.map((each) => each.kind))) {
    const there = await documentsOf(target, kind);
    const wrong = missing.find((each) => each.kind === kind && there.get(each.id) !== each.json);
    if (wrong === undefined) continue;
    const message = `the ${kind} "${wrong.id}" reads back as something else`;
    throw new WindhoverError(ErrorCode.storeFormat, message);
  }
  return count;
}

async function documentsOf(store: Store, kind: DocumentKind): Promise<ReadonlyMap<string, string>> {
  return new Map((await store.readDocuments(kind)).map(({ id, json }) => [id, json]));
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
