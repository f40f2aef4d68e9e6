/** Points of a zone's history: as people say them, and where the journal has them. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import type { JournalEntry } from "../store/store.ts";
import { isCreation } from "../store/zone-version.ts";
import { formatName } from "../wire/name.ts";
import { parsePeriod } from "../wire/period.ts";
import { isSerialAfter } from "../zone/serial.ts";
import { entriesBack, findSequence, type ZoneJournal } from "./journal-difference.ts";

export type ZonePoint =
  | { readonly kind: "now" }
  | { readonly kind: "sequence"; readonly sequence: number }
  | { readonly kind: "serial"; readonly serial: number }
  | { readonly kind: "time"; readonly timeMs: number }
  | { readonly kind: "label"; readonly label: string };

/** Where the zone stood. */
export interface FoundPoint {
  readonly serial: number;
  readonly sequence: number;
  /** When it came to stand there; `undefined` when that change is no longer kept. */
  readonly timeMs: number | undefined;
}

/** Throws `bad-request` for what is no point, and for a time that has not come. */
export function parsePoint(text: string, nowMs: number): ZonePoint {
  if (text === "now") return { kind: "now" };
  const sequence = /^[#@](\d{1,15})$/.exec(text)?.[1];
  if (sequence !== undefined) return { kind: "sequence", sequence: Number(sequence) };
  if (/^\d{1,10}$/.test(text) && Number(text) <= 0xffff_ffff) {
    return { kind: "serial", serial: Number(text) };
  }
  if (isLabelName(text)) return { kind: "label", label: text };
  const timeMs = parseTime(text, nowMs);
  if (timeMs === undefined) {
    const forms = "a serial, #SEQUENCE, a time such as 2026-03-01T14:00Z or 2h (ago), a label, now";
    throw new WindhoverError(ErrorCode.badRequest, `"${text}" is no point in time; say ${forms}`);
  }
  if (timeMs <= nowMs) return { kind: "time", timeMs };
  throw new WindhoverError(ErrorCode.badRequest, `${timeText(timeMs)} lies in the future`);
}

/** A name that no other form of a point has. */
export function isLabelName(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9._-]{0,62}$/.test(text) && text.toLowerCase() !== "now";
}

/**
 * RFC 3339, where seconds, time of day and offset may be left out (an offset that is not said is UTC, as history
 * writes it), or a span ago: `2h`, `1d12h`. `undefined` for anything else.
 */
export function parseTime(text: string, nowMs: number): number | undefined {
  const seconds = /^\d+$/.test(text) ? undefined : parsePeriod(text);
  if (seconds !== undefined) return nowMs - seconds * 1000;
  const form =
    /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(z|[+-]\d\d:\d\d)?)?$/i.exec(text);
  if (form === null) return undefined;
  const [, date, minute = "00:00", second = ":00", offset = "Z"] = form;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // A 30th of February would be taken for a day in March.
  const isDay = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(`${date}T`);
  const timeMs = Date.parse(`${date}T${minute}${second}${offset.toUpperCase()}`);
  return isDay && !Number.isNaN(timeMs) ? timeMs : undefined;
}

/** A label is to be looked up before. Throws `no-such-point` with what is kept. */
export function findPoint(
  journal: ZoneJournal,
  point: Exclude<ZonePoint, { kind: "label" }>,
): Promise<FoundPoint> {
  switch (point.kind) {
    case "now":
      return findBySequence(journal, journal.version.sequence);
    case "sequence":
      return findBySequence(journal, point.sequence);
    case "serial":
      return findBySerial(journal, point.serial);
    default:
      return findByTime(journal, point.timeMs);
  }
}

async function findBySequence(journal: ZoneJournal, sequence: number): Promise<FoundPoint> {
  const { version, read } = journal;
  if (sequence > version.sequence) {
    const stands = `the zone stands at #${version.sequence} (serial ${version.serial})`;
    throw noSuchPoint(`there is no change #${sequence} yet: ${stands}`);
  }
  const kept = sequence < 1 ? [] : await read({ afterSequence: sequence - 1, limit: 1 });
  const [entry] = kept;
  if (entry?.sequence === sequence) return endOf(entry);
  if (sequence === version.sequence) return { serial: version.serial, sequence, timeMs: undefined };
  if (entry?.sequence === sequence + 1 && !isCreation(entry)) {
    return { serial: entry.fromSerial, sequence, timeMs: undefined };
  }
  throw await notKept(journal, `change #${sequence}`);
}

async function findBySerial(journal: ZoneJournal, serial: number): Promise<FoundPoint> {
  const { version } = journal;
  if (serial === version.serial) return findBySequence(journal, version.sequence);
  if (isSerialAfter(serial, version.serial)) {
    throw noSuchPoint(`serial ${serial} is not reached yet: the zone stands at ${version.serial}`);
  }
  const sequence = await findSequence(journal, serial);
  if (sequence === undefined) throw await notKept(journal, `serial ${serial}`);
  return findBySequence(journal, sequence);
}

/**
 * After the newest change that says this time or an earlier one. Clocks of several servers differ and may jump, so
 * times need not grow with the sequence, and the newest is looked for first.
 */
async function findByTime(journal: ZoneJournal, timeMs: number): Promise<FoundPoint> {
  for await (const entry of entriesBack(journal, journal.version.sequence)) {
    if (entry.timeMs <= timeMs) return endOf(entry);
  }
  throw await notKept(journal, timeText(timeMs));
}

function endOf({ toSerial, sequence, timeMs }: JournalEntry): FoundPoint {
  return { serial: toSerial, sequence, timeMs };
}

async function notKept({ origin, read }: ZoneJournal, what: string): Promise<WindhoverError> {
  const zone = formatName(origin);
  const [oldest] = await read({ afterSequence: 0, limit: 1 });
  if (oldest === undefined) return noSuchPoint(`${what}: no history of ${zone} is kept`);
  const { sequence, fromSerial } = oldest;
  const time = timeText(oldest.timeMs);
  const kept = isCreation(oldest)
    ? `${zone} begins with serial ${fromSerial} (#${sequence}) of ${time}`
    : `history of ${zone} is kept from serial ${fromSerial} (#${sequence - 1}) on; its oldest change is of ${time}`;
  return noSuchPoint(`${what} is not in the history: ${kept}`);
}

export function noSuchPoint(message: string): WindhoverError {
  return new WindhoverError(ErrorCode.noSuchPoint, message);
}

/** To the millisecond, in UTC: as history writes it, and `parseTime` reads it. */
export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
