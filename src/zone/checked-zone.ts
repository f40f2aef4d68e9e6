/** From the text of a zone file to a zone that may be served: read, put together, checked. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { formatName, type Name } from "../wire/name.ts";
import { checkOwners, type Finding } from "./zone-checks.ts";
import { ZoneContents } from "./zone-contents.ts";
import { ZoneFileReader, type ZoneFileSource } from "./zone-file.ts";

/** Errors told in one message; the rest are counted. */
const TOLD = 5;

type Warn = (finding: Finding) => void;

/**
 * Throws `bad-zone-file` for what cannot be read and `bad-zone` for what may not be served, with everything that
 * is wrong. Warnings go to `warn`.
 */
export function readCheckedZone(source: ZoneFileSource, warn: Warn): ZoneContents {
  const reading = readInSlices(source, warn);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
  }
}

/** As `readCheckedZone`, with a pause now and then in which others get their turn. */
export async function readCheckedZoneInTurns(
  source: ZoneFileSource,
  warn: Warn,
  pause: () => Promise<unknown>,
): Promise<ZoneContents> {
  const reading = readInSlices(source, warn);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
    await pause();
  }
}

function* readInSlices(source: ZoneFileSource, warn: Warn): Generator<void, ZoneContents> {
  const zone = new ZoneContents(source.origin);
  const reader = new ZoneFileReader(source);
  try {
    while (reader.next()) {
      zone.add(reader);
      if (zone.recordCount % Limits.zoneSlice !== 0) continue;
      yield;
      yield* zone.makeRoom();
    }
  } finally {
    reader.close();
  }
  yield* checkInSlices(zone, source.file, warn);
  return zone;
}

/** As `readCheckedZone` for a zone that was put together otherwise, with a pause at each step. `from` says where it came from. */
export function* checkInSlices(
  zone: ZoneContents,
  from: string,
  warn: Warn,
): Generator<void, void, undefined> {
  yield* zone.reportTtls(warn);
  const told: string[] = [];
  let errors = 0;
  for (const finding of checkOwners(zone, () => zone.ownersToCheck())) {
    if (finding === undefined) yield;
    else if (finding.severity === "warning") warn(finding);
    else if (++errors <= TOLD) told.push(finding.message);
  }
  if (errors > TOLD) told.push(`and ${errors - TOLD} more`);
  if (errors > 0) throw badZone(zone.origin, from, told);
}

function badZone(origin: Name, from: string, told: readonly string[]): WindhoverError {
  const message = `${from}: zone ${formatName(origin)} cannot be served: ${told.join("; ")}`;
  return new WindhoverError(ErrorCode.badZone, message);
}
