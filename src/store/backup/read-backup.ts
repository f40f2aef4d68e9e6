/**
 * A backup read as it comes, item by item. What is told was not proven yet: a zone is whole and as it was when its end
 * comes, the backup when its own end comes. Throws `bad-backup` for whatever is no backup or not all of one.
 */
import { createHash, type Hash } from "node:crypto";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import { formatName, type Name, parseName } from "../../wire/name.ts";
import type { DocumentKind, JournalEntry, StoredZone } from "../store.ts";
import { storedVersion } from "../zone-version.ts";
import {
  BACKUP_FORMAT,
  type BackupFields,
  BackupLine,
  type BackupWord,
  badBackup,
  readFields,
} from "./backup-lines.ts";
import { readRRsets } from "./backup-records.ts";

export type BackupItem =
  | { readonly kind: "head"; readonly made: string; readonly credentials: boolean }
  | { readonly kind: "zone"; readonly zone: StoredZone }
  /** Lines of records of the zone that began last. */
  | { readonly kind: "records"; readonly lines: Uint8Array }
  | { readonly kind: "change"; readonly entry: JournalEntry }
  | { readonly kind: "zone-end"; readonly records: number; readonly changes: number }
  /** The zone could not be read when the backup was made: what came of it is not to be used. */
  | { readonly kind: "left-out"; readonly problem: string }
  /** A zone that was not there any more: where it stood. */
  | { readonly kind: "deleted"; readonly zone: StoredZone }
  | { readonly kind: "document"; readonly document: BackupDocument }
  | { readonly kind: "end" };

export interface BackupDocument {
  readonly type: DocumentKind;
  readonly id: string;
  readonly json: string;
}

const NEWLINE = 0x0a;
const SEMICOLON = 0x3b;

export async function* readBackup(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<BackupItem, void, undefined> {
  const reader = new Reader();
  for await (const part of cutLines(chunks)) {
    if (reader.isOver) throw badBackup("something follows its end");
    yield* reader.take(part);
  }
  if (!reader.isOver) throw badBackup("it is cut off: its end is missing");
}

/** Lines that begin with a semicolon one by one; others as many as there are, with the newlines. */
async function* cutLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (chunk.indexOf(NEWLINE) < 0) {
      if (length > Limits.backupLine) throw badBackup("a line of it is too long");
      continue;
    }
    const bytes = parts.length === 1 ? asBuffer(chunk) : Buffer.concat(parts);
    let at = 0;
    for (let end = partEnd(bytes, at); end > 0; end = partEnd(bytes, at)) {
      yield bytes.subarray(at, end);
      at = end;
    }
    parts = at === bytes.length ? [] : [bytes.subarray(at)];
    length = bytes.length - at;
  }
  if (length > 0) throw badBackup("it is cut off in the middle of a line");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where the part that begins at `at` ends, or 0 when it is not all there. */
function partEnd(bytes: Buffer, at: number): number {
  if (bytes[at] === SEMICOLON) return bytes.indexOf(NEWLINE, at) + 1;
  const next = bytes.indexOf("\n;", at, "latin1");
  const end = next < 0 ? bytes.lastIndexOf(NEWLINE) : next;
  return end < at ? 0 : end + 1;
}

/** A journal entry whose records are still coming. */
interface OpenChange {
  readonly head: BackupFields<"change">;
  removed: string;
  added: string;
}

class Reader {
  isOver = false;
  readonly #whole = createHash("sha256");
  #section: Hash | undefined;
  #hasHead = false;
  /** Of the zone whose section is open. */
  #origin: Name | undefined;
  #change: OpenChange | undefined;
  readonly #counts = { zones: 0, documents: 0, records: 0, changes: 0, sectionDocuments: 0 };

