/** `windhover serve`: starts the server, says what to try, and stops it in order on a signal. */
import { closeSync, existsSync, openSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { build as pretty } from "pino-pretty";
import { systemClock } from "../../base/clock.ts";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import {
  createLogger,
  gatherLines,
  type LogLevel,
  type ProgramLog,
  takeConsole,
} from "../../base/log.ts";
import { loadConfig } from "../../config/config.ts";
import { CertificateFiles } from "../../server/certificate-files.ts";
import { type ConfigOrigin, startServer } from "../../server/start.ts";
import { formatName } from "../../wire/name.ts";
import { type CommandContext, oneArgument } from "../command.ts";
import { COMMAND_USAGE } from "../usage.ts";
import { readZoneFile } from "../zone-file-source.ts";

export async function serveCommand(
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { check: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) {
    context.out.write(COMMAND_USAGE.serve ?? "");
    return;
  }
  if (positionals.length > 0) oneArgument(["serve", ...positionals], "nothing more");
  if (values.check === true) await check(context);
  else await serve(context);
}

async function serve(context: CommandContext): Promise<void> {
  const reloads = heldReloads();
  const origin = configOrigin(context);
  const config = context.config();
  const log = serverLog(config.logLevel);
  takeConsole(log);
  const server = await startServer(config, origin, log);
  reloads.release(() => void server.reload());
  for (const line of server.firstSteps) context.out.write(`${line}\n`);
  const signal = await Promise.race([firstSignal(), reloads.hangup]);
  log.info({ signal }, "stopping");
  await server.close();
  log.info({}, "stopped");
}

/** What a start and a reload would find wrong, found without a server and without touching the store. */
async function check({ config, configSource, out, err }: CommandContext): Promise<void> {
  const { zones, dns } = config();
  for (const { origin, file } of zones) {
    const zone = formatName(origin);
    if (file === undefined) continue;
    if (existsSync(file)) readZoneFile(zone, file, err);
    else err.write(`warning: ${file} is not there; it is needed unless the store has ${zone}\n`);
  }
  if (dns.tls !== undefined) {
    const parts = { paths: dns.tls, clock: systemClock, log: serverLog("warn") };
    (await CertificateFiles.open(parts)).close();
  }
  out.write(`${configSource.file ?? "the built-in configuration"} is good\n`);
}

/** A configuration that came through a pipe has been read for good. */
function configOrigin({ configSource }: CommandContext): ConfigOrigin {
  const { file } = configSource;
  const isFile =
    file !== undefined && (statSync(file, { throwIfNoEntry: false })?.isFile() ?? true);
  const load = () => {
    if (isFile) return loadConfig({ ...configSource, isReload: true });
    const problem = file === undefined ? "there is no configuration file" : `${file} is no file`;
    throw new WindhoverError(
      ErrorCode.badConfig,
      `${problem} that could be read again; start the server with --config FILE`,
    );
  };
  return { load, watched: isFile ? file : undefined };
}

/**
 * SIGHUP asks for a reload; one that comes while the server starts is remembered, as it must not end it. The one that a
 * closed terminal sends does end it, as people expect of what they started there.
 */
function heldReloads() {
  let isWanted = false;
  let reload = () => {
    isWanted = true;
  };
  const hangup = new Promise<NodeJS.Signals>((resolve) => {
    process.on("SIGHUP", (signal) =>
      process.stderr.isTTY && !hasTerminal() ? resolve(signal) : reload(),
    );
  });
  return {
    hangup,
    release: (to: () => void) => {
      reload = to;
      if (isWanted) to();
    },
  };
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** JSON for programs, readable lines for a person at a terminal. Both go to standard error. */
function serverLog(level: LogLevel): ProgramLog {
  const terminal = process.stderr.isTTY;
  const lines = terminal ? pretty({ sync: true, destination: 2, singleLine: true }) : undefined;
  return createLogger(level, lines ?? gatherLines(process.stderr));
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => resolve(signal));
  });
}
