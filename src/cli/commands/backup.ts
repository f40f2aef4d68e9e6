/** `windhover backup` and `windhover restore`: everything that a store holds as one file, and back. */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { systemClock } from "../../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";
import { type RestoreStep, zoneIsThere } from "../../server/restore-backup.ts";
import {
  type BackedUpZone,
  type BackupSummary,
  verifyBackup,
} from "../../store/backup/verify-backup.ts";
import { writeBackup } from "../../store/backup/write-backup.ts";
import { openExistingStore, shownLocation } from "../../store/open-store.ts";
import { formatName, type Name, nameKey, parseName } from "../../wire/name.ts";
import { readBackupFile, writeBackupFile } from "../backup-file.ts";
import { type CommandContext, oneArgument } from "../command.ts";
import { openRestoreTarget } from "../restore-target.ts";
import { isNoServer } from "../socket-client.ts";
import { formatTable } from "../text-table.ts";
import { COMMAND_USAGE } from "../usage.ts";
import { withZones } from "../zone-path.ts";

export async function backupCommand(
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      zone: { type: "string", multiple: true },
      "without-credentials": { type: "boolean", default: false },
      "skip-unreadable": { type: "boolean", default: false },
      store: { type: "string" },
      verify: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void context.out.write(COMMAND_USAGE.backup ?? "");
  const [given, ...rest] = positionals;
  const file = oneArgument([given ?? "-", ...rest], "the file, or - for standard output");
  if (values.verify) return showVerified(file, context);
  const terms = {
    origins: values.zone?.map((each) => parseName(each)),
    credentials: !values["without-credentials"],
    skipUnreadable: values["skip-unreadable"],
  };
  const summary = await write(file, backupChunks(context, values.store, terms), context);
  if (file === "-") return void context.err.write(summaryText("backup", summary));
  context.out.write(summaryText(file, summary));
  if (summary.credentials) context.out.write("it holds secrets: keep it as safe as the store\n");
}

interface BackupTerms {
  readonly origins: readonly Name[] | undefined;
  readonly credentials: boolean;
  readonly skipUnreadable: boolean;
}

/** With a location from that store itself; else from the running server, else from the store of the configuration. */
async function* backupChunks(
  context: CommandContext,
  location: string | undefined,
  terms: BackupTerms,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { url, ...options } = context.config().store;
  if (location === undefined) {
    const answer = await askServer(context, terms);
    if (answer !== undefined) return yield* answer;
    context.err.write(`no server is running: reading the store ${shownLocation(url)} itself\n`);
  }
  const store = await openExistingStore(location ?? url, options);
  try {
    yield* octets(writeBackup(store, { ...terms, madeMs: systemClock.nowMs() }));
  } finally {
    await store.close();
  }
}

/** `undefined` where no server runs. */
async function askServer(
  { client }: CommandContext,
  { origins, credentials, skipUnreadable }: BackupTerms,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const flags = { credentials: String(credentials), skipUnreadable: String(skipUnreadable) };
  const path = withZones("/v1/backup", origins, flags);
  try {
    return (await client().open({ method: "GET", path })).chunks;
  } catch (error) {
    if (isNoServer(error)) return undefined;
    throw error;
  }
}

async function* octets(text: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of text) yield Buffer.from(piece, "utf8");
}

/** What is written is verified on its way. */
async function write(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  { out }: CommandContext,
): Promise<BackupSummary> {
  if (file !== "-") {
    return writeBackupFile(file, (put) => verifyBackup(copied(chunks, put), false));
  }
  return verifyBackup(
    copied(chunks, async (chunk) => {
      if (!out.write(chunk)) await once(out, "drain");
    }),
    false,
  );
}

async function* copied(
  chunks: AsyncIterable<Uint8Array>,
  put: (chunk: Uint8Array) => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    await put(chunk);
    yield chunk;
  }
}

async function showVerified(file: string, context: CommandContext): Promise<void> {
  const summary = await verified(file);
  const rows = summary.zones.map((zone) => [
    formatName(zone.origin),
    String(zone.serial),
    `#${zone.sequence}`,
    zone.leftOut === undefined ? String(zone.records) : "left out",
    zone.leftOut === undefined ? String(zone.changes) : zone.leftOut,
  ]);
  context.out.write(formatTable(["ZONE", "SERIAL", "CHANGE", "RECORDS", "CHANGES"], rows));
  context.out.write(summaryText(file, summary));
}