  *take(part: Buffer): Generator<BackupItem, void, undefined> {
    if (part[0] !== SEMICOLON) {
      yield this.#records(part);
      return;
    }
    const line = part.toString("utf8", 1, part.length - 1);
    const blank = line.indexOf(" ");
    const word = line.slice(0, blank);
    const text = line.slice(blank + 1);
    if (word === "+" || word === "-") this.#addToChange(word, part.toString("latin1", 3), part);
    else yield* this.#word(word, text, part);
  }

  #records(lines: Buffer): BackupItem {
    if (!this.#hasHead) throw notABackup();
    if (this.#origin === undefined) throw badBackup("records stand outside a zone");
    if (this.#change !== undefined || this.#counts.changes > 0) {
      throw badBackup("records stand behind changes");
    }
    this.#digest(lines);
    for (const octet of lines) if (octet === NEWLINE) this.#counts.records++;
    return { kind: "records", lines };
  }

  #addToChange(sign: "+" | "-", record: string, part: Buffer): void {
    const change = this.#change;
    if (change === undefined) throw badBackup("a changed record stands outside a change");
    this.#digest(part);
    if (sign === "+") change.added += record;
    else change.removed += record;
  }

  *#word(word: string, text: string, part: Buffer): Generator<BackupItem, void, undefined> {
    if (!this.#hasHead && word !== "windhover" && word !== "failed") throw notABackup();
    if (!isWord(word)) throw badBackup(`it has a line ";${word.slice(0, 40)}" that nobody knows`);
    if (word !== "document" && this.#change !== undefined) yield this.#endChange();
    switch (word) {
      case "windhover":
        return yield this.#head(text, part);
      case "zone":
        return yield this.#beginZone(readFields(word, text), part);
      case "change":
        return this.#beginChange(readFields(word, text), part);
      case "end-zone":
        return yield this.#endZone(readFields(word, text), part);
      case "left-out":
        return yield this.#leaveOut(readFields(word, text), part);
      case "deleted":
        return yield this.#deleted(readFields(word, text), part);
      case "documents":
        return this.#beginDocuments(part);
      case "document":
        return yield this.#document(readFields(word, text), part);
      case "end-documents":
        return this.#endDocuments(readFields(word, text), part);
      case "failed":
        throw failure(readFields(word, text));
      case "end":
        return yield this.#end(readFields(word, text));
    }
  }

  #head(text: string, part: Buffer): BackupItem {
    if (this.#hasHead) throw badBackup("it begins twice");
    const { backup, made, credentials } = readFields("windhover", text);
    if (backup !== BACKUP_FORMAT) {
      const known = `this Windhover reads ${BACKUP_FORMAT}`;
      throw badBackup(`it has format ${backup}, and ${known}; use the Windhover that made it`);
    }
    this.#hasHead = true;
    this.#whole.update(part);
    return { kind: "head", made, credentials };
  }

  #beginZone(fields: BackupFields<"zone">, part: Buffer): BackupItem {
    this.#beginSection(part);
    this.#counts.records = 0;
    this.#counts.changes = 0;
    const zone = zoneOf(fields);
    this.#origin = zone.origin;
    return { kind: "zone", zone };
  }

  #deleted(fields: BackupFields<"deleted">, part: Buffer): BackupItem {
    if (this.#section !== undefined) throw badBackup("a part of it has no end");
    this.#whole.update(part);
    return { kind: "deleted", zone: zoneOf(fields) };
  }

  #beginChange(head: BackupFields<"change">, part: Buffer): void {
    if (this.#origin === undefined) throw badBackup("a change stands outside a zone");
    this.#digest(part);
    this.#counts.changes++;
    this.#change = { head, removed: "", added: "" };
  }

