/** Zone files for the command line: read and checked here, so that mistakes carry the names of the person's own files. */

import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { fileChunks } from "../base/file-chunks.ts";
import { Type } from "../wire/code-points.ts";
import { parseName } from "../wire/name.ts";
import { readCheckedZone } from "../zone/checked-zone.ts";
import { soaSerial } from "../zone/soa.ts";
import type { ZoneContents } from "../zone/zone-contents.ts";
import { formatRRset } from "../zone/zone-file-writer.ts";

/** Warnings go to `err`, one line each; throws what makes the zone unfit. */
export function readZoneFile(
  origin: string,
  file: string,
  err: NodeJS.WritableStream,
): ZoneContents {
  const source = { chunks: readable(file), file, origin: parseName(origin), readFile: readable };
  return readCheckedZone(source, ({ message }) => err.write(`warning: ${message}\n`));
}

export function zoneSerial(zone: ZoneContents): number {
  const soa = zone.rrset(zone.origin, Type.SOA);
  return soa === undefined ? 0 : soaSerial(soa);
}

/** The zone as plain lines without directives: what the server is sent. */
export function* zoneLines(zone: ZoneContents): Generator<string, void, undefined> {
  for (const rrset of zone) yield* formatRRset(rrset);
}

function* readable(file: string): Generator<Uint8Array, void, undefined> {
  try {
    yield* fileChunks(file);
  } catch (error) {
    throw new WindhoverError(ErrorCode.badZoneFile, `cannot read ${file}: ${errorMessage(error)}`);
  }
}