/** Reads the whole file. Throws what is wrong with it, and that nothing was done. */
async function verified(file: string): Promise<BackupSummary> {
  if (file === "-")
    throw badArguments("name the backup file; it is read twice, so it cannot come through a pipe");
  try {
    return await verifyBackup(readBackupFile(file));
  } catch (error) {
    if (!(error instanceof WindhoverError)) throw error;
    const message = `${file} is not to be used: ${errorMessage(error)}`;
    throw new WindhoverError(error.code, message);
  }
}

function summaryText(what: string, summary: BackupSummary): string {
  const { made, zones, deleted, documents, credentials } = summary;
  const whole = zones.filter(({ leftOut }) => leftOut === undefined);
  const left = zones.length - whole.length;
  const records = whole.reduce((sum, zone) => sum + zone.records, 0);
  const changes = whole.reduce((sum, zone) => sum + zone.changes, 0);
  const parts = [
    `zones ${whole.length} (records ${records}, changes ${changes})`,
    `documents ${documents}${credentials ? "" : " (no credentials)"}`,
    ...(deleted === 0 ? [] : [`deleted zones ${deleted}`]),
    ...(left === 0 ? [] : [`left out ${left}`]),
  ];
  return `${what} of ${made} is complete: ${parts.join(", ")}\n`;
}

export async function restoreCommand(
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      zone: { type: "string", multiple: true },
      store: { type: "string" },
      replace: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void context.out.write(COMMAND_USAGE.restore ?? "");
  const file = oneArgument(positionals, "the backup");
  if (values.check) return showVerified(file, context);
  const summary = await verified(file);
  const origins = values.zone?.map((each) => parseName(each));
  const chosen = choose(summary.zones, origins);
  const target = await openRestoreTarget(context, values.store);
  try {
    if (!values.replace) await refusePresent(chosen, await target.zones());
    const options = { origins, replace: values.replace };
    for await (const step of target.restore(readBackupFile(file), options)) {
      context.out.write(stepText(step));
    }
  } finally {
    await target.close();
  }
}

/** The zones that are to be restored. Throws for one that the backup does not have. */
function choose(
  zones: readonly BackedUpZone[],
  origins: readonly Name[] | undefined,
): readonly BackedUpZone[] {
  const isSame = (origin: Name) => (zone: BackedUpZone) => nameKey(zone.origin) === nameKey(origin);
  const missing = origins?.find((origin) => !zones.some(isSame(origin)));
  if (missing !== undefined) {
    const message = `the backup has no zone ${formatName(missing)}; \`windhover restore --check\` lists those it has`;
    throw new WindhoverError(ErrorCode.noSuchZone, message);
  }
  return zones.filter((zone) => origins?.some((origin) => isSame(origin)(zone)) ?? true);
}

/** Before anything is written: a zone that is there and is another than the one of the backup. */
async function refusePresent(
  zones: readonly BackedUpZone[],
  present: readonly { origin: string; serial: number; sequence: number }[],
): Promise<void> {
  const known = new Map(present.map((each) => [each.origin, each]));
  for (const zone of zones) {
    const there = known.get(formatName(zone.origin));
    if (there === undefined || zone.leftOut !== undefined) continue;
    const isSame = there.serial === zone.serial && there.sequence === zone.sequence;
    if (!isSame) throw zoneIsThere(zone, there.serial);
  }
}

function stepText(step: RestoreStep): string {
  if ("documents" in step) {
    const { written, unchanged, kept } = step.documents;
    const others = kept.map(
      (each) => `kept the ${each} that is there; --replace takes the other\n`,
    );
    return `${others.join("")}documents restored: ${written}, as they were already: ${unchanged}\n`;
  }
  const { zone, serial, sequence, status, problem } = step;
  const at = `serial ${serial} (#${sequence})`;
  switch (status) {
    case "restored":
      return `restored ${zone} at ${at}, with its history\n`;
    case "anew":
      return `restored ${zone} at ${at}, without its history: it was deleted later than the backup was made\n`;
    case "replaced":
      return `changed ${zone} to what it was, by ${at}\n`;
    case "unchanged":
      return `${zone} is so already, at ${at}\n`;
    case "left-out":
      return `${zone} is not in the backup: ${problem}\n`;
  }
}

function badArguments(message: string): WindhoverError {
  return new WindhoverError(ErrorCode.badRequest, message);
}