  #endChange(): BackupItem {
    const { head, removed, added } = this.#change as OpenChange;
    const origin = this.#origin as Name;
    this.#change = undefined;
    const { sequence, time, from: fromSerial, to: toSerial, actor, door, address } = head;
    const timeMs = Date.parse(time);
    if (Number.isNaN(timeMs)) throw badBackup(`change #${sequence} has no time`);
    const entry: JournalEntry = {
      origin,
      sequence,
      timeMs,
      fromSerial,
      toSerial,
      actor,
      door,
      address,
      removed: readRRsets(origin, removed),
      added: readRRsets(origin, added),
    };
    return { kind: "change", entry };
  }

  #endZone(told: BackupFields<"end-zone">, part: Buffer): BackupItem {
    const origin = this.#origin;
    if (origin === undefined) throw badBackup("a zone ends that has not begun");
    const { records, changes } = this.#counts;
    const zone = `the zone ${formatName(origin)}`;
    if (told.records !== records || told.changes !== changes) {
      const has = `${records} records and ${changes} changes`;
      throw damaged(`${zone} has ${has}, not ${told.records} and ${told.changes}`);
    }
    this.#endSection(told.sha256, zone, part);
    this.#origin = undefined;
    this.#counts.zones++;
    return { kind: "zone-end", records, changes };
  }

  #leaveOut({ problem }: BackupFields<"left-out">, part: Buffer): BackupItem {
    if (this.#origin === undefined) throw badBackup("a zone is left out that has not begun");
    this.#whole.update(part);
    this.#section = undefined;
    this.#origin = undefined;
    this.#counts.zones++;
    return { kind: "left-out", problem };
  }

  #beginDocuments(part: Buffer): void {
    this.#beginSection(part);
    this.#counts.sectionDocuments = 0;
  }

  #document({ kind, id, json }: BackupFields<"document">, part: Buffer): BackupItem {
    if (this.#section === undefined || this.#origin !== undefined) {
      throw badBackup("a document stands outside the documents");
    }
    this.#digest(part);
    this.#counts.sectionDocuments++;
    return { kind: "document", document: { type: kind, id, json } };
  }

  #endDocuments({ documents, sha256 }: BackupFields<"end-documents">, part: Buffer): void {
    if (this.#origin !== undefined) throw badBackup("a zone has no end");
    const { sectionDocuments: count } = this.#counts;
    if (documents !== count) throw damaged(`it has ${count} documents, not ${documents}`);
    this.#endSection(sha256, "what stands in documents", part);
    this.#counts.documents += count;
  }

  #end({ zones, documents, sha256 }: BackupFields<"end">): BackupItem {
    if (this.#section !== undefined) throw badBackup("a part of it has no end");
    const { zones: hasZones, documents: hasDocuments } = this.#counts;
    if (zones !== hasZones || documents !== hasDocuments) {
      throw damaged(`it has ${hasZones} zones and ${hasDocuments} documents, not as it says`);
    }
    if (this.#whole.digest("hex") !== sha256) throw damaged("it is not what was written");
    this.isOver = true;
    return { kind: "end" };
  }

  #beginSection(part: Buffer): void {
    if (this.#section !== undefined) throw badBackup("a part of it has no end");
    this.#section = createHash("sha256");
    this.#digest(part);
  }

  #endSection(sha256: string, what: string, part: Buffer): void {
    if (this.#section?.digest("hex") !== sha256) throw damaged(`${what} is not what was written`);
    this.#section = undefined;
    this.#whole.update(part);
  }

  #digest(part: Buffer): void {
    this.#whole.update(part);
    this.#section?.update(part);
  }
}

function zoneOf({ origin, serial, sequence, mark }: BackupFields<"zone">): StoredZone {
  return { origin: parseName(origin), ...storedVersion(serial, sequence, mark ?? 0) };
}

function isWord(word: string): word is BackupWord {
  return Object.hasOwn(BackupLine, word);
}

function notABackup(): WindhoverError {
  return badBackup("it is no backup of Windhover: those begin with `;windhover`");
}

function damaged(problem: string): WindhoverError {
  return badBackup(`it was changed or damaged after it was made: ${problem}`);
}

/** What the server said while it was writing. */
function failure({ code, message }: BackupFields<"failed">): WindhoverError {
  const known = Object.values(ErrorCode).find((each) => each === code);
  return new WindhoverError(known ?? ErrorCode.badBackup, message);
}
