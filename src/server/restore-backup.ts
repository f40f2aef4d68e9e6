/** A backup brought back, zone by zone: made where there is none, one change of it where there is one. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { BackupItems } from "../store/backup/backup-items.ts";
import type { BackupDocument } from "../store/backup/read-backup.ts";
import type { DocumentKind, Store, StoredZone } from "../store/store.ts";
import { isSameVersion } from "../store/zone-version.ts";
import type { ZoneEngine } from "../update/update-engine.ts";
import { equalNames, formatName, type Name } from "../wire/name.ts";
import { operatorIntent } from "./admin/operator.ts";
import { refused } from "./admin/refused.ts";

export interface RestoreParts {
  readonly engine: ZoneEngine;
  readonly store: Store;
  /** Takes over what was stored of keys, tokens and users. */
  readonly reloadIdentities: () => Promise<void>;
  readonly log: Logger;
}

export interface RestoreOptions {
  /** Only these zones and their labels; `undefined` for everything. */
  readonly origins: readonly Name[] | undefined;
  /** What is there already becomes as in the backup. */
  readonly replace: boolean;
}

/** What became of one zone. */
export interface RestoredZone {
  readonly zone: string;
  readonly status: "restored" | "anew" | "replaced" | "unchanged" | "left-out";
  readonly serial: number;
  readonly sequence: number;
  /** Why it is not in the backup. */
  readonly problem?: string;
}

/** What became of the documents; `kept` are others of the same name that were there. */
export interface RestoredDocuments {
  readonly written: number;
  readonly unchanged: number;
  readonly kept: readonly string[];
}

export type RestoreStep = RestoredZone | { readonly documents: RestoredDocuments };

/** The backup is one that was verified. Throws at the first zone that cannot be restored; those before it stay. */
export async function* restoreBackup(
  parts: RestoreParts,
  chunks: AsyncIterable<Uint8Array>,
  options: RestoreOptions,
): AsyncGenerator<RestoreStep, void, undefined> {
  const items = new BackupItems(chunks);
  const documents: BackupDocument[] = [];
  try {
    for (let item = await items.next(); item !== undefined; item = await items.next()) {
      if (item.kind === "document" && isChosenDocument(item.document, options)) {
        documents.push(item.document);
      }
      if (item.kind === "deleted" && isChosen(item.zone.origin, options)) {
        await parts.store.rememberDeleted(item.zone);
      }
      if (item.kind !== "zone") continue;
      const { zone } = item;
      const step = isChosen(zone.origin, options)
        ? await restoreZone(parts, items, zone, options)
        : undefined;
      await items.endZone();
      if (step !== undefined) yield step;
    }
    yield { documents: await restoreDocuments(parts, documents, options) };
  } finally {
    await items.close();
  }
}

function isChosen(origin: Name, { origins }: RestoreOptions): boolean {
  return origins === undefined || origins.some((each) => equalNames(each, origin));
}

/** With zones go their labels, and what a store lost of them. */
function isChosenDocument({ id }: BackupDocument, { origins }: RestoreOptions): boolean {
  if (origins === undefined) return true;
  return origins.some((origin) => {
    const name = formatName(origin);
    return id.startsWith(`${name}/`) || id.startsWith(`${name} `);
  });
}

async function restoreZone(
  parts: RestoreParts,
  items: BackupItems,
  zone: StoredZone,
  options: RestoreOptions,
): Promise<RestoredZone> {
  const present = parts.engine.version(zone.origin);
  const { serial, sequence } = zone;
  const told = { zone: formatName(zone.origin), serial, sequence };
  if (present !== undefined) {
    if (isSameVersion(present, zone)) return { ...told, status: "unchanged" };
    if (!options.replace) throw zoneIsThere(zone, present.serial);
  }
  try {
    const contents = await items.contents(zone);
    const intent = operatorIntent(zone.origin);
    let status: RestoredZone["status"];
    if (present === undefined) {
      const past = { ...zone, journal: items.journal(zone) };
      status = (await parts.engine.restoreZone(intent, past, contents)) ? "restored" : "anew";
    } else {
      const verdict = await parts.engine.importZone(intent, contents);
      if (verdict.status === "refused") throw refused(verdict);
      status = verdict.status === "unchanged" ? "unchanged" : "replaced";
    }
    const now = parts.engine.version(zone.origin) ?? zone;
    const done = { ...told, serial: now.serial, sequence: now.sequence, status };
    parts.log.info({ ...done, actor: "local" }, "zone restored from a backup");
    return done;
  } catch (error) {
    const problem = (await items.endZone())?.leftOut;
    if (problem === undefined) throw error;
    return { ...told, status: "left-out", problem };
  }
}

/** As the command line says it too. */
export function zoneIsThere({ origin, serial }: StoredZone, present: number): WindhoverError {
  const message = `the zone ${formatName(origin)} is there at serial ${present}, and the backup has serial ${serial}`;
  return new WindhoverError(
    ErrorCode.zoneExists,
    `${message}; --replace makes it as in the backup by one change, --zone chooses others`,
  );
}

async function restoreDocuments(
  { store, reloadIdentities }: RestoreParts,
  documents: readonly BackupDocument[],
  { replace }: RestoreOptions,
): Promise<RestoredDocuments> {
  const there = new Map<DocumentKind, ReadonlyMap<string, string>>();
  const kept: string[] = [];
  let written = 0;
  let unchanged = 0;
  for (const { type, id, json } of documents) {
    const known = there.get(type) ?? (await readKnown(store, type));
    there.set(type, known);
    const present = known.get(id);
    if (present === json) unchanged++;
    else if (present !== undefined && !replace) kept.push(`${type} ${id}`);
    else {
      await store.writeDocument(type, id, json);
      written++;
    }
  }
  await reloadIdentities();
  return { written, unchanged, kept };
}

async function readKnown(store: Store, kind: DocumentKind): Promise<ReadonlyMap<string, string>> {
  return new Map((await store.readDocuments(kind)).map(({ id, json }) => [id, json]));
}
