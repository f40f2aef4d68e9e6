/**
 * A backup is text. Lines that begin with a semicolon say what is what; all others are records, one a line, as in a zone
 * file, to which the rest is comment.
 *
 *     ;windhover {"backup":1,"made":"2026-11-21T09:40:00.000Z","credentials":true}
 *     ;zone {"origin":"dyn.example.com.","serial":7,"sequence":9,"mark":123}
 *     dyn.example.com. 3600 IN SOA …
 *     ;change {"sequence":9,"time":"…","from":6,"to":7,"actor":"key:router","door":"rfc2136","address":"192.0.2.9"}
 *     ;- home.dyn.example.com. 60 IN A 192.0.2.1
 *     ;+ home.dyn.example.com. 60 IN A 192.0.2.2
 *     ;end-zone {"records":12,"changes":9,"sha256":"…"}
 *     ;deleted {"origin":"old.example.com.","serial":4,"sequence":5}
 *     ;documents {}
 *     ;document {"kind":"key","id":"router.","json":"…"}
 *     ;end-documents {"documents":1,"sha256":"…"}
 *     ;end {"zones":1,"documents":1,"sha256":"…"}
 *
 * Each zone, and the documents, end with how many lines they have and the digest of all octets from their first line on;
 * the file ends with the digest of everything. A zone that could not be read whole ends with `;left-out` and why; a
 * backup that could not go on ends with `;failed` and why. Changes are oldest first, as far as the journal is kept.
 * `;deleted` lines tell where zones stood that are not there any more; a backup of chosen zones has none.
 */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";
import { formatName } from "../../wire/name.ts";
import { formatRRset } from "../../zone/zone-file-writer.ts";
import { DOCUMENT_KINDS, type JournalEntry, type StoredZone } from "../store.ts";
import { markOf } from "../zone-version.ts";

/** The version of this picture. */
export const BACKUP_FORMAT = 1;

const Count = Type.Integer({ minimum: 0 });
const Serial = Type.Integer({ minimum: 0, maximum: 0xffff_ffff });
const Sequence = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
/** A zone, and where it stands. */
const Zone = Type.Object({
  origin: Type.String({ minLength: 1 }),
  serial: Serial,
  sequence: Sequence,
  mark: Type.Optional(Sequence),
});

/** What stands behind each word. */
export const BackupLine = {
  windhover: Type.Object({
    backup: Type.Integer(),
    made: Type.String(),
    credentials: Type.Boolean(),
  }),
  zone: Zone,
  change: Type.Object({
    sequence: Sequence,
    time: Type.String(),
    from: Serial,
    to: Serial,
    actor: Type.String(),
    door: Type.String(),
    address: Type.String(),
  }),
  "end-zone": Type.Object({ records: Count, changes: Count, sha256: Sha256 }),
  "left-out": Type.Object({ problem: Type.String() }),
  deleted: Zone,
  documents: Type.Object({}),
  document: Type.Object({
    kind: Type.Union(DOCUMENT_KINDS.map((kind) => Type.Literal(kind))),
    id: Type.String({ minLength: 1 }),
    json: Type.String(),
  }),
  "end-documents": Type.Object({ documents: Count, sha256: Sha256 }),
  failed: Type.Object({ code: Type.String(), message: Type.String() }),
  end: Type.Object({ zones: Count, documents: Count, sha256: Sha256 }),
} as const satisfies Record<string, TSchema>;

export type BackupWord = keyof typeof BackupLine;
export type BackupFields<W extends BackupWord> = Static<(typeof BackupLine)[W]>;

export function backupLine<W extends BackupWord>(word: W, fields: BackupFields<W>): string {
  return `;${word} ${JSON.stringify(fields)}\n`;
}

/** Throws `bad-backup` saying what is wrong with the line. */
export function readFields<W extends BackupWord>(word: W, text: string): BackupFields<W> {
  try {
    return Value.Decode(BackupLine[word], JSON.parse(text)) as BackupFields<W>;
  } catch (error) {
    throw badBackup(`a line ";${word}" cannot be read: ${errorMessage(error)}`);
  }
}

export function zoneLine(zone: StoredZone, word: "zone" | "deleted" = "zone"): string {
  const { origin, serial, sequence } = zone;
  const mark = markOf(zone);
  const fields = { origin: formatName(origin), serial, sequence };
  return backupLine(word, mark === 0 ? fields : { ...fields, mark });
}

/** The lines of one journal entry. */
export function* changeLines(entry: JournalEntry): Generator<string, void, undefined> {
  const { sequence, timeMs, fromSerial: from, toSerial: to, actor, door, address } = entry;
  const time = new Date(timeMs).toISOString();
  yield backupLine("change", { sequence, time, from, to, actor, door, address });
  for (const rrset of entry.removed) for (const line of formatRRset(rrset)) yield `;- ${line}`;
  for (const rrset of entry.added) for (const line of formatRRset(rrset)) yield `;+ ${line}`;
}

export function badBackup(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badBackup, problem);
}
