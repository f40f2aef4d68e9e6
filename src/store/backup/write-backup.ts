/**
 * A store written as a backup while it is in use: each zone as it was at one version, however long its writing takes, and
 * the journal that led there. Nothing but a piece of text is held in memory.
 */
import { createHash } from "node:crypto";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";
import { equalNames, formatName, type Name } from "../../wire/name.ts";
import { formatRRset } from "../../zone/zone-file-writer.ts";
import { DOCUMENT_KINDS, type DocumentKind, type LoadedZone, type Store } from "../store.ts";
import { readWholeJournal } from "../whole-journal.ts";
import { BACKUP_FORMAT, backupLine, changeLines, zoneLine } from "./backup-lines.ts";

export interface BackupOptions {
  readonly madeMs: number;
  /** Only these zones and what belongs to them; `undefined` for everything. */
  readonly origins: readonly Name[] | undefined;
  /** Keys, tokens, users and hosts too. */
  readonly credentials: boolean;
  /** A zone that cannot be read is left out, and said to be; otherwise the backup fails. */
  readonly skipUnreadable: boolean;
}

/** Documents that hold secrets, or who may do what. */
const CREDENTIALS: readonly DocumentKind[] = ["key", "token", "user", "host"];

/** Documents of a zone, whose id begins with its origin. */
const OF_ZONES: readonly DocumentKind[] = ["label", "lost"];

/** Characters that are sent at once. */
const PIECE = 32_768;

/** The text in pieces. A failure is told in its last line, as well as thrown. */
export async function* writeBackup(
  store: Store,
  options: BackupOptions,
): AsyncGenerator<string, void, undefined> {
  const whole = createHash("sha256");
  let piece = "";
  try {
    for await (const line of backupLines(store, options, whole)) {
      piece += line;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = "";
    }
  } catch (error) {
    const code = error instanceof WindhoverError ? error.code : ErrorCode.badBackup;
    yield `${piece}${backupLine("failed", { code, message: errorMessage(error) })}`;
    throw error;
  }
  yield piece;
}

/** Lines, or whole pieces of them. */
async function* backupLines(
  store: Store,
  options: BackupOptions,
  whole: ReturnType<typeof createHash>,
): AsyncGenerator<string, void, undefined> {
  const origins = await chooseOrigins(store, options);
  const told = (line: string) => {
    whole.update(line);
    return line;
  };
  const { madeMs, credentials } = options;
  const made = new Date(madeMs).toISOString();
  yield told(backupLine("windhover", { backup: BACKUP_FORMAT, made, credentials }));
  let zones = 0;
  for (const origin of origins) {
    let isThere = false;
    for await (const text of zoneSection(store, origin, options)) {
      isThere = true;
      yield told(text);
    }
    if (isThere) zones++;
  }
  if (options.origins === undefined) {
    for (const zone of await store.listDeleted()) yield told(zoneLine(zone, "deleted"));
  }
  let documents = 0;
  for await (const { text, count } of documentSection(store, options)) {
    documents += count;
    yield told(text);
  }
  yield backupLine("end", { zones, documents, sha256: whole.digest("hex") });
}

async function chooseOrigins(store: Store, { origins }: BackupOptions): Promise<readonly Name[]> {
  const known = await store.listOrigins();
  const missing = origins?.find((origin) => !known.some((each) => equalNames(each, origin)));
  if (missing !== undefined) {
    throw new WindhoverError(ErrorCode.noSuchZone, `there is no zone ${formatName(missing)}`);
  }
  const chosen = origins ?? known;
  return [...chosen].sort((a, b) => (formatName(a) < formatName(b) ? -1 : 1));
}

/** Nothing for a zone that was deleted meanwhile. */
async function* zoneSection(
  store: Store,
  origin: Name,
  { skipUnreadable }: BackupOptions,
): AsyncGenerator<string, void, undefined> {
  let hasBegun = false;
  try {
    const zone = await store.loadZone(origin);
    if (zone === undefined) return;
    for await (const text of zoneText(store, zone)) {
      hasBegun = true;
      yield text;
    }
  } catch (error) {
    const problem = errorMessage(error);
    const isUnreadable = error instanceof WindhoverError && error.code === ErrorCode.storeFormat;
    if (!isUnreadable) throw error;
    if (!skipUnreadable) throw unreadableZone(origin, problem);
    if (!hasBegun) yield zoneLine({ origin, serial: 0, sequence: 1 });
    yield backupLine("left-out", { problem });
  }
}

async function* zoneText(store: Store, zone: LoadedZone): AsyncGenerator<string, void, undefined> {
  const digest = createHash("sha256");
  const counts = { records: 0, changes: 0 };
  // Not given out by itself: who stops there would stop before the load has begun, which then nobody ends.
  let text = zoneLine(zone);
  for await (const batch of zone.batches) {
    for (const rrset of batch) {
      counts.records += rrset.rdatas.length;
      for (const line of formatRRset(rrset)) text += line;
    }
    digest.update(text);
    yield text;
    text = "";
  }
  digest.update(text);
  yield text;
  for await (const entry of readWholeJournal(store, zone)) {
    counts.changes++;
    text = [...changeLines(entry)].join("");
    digest.update(text);
    yield text;
  }
  yield backupLine("end-zone", { ...counts, sha256: digest.digest("hex") });
}

async function* documentSection(
  store: Store,
  { origins, credentials }: BackupOptions,
): AsyncGenerator<{ readonly text: string; readonly count: number }, void, undefined> {
  const digest = createHash("sha256");
  let documents = 0;
  const told = (text: string, count: number) => {
    digest.update(text);
    documents += count;
    return { text, count };
  };
  const prefixes = origins?.flatMap((origin) => [
    `${formatName(origin)}/`,
    `${formatName(origin)} `,
  ]);
  yield told(backupLine("documents", {}), 0);
  for (const kind of DOCUMENT_KINDS) {
    if (CREDENTIALS.includes(kind) && (!credentials || prefixes !== undefined)) continue;
    if (prefixes !== undefined && !OF_ZONES.includes(kind)) continue;
    for (const { id, json } of await store.readDocuments(kind)) {
      if (prefixes?.some((prefix) => id.startsWith(prefix)) === false) continue;
      yield told(backupLine("document", { kind, id, json }), 1);
    }
  }
  const sha256 = digest.digest("hex");
  yield { text: backupLine("end-documents", { documents, sha256 }), count: 0 };
}

function unreadableZone(origin: Name, problem: string): WindhoverError {
  const advice = "`--skip-unreadable` backs up the rest";
  const message = `the zone ${formatName(origin)} cannot be backed up: ${problem}; ${advice}`;
  return new WindhoverError(ErrorCode.storeFormat, message);
}
