/** From the text of a zone file to a zone that may be served: read, put together, checked. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { formatName } from "../wire/name.ts";
import { checkZone, type Finding } from "./zone-checks.ts";
import { collectRRsets, type ZoneContents } from "./zone-contents.ts";
import { parseZoneFile, type ZoneFileSource } from "./zone-file.ts";

/** Errors told in one message; the rest are counted. */
const TOLD = 5;

/**
 * Throws `bad-zone-file` for what cannot be read and `bad-zone` for what may not be served, with everything that
 * is wrong. Warnings go to `warn`.
 */
export function readCheckedZone(
  source: ZoneFileSource,
  warn: (finding: Finding) => void,
): ZoneContents {
  const zone = collectRRsets(source.origin, parseZoneFile(source), warn);
  const errors: Finding[] = [];
  for (const finding of checkZone(zone)) {
    if (finding.severity === "error") errors.push(finding);
    else warn(finding);
  }
  if (errors.length > 0) throw badZone(source, errors);
  return zone;
}

function badZone({ file, origin }: ZoneFileSource, errors: readonly Finding[]): WindhoverError {
  const told = errors.slice(0, TOLD).map((finding) => finding.message);
  if (errors.length > TOLD) told.push(`and ${errors.length - TOLD} more`);
  const message = `${file}: zone ${formatName(origin)} cannot be served: ${told.join("; ")}`;
  return new WindhoverError(ErrorCode.badZone, message);
}
