/** Zones that the configuration names: those the store does not have yet are made from their files. */
import { setImmediate as othersTurn } from "node:timers/promises";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { fileChunks } from "../base/file-chunks.ts";
import type { Logger } from "../base/log.ts";
import type { Principal } from "../identity/principal.ts";
import type { ZoneEngine } from "../update/update-engine.ts";
import { formatName, type Name } from "../wire/name.ts";
import { readCheckedZoneInTurns } from "../zone/checked-zone.ts";
import type { Finding } from "../zone/zone-checks.ts";
import type { ZoneContents } from "../zone/zone-contents.ts";
import { collectGarbage } from "./native/return-memory.ts";

export interface ConfiguredZone {
  readonly origin: Name;
  readonly file: string | undefined;
}

export interface NewZone {
  readonly origin: Name;
  readonly contents: ZoneContents;
}

const CONFIGURATION: Principal = { actor: "local", grants: [], isOperator: true };

/** One after the other. Throws for a file that cannot be read or served, and for a zone that neither file nor store has. */
export async function makeConfiguredZones(
  engine: ZoneEngine,
  zones: readonly ConfiguredZone[],
  log: Logger,
): Promise<void> {
  for (const zone of zones) {
    const fresh = await readNewZones(engine, [zone], log);
    await createZones(engine, fresh, log);
  }
}

/**
 * Reads the files of those that the store does not have (one that cannot be read is there), while others have their turns. Throws as `makeConfiguredZones`,
 * and makes nothing.
 */
export async function readNewZones(
  engine: Pick<ZoneEngine, "view" | "isUnreadable">,
  zones: readonly ConfiguredZone[],
  log: Logger,
): Promise<readonly NewZone[]> {
  const fresh: NewZone[] = [];
  for (const { origin, file } of zones) {
    if (engine.view(origin) !== undefined || engine.isUnreadable(origin)) continue;
    const zone = formatName(origin);
    if (file === undefined) {
      const advice = `give it a \`file\`, or make it with \`windhover zone import ${zone} FILE\``;
      throw new WindhoverError(ErrorCode.badConfig, `zone ${zone} is not in the store; ${advice}`);
    }
    log.info({ zone, file }, "reading zone file");
    const source = { chunks: readable(file), file, origin, readFile: readable };
    const warn = ({ message }: Finding) => log.warn({ zone, finding: message }, "zone check");
    fresh.push({ origin, contents: await readCheckedZoneInTurns(source, warn, othersTurn) });
  }
  return fresh;
}

export async function createZones(
  engine: Pick<ZoneEngine, "createZone">,
  zones: readonly NewZone[],
  log: Logger,
): Promise<void> {
  const made: string[] = [];
  for (const { origin, contents } of zones) {
    const zone = formatName(origin);
    const intent = { origin, principal: CONFIGURATION, door: "config", address: "" } as const;
    try {
      await engine.createZone(intent, contents.toBeGivenUp(collectGarbage));
      log.info({ zone, records: contents.recordCount }, "zone created");
      made.push(zone);
    } catch (error) {
      // Servers that share a store are given the same file at the same time: one of them is first.
      if (!(error instanceof WindhoverError)) throw error;
      if (error.code !== ErrorCode.zoneExists) throw withMade(error, made);
      log.info({ zone }, "another was first to create the zone");
    }
  }
}

/** What is durable is not undone: somebody may have changed it already. */
function withMade(error: WindhoverError, made: readonly string[]): WindhoverError {
  if (made.length === 0) return error;
  const message = `${error.message}; created before it, and kept: ${made.join(", ")}`;
  return new WindhoverError(error.code, message, { cause: error });
}

function* readable(file: string): Generator<Uint8Array, void, undefined> {
  try {
    yield* fileChunks(file);
  } catch (error) {
    throw new WindhoverError(ErrorCode.badZoneFile, `cannot read ${file}: ${errorMessage(error)}`);
  }
}
