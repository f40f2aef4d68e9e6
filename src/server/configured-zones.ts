/** Zones that the configuration names: those the store does not have yet are made from their files. */
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { fileChunks } from "../base/file-chunks.ts";
import type { Logger } from "../base/log.ts";
import type { Principal } from "../identity/principal.ts";
import type { ZoneEngine } from "../update/update-engine.ts";
import { formatName, type Name } from "../wire/name.ts";
import { readCheckedZone } from "../zone/checked-zone.ts";
import type { ZoneContents } from "../zone/zone-contents.ts";

export interface ConfiguredZone {
  readonly origin: Name;
  readonly file: string | undefined;
}

const CONFIGURATION: Principal = { actor: "local", grants: [], isOperator: true };

/** Throws for a file that cannot be read or served, and for a zone that neither file nor store has. */
export async function makeConfiguredZones(
  engine: ZoneEngine,
  zones: readonly ConfiguredZone[],
  log: Logger,
): Promise<void> {
  for (const { origin, file } of zones) {
    if (engine.view(origin) !== undefined) continue;
    const zone = formatName(origin);
    if (file === undefined) {
      const advice = `give it a \`file\`, or make it with \`windhover zone import ${zone} FILE\``;
      throw new WindhoverError(ErrorCode.badConfig, `zone ${zone} is not in the store; ${advice}`);
    }
    log.info({ zone, file }, "reading zone file");
    const contents = readZoneFile(origin, file, log);
    const intent = { origin, principal: CONFIGURATION, door: "config", address: "" } as const;
    await engine.createZone(intent, contents);
    log.info({ zone, records: contents.recordCount }, "zone created");
  }
}

function readZoneFile(origin: Name, file: string, log: Logger): ZoneContents {
  const source = { chunks: readable(file), file, origin, readFile: readable };
  return readCheckedZone(source, ({ message }) =>
    log.warn({ zone: formatName(origin), finding: message }, "zone check"),
  );
}

function* readable(file: string): Generator<Uint8Array, void, undefined> {
  try {
    yield* fileChunks(file);
  } catch (error) {
    throw new WindhoverError(ErrorCode.badZoneFile, `cannot read ${file}: ${errorMessage(error)}`);
  }
}
